/* Condition variables: of the C library's own only the attributes are used, unless
 * processes share it. */
#include "clock.h"
#include "mutex.h"
#include "real.h"
#include "waitqueue.h"

#include <errno.h>

#define FLAG_SHARED    1u
#define FLAG_MONOTONIC 2u

static unsigned flags_of(const pthread_cond_t *cond)
{
	return cond->__data.__wrefs;
}

struct held {
	pthread_mutex_t *mutex;
	int result; /* of unlocking it */
};

static bool unlock(void *passed)
{
	struct held *held = passed;

	held->result = rh_mutex_unlock(held->mutex);
	return held->result == 0;
}

/* Also when the thread is cancelled: its cleanup handlers run with the mutex locked. */
static void lock_again(struct held *held)
{
	if (!held->result)
		rh_mutex_lock(held->mutex);
}

static enum rh_waited wait_unlocked(const void *key, struct held *passed, uint64_t until)
{
	__attribute__((cleanup(lock_again))) struct held held = {passed->mutex, EPERM};
	struct rh_wait how = {.key = key, .until = until, .interruptible = true,
			      .queued = unlock, .passed = &held};
	enum rh_waited waited = rh_wait_sleep(rh_wait_open(key), &how);

	passed->result = held.result;
	rh_real.pthread_testcancel();
	return waited;
}

static int wait_until(pthread_cond_t *cond, pthread_mutex_t *mutex, uint64_t until)
{
	struct held held = {mutex, 0};
	enum rh_waited waited;

	rh_real_get()->pthread_testcancel();
	waited = wait_unlocked(cond, &held, until);
	if (held.result)
		return held.result;
	return waited == RH_TIMEOUT ? ETIMEDOUT : 0;
}

RH_INTERPOSED int pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex)
{
	if (flags_of(cond) & FLAG_SHARED)
		return rh_real_get()->pthread_cond_wait(cond, mutex);
	return wait_until(cond, mutex, RH_WAIT_FOREVER);
}

RH_INTERPOSED int pthread_cond_clockwait(pthread_cond_t *cond, pthread_mutex_t *mutex,
					 clockid_t clock, const struct timespec *until)
{
	if (until->tv_nsec < 0 || until->tv_nsec >= (long)RH_NS_PER_S ||
	    (clock != CLOCK_MONOTONIC && clock != CLOCK_REALTIME))
		return EINVAL;
	if (flags_of(cond) & FLAG_SHARED)
		return rh_real_get()->pthread_cond_clockwait(cond, mutex, clock, until);
	rh_real_get();
	return wait_until(cond, mutex, rh_clock_from(clock, until));
}

RH_INTERPOSED int pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex,
					 const struct timespec *until)
{
	clockid_t clock = flags_of(cond) & FLAG_MONOTONIC ? CLOCK_MONOTONIC : CLOCK_REALTIME;

	return pthread_cond_clockwait(cond, mutex, clock, until);
}

static int wake(pthread_cond_t *cond, int most)
{
	struct rh_fiber *fiber = rh_fiber_current();

	rh_wait_wake(cond, most);
	if (fiber)
		rh_fiber_point(fiber);
	return 0;
}

RH_INTERPOSED int pthread_cond_signal(pthread_cond_t *cond)
{
	if (flags_of(cond) & FLAG_SHARED)
		return rh_real_get()->pthread_cond_signal(cond);
	return wake(cond, 1);
}

RH_INTERPOSED int pthread_cond_broadcast(pthread_cond_t *cond)
{
	if (flags_of(cond) & FLAG_SHARED)
		return rh_real_get()->pthread_cond_broadcast(cond);
	return wake(cond, INT32_MAX);
}
