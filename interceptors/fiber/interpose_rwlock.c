/* Locks of readers and writers: the C library's own, but who has to wait waits in a queue
 * of the runtime.  Those that processes share are waited for in the kernel. */
#include "clock.h"
#include "real.h"
#include "waitqueue.h"

#include <errno.h>

enum tag { READER = 1, WRITER };

typedef int try_lock(pthread_rwlock_t *lock);

static bool is_shared(const pthread_rwlock_t *lock)
{
	return lock->__data.__shared != 0;
}

static bool is_own(const pthread_rwlock_t *lock)
{
	struct rh_fiber *fiber = rh_fiber_of_thread;

	return lock->__data.__cur_writer ==
	       (fiber ? atomic_load(&fiber->tid) : rh_sys_tid());
}

/* A reader lets writers that wait go first, where the lock says so. */
static bool lets_pass(struct rh_bucket *bucket, const pthread_rwlock_t *lock, enum tag tag)
{
	return tag == READER &&
	       lock->__data.__flags == PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP &&
	       rh_wait_has(bucket, lock, WRITER);
}

static int wait_for(pthread_rwlock_t *lock, try_lock *again, enum tag tag, uint64_t until)
{
	struct rh_wait how = {.key = lock, .until = until, .tag = tag, .handling = true};

	if (is_own(lock))
		return EDEADLK;
	for (;;) {
		struct rh_bucket *bucket = rh_wait_open(lock);
		int result = lets_pass(bucket, lock, tag) ? EBUSY : again(lock);

		if (result != EBUSY) {
			rh_wait_leave(bucket);
			return result;
		}
		if (rh_wait_sleep(bucket, &how) == RH_TIMEOUT)
			return ETIMEDOUT;
	}
}

static int lock_until(pthread_rwlock_t *lock, try_lock *again, enum tag tag, uint64_t until)
{
	int result = EBUSY;

	if (tag == WRITER ||
	    lock->__data.__flags != PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP)
		result = again(lock);
	return result == EBUSY ? wait_for(lock, again, tag, until) : result;
}

static bool is_time(const struct timespec *until)
{
	return until->tv_nsec >= 0 && until->tv_nsec < (long)RH_NS_PER_S;
}

static bool is_clock(clockid_t clock)
{
	return clock == CLOCK_MONOTONIC || clock == CLOCK_REALTIME;
}

RH_INTERPOSED int pthread_rwlock_rdlock(pthread_rwlock_t *lock)
{
	const struct rh_real *real = rh_real_get();

	if (is_shared(lock))
		return real->pthread_rwlock_rdlock(lock);
	return lock_until(lock, real->pthread_rwlock_tryrdlock, READER, RH_WAIT_FOREVER);
}

RH_INTERPOSED int pthread_rwlock_wrlock(pthread_rwlock_t *lock)
{
	const struct rh_real *real = rh_real_get();

	if (is_shared(lock))
		return real->pthread_rwlock_wrlock(lock);
	return lock_until(lock, real->pthread_rwlock_trywrlock, WRITER, RH_WAIT_FOREVER);
}

RH_INTERPOSED int pthread_rwlock_clockrdlock(pthread_rwlock_t *lock, clockid_t clock,
					     const struct timespec *until)
{
	const struct rh_real *real = rh_real_get();

	if (is_shared(lock) || !is_clock(clock) || !is_time(until))
		return real->pthread_rwlock_clockrdlock(lock, clock, until);
	return lock_until(lock, real->pthread_rwlock_tryrdlock, READER,
			  rh_clock_from(clock, until));
}

RH_INTERPOSED int pthread_rwlock_clockwrlock(pthread_rwlock_t *lock, clockid_t clock,
					     const struct timespec *until)
{
	const struct rh_real *real = rh_real_get();

	if (is_shared(lock) || !is_clock(clock) || !is_time(until))
		return real->pthread_rwlock_clockwrlock(lock, clock, until);
	return lock_until(lock, real->pthread_rwlock_trywrlock, WRITER,
			  rh_clock_from(clock, until));
}

RH_INTERPOSED int pthread_rwlock_timedrdlock(pthread_rwlock_t *lock,
					     const struct timespec *until)
{
	return pthread_rwlock_clockrdlock(lock, CLOCK_REALTIME, until);
}

RH_INTERPOSED int pthread_rwlock_timedwrlock(pthread_rwlock_t *lock,
					     const struct timespec *until)
{
	return pthread_rwlock_clockwrlock(lock, CLOCK_REALTIME, until);
}

RH_INTERPOSED int pthread_rwlock_unlock(pthread_rwlock_t *lock)
{
	struct rh_fiber *fiber = rh_fiber_current();
	bool shared = is_shared(lock);
	int result = rh_real_get()->pthread_rwlock_unlock(lock);

	if (shared || result)
		return result;
	rh_wait_wake(lock, INT32_MAX);
	if (fiber)
		rh_fiber_point(fiber);
	return 0;
}
