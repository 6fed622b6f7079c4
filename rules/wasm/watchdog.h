/* watchdog - one thread that looks whether calls of rules take longer than they may.
 *
 * It counts the processor time of the thread that is in the call, so that a busy
 * machine is not taken for a rule that does not end.  It looks every few milliseconds
 * while rules are called, and sleeps when none was for a while.
 *
 * Pairs  W1  The watchdog says that it sleeps, then looks at all marks once more
 *            (membarrier on this side alone); a call stores its mark, then looks
 *            whether the watchdog sleeps.  One of the two sees the other. */
#ifndef RH_RULES_WASM_WATCHDOG_H
#define RH_RULES_WASM_WATCHDOG_H

#include <stdatomic.h>

struct rh_diag;
struct rh_thread;

/* Starts the thread once.  RH_ENOMEM. */
int rh_watchdog_start(struct rh_diag *diag);

/* Looks after forks from now on.  Handlers run before a fork in the reverse of the order
 * in which they came: whoever holds a lock while rules run, and takes that before a
 * fork, calls this first. */
void rh_watchdog_mind_forks(void);

void rh_watchdog_add(struct rh_thread *thread);
void rh_watchdog_remove(struct rh_thread *thread);

extern _Atomic unsigned rh_watchdog_sleeps;

void rh_watchdog_rouse(void);

/* On every call, after the mark was stored (W1). */
static inline void rh_watchdog_wake(void)
{
	atomic_signal_fence(memory_order_seq_cst);
	if (__builtin_expect(atomic_load_explicit(&rh_watchdog_sleeps,
	                                          memory_order_relaxed), 0))
		rh_watchdog_rouse();
}

#endif
