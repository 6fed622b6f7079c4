/* process - a process that is attached to this agent.
 *
 * Ownership   The agent's list; freed after its connection ended.  It owns its
 *             pages, bindings, inboxes, borrowers and uses, and its instance when it serves.
 * Threads     The loop's.
 * Limits      RH_PEERS_PER_AGENT processes; one may be attached RH_CONNS_PER_PROCESS
 *             times, and has RH_PAGES_PER_PEER pages altogether. */
#ifndef RH_AGENT_PROCESS_H
#define RH_AGENT_PROCESS_H

#include "conn.h"
#include "list.h"
#include "pollfd.h"

#include "../base/peer.h"

#define RH_CONNS_PER_PROCESS 64u

struct rh_agent;
struct rh_instance;

struct rh_process {
	struct rh_list      in_agent;
	struct rh_agent    *agent;
	struct rh_conn     *conn;
	pid_t               pid;
	uid_t               uid;
	unsigned            gid_count;
	gid_t              *gids;        /* the primary one first            */
	int                 pidfd;
	struct rh_pollfd   *ended;
	uint32_t            role;
	uint64_t            attachment;  /* see identity.h                   */
	int                 event;       /* the process wakes us by it       */
	struct rh_pollfd   *woken;
	struct rh_list      pages;
	struct rh_list      bindings;
	struct rh_list      inboxes;
	struct rh_list      uses;
	struct rh_list      borrowers;   /* places that ask rules: loan.h    */
	unsigned            page_count;  /* of all three kinds               */
	struct rh_instance *instance;    /* NULL: it does not serve          */
	uint8_t             is_closed;
	struct rh_task      task;
	char                exe[];
};

/* Takes over the connection of an admitted process and answers its ATTACH frame.
 * RH_ENOSPC, RH_ENOMEM; RH_EIDENT it has ended meanwhile. */
int rh_process_open(struct rh_agent *agent, struct rh_conn *conn,
                    struct rh_peer *peer, struct rh_frame *frame,
                    struct rh_diag *diag);

void rh_process_close(struct rh_process *process);

/* 1 when one of the attached processes with that pid serves. */
int rh_process_serves(const struct rh_agent *agent, pid_t pid);

#endif
