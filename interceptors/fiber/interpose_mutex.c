/* Mutexes: the C library's own, but who has to wait waits in a queue of the runtime. */
#include "carrier.h"
#include "clock.h"
#include "evict.h"
#include "mutex.h"
#include "real.h"
#include "seat.h"
#include "waitqueue.h"

#include <errno.h>

#define KIND_TYPE    3   /* normal, recursive, errorcheck, adaptive */
#define KIND_INHERIT 32  /* priority inheritance */
#define KIND_PROTECT 64  /* priority ceiling */
#define KIND_ELISION 768 /* either way */

#define SPINS          200
#define SPINS_OF_OWNER 20 /* then it looks whether who has it runs */

/* The queue is only for mutexes that the kernel knows nothing of. */
static bool is_plain(const pthread_mutex_t *mutex)
{
	return !(mutex->__data.__kind & ~(KIND_TYPE | KIND_ELISION));
}

/* The kernel compares the owner with the thread that asks. */
static void before_kernel(const pthread_mutex_t *mutex)
{
	if (mutex->__data.__kind & (KIND_INHERIT | KIND_PROTECT))
		rh_evict_self("it uses a mutex with priority inheritance or a ceiling");
}

static bool is_own(const pthread_mutex_t *mutex)
{
	struct rh_fiber *fiber = rh_fiber_of_thread;

	return (mutex->__data.__kind & KIND_TYPE) == PTHREAD_MUTEX_ERRORCHECK_NP &&
	       mutex->__data.__owner ==
		       (fiber ? atomic_load(&fiber->tid) : rh_sys_tid());
}

/* Whether it may give the mutex back soon: no fiber that is off its carrier. */
static bool owner_runs(const pthread_mutex_t *mutex)
{
	int tid = __atomic_load_n(&mutex->__data.__owner, __ATOMIC_RELAXED);
	const struct rh_fiber *owner = tid ? rh_fiber_of_tid(tid) : NULL;
	const struct rh_carrier *carrier = owner ? atomic_load(&owner->carrier) : NULL;

	return !owner || (carrier && atomic_load(&carrier->fiber) == owner);
}

/* Who has it gives it back, as a rule, before this one would have left its carrier; and who
 * was woken while it was held, to have it next, need not sleep again. */
static bool try_long(pthread_mutex_t *mutex)
{
	const int *lock = &mutex->__data.__lock;

	for (int i = 0; rh_seat_count > 1 && i < SPINS; i++) {
		if (i % SPINS_OF_OWNER == 0 && !owner_runs(mutex))
			return false;
		__builtin_ia32_pause();
		if (!__atomic_load_n(lock, __ATOMIC_RELAXED) &&
		    rh_real.pthread_mutex_trylock(mutex) == 0)
			return true;
	}
	return false;
}

static int wait_for(pthread_mutex_t *mutex, uint64_t until)
{
	struct rh_wait how = {.key = mutex, .until = until, .handling = true};

	if (is_own(mutex))
		return EDEADLK;
	for (;;) {
		if (try_long(mutex))
			return 0;
		struct rh_bucket *bucket = rh_wait_open(mutex);
		int result = rh_real.pthread_mutex_trylock(mutex);

		if (result != EBUSY) {
			rh_wait_leave(bucket);
			return result;
		}
		if (rh_wait_sleep(bucket, &how) == RH_TIMEOUT)
			return ETIMEDOUT;
	}
}

int rh_mutex_lock(pthread_mutex_t *mutex)
{
	const struct rh_real *real = rh_real_get();
	int result;

	if (!is_plain(mutex)) {
		before_kernel(mutex);
		return real->pthread_mutex_lock(mutex);
	}
	result = real->pthread_mutex_trylock(mutex);
	return result == EBUSY ? wait_for(mutex, RH_WAIT_FOREVER) : result;
}

int rh_mutex_unlock(pthread_mutex_t *mutex)
{
	const struct rh_real *real = rh_real_get();
	bool plain = is_plain(mutex);
	int result = real->pthread_mutex_unlock(mutex);

	if (plain && !result)
		rh_wait_wake(mutex, 1);
	return result;
}

RH_INTERPOSED int pthread_mutex_lock(pthread_mutex_t *mutex)
{
	return rh_mutex_lock(mutex);
}

static int lock_until(pthread_mutex_t *mutex, clockid_t clock, const struct timespec *until)
{
	int result = rh_real_get()->pthread_mutex_trylock(mutex);

	if (result != EBUSY)
		return result;
	if (until->tv_nsec < 0 || until->tv_nsec >= (long)RH_NS_PER_S)
		return EINVAL;
	return wait_for(mutex, rh_clock_from(clock, until));
}

RH_INTERPOSED int pthread_mutex_timedlock(pthread_mutex_t *mutex,
					  const struct timespec *until)
{
	if (is_plain(mutex))
		return lock_until(mutex, CLOCK_REALTIME, until);
	before_kernel(mutex);
	return rh_real_get()->pthread_mutex_timedlock(mutex, until);
}

RH_INTERPOSED int pthread_mutex_clocklock(pthread_mutex_t *mutex, clockid_t clock,
					  const struct timespec *until)
{
	if (is_plain(mutex) && (clock == CLOCK_MONOTONIC || clock == CLOCK_REALTIME))
		return lock_until(mutex, clock, until);
	before_kernel(mutex);
	return rh_real_get()->pthread_mutex_clocklock(mutex, clock, until);
}

RH_INTERPOSED int pthread_mutex_trylock(pthread_mutex_t *mutex)
{
	if (!is_plain(mutex))
		before_kernel(mutex);
	return rh_real_get()->pthread_mutex_trylock(mutex);
}

RH_INTERPOSED int pthread_mutex_unlock(pthread_mutex_t *mutex)
{
	struct rh_fiber *fiber = rh_fiber_current();
	int result = rh_mutex_unlock(mutex);

	if (fiber)
		rh_fiber_point(fiber);
	return result;
}
