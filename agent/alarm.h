/* alarm - one timer for all deadlines of the agent.
 *
 * Whoever holds something with a deadline says so with rh_alarm_at; when the
 * earliest has passed, ring is called once, looks at everything and says again
 * what it still waits for.  A call costs a comparison, not a timer.
 *
 * Threads     The loop's.
 * Limits      It rings at most once a millisecond, whatever deadlines say. */
#ifndef RH_AGENT_ALARM_H
#define RH_AGENT_ALARM_H

#include <stdint.h>
#include <uv.h>

typedef void rh_alarm_ring(void *user, uint64_t now);

struct rh_alarm {
	uv_timer_t     timer;
	uint64_t       next; /* monotonic ns; UINT64_MAX: not set */
	rh_alarm_ring *ring;
	void          *user;
	const char    *who;  /* for the log                       */
};

int rh_alarm_init(struct rh_alarm *alarm, uv_loop_t *loop, rh_alarm_ring *ring,
                  void *user);

/* Rings at that time or soon after it; 0 is no deadline and sets nothing. */
void rh_alarm_at(struct rh_alarm *alarm, uint64_t deadline);

#endif
