/* clock - the monotonic clock of the node, in nanoseconds. */
#ifndef RH_BASE_CLOCK_H
#define RH_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

#define RH_NS_PER_MS 1000000ull
#define RH_NS_PER_S  1000000000ull

static inline uint64_t rh_clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * RH_NS_PER_S + (uint64_t)now.tv_nsec;
}

#endif
