/* evict - back to what the host's kernel schedules, where this runtime cannot be right.
 *
 * Threads     Any.  The fiber goes at its next point of switching; one that evicts itself
 *             goes at once.
 * Invariants  E1  the reason is told once for each reason, on standard error; all
 *                 of them, which one was the first, and how many threads are the kernel's
 *                 now and each one's reason stand in the block (stats.h). */
#ifndef RH_FIBER_EVICT_H
#define RH_FIBER_EVICT_H

#include "fiber.h"

#define RH_EVICT_AFFINITY "it is bound to processors"
#define RH_EVICT_CLASS    "it has a scheduling class of the kernel"
#define RH_EVICT_RIGHTS   "it changes what its kernel thread may do"
#define RH_EVICT_KEPT     "the kernel keeps for its kernel thread what it asks for"
#define RH_EVICT_GO       "the runtime of Go sends signals to kernel threads"

/* A thread that is made is the kernel's from the start; until it ends it is counted. */
uint32_t rh_evict_refuse(const char *reason); /* which of the reasons in the block */
void rh_evict_refused_ends(void);

/* One that is at home ends. */
void rh_evict_ends(const struct rh_fiber *fiber);

/* The calling thread, if it is a fiber, is a kernel thread of its own when this
 * returns. */
void rh_evict_self(const char *reason);

/* Another one is to become one. */
void rh_evict(struct rh_fiber *fiber, const char *reason);

/* All of them, and no new ones. */
void rh_evict_all(const char *reason);

/* Which of the reasons in the block it goes, or went, home for; 0: for none. */
uint32_t rh_evict_why(const struct rh_fiber *fiber);

/* Whether this one is to go. */
bool rh_evict_wanted(const struct rh_fiber *fiber);

/* Whether new threads may be fibers, and why not; NULL: they may. */
bool rh_evict_admits(void);
const char *rh_evict_for_all(void);

#endif
