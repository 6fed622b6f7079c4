/* trial - a rule that orders the threads of programs is on trial at first: when it fails,
 * the one before it comes back.
 *
 *   in force --> ON TRIAL --RH_TRIAL_CALLS and RH_TRIAL_NS without a failure--> PROVEN
 *                   \-----a trap, nonsense, or RH_RULE_FAILURES_MAX timeouts---> REJECTED
 *
 * Rejected, the item that it came with is; its former is in force again, and with it the
 * former rule, for all programs.  Until then threads go first come, first served.  A rule
 * that fails and is not on trial, as there was none before it, or none that was good, or
 * it was proven, or something else of the resource changed since, stays, and the item is
 * active in part.
 *
 * Ownership   A part of its loan.
 * Threads     The loop's. */
#ifndef RH_AGENT_TRIAL_H
#define RH_AGENT_TRIAL_H

#include <stdint.h>

#define RH_TRIAL_CALLS 10000u
#define RH_TRIAL_NS    600000000000ull

struct rh_agent;
struct rh_code;
struct rh_loan;

struct rh_trial {
	uint64_t item;     /* the revision of the item that it came with; 0: none is on */
	uint64_t began_ns;
	uint64_t told;     /* so many failures were told of */
};

/* Another rule of the loan is in force, or none, in place of former; NULL: of none that
 * could come back. */
void rh_trial_begin(struct rh_loan *loan, const struct rh_code *former);

/* More was counted of the loan's rule; why: how it failed last. */
void rh_trial_look(struct rh_loan *loan, const char *why);

/* Is one on trial that came with the resource's item of that revision? */
int rh_trial_is_on(const struct rh_agent *agent, uint64_t item);

#endif
