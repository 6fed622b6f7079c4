/* calls - fibers that wait for the answer of another process, that is for a word of shared
 * memory to change (base/await.h).  Their carriers run others meanwhile.
 *
 * Who looks   A carrier looks at some of the words whenever it changes the fiber.  One that
 *             has nothing to run sleeps on all of them at once (futex_waitv), so that an
 *             answer wakes it as it would have woken the thread.  While no carrier is
 *             idle, the monitor looks, each time that it looks at carriers.
 * Threads     Any; the table is under a latch, which is taken with no other one held.
 * Invariants  A1  who goes on to run something after a fiber came to wait looks whether
 *                 all is watched (pair P6: come, count, look at the watch; an idle
 *                 carrier: read the count, say what it watches, sleep). */
#ifndef RH_FIBER_CALLS_H
#define RH_FIBER_CALLS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Makes runnable whose word has changed, of so many; all: RH_CALLS_ALL.  Who looks at some
 * does not wait for another who looks. */
#define RH_CALLS_SOME 16u
#define RH_CALLS_ALL  UINT32_MAX
void rh_calls_look(uint32_t most);

/* Of the idle carrier of that seat: sleeps while *called is 0, and no answer came, or for
 * no reason. */
void rh_calls_sleep(_Atomic uint32_t *called, uint32_t seat);

/* Some wait. */
bool rh_calls_any(void);

/* Some wait, and no idle carrier sleeps on all of their words. */
bool rh_calls_unwatched(void);

/* In a child of fork: none waits. */
void rh_calls_forget_all(void);

#endif
