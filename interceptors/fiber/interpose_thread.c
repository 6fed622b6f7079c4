/* Threads: what the program calls to make them, wait for them, and end them. */
#include "attend.h"
#include "clock.h"
#include "code.h"
#include "evict.h"
#include "maker.h"
#include "park.h"
#include "real.h"
#include "runtime.h"
#include "seat.h"
#include "unwinding.h"
#include "waitqueue.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#define HANDLER_STACK 4096u /* of the functions of the runtime, below the signals' frames */

static _Atomic uint32_t next_seat;

static bool wants_class(const pthread_attr_t *attributes)
{
	int inherits = PTHREAD_INHERIT_SCHED, class = SCHED_OTHER;

	pthread_attr_getinheritsched(attributes, &inherits);
	pthread_attr_getschedpolicy(attributes, &class);
	return inherits == PTHREAD_EXPLICIT_SCHED && class != SCHED_OTHER;
}

static bool wants_processors(const pthread_attr_t *attributes)
{
	cpu_set_t set;

	if (pthread_attr_getaffinity_np(attributes, sizeof set, &set))
		return true;
	return CPU_COUNT(&set) < (int)sysconf(_SC_NPROCESSORS_CONF) &&
	       CPU_COUNT(&set) < CPU_SETSIZE;
}

/* Who is preempted leaves from inside of the signal, on the thread's own stack, and before it
 * has left one more may come. */
static size_t stack_of_preemption(void)
{
	return 2 * getauxval(AT_MINSIGSTKSZ) + HANDLER_STACK;
}

static size_t given_stack(const pthread_attr_t *attributes)
{
	size_t size = 0;
	void *at = NULL;

	pthread_attr_getstack(attributes, &at, &size);
	return at ? size : 0; /* 0: the C library makes it, of whatever size */
}

/* Why it cannot be a fiber from the start; NULL: it can. */
static const char *wants_kernel(const pthread_attr_t *attributes)
{
	size_t stack;

	if (!attributes)
		return NULL;
	if (wants_class(attributes))
		return RH_EVICT_CLASS;
	if (wants_processors(attributes))
		return RH_EVICT_AFFINITY;
	stack = given_stack(attributes);
	if (stack && stack < (size_t)PTHREAD_STACK_MIN + stack_of_preemption())
		return "its stack has no room for a signal";
	return NULL;
}

/* With so much more room that nobody feels the signal; *ret holds what the result points
 * to. */
static const pthread_attr_t *with_room(const pthread_attr_t *attributes, pthread_attr_t *ret)
{
	size_t size;

	if (!attributes || given_stack(attributes))
		return attributes;
	*ret = *attributes; /* what it points to stays the program's */
	pthread_attr_getstacksize(ret, &size);
	pthread_attr_setstacksize(ret, size + stack_of_preemption());
	return ret;
}

/* One that the kernel schedules, counted here and as refused. */
static int create_plain(pthread_t *thread, const pthread_attr_t *attributes,
			const struct rh_plain *wanted)
{
	struct rh_plain *plain = malloc(sizeof *plain);
	int result;

	if (!plain) {
		rh_evict_refused_ends();
		return EAGAIN;
	}
	*plain = *wanted;
	rh_runtime_thread_begins();
	result = rh_real.pthread_create(thread, attributes, rh_park_start_plain, plain);
	if (result) {
		free(plain);
		rh_evict_refused_ends();
		rh_runtime_thread_ends();
	}
	return result;
}

/* A library of Go that was loaded begins with threads. */
static void leave_go(void)
{
	rh_code_look_anew();
	if (rh_code_has_go() && !rh_evict_for_all())
		rh_evict_all(RH_EVICT_GO);
}

RH_INTERPOSED int pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
				 void *(*start)(void *), void *argument)
{
	const struct rh_real *real = rh_real_get();
	struct rh_fiber *fiber = NULL, *own = rh_fiber_current();
	pthread_attr_t larger;
	const char *reason;
	int result;

	if (!rh_runtime_start() && !rh_runtime_runs())
		return real->pthread_create(thread, attributes, start, argument);
	leave_go();
	reason = rh_evict_for_all();
	if (!reason)
		reason = wants_kernel(attributes);
	if (!reason && !(fiber = rh_fiber_take()))
		reason = "there are as many threads as it can have";
	if (reason) {
		struct rh_plain plain = {.start = start, .argument = argument, .pid = rh_sys_pid(),
					 .why = rh_evict_refuse(reason)};

		if (own)
			memcpy(plain.name, own->name, sizeof plain.name);
		return create_plain(thread, attributes, &plain);
	}
	fiber->start = start;
	fiber->argument = argument;
	atomic_store(&fiber->seat, atomic_fetch_add(&next_seat, 1) % rh_seat_count);
	if (own) {
		atomic_store(&fiber->nice, atomic_load(&own->nice));
		memcpy(fiber->name, own->name, sizeof fiber->name);
	}
	rh_runtime_thread_begins();
	result = real->pthread_create(thread, with_room(attributes, &larger), rh_park_start, fiber);
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
	struct rh_fiber *fiber = rh_fiber_of(thread), *own = rh_fiber_current();
	int result;

	rh_unwinding_ready();
	result = real->pthread_cancel(thread);
	if (!result && fiber && fiber->governed && fiber != own)
		rh_attend_cancel(fiber);
	if (own)
		rh_fiber_point(own);
	return result;
}

/* Of the first thread; others end in park.c. */
RH_INTERPOSED _Noreturn void pthread_exit(void *value)
{
	const struct rh_real *real = rh_real_get();

	rh_unwinding_ready();
	if (rh_sys_tid() == rh_sys_pid() && !rh_park_is_under())
		rh_runtime_thread_ends();
	real->pthread_exit(value);
	__builtin_unreachable();
}
