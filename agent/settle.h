/* settle - when an edge obeys its newest item: nothing of the former kind is left.
 *
 *   calls go by another protocol   the channel of the former one is closed
 *   ... or by bind                 no agent carries calls of it any more
 *   ... or no longer by bind       the bound pages are gone
 *   no calls any more              the bound pages are gone
 *   a rule of code sees calls      it runs
 *
 * An item that is not settled is staged; whoever closes something says so, and then
 * staged items are looked at again.
 *
 * Threads     The loop's. */
#ifndef RH_AGENT_SETTLE_H
#define RH_AGENT_SETTLE_H

#include "task.h"

struct rh_agent;

struct rh_settling {
	struct rh_task task;
};

void rh_settling_init(struct rh_settling *settling);

/* 1 when the item of that key is obeyed.  callee "": the resource itself. */
int rh_settle_is(struct rh_agent *agent, const char *caller, const char *callee);

/* 1 when it waits for a rule of code: for its module, or for it to begin. */
int rh_settle_waits_for_code(struct rh_agent *agent, const char *caller,
                             const char *callee);

/* It is: whoever looks at the counters sees by which protocol calls go now. */
void rh_settle_show(struct rh_agent *agent, const char *caller, const char *callee);

/* Something was closed: looks at what is staged, in this turn. */
void rh_settle_soon(struct rh_agent *agent);

#endif
