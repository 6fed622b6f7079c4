/* loan - a rule of hook `sched` that the agent of the resource lends to this program
 * (agent/loan.h), as WebAssembly or native code.
 *
 * It is asked for as the SDK asks for rules of programs, by a thread of the runtime's own.
 * While there is one, it orders the threads, an instance in each run queue; without one
 * the policy does that the environment or the shared block names (policy.h).  Rules and
 * policies are exchanged one at a time.
 *
 * Ownership   The object and the parameters are kept for as long as the rule is in force,
 *             so that a child of fork begins with it. */
#ifndef RH_FIBER_LOAN_H
#define RH_FIBER_LOAN_H

struct rh_diag;
struct rh_rule;
struct rh_stats_ask;

/* Of the maker, once threads are scheduled: asks, or, in a child of fork, asks anew. */
void rh_loan_open(void);

/* An instance of the rule in force: what rh_seat_open begins with.  NULL: there is none,
 * or it cannot be loaded. */
struct rh_rule *rh_loan_load(void);

/* Its name, or NULL. */
const char *rh_loan_name(void);

/* In a child of fork: nobody exchanges anything. */
void rh_loan_forget(void);

/* The policy is another one: in force at once, or, while a rule is lent, when that goes.
 * 0, or a negative error: the former one stays. */
int rh_loan_set_policy(const struct rh_stats_ask *ask);

#endif
