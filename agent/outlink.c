#include "outlink.h"

#include "../model/check.h"
#include "../model/error.h"

struct step {
	enum rh_outlink_state  next;
	enum rh_outlink_action action;
	unsigned char       allowed;
};

#define TO(next, action) { RH_OUTLINK_##next, RH_OUTLINK_##action, 1 }

/* Every row is a state, every column an event; an empty cell is refused. */
static const struct step steps[RH_OUTLINK_STATES][RH_OUTLINK_EVENTS] = {
	[RH_OUTLINK_DOWN] = {
		[RH_OUTLINK_DIALED]  = TO(GREETING, GREET),
	},
	[RH_OUTLINK_GREETING] = {
		[RH_OUTLINK_LINKED]  = TO(BARE,     SETTLE),
		[RH_OUTLINK_LOST]    = TO(DOWN,     RETRY),
	},
	[RH_OUTLINK_BARE] = {
		[RH_OUTLINK_OFFERED] = TO(OFFERING, AWAIT),
		[RH_OUTLINK_LOST]    = TO(DOWN,     RETRY),
	},
	[RH_OUTLINK_OFFERING] = {
		[RH_OUTLINK_REFUSED] = TO(BARE,     DELAY),
		[RH_OUTLINK_OPEN]    = TO(UP,       SERVE),
		[RH_OUTLINK_LOST]    = TO(DOWN,     RETRY),
	},
	[RH_OUTLINK_UP] = {
		[RH_OUTLINK_SWAPPED] = TO(BARE,     REOPEN),
		[RH_OUTLINK_LOST]    = TO(DOWN,     FAIL),
	},
};

int rh_outlink_step(enum rh_outlink_state *state, enum rh_outlink_event event)
{
	RH_CHECK(*state < RH_OUTLINK_STATES);
	RH_CHECK(event < RH_OUTLINK_EVENTS);

	const struct step *step = &steps[*state][event];
	if (!step->allowed)
		return RH_EINVAL;
	*state = step->next;
	return (int)step->action;
}

const char *rh_outlink_text(enum rh_outlink_state state)
{
	static const char *const texts[RH_OUTLINK_STATES] = {
		"down", "greeting", "bare", "offering", "up",
	};

	return state < RH_OUTLINK_STATES ? texts[state] : "unknown";
}
