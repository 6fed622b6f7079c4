/* rank - how this process is scheduled itself, so that it outranks what its agents govern.
 *
 * A rule of fifo or rr lets threads run before all others: an agent that did not stand above
 * them could not take the rule back.  So it raises itself first, and a rule for which it
 * cannot is not obeyed:
 *
 *   cfs, eevdf   nice -20 where it may, and the shortest slice; without the right the rule
 *                may not be nicer than the agent is, so that at worst they are equals
 *   fifo, rr     SCHED_RR above RH_SCHED_PRIORITY_MAX; without CAP_SYS_NICE as high as
 *                RLIMIT_RTPRIO lets it, and the rule stays one below
 *   deadline     the same; the kernel puts deadlines above all, but admits no more of them
 *                than leaves it a part of each processor
 *
 * Threads     The loop's: it is the one that is raised, for all agents of the process.
 *             Threads and processes that it makes do not inherit it. */
#ifndef RH_AGENT_RANK_H
#define RH_AGENT_RANK_H

#include "../base/diag.h"
#include "../model/sched.h"

/* Raises the process for a rule, one more time; *ret_priority is what a rule of fifo or rr
 * gets.  RH_EPERM: it cannot, diag says what it lacks; or the machine keeps no time for
 * others than real-time threads. */
int rh_rank_raise(const struct rh_sched *says, int *ret_priority, struct rh_diag *diag);

/* That rule is in force no more. */
void rh_rank_lower(const struct rh_sched *says);

#endif
