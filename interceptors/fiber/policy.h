/* policy - which rule of hook `sched` orders threads, and what is asked for them.
 *
 * The environment says it: RHODES_SCHED names a rule that comes with Rhodes (cfs, eevdf,
 * deadline, fifo, rr); RHODES_SCHED_SLICE_US, _RUNTIME_US, _DEADLINE_US and _PERIOD_US
 * are for all threads. */
#ifndef RH_FIBER_POLICY_H
#define RH_FIBER_POLICY_H

#include "../../rules/runqueue.h"

struct rh_diag;
struct rh_rule;

/* A new instance of the rule of that name, a text.  NULL: none has it, or it cannot be
 * had. */
struct rh_rule *rh_policy_load(const void *name, struct rh_diag *diag);

/* Whether a rule has that name. */
bool rh_policy_is(const char *name);

/* The name that the environment says, or that was asked for since. */
const char *rh_policy_name(void);
void rh_policy_set(const char *name);

/* What is asked for a thread. */
struct rh_task_traits rh_policy_traits(int nice, uint32_t id);

#endif
