/* Sleeping: on the wheel, so that the carrier runs others meanwhile. */
#include "clock.h"
#include "real.h"
#include "waitqueue.h"

#include <errno.h>

/* 0, or EINTR when a handler of the program ran. */
static int sleep_until(struct rh_fiber *fiber, uint64_t until)
{
	struct rh_wait how = {.key = &fiber->sp, .until = until, .interruptible = true};
	uint32_t seen = fiber->user_signals;

	rh_real.pthread_testcancel();
	while (rh_clock() < until) {
		enum rh_waited waited = rh_wait_sleep(rh_wait_open(how.key), &how);

		rh_real.pthread_testcancel();
		if (waited == RH_SIGNALLED && fiber->user_signals != seen)
			return EINTR;
	}
	return 0;
}

RH_INTERPOSED int clock_nanosleep(clockid_t clock, int flags, const struct timespec *time,
				  struct timespec *ret_left)
{
	const struct rh_real *real = rh_real_get();
	struct rh_fiber *fiber = rh_fiber_current();
	uint64_t until, now;
	int result;

	if (!fiber || (clock != CLOCK_MONOTONIC && clock != CLOCK_REALTIME))
		return real->clock_nanosleep(clock, flags, time, ret_left);
	if (time->tv_sec < 0 || time->tv_nsec < 0 || time->tv_nsec >= (long)RH_NS_PER_S)
		return EINVAL;
	if (flags & TIMER_ABSTIME)
		until = rh_clock_from(clock, time);
	else if (time->tv_sec > INT32_MAX)
		until = UINT64_MAX / 2;
	else
		until = rh_clock() + (uint64_t)time->tv_sec * RH_NS_PER_S +
			(uint64_t)time->tv_nsec;
	result = sleep_until(fiber, until);
	now = rh_clock();
	if (result == EINTR && ret_left && !(flags & TIMER_ABSTIME))
		*ret_left = rh_sys_time(until > now ? until - now : 0);
	return result;
}

RH_INTERPOSED int nanosleep(const struct timespec *time, struct timespec *ret_left)
{
	int result;

	if (!rh_fiber_current())
		return rh_real_get()->nanosleep(time, ret_left);
	result = clock_nanosleep(CLOCK_MONOTONIC, 0, time, ret_left);
	if (result)
		errno = result;
	return result ? -1 : 0;
}

RH_INTERPOSED int usleep(useconds_t us)
{
	struct timespec time = {.tv_sec = (time_t)(us / 1000000u),
				.tv_nsec = (long)(us % 1000000u) * 1000};

	return nanosleep(&time, NULL);
}

RH_INTERPOSED unsigned sleep(unsigned seconds)
{
	struct timespec time = {.tv_sec = (time_t)seconds}, left = {0};

	if (nanosleep(&time, &left) == 0)
		return 0;
	return (unsigned)left.tv_sec + (left.tv_nsec >= (long)RH_NS_PER_S / 2);
}
