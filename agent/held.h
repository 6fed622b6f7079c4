/* held - bound pages that outlive an agent, and how the next one learns of them.
 *
 *   callee's agent was restarted    a worker that serves again says PAGE_HELD of
 *                                   each bound page it has
 *   either one was restarted        on a new link the callee's agent says HELD of
 *                                   each page that the caller's may not know
 *
 * So the callee's agent has a bound again and the caller's agent a binding, each as
 * if it had been there all the time: it is counted, shown, retired and taken away.
 * Whichever agent still has the page's memfd gives it to the other; when both were
 * restarted nobody has it, and the page is governed but its calls are not counted.
 *
 * What a worker says is only about itself: it cannot make up a process that has
 * ended, nor touch another instance's page, and what it says of who calls can gain
 * it nothing but a page that it has anyway.
 *
 * Threads  The loop's.
 * Limits   RH_HELD_MAX pages of an instance, and of an edge. */
#ifndef RH_AGENT_HELD_H
#define RH_AGENT_HELD_H

#include "../base/socket.h"

#include <stdint.h>

struct rh_agent;
struct rh_bound;
struct rh_edge;
struct rh_inlink;
struct rh_instance;
struct rh_process;

/* A PAGE_HELD frame: answered ERROR when the page is not taken on. */
int rh_held_report(struct rh_process *process, struct rh_frame *frame);

/* A link from a caller's agent is new, or was flushed: tells it of pages. */
void rh_held_tell(struct rh_inlink *link);

/* The page has no link any more, or never had: tells the latest of its caller's. */
void rh_held_tell_caller(struct rh_bound *bound);

/* A HELD frame, at the caller's agent. */
int rh_held_learn(struct rh_edge *edge, struct rh_frame *frame);

/* A HOLD frame, at the callee's. */
int rh_held_take(struct rh_inlink *link, struct rh_frame *frame);

/* The instance that serves a bound page of that attachment, or NULL. */
struct rh_instance *rh_held_instance(struct rh_agent *agent, uint64_t attachment);

#endif
