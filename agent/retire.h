/* retire - pages that are to be left: those in which there is nothing go at once.
 *
 * Whoever may not use a page any longer is told in the page (P6 of wire/page.h) and
 * gives it back when its calls are over.  A thread that calls nothing just now would
 * do so much later, so its page is taken: after a barrier, which is the same for all
 * that were retired in a turn of the loop.
 *
 * Threads     The loop's. */
#ifndef RH_AGENT_RETIRE_H
#define RH_AGENT_RETIRE_H

#include "task.h"

#include "../base/clock.h"

/* From retired to cut off by the callee's agent, and the same when calls may go on over
 * another protocol.  What had to be done by force is told once, so the caller's agent
 * does it that much later, for the case that the other one did not. */
#define RH_CUT_REVOKED_NS  RH_NS_PER_S
#define RH_CUT_REPLACED_NS (30 * RH_NS_PER_S)
#define RH_CUT_LATER_NS    RH_NS_PER_S

struct rh_agent;
struct rh_page_head;

struct rh_retirement {
	struct rh_task task;
};

void rh_retirement_init(struct rh_retirement *retirement);

/* Retires the page; it is looked at again soon: rh_cpage_take_idle and the like. */
void rh_retire(struct rh_agent *agent, struct rh_page_head *head);

#endif
