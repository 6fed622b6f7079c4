/* waitqueue - who waits for what, by address.
 *
 *   bucket = rh_wait_open(key);            counted as a waiter, latch held
 *   if (it came meanwhile)                 the last try, under the latch
 *           rh_wait_leave(bucket);
 *   else
 *           rh_wait_sleep(bucket, key, ...);
 *
 * Threads     Any, fibers and kernel threads alike.
 * Invariants  W1  who comes is counted before the last try: who makes the thing come true
 *                 afterwards sees the count and takes the latch (pair P4; the change
 *                 itself is a full barrier, or rh_wait_wake makes one).  The count is the
 *                 waiter's turn, too: one whose turn is not before that which is seen there
 *                 sees the change at its last try. */
#ifndef RH_FIBER_WAITQUEUE_H
#define RH_FIBER_WAITQUEUE_H

#include "fiber.h"

#define RH_WAIT_FOREVER UINT64_MAX

struct rh_bucket;

struct rh_bucket *rh_wait_open(const void *key);
void rh_wait_leave(struct rh_bucket *bucket);

/* How a wait is to be. */
struct rh_wait {
	const void *key;
	uint64_t until; /* time of the runtime, RH_WAIT_FOREVER */
	uint32_t tag;
	bool interruptible; /* by a signal that is not blocked, and by cancellation */
	bool handling; /* otherwise: handlers run meanwhile, and the place is kept */
	/* Called once it is queued, without the latch; false: it does not wait.  NULL. */
	bool (*queued)(void *passed);
	void *passed;
};

/* Sleeps until woken; gives the latch back. */
enum rh_waited rh_wait_sleep(struct rh_bucket *bucket, const struct rh_wait *how);

/* Wakes up to so many that wait for the key, oldest first. */
void rh_wait_wake(const void *key, int most);

/* The same of those whose tag has one of these bits, and who had opened the queue when this
 * was called; how many it woke.  A carrier may be held up in here for as long as others have
 * its processor.  Who comes meanwhile has seen what was changed before the call, and a waiter
 * that knows nothing but its word is not to be woken for what it has seen already: there are
 * locks that take each wake-up for their turn. */
int rh_wait_wake_early(const void *key, uint32_t bits, int most);

/* Instead of rh_wait_leave: wakes all that wait for the key until now. */
void rh_wait_wake_all(struct rh_bucket *bucket, const void *key);

/* Wakes a fiber whose wait may be interrupted, or that handles signals meanwhile. */
void rh_wait_interrupt(struct rh_fiber *fiber);

/* The wheel: the fiber's time is over, if this still is the wait of that number. */
void rh_wait_expire(struct rh_fiber *fiber, uint64_t deadline);

/* Whether one with that tag waits for the key; under its latch. */
bool rh_wait_has(struct rh_bucket *bucket, const void *key, uint32_t tag);

/* In a child of fork: nobody waits. */
void rh_wait_forget_all(void);

#endif
