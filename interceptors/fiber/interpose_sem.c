/* Semaphores: the C library's own, but who has to wait waits in a queue of the runtime.
 * Those that processes share are waited for in the kernel. */
#include "clock.h"
#include "real.h"
#include "waitqueue.h"

#include <errno.h>

/* The C library keeps the kind of futex beside the value: 0 is private. */
struct layout {
	uint64_t value;
	int shared;
};

_Static_assert(sizeof(struct layout) <= sizeof(sem_t), "glibc's semaphore");

static bool is_private(const sem_t *sem)
{
	return !((const struct layout *)(const void *)sem)->shared;
}

/* Handlers that ended the call early: without a time it begins anew after those that are
 * installed so, with one after none. */
static uint32_t interrupts(const struct rh_fiber *fiber, uint64_t until)
{
	if (!fiber)
		return 0;
	return until == RH_WAIT_FOREVER ? fiber->interrupts : fiber->user_signals;
}

static int wait_until(sem_t *sem, uint64_t until)
{
	struct rh_wait how = {.key = sem, .until = until, .interruptible = true};
	struct rh_fiber *fiber = rh_fiber_current();

	rh_real.pthread_testcancel();
	while (rh_real.sem_trywait(sem)) {
		uint32_t seen = interrupts(fiber, until);
		struct rh_bucket *bucket = rh_wait_open(sem);
		enum rh_waited waited;

		if (!rh_real.sem_trywait(sem)) {
			rh_wait_leave(bucket);
			return 0;
		}
		waited = rh_wait_sleep(bucket, &how);
		rh_real.pthread_testcancel();
		if (waited == RH_WOKEN ||
		    (waited == RH_SIGNALLED && fiber && interrupts(fiber, until) == seen))
			continue;
		if (!rh_real.sem_trywait(sem))
			return 0;
		errno = waited == RH_TIMEOUT ? ETIMEDOUT : EINTR;
		return -1;
	}
	return 0;
}

RH_INTERPOSED int sem_wait(sem_t *sem)
{
	if (!is_private(sem))
		return rh_real_get()->sem_wait(sem);
	rh_real_get();
	return wait_until(sem, RH_WAIT_FOREVER);
}

RH_INTERPOSED int sem_clockwait(sem_t *restrict sem, clockid_t clock,
				const struct timespec *restrict until)
{
	const struct rh_real *real = rh_real_get();

	if (!is_private(sem) || (clock != CLOCK_MONOTONIC && clock != CLOCK_REALTIME))
		return real->sem_clockwait(sem, clock, until);
	if (!real->sem_trywait(sem))
		return 0;
	if (until->tv_nsec < 0 || until->tv_nsec >= (long)RH_NS_PER_S) {
		errno = EINVAL;
		return -1;
	}
	return wait_until(sem, rh_clock_from(clock, until));
}

RH_INTERPOSED int sem_timedwait(sem_t *restrict sem, const struct timespec *restrict until)
{
	if (!is_private(sem))
		return rh_real_get()->sem_timedwait(sem, until);
	return sem_clockwait(sem, CLOCK_REALTIME, until);
}

RH_INTERPOSED int sem_post(sem_t *sem)
{
	struct rh_fiber *fiber = rh_fiber_current();
	bool shared = !is_private(sem);
	int result = rh_real_get()->sem_post(sem);

	if (result || shared)
		return result;
	rh_wait_wake(sem, 1);
	if (fiber)
		rh_fiber_point(fiber);
	return 0;
}
