/* policy - which rule of hook `sched` orders threads, and what is asked for them.
 *
 * The environment says what the program begins with: RHODES_SCHED names a rule that comes
 * with Rhodes (cfs, eevdf, deadline, fifo, rr); RHODES_SCHED_SLICE_US, _RUNTIME_US,
 * _DEADLINE_US and _PERIOD_US are for all threads.  Others may ask for another one since
 * (asked.h).
 *
 * Threads     What changes it is one at a time (loan.h); any may read.  Of numbers that
 *             change a reader may see some of before, until it is told (rh_seat_change_all). */
#ifndef RH_FIBER_POLICY_H
#define RH_FIBER_POLICY_H

#include "../../rules/runqueue.h"

struct rh_diag;
struct rh_rule;
struct rh_stats_ask;

/* A new instance of the rule of that name, a text.  NULL: none has it, or it cannot be
 * had. */
struct rh_rule *rh_policy_load(const void *name, struct rh_diag *diag);

/* What the environment says, once. */
void rh_policy_begin(const char *name);

/* The name of the policy, of the environment or that was asked for since. */
const char *rh_policy_name(void);

/* Whether what is asked makes sense: a policy that there is, "" for that of the
 * environment, and numbers that a rule takes. */
bool rh_policy_admits(const struct rh_stats_ask *ask);

/* The name that it means, of static storage. */
const char *rh_policy_meant(const struct rh_stats_ask *ask);

/* It is that one from now on. */
void rh_policy_set(const struct rh_stats_ask *ask);

/* What it was set to; at first nothing. */
const struct rh_stats_ask *rh_policy_asked(void);

/* What is asked for a thread. */
struct rh_task_traits rh_policy_traits(int nice, uint32_t id);

#endif
