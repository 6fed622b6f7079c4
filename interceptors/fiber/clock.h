/* clock - the time of the runtime: CLOCK_MONOTONIC in nanoseconds. */
#ifndef RH_FIBER_CLOCK_H
#define RH_FIBER_CLOCK_H

#include "real.h"

#include <stdint.h>
#include <time.h>

#define RH_NS_PER_S 1000000000ull

static inline uint64_t rh_clock_of(clockid_t clock)
{
	struct timespec now = {0};

	rh_real.clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * RH_NS_PER_S + (uint64_t)now.tv_nsec;
}

static inline uint64_t rh_clock(void)
{
	return rh_clock_of(CLOCK_MONOTONIC);
}

/* The processor time of a kernel thread of this process, up to now. */
static inline uint64_t rh_clock_of_thread(int tid)
{
	return rh_clock_of((clockid_t)(~(unsigned)tid << 3 | 6));
}

/* When a time of that clock is, in time of the runtime; a time that is over is now. */
static inline uint64_t rh_clock_from(clockid_t clock, const struct timespec *until)
{
	int64_t at = (int64_t)until->tv_sec * (int64_t)RH_NS_PER_S + until->tv_nsec;
	int64_t left, now = (int64_t)rh_clock();

	if (until->tv_sec > INT64_MAX / (int64_t)RH_NS_PER_S / 4)
		return UINT64_MAX / 2;
	if (clock == CLOCK_MONOTONIC)
		return at > 0 ? (uint64_t)at : 0;
	left = at - (int64_t)rh_clock_of(clock);
	return left <= 0 ? (uint64_t)now : (uint64_t)(now + left);
}

#endif
