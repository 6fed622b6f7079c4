#include "futex.h"

#include "evict.h"
#include "mapping.h"
#include "restart.h"
#include "waitqueue.h"

enum { WORD, OPERATION, VALUE, TIMEOUT, OTHER_WORD, VALUE3 }; /* arguments */

static long call(const long *a)
{
	return rh_sys6(SYS_futex, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* Not what a lock at the same address has for a key; to the kernel, too, those that are
 * said to be private are others. */
static const void *key_of(const long *a, int word)
{
	return (const char *)a[word] + (a[OPERATION] & FUTEX_PRIVATE_FLAG ? 1 : 2);
}

static bool is_valid(const struct timespec *time)
{
	return time->tv_sec >= 0 && time->tv_nsec >= 0 && time->tv_nsec < (long)RH_NS_PER_S;
}

static uint64_t until(const long *a)
{
	const struct timespec *time = (const struct timespec *)a[TIMEOUT];

	if (!time)
		return RH_WAIT_FOREVER;
	if ((a[OPERATION] & FUTEX_CMD_MASK) == FUTEX_WAIT)
		return rh_restart_until(time);
	return rh_clock_from(a[OPERATION] & FUTEX_CLOCK_REALTIME ? CLOCK_REALTIME :
								    CLOCK_MONOTONIC, time);
}

/* Handlers that ended the wait as they would end one in the kernel: one with a time is not
 * begun again whatever they want. */
static uint32_t interruptions(const struct rh_fiber *fiber, const long *a)
{
	return a[TIMEOUT] ? fiber->user_signals : fiber->interrupts;
}

static bool is_changed(const long *a)
{
	const _Atomic uint32_t *word = (const _Atomic uint32_t *)a[WORD];

	return atomic_load(word) != (uint32_t)a[VALUE];
}

/* Others of the process may wake it, and nobody else can. */
static bool is_ours(const long *a)
{
	return a[OPERATION] & FUTEX_PRIVATE_FLAG ||
	       rh_mapping_is_private((const void *)a[WORD]);
}

static long wait_by(const long *a, uint32_t bits)
{
	struct rh_fiber *fiber = rh_fiber_current();
	struct rh_wait how = {.key = key_of(a, WORD), .tag = bits, .interruptible = true};
	uint32_t seen;

	if (!fiber || !is_ours(a))
		return call(a);
	seen = interruptions(fiber, a);
	if (!bits || (a[TIMEOUT] && !is_valid((const struct timespec *)a[TIMEOUT])))
		return -EINVAL;
	how.until = until(a);
	for (;;) {
		struct rh_bucket *bucket;
		enum rh_waited waited;

		if (is_changed(a)) /* also, where there is no memory it faults here */
			return -EAGAIN;
		bucket = rh_wait_open(how.key);
		if (is_changed(a)) {
			rh_wait_leave(bucket);
			return -EAGAIN;
		}
		waited = rh_wait_sleep(bucket, &how);
		if (waited != RH_SIGNALLED)
			return waited == RH_TIMEOUT ? -ETIMEDOUT : 0;
		if (interruptions(fiber, a) != seen)
			return -EINTR;
	}
}

/* As the kernel: none is one. */
static int count_of(long value)
{
	return (int)value > 0 ? (int)value : 1;
}

/* Fibers first; the kernel is asked for what is left. */
static long wake(const long *a, uint32_t bits)
{
	int most = count_of(a[VALUE]);
	struct rh_fiber *fiber = rh_fiber_current();
	int woken = bits ? rh_wait_wake_early(key_of(a, WORD), bits, most) : 0;
	long result = 0;

	if (woken < most) {
		result = rh_sys6(SYS_futex, a[WORD], a[OPERATION], most - woken, 0, 0,
				 a[VALUE3]);
		if (result < 0 && woken)
			result = 0;
	}
	if (fiber)
		rh_fiber_point(fiber);
	return result < 0 ? result : result + woken;
}

/* Calls for two words: fibers are woken instead of moved, and whatever the kernel found at
 * the second word. A waiter has to expect to be woken for nothing. */
static long wake_both(const long *a)
{
	struct rh_fiber *fiber = rh_fiber_current();
	bool is_moving = (a[OPERATION] & FUTEX_CMD_MASK) != FUTEX_WAKE_OP;
	long result = call(a), most;
	int woken;

	if (result < 0)
		return result;
	most = (int)a[VALUE] + (is_moving ? (long)(int)a[TIMEOUT] : 0);
	most = most > INT32_MAX ? INT32_MAX : most;
	woken = rh_wait_wake_early(key_of(a, WORD), FUTEX_BITSET_MATCH_ANY, (int)most);
	if (!is_moving)
		woken += rh_wait_wake_early(key_of(a, OTHER_WORD), FUTEX_BITSET_MATCH_ANY,
					     (int)a[TIMEOUT]);
	if (fiber)
		rh_fiber_point(fiber);
	return result + woken;
}

/* One that has an owner: it is told to the kernel by the number of the thread. */
static bool is_owned(int command)
{
	return command == FUTEX_LOCK_PI || command == FUTEX_LOCK_PI2 ||
	       command == FUTEX_UNLOCK_PI || command == FUTEX_TRYLOCK_PI ||
	       command == FUTEX_WAIT_REQUEUE_PI || command == FUTEX_CMP_REQUEUE_PI;
}

long rh_futex(const long a[6])
{
	int command = (int)a[OPERATION] & FUTEX_CMD_MASK;

	if (is_owned(command))
		rh_evict_self("it uses a futex with priority inheritance");
	if (!a[WORD] || a[WORD] % 4)
		return call(a);
	switch (command) {
	case FUTEX_WAIT:
		return wait_by(a, FUTEX_BITSET_MATCH_ANY);
	case FUTEX_WAIT_BITSET:
		return wait_by(a, (uint32_t)a[VALUE3]);
	case FUTEX_WAKE:
		return wake(a, FUTEX_BITSET_MATCH_ANY);
	case FUTEX_WAKE_BITSET:
		return wake(a, (uint32_t)a[VALUE3]);
	case FUTEX_REQUEUE:
	case FUTEX_CMP_REQUEUE:
	case FUTEX_WAKE_OP:
		return wake_both(a);
	default:
		return call(a);
	}
}
