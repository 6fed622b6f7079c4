/* The table of center.h and its arithmetic, apart so that they can be tested alone. */
#include "center.h"

#include "../model/check.h"
#include "../model/error.h"

struct step {
	enum rh_center_state  next;
	enum rh_center_action action;
	unsigned char         allowed;
};

#define TO(next, action) { RH_CENTER_##next, RH_CENTER_##action, 1 }

/* Every row is a state, every column an event; an empty cell is refused. */
static const struct step steps[RH_CENTER_STATES][RH_CENTER_EVENTS] = {
	[RH_CENTER_DOWN] = {
		[RH_CENTER_DIALED]  = TO(JOINING, HELLO),
	},
	[RH_CENTER_JOINING] = {
		[RH_CENTER_WELCOME] = TO(SYNCING, SUBSCRIBE),
		[RH_CENTER_LOST]    = TO(DOWN,    RETRY),
	},
	[RH_CENTER_SYNCING] = {
		[RH_CENTER_SYNCED]  = TO(LIVE,    TELL),
		[RH_CENTER_GAP]     = TO(SYNCING, SUBSCRIBE),
		[RH_CENTER_LOST]    = TO(DOWN,    RETRY),
	},
	[RH_CENTER_LIVE] = {
		[RH_CENTER_SYNCED]  = TO(LIVE,    NOTHING),
		[RH_CENTER_GAP]     = TO(SYNCING, SUBSCRIBE),
		[RH_CENTER_LOST]    = TO(DOWN,    RETRY),
	},
};

int rh_center_step(enum rh_center_state *state, enum rh_center_event event)
{
	RH_CHECK(*state < RH_CENTER_STATES);
	RH_CHECK(event < RH_CENTER_EVENTS);

	const struct step *step = &steps[*state][event];
	if (!step->allowed)
		return RH_EINVAL;
	*state = step->next;
	return (int)step->action;
}

uint64_t rh_center_pause(uint64_t wait_ms, uint32_t random)
{
	return wait_ms + random % (wait_ms / 4 + 1);
}
