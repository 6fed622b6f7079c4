/* binding - a page that a process of ours shares with the callee itself, as the
 * caller's agent sees it.
 *
 *   WAITING --link is there--> ASKED --BOUND--> BOUND
 *      ^                         |
 *      +-------link lost---------+
 *
 * The process asked for it; its answer is sent when the callee's instance has
 * mapped the page, or when the deadline passed.  Afterwards the agent keeps only
 * the head of the page, to count, and its memfd, for the next agent of the callee.
 *
 * A page that outlived our predecessor is BOUND from the start (held.h).
 *
 * Ownership   Belongs to its process; without one to the edge, until the callee's
 *             agent says that the page has ended.
 * Invariants  B1  the memory was given to at most one callee: a binding that was
 *                 asked for on a link that broke is made anew, under another number.
 *             B2  without a process it is BOUND.  Only then head may be NULL: nobody
 *                 has the memory to show, and it is not counted.
 * Threads     The loop's. */
#ifndef RH_AGENT_BINDING_H
#define RH_AGENT_BINDING_H

#include "list.h"

#include "../base/socket.h"
#include "../wire/page.h"

struct rh_agent;
struct rh_edge;
struct rh_process;
struct rh_use;

enum rh_binding_state { RH_BINDING_WAITING, RH_BINDING_ASKED, RH_BINDING_BOUND };

struct rh_binding {
	struct rh_list        in_process;
	struct rh_list        in_edge;
	struct rh_process    *process;     /* NULL: B2                        */
	struct rh_edge       *edge;
	struct rh_use        *use;
	enum rh_binding_state state;
	uint64_t              attachment;  /* of the process                  */
	uint64_t              id;
	uint64_t              request;     /* of the process                  */
	uint64_t              deadline;
	uint64_t              break_at;    /* revoked: when by force; else 0  */
	int                   is_retired;  /* also when it is allowed again   */
	uint64_t              instance;
	struct rh_page_head  *head;        /* the first page of the memory    */
	int                   memfd;       /* -1: as head                     */
	int                   waker;       /* these four until it is bound;   */
	int                   companion;   /* the process's ends              */
	int                   far_waker;   /* and the callee's                */
	int                   far_companion;
	struct rh_page_counters counted;   /* what was added to the edge's    */
	uint64_t              latency[RH_LATENCY_BUCKETS];
};

/* Begins; the process gets PAGE or ERROR when it is decided. */
int rh_binding_open(struct rh_process *process, struct rh_edge *edge,
                    uint64_t request, uint64_t deadline);

/* The link is there: asks for all that wait. */
void rh_bindings_ask(struct rh_edge *edge);

/* The link is gone: what was asked for is asked for again on the next one. */
void rh_bindings_lost(struct rh_edge *edge);

/* The binding of that number, or NULL. */
struct rh_binding *rh_binding_find(struct rh_edge *edge, uint64_t id);

/* A binding without a process; takes the memfd, -1 for none.  RH_EPROTO it is no
 * page; RH_ENOMEM. */
int rh_binding_adopt(struct rh_edge *edge, uint64_t attachment, uint64_t id,
                     uint64_t instance, int memfd);

/* The callee's agent answered BOUND or ERROR, or says UNBIND. */
void rh_bindings_answer(struct rh_edge *edge, struct rh_frame *frame);

/* A rule changed: pages are retired, and soon taken away, when the edge is not
 * allowed any more or has another protocol. */
void rh_bindings_review(struct rh_edge *edge, int verdict);

/* Takes those away that are retired and, after a barrier, empty. */
void rh_bindings_take_idle(struct rh_edge *edge);

/* Ends those whose time has come; asks the alarm for the next. */
void rh_bindings_expire(struct rh_edge *edge, uint64_t now);

void rh_binding_close(struct rh_binding *binding);

/* ---- binding_count.c */

/* Adds what was counted in the pages since the last time to the edge's counters.
 * Returns how many pages there are. */
unsigned rh_bindings_count(struct rh_agent *agent);

/* The center knows what was counted: the next agent need not count it again. */
void rh_bindings_told(struct rh_agent *agent);

/* For one that has a head: counts; goes on from where our predecessor was; at the end
 * compares what both sides say. */
void rh_binding_count(struct rh_binding *binding);
void rh_binding_resume(struct rh_binding *binding);
void rh_binding_compare(struct rh_binding *binding);

#endif
