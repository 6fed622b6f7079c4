/* Threads: what the program calls to make them, wait for them, and end them. */
#include "attend.h"
#include "clock.h"
#include "code.h"
#include "evict.h"
#include "park.h"
#include "real.h"
#include "runtime.h"
#include "seat.h"
#include "waitqueue.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>

static _Atomic uint32_t next_seat;

/* What cannot be a fiber from the start. */
static bool wants_kernel(const pthread_attr_t *attributes)
{
	int inherits = PTHREAD_INHERIT_SCHED, class = SCHED_OTHER;
	cpu_set_t set;

	if (!attributes)
		return false;
	pthread_attr_getinheritsched(attributes, &inherits);
	pthread_attr_getschedpolicy(attributes, &class);
	if (inherits == PTHREAD_EXPLICIT_SCHED && class != SCHED_OTHER)
		return true;
	if (pthread_attr_getaffinity_np(attributes, sizeof set, &set))
		return true;
	return CPU_COUNT(&set) < (int)sysconf(_SC_NPROCESSORS_CONF) &&
	       CPU_COUNT(&set) < CPU_SETSIZE;
}

/* One that the kernel schedules, counted. */
static int create_plain(pthread_t *thread, const pthread_attr_t *attributes,
			void *(*start)(void *), void *argument)
{
	struct rh_plain *plain = malloc(sizeof *plain);
	int result;

	if (!plain)
		return EAGAIN;
	*plain = (struct rh_plain){start, argument};
	rh_runtime_thread_begins();
	result = rh_real.pthread_create(thread, attributes, rh_park_start_plain, plain);
	if (result) {
		free(plain);
		rh_runtime_thread_ends();
	}
	return result;
}

RH_INTERPOSED int pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
				 void *(*start)(void *), void *argument)
{
	const struct rh_real *real = rh_real_get();
	struct rh_fiber *fiber, *own = rh_fiber_current();
	int result;

	if (!rh_runtime_start() && !rh_runtime_runs())
		return real->pthread_create(thread, attributes, start, argument);
	if (!rh_evict_admits() || wants_kernel(attributes) || !(fiber = rh_fiber_take()))
		return create_plain(thread, attributes, start, argument);
	fiber->start = start;
	fiber->argument = argument;
	atomic_store(&fiber->seat, atomic_fetch_add(&next_seat, 1) % rh_seat_count);
	if (own)
		atomic_store(&fiber->nice, atomic_load(&own->nice));
	rh_runtime_thread_begins();
	result = real->pthread_create(thread, attributes, rh_park_start, fiber);
	if (result) {
		rh_fiber_give(fiber);
		rh_runtime_thread_ends();
	}
	if (own)
		rh_fiber_point(own);
	return result;
}

/* Waits until a fiber is at home for its end, or the time is over. */
static int wait_for_end(pthread_t thread, uint64_t until)
{
	struct rh_fiber *fiber = rh_fiber_of(thread);
	uint32_t generation = fiber ? atomic_load(&fiber->generation) : 0;
	struct rh_wait how = {.key = fiber, .until = until, .interruptible = true};

	while (fiber) {
		struct rh_bucket *bucket = rh_wait_open(fiber);

		if (atomic_load(&fiber->generation) != generation ||
		    !atomic_load(&fiber->used) || atomic_load(&fiber->ended)) {
			rh_wait_leave(bucket);
			return 0;
		}
		if (rh_wait_sleep(bucket, &how) == RH_TIMEOUT)
			return ETIMEDOUT;
		rh_real.pthread_testcancel();
	}
	return 0;
}

RH_INTERPOSED int pthread_join(pthread_t thread, void **ret_value)
{
	const struct rh_real *real = rh_real_get();

	if (rh_fiber_current() && !pthread_equal(thread, pthread_self()))
		wait_for_end(thread, RH_WAIT_FOREVER);
	return real->pthread_join(thread, ret_value);
}

RH_INTERPOSED int pthread_clockjoin_np(pthread_t thread, void **ret_value, clockid_t clock,
				       const struct timespec *until)
{
	const struct rh_real *real = rh_real_get();

	if (rh_fiber_current() && until && !pthread_equal(thread, pthread_self()))
		wait_for_end(thread, rh_clock_from(clock, until));
	return real->pthread_clockjoin_np(thread, ret_value, clock, until);
}

RH_INTERPOSED int pthread_timedjoin_np(pthread_t thread, void **ret_value,
				       const struct timespec *until)
{
	if (!until)
		return pthread_join(thread, ret_value);
	return pthread_clockjoin_np(thread, ret_value, CLOCK_REALTIME, until);
}

RH_INTERPOSED int pthread_cancel(pthread_t thread)
{
	const struct rh_real *real = rh_real_get();
	struct rh_fiber *fiber = rh_fiber_of(thread);
	int result = real->pthread_cancel(thread);

	if (!result && fiber && fiber->governed && fiber != rh_fiber_current())
		rh_attend_cancel(fiber);
	return result;
}

/* Of the first thread; others end in park.c. */
RH_INTERPOSED _Noreturn void pthread_exit(void *value)
{
	const struct rh_real *real = rh_real_get();

	if (rh_sys_tid() == rh_sys_pid() && !rh_park_is_under())
		rh_runtime_thread_ends();
	real->pthread_exit(value);
	__builtin_unreachable();
}

RH_INTERPOSED void *dlopen(const char *name, int flags)
{
	void *handle = rh_real_get()->dlopen(name, flags);

	if (handle && rh_runtime_runs())
		rh_code_look();
	return handle;
}
