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

#define RH_FIBERS_PATIENCE_MS 1000u

/* Finds out which programs of the set, after a look at it, have a runtime, and which of their
 * threads that leaves to the kernel. */
void rh_fibers_look(struct rh_governed *set);

/* Whether a rule for that carrier is put on the thread by its runtime, or not at all, so that
 * its class is none of the agent's.  One for `host` is the kernel's on what a runtime leaves
 * to it, and on programs that have none; one for `fiber` is on none of such programs. */
int rh_fibers_is_left(const struct rh_governed_process *process,
                      const struct rh_governed_thread *thread, enum rh_sched_carrier carrier);

/* Whether any program of the set has a runtime. */
int rh_fibers_is_any(const struct rh_governed *set);

/* Asks all that have the rule not in force, whatever its carrier; for none (NULL) what they
 * began with is asked for.  Returns how many have not answered and may still do so in time;
 * why says who did not, or which threads a program leaves to the kernel and why, or what of
 * the rule no runtime does, or has the code RH_OK. */
unsigned rh_fibers_put(struct rh_governed *set, const struct rh_schedspec *spec,
                       uint64_t now_ms, struct rh_diag *why);

/* A rule of code orders the threads of programs that have a runtime alone: why says which
 * program of several threads has none, or has the code RH_OK. */
void rh_fibers_check_code(const struct rh_governed *set, struct rh_diag *why);

/* Programs write down what happens to their threads until then (0: no more), by rh_clock_ns. */
void rh_fibers_trace(const struct rh_governed *set, uint64_t until_ns);

#endif
