/* restart - calls that Linux ends early for any signal do not end early for the runtime's.
 *
 * Threads     Of the fiber. */
#ifndef RH_FIBER_RESTART_H
#define RH_FIBER_RESTART_H

#include "clock.h"
#include "fiber.h"
#include "monitor.h"

#include <errno.h>

struct rh_restart {
	uint32_t preempted, user_signals;
};

static inline struct rh_restart rh_restart_begin(const struct rh_fiber *fiber)
{
	rh_monitor_call();
	return (struct rh_restart){fiber->preempted, fiber->user_signals};
}

/* Whether the call ended with EINTR though no handler of the program ran. */
static inline bool rh_restart_again(const struct rh_fiber *fiber, struct rh_restart seen)
{
	return errno == EINTR && fiber->preempted != seen.preempted &&
	       fiber->user_signals == seen.user_signals;
}

/* A call with a mask of its own, or that takes signals, begins or ends: what is sent to the
 * fiber meanwhile goes straight to its carrier. */
void rh_restart_masked(struct rh_fiber *fiber, bool begins);

static inline uint64_t rh_restart_until(const struct timespec *most)
{
	uint64_t now = rh_clock();

	if (most->tv_sec > (time_t)(UINT64_MAX / RH_NS_PER_S / 4))
		return UINT64_MAX / 2;
	return now + (uint64_t)most->tv_sec * RH_NS_PER_S + (uint64_t)most->tv_nsec;
}

static inline struct timespec rh_restart_left(uint64_t until)
{
	uint64_t now = rh_clock(), left = until > now ? until - now : 0;

	return (struct timespec){.tv_sec = (time_t)(left / RH_NS_PER_S),
				 .tv_nsec = (long)(left % RH_NS_PER_S)};
}

#endif
