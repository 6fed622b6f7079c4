/* bound - a page that an instance of ours shares with a remote process: a binding
 * as the callee's agent sees it.
 *
 *   WAITING --instance--> ADDING --added--> LIVE
 *      ^                    |
 *      +--instance lost-----+
 *
 * Once LIVE the agents are out of the way.  When the caller's agent goes, the page
 * stays: the two processes still work, and the next agent of the caller is told of it
 * (held.h).  When our rules change, the page is retired, and taken away when it is
 * empty or its time is over.
 *
 * Ownership   WAITING: the agent's list.  Else the instance's.
 * Threads     The loop's.
 * Invariants  D1  fds are open until the page is LIVE, so that another instance can
 *                 still get it; of a LIVE one the memfd is, so that another agent
 *                 of the caller can.
 *             D2  without the attachment it was bound for, or a link, it is LIVE and
 *                 ended watches the process.
 *             D3  without head and memfd it was reported by the instance, and no
 *                 agent of the caller has shown us the page. */
#ifndef RH_AGENT_BOUND_H
#define RH_AGENT_BOUND_H

#include "list.h"
#include "pollfd.h"
#include "task.h"

#include "../base/socket.h"

struct rh_agent;
struct rh_attachment;
struct rh_inlink;
struct rh_instance;
struct rh_page_head;

enum rh_bound_state { RH_BOUND_WAITING, RH_BOUND_ADDING, RH_BOUND_LIVE };

struct rh_bound {
	struct rh_list        in_link;
	struct rh_list        in_instance; /* or in the agent's waiting ones */
	struct rh_agent      *agent;
	struct rh_inlink     *link;
	struct rh_attachment *attachment;  /* NULL: D2                       */
	uint64_t              identity;    /* the attachment's number        */
	struct rh_instance   *instance;    /* NULL while WAITING             */
	enum rh_bound_state   state;
	char                  caller[RH_NAME_MAX + 1];
	uint64_t              page;        /* as the caller's agents call it */
	uint64_t              local;       /* as our instance calls it       */
	uint64_t              request;
	uint64_t              deadline;
	uint64_t              break_at;    /* revoked: when by force; else 0 */
	int                   is_retired;  /* also when it is allowed again  */
	struct rh_page_head  *head;        /* the first page of the memory; NULL:
	                                      D3                             */
	int                   fds[3];
	int                   pidfd;
	uint8_t               is_reported; /* counted in instance->held      */
	struct rh_pollfd     *ended;       /* D2: the process itself         */
	struct rh_task        task;
};

/* A new one that belongs to nobody yet; NULL without memory. */
struct rh_bound *rh_bound_create(struct rh_agent *agent, const char *caller);

/* Frees one; the instance keeps what it has. */
void rh_bound_remove(struct rh_bound *bound);

/* Maps the head of the page whose memfd it has.  RH_EPROTO it is none; RH_ENOMEM. */
int rh_bound_map(struct rh_bound *bound);

/* D2.  Errors as of pollfd. */
int rh_bound_watch(struct rh_bound *bound);

/* A BIND frame: answered BOUND or ERROR, sooner or later. */
int rh_bound_open(struct rh_inlink *link, struct rh_frame *frame);

/* An UNBIND frame. */
void rh_bound_unbind(struct rh_inlink *link, struct rh_frame *frame);

/* The instance answered PAGE_ADD. */
void rh_bound_added(struct rh_bound *bound, int code);

/* The instance let go of it by itself. */
void rh_bound_put(struct rh_bound *bound);

/* Its instance is gone. */
void rh_bound_lost(struct rh_bound *bound);

/* An instance is up: gives it what waits. */
void rh_bounds_run(struct rh_agent *agent);

/* The attachment leaves with its link: what is LIVE stays. */
void rh_bounds_leave(struct rh_attachment *attachment);

/* The attachment has ended: its pages go. */
void rh_bounds_end(struct rh_attachment *attachment);

void rh_bounds_link_lost(struct rh_inlink *link);

/* A new view, or a page that is new to us: those of callers that may not call any
 * more are taken away soon. */
void rh_bound_review(struct rh_bound *bound);
void rh_bounds_review(struct rh_agent *agent);

/* 1 when an instance of ours shares a page with a process of that caller. */
int rh_bounds_have(struct rh_agent *agent, const char *caller);

/* Takes those away that are retired and, after a barrier, empty. */
void rh_bounds_take_idle(struct rh_agent *agent);

/* Ends those whose time has come; asks the alarm for the next. */
void rh_bounds_expire(struct rh_agent *agent, uint64_t now);

/* Forgets all that no link and no instance has any more; leave.h. */
void rh_bounds_close(struct rh_agent *agent);

#endif
