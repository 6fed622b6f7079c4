#include "alarm.h"

#include "../base/clock.h"
#include "../base/log.h"
#include "../model/error.h"

#define LONGEST_MS 3600000ull

int rh_alarm_init(struct rh_alarm *alarm, uv_loop_t *loop, rh_alarm_ring *ring,
                  void *user)
{
	alarm->next = UINT64_MAX;
	alarm->ring = ring;
	alarm->user = user;
	alarm->who = rh_log_as(NULL);
	alarm->timer.data = alarm;
	if (uv_timer_init(loop, &alarm->timer) < 0)
		return RH_EIO;
	alarm->timer.data = alarm;
	return RH_OK;
}

static void on_timer(uv_timer_t *timer)
{
	struct rh_alarm *alarm = timer->data;

	rh_log_as(alarm->who);
	alarm->next = UINT64_MAX;
	alarm->ring(alarm->user, rh_clock_ns());
}

void rh_alarm_at(struct rh_alarm *alarm, uint64_t deadline)
{
	uint64_t now, wait_ms = 1;

	if (deadline == 0 || deadline >= alarm->next)
		return;
	alarm->next = deadline;
	now = rh_clock_ns();
	if (deadline > now)
		wait_ms = (deadline - now) / RH_NS_PER_MS + 1;
	if (wait_ms > LONGEST_MS)
		wait_ms = LONGEST_MS;
	uv_update_time(alarm->timer.loop);
	uv_timer_start(&alarm->timer, on_timer, wait_ms, 0);
}
