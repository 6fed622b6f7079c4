/* latch - a lock for a few instructions, of this runtime's own.
 *
 * Who holds one is never preempted by the runtime (its code is deferred, see code.h), so
 * a holder is at most a while without a processor; waiters then sleep in the kernel.
 *
 * Threads     Any; uses no thread-local storage.  One that a task holds when it leaves
 *             its carrier is given back by the carrier (carrier.h, F2).
 * Invariants  L1  0 free, 1 held, 2 held and somebody may sleep on it. */
#ifndef RH_FIBER_LATCH_H
#define RH_FIBER_LATCH_H

#include "sys.h"

#include <stdbool.h>

#define RH_LATCH_SPINS 64

struct rh_latch {
	_Atomic uint32_t word;
};

static inline bool rh_latch_try(struct rh_latch *latch)
{
	uint32_t free = 0;

	return atomic_compare_exchange_strong_explicit(&latch->word, &free, 1,
						       memory_order_acquire,
						       memory_order_relaxed);
}

static inline void rh_latch_lock(struct rh_latch *latch)
{
	if (rh_latch_try(latch))
		return;
	for (int i = 0; i < RH_LATCH_SPINS; i++) {
		__builtin_ia32_pause();
		if (!atomic_load_explicit(&latch->word, memory_order_relaxed) &&
		    rh_latch_try(latch))
			return;
	}
	while (atomic_exchange_explicit(&latch->word, 2, memory_order_acquire))
		rh_sys_wait(&latch->word, 2, NULL);
}

static inline void rh_latch_unlock(struct rh_latch *latch)
{
	if (atomic_exchange_explicit(&latch->word, 0, memory_order_release) == 2)
		rh_sys_wake(&latch->word, 1);
}

#endif
