#include "life.h"

#include "../../model/check.h"
#include "../../model/error.h"

struct step {
	enum rh_life_state  next;
	enum rh_life_action action;
	unsigned char       is_allowed;
};

#define TO(next, action) { RH_LIFE_##next, RH_LIFE_##action, 1 }

/* Every row is a state, every column an event; an empty cell is refused. */
static const struct step steps[RH_LIFE_STATES][RH_LIFE_EVENTS] = {
	[RH_LIFE_IDLE] = {
		[RH_LIFE_START]    = TO(RUNNING,  SPAWN),
		[RH_LIFE_STOP]     = TO(GONE,     FORGET),
	},
	[RH_LIFE_RUNNING] = {
		[RH_LIFE_DIED]     = TO(WAITING,  ARM),
		[RH_LIFE_END]      = TO(ENDED,    NOTHING),
		[RH_LIFE_STOP]     = TO(STOPPING, TERM),
		[RH_LIFE_RENEW]    = TO(RENEWING, ASK),
	},
	[RH_LIFE_RENEWING] = {
		[RH_LIFE_DIED]     = TO(RUNNING,  SPAWN),
		[RH_LIFE_END]      = TO(RUNNING,  SPAWN),
		[RH_LIFE_STOP]     = TO(STOPPING, TERM),
	},
	[RH_LIFE_WAITING] = {
		[RH_LIFE_TIMER]    = TO(RUNNING,  SPAWN),
		[RH_LIFE_STOP]     = TO(GONE,     FORGET),
	},
	[RH_LIFE_ENDED] = {
		[RH_LIFE_START]    = TO(RUNNING,  SPAWN),
		[RH_LIFE_STOP]     = TO(GONE,     FORGET),
	},
	[RH_LIFE_STOPPING] = {
		[RH_LIFE_DIED]     = TO(GONE,     FORGET),
		[RH_LIFE_END]      = TO(GONE,     FORGET),
		[RH_LIFE_PATIENCE] = TO(KILLING,  KILL),
		[RH_LIFE_STOP]     = TO(STOPPING, NOTHING),
	},
	[RH_LIFE_KILLING] = {
		[RH_LIFE_DIED]     = TO(GONE,     FORGET),
		[RH_LIFE_END]      = TO(GONE,     FORGET),
		[RH_LIFE_STOP]     = TO(KILLING,  NOTHING),
	},
};

int rh_life_step(enum rh_life_state *state, enum rh_life_event event)
{
	RH_CHECK(*state < RH_LIFE_STATES);
	RH_CHECK(event < RH_LIFE_EVENTS);

	const struct step *step = &steps[*state][event];
	if (!step->is_allowed)
		return RH_EINVAL;
	*state = step->next;
	return (int)step->action;
}

enum rh_life_event rh_life_outcome(enum rh_restart restart, int code, int by_signal)
{
	int has_failed = by_signal || code != 0;

	if (restart == RH_RESTART_ALWAYS)
		return RH_LIFE_DIED;
	if (restart == RH_RESTART_ON_FAILURE && has_failed)
		return RH_LIFE_DIED;
	return RH_LIFE_END;
}
