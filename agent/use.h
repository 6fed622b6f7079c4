/* use - one process on one edge: what the callee's agent was told of it, and the
 * lanes of its pages.
 *
 * Ownership   Made with the process's first page on the edge, freed with the
 *             process.
 * Invariants  U1  serial is that of the link on which PEER was sent; on another
 *                 link nothing of sent counts. */
#ifndef RH_AGENT_USE_H
#define RH_AGENT_USE_H

#include "context.h"
#include "list.h"

#include "../wire/limits.h"

struct rh_edge;
struct rh_process;

struct rh_use {
	struct rh_list          in_process;
	struct rh_list          in_edge;
	struct rh_process      *process;
	struct rh_edge         *edge;
	uint64_t                serial;
	struct rh_contexts      contexts; /* ids are the process's, per callee */
	struct rh_contexts_sent sent;
	uint64_t                lanes[RH_PAGES_PER_PEER / 64]; /* bit: in use */
};

/* The process's use of the edge, made when there is none.  RH_ENOMEM. */
int rh_use_find(struct rh_process *process, struct rh_edge *edge,
                struct rh_use **ret_use);

/* The lowest lane that is free, or RH_ENOSPC. */
int  rh_use_take_lane(struct rh_use *use);
void rh_use_give_lane(struct rh_use *use, unsigned lane);

/* Sends PEER unless this link has it.  RH_ELOST the link is going. */
int rh_use_introduce(struct rh_use *use);

/* Sends PEER_CONTEXT unless this link has it.  RH_ENOENT the process never sent
 * that context. */
int rh_use_pass_context(struct rh_use *use, uint32_t id);

/* Says PEER_GONE and frees it. */
void rh_use_close(struct rh_use *use);

#endif
