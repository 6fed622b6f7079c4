/* backoff - how long to wait before a process is started again.
 *
 * 100 ms after the first failure, twice as long after each further one, 10 s at
 * most.  A process that lived 10 s was healthy: its next failure counts as the
 * first.  One that was healthy, or never failed, and was killed by a signal is
 * started again at once, because nothing says that it will fail again.
 *
 * Ownership   A plain value.
 * Threads     Pure; the caller brings the time. */
#ifndef RH_SUPERVISE_BACKOFF_H
#define RH_SUPERVISE_BACKOFF_H

#include <stdint.h>

#define RH_BACKOFF_FIRST_MS   100u
#define RH_BACKOFF_MOST_MS    10000u
#define RH_BACKOFF_HEALTHY_MS 10000u

struct rh_backoff {
	uint64_t started_ms;
	unsigned failures;     /* in a row */
};

void rh_backoff_started(struct rh_backoff *backoff, uint64_t now_ms);

/* Counts a failure and returns the milliseconds to wait. */
unsigned rh_backoff_failed(struct rh_backoff *backoff, uint64_t now_ms, int by_signal);

#endif
