#include "swap.h"

#include "../model/check.h"
#include "../model/error.h"

struct step {
	unsigned char next;
	unsigned char action;
	unsigned char allowed;
};

#define LEAD(next, action)   { RH_SWAP_##next, RH_SWAP_##action, 1 }
#define FOLLOW(next, action) { RH_SWAPPED_##next, RH_SWAPPED_##action, 1 }

/* Every row is a state, every column an event; an empty cell is refused. */
static const struct step lead[RH_SWAP_STATES][RH_SWAP_EVENTS] = {
	[RH_SWAP_IDLE] = {
		[RH_SWAP_WANT]    = LEAD(PREPARING, PREPARE),
	},
	[RH_SWAP_PREPARING] = {
		[RH_SWAP_UNWANT]  = LEAD(IDLE,      ABORT),
		[RH_SWAP_READY]   = LEAD(COMMITTED, COMMIT),
		[RH_SWAP_REFUSED] = LEAD(IDLE,      REJECT),
		[RH_SWAP_NOT_YET] = LEAD(IDLE,      TRY_LATER),
		[RH_SWAP_UNABLE]  = LEAD(IDLE,      GIVE_UP),
		[RH_SWAP_LATE]    = LEAD(IDLE,      GIVE_UP),
		[RH_SWAP_LOST]    = LEAD(IDLE,      FORGET),
	},
	[RH_SWAP_COMMITTED] = {
		[RH_SWAP_DRAINED] = LEAD(IDLE,      FINISH),
		[RH_SWAP_LOST]    = LEAD(IDLE,      FORGET),
	},
};

static const struct step follow[RH_SWAPPED_STATES][RH_SWAPPED_EVENTS] = {
	[RH_SWAPPED_IDLE] = {
		[RH_SWAPPED_PREPARE] = FOLLOW(PREPARED, ACCEPT),
	},
	[RH_SWAPPED_PREPARED] = {
		[RH_SWAPPED_COMMIT]  = FOLLOW(DRAINING, DRAIN),
		[RH_SWAPPED_ABORT]   = FOLLOW(IDLE,     DROP),
		[RH_SWAPPED_LOST]    = FOLLOW(IDLE,     DROP),
	},
	[RH_SWAPPED_DRAINING] = {
		[RH_SWAPPED_DRAINED] = FOLLOW(IDLE,     SWITCH),
		[RH_SWAPPED_LOST]    = FOLLOW(IDLE,     DROP),
	},
};

int rh_swap_step(enum rh_swap_state *state, enum rh_swap_event event)
{
	RH_CHECK(*state < RH_SWAP_STATES);
	RH_CHECK(event < RH_SWAP_EVENTS);

	const struct step *step = &lead[*state][event];
	if (!step->allowed)
		return RH_EINVAL;
	*state = (enum rh_swap_state)step->next;
	return step->action;
}

int rh_swapped_step(enum rh_swapped_state *state, enum rh_swapped_event event)
{
	RH_CHECK(*state < RH_SWAPPED_STATES);
	RH_CHECK(event < RH_SWAPPED_EVENTS);

	const struct step *step = &follow[*state][event];
	if (!step->allowed)
		return RH_EINVAL;
	*state = (enum rh_swapped_state)step->next;
	return step->action;
}
