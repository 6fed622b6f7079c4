/* fibers - a rule of scheduling for the programs of a set that run under the carrier `fiber`:
 * their runtimes are asked for the policy, and say what is in force (base/fiber_block.h).
 *
 *   (no block yet) --> ASKED --> in force
 *                        \-----> silent, when it did not answer in time; it is still asked
 *
 * A program without a block has one thread, and begins with the policy that it was started
 * with when it makes others; one of more threads has no runtime in it, and that is told.
 *
 * Ownership   The set is the governor's.
 * Threads     One.
 * Limits      A program is signalled when it is asked and, until it answers, at most once a
 *             look, and never while a signal of before waits there. */
#ifndef RH_AGENT_FIBERS_H
#define RH_AGENT_FIBERS_H

#include "governed.h"
#include "schedspec.h"

#include "../base/fiber_layout.h"

#define RH_FIBERS_PATIENCE_MS 1000u

/* What is asked for a rule of the carrier `fiber`; for others, and none (NULL), what programs
 * began with. */
void rh_fibers_ask_of(const struct rh_schedspec *spec, struct rh_stats_ask *ret_ask);

/* What of a rule no runtime does: why says it. */
void rh_fibers_check(const struct rh_schedspec *spec, struct rh_diag *why);

/* Asks all that have it not in force.  Returns how many have not answered and may still do
 * so in time; why says who did not, or which threads a program leaves to the kernel and why,
 * or has the code RH_OK. */
unsigned rh_fibers_put(struct rh_governed *set, const struct rh_stats_ask *ask,
                       uint64_t now_ms, struct rh_diag *why);

/* Programs write down what happens to their threads until then (0: no more), by rh_clock_ns. */
void rh_fibers_trace(const struct rh_governed *set, uint64_t until_ns);

#endif
