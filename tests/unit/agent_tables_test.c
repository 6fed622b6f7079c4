/* The agent's state machines: every state against every event.  A refused cell moves
 * nothing. */
#include "../../agent/center.h"
#include "../../agent/outlink.h"
#include "../../agent/swap.h"
#include "../../model/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define NO (-1)

struct cell {
	int next;
	int action;
};

static void outlink_has_these_steps_and_no_others(void **unused)
{
	static const struct cell expected[RH_OUTLINK_STATES][RH_OUTLINK_EVENTS] = {
		/*              DIALED                            LINKED  ...          */
		[RH_OUTLINK_DOWN] = {
			{ RH_OUTLINK_GREETING, RH_OUTLINK_GREET },
			{ NO, 0 }, { NO, 0 }, { NO, 0 }, { NO, 0 }, { NO, 0 }, { NO, 0 },
		},
		[RH_OUTLINK_GREETING] = {
			{ NO, 0 }, { RH_OUTLINK_BARE, RH_OUTLINK_SETTLE },
			{ NO, 0 }, { NO, 0 }, { NO, 0 }, { NO, 0 },
			{ RH_OUTLINK_DOWN, RH_OUTLINK_RETRY },
		},
		[RH_OUTLINK_BARE] = {
			{ NO, 0 }, { NO, 0 }, { RH_OUTLINK_OFFERING, RH_OUTLINK_AWAIT },
			{ NO, 0 }, { NO, 0 }, { NO, 0 },
			{ RH_OUTLINK_DOWN, RH_OUTLINK_RETRY },
		},
		[RH_OUTLINK_OFFERING] = {
			{ NO, 0 }, { NO, 0 }, { NO, 0 },
			{ RH_OUTLINK_BARE, RH_OUTLINK_DELAY },
			{ RH_OUTLINK_UP, RH_OUTLINK_SERVE }, { NO, 0 },
			{ RH_OUTLINK_DOWN, RH_OUTLINK_RETRY },
		},
		[RH_OUTLINK_UP] = {
			{ NO, 0 }, { NO, 0 }, { NO, 0 }, { NO, 0 }, { NO, 0 },
			{ RH_OUTLINK_BARE, RH_OUTLINK_REOPEN },
			{ RH_OUTLINK_DOWN, RH_OUTLINK_FAIL },
		},
	};

	(void)unused;
	for (int s = 0; s < RH_OUTLINK_STATES; s++) {
		for (int e = 0; e < RH_OUTLINK_EVENTS; e++) {
			enum rh_outlink_state state = (enum rh_outlink_state)s;
			int r = rh_outlink_step(&state, (enum rh_outlink_event)e);
			int is_refused = expected[s][e].next == NO;

			assert_int_equal(r, is_refused ? RH_EINVAL
			                               : expected[s][e].action);
			assert_int_equal(state, is_refused ? s : expected[s][e].next);
		}
	}
}

/* Whatever happened, a link that is lost is down and dials again. */
static void outlink_always_comes_back(void **unused)
{
	(void)unused;
	for (int s = RH_OUTLINK_GREETING; s < RH_OUTLINK_STATES; s++) {
		enum rh_outlink_state state = (enum rh_outlink_state)s;
		int action = rh_outlink_step(&state, RH_OUTLINK_LOST);

		assert_true(action == RH_OUTLINK_RETRY || action == RH_OUTLINK_FAIL);
		assert_int_equal(rh_outlink_step(&state, RH_OUTLINK_DIALED),
		                 RH_OUTLINK_GREET);
	}
	assert_string_equal(rh_outlink_text(RH_OUTLINK_UP), "up");
	assert_string_equal(rh_outlink_text(RH_OUTLINK_STATES), "unknown");
}

static void center_has_these_steps_and_no_others(void **unused)
{
	static const struct cell expected[RH_CENTER_STATES][RH_CENTER_EVENTS] = {
		[RH_CENTER_DOWN] = {
			{ RH_CENTER_JOINING, RH_CENTER_HELLO }, { NO, 0 }, { NO, 0 },
			{ NO, 0 }, { NO, 0 },
		},
		[RH_CENTER_JOINING] = {
			{ NO, 0 }, { RH_CENTER_SYNCING, RH_CENTER_SUBSCRIBE }, { NO, 0 },
			{ NO, 0 }, { RH_CENTER_DOWN, RH_CENTER_RETRY },
		},
		[RH_CENTER_SYNCING] = {
			{ NO, 0 }, { NO, 0 }, { RH_CENTER_LIVE, RH_CENTER_TELL },
			{ RH_CENTER_SYNCING, RH_CENTER_SUBSCRIBE },
			{ RH_CENTER_DOWN, RH_CENTER_RETRY },
		},
		[RH_CENTER_LIVE] = {
			{ NO, 0 }, { NO, 0 }, { RH_CENTER_LIVE, RH_CENTER_NOTHING },
			{ RH_CENTER_SYNCING, RH_CENTER_SUBSCRIBE },
			{ RH_CENTER_DOWN, RH_CENTER_RETRY },
		},
	};

	(void)unused;
	for (int s = 0; s < RH_CENTER_STATES; s++) {
		for (int e = 0; e < RH_CENTER_EVENTS; e++) {
			enum rh_center_state state = (enum rh_center_state)s;
			int r = rh_center_step(&state, (enum rh_center_event)e);
			int is_refused = expected[s][e].next == NO;

			assert_int_equal(r, is_refused ? RH_EINVAL
			                               : expected[s][e].action);
			assert_int_equal(state, is_refused ? s : expected[s][e].next);
		}
	}
}

/* Never before it may come, and not all in one moment. */
static void agents_come_back_one_after_the_other(void **unused)
{
	uint64_t first = UINT64_MAX, last = 0;

	(void)unused;
	for (uint32_t i = 0; i < 1000; i++) {
		uint64_t wait = rh_center_pause(2000, i * 4294967u);

		assert_in_range(wait, 2000, 2500);
		first = wait < first ? wait : first;
		last = wait > last ? wait : last;
	}
	assert_true(last - first > 400);
	assert_int_equal(rh_center_pause(0, UINT32_MAX), 0);
	assert_in_range(rh_center_pause(60000, UINT32_MAX), 60000, 75000);
}

#define LEAD(next, action)   { RH_SWAP_##next, RH_SWAP_##action }
#define FOLLOW(next, action) { RH_SWAPPED_##next, RH_SWAPPED_##action }

static void the_leader_of_a_swap_has_these_steps_and_no_others(void **unused)
{
	static const struct cell expected[RH_SWAP_STATES][RH_SWAP_EVENTS] = {
		/*    WANT, UNWANT, READY, REFUSED, NOT_YET, UNABLE, LATE, DRAINED, LOST */
		[RH_SWAP_IDLE] = {
			LEAD(PREPARING, PREPARE), { NO, 0 }, { NO, 0 }, { NO, 0 },
			{ NO, 0 }, { NO, 0 }, { NO, 0 }, { NO, 0 }, { NO, 0 },
		},
		[RH_SWAP_PREPARING] = {
			{ NO, 0 }, LEAD(IDLE, ABORT), LEAD(COMMITTED, COMMIT),
			LEAD(IDLE, REJECT), LEAD(IDLE, TRY_LATER), LEAD(IDLE, GIVE_UP),
			LEAD(IDLE, GIVE_UP),
			{ NO, 0 }, LEAD(IDLE, FORGET),
		},
		/* There is no way back: what was sent by the new channel is on it. */
		[RH_SWAP_COMMITTED] = {
			{ NO, 0 }, { NO, 0 }, { NO, 0 }, { NO, 0 }, { NO, 0 }, { NO, 0 },
			{ NO, 0 }, LEAD(IDLE, FINISH), LEAD(IDLE, FORGET),
		},
	};

	(void)unused;
	for (int s = 0; s < RH_SWAP_STATES; s++) {
		for (int e = 0; e < RH_SWAP_EVENTS; e++) {
			enum rh_swap_state state = (enum rh_swap_state)s;
			int r = rh_swap_step(&state, (enum rh_swap_event)e);
			int is_refused = expected[s][e].next == NO;

			assert_int_equal(r, is_refused ? RH_EINVAL
			                               : expected[s][e].action);
			assert_int_equal(state, is_refused ? s : expected[s][e].next);
		}
	}
}

static void who_follows_in_a_swap_has_these_steps_and_no_others(void **unused)
{
	static const struct cell expected[RH_SWAPPED_STATES][RH_SWAPPED_EVENTS] = {
		/*                   PREPARE, COMMIT, ABORT, DRAINED, LOST */
		[RH_SWAPPED_IDLE] = {
			FOLLOW(PREPARED, ACCEPT), { NO, 0 }, { NO, 0 }, { NO, 0 },
			{ NO, 0 },
		},
		[RH_SWAPPED_PREPARED] = {
			{ NO, 0 }, FOLLOW(DRAINING, DRAIN), FOLLOW(IDLE, DROP),
			{ NO, 0 }, FOLLOW(IDLE, DROP),
		},
		[RH_SWAPPED_DRAINING] = {
			{ NO, 0 }, { NO, 0 }, { NO, 0 }, FOLLOW(IDLE, SWITCH),
			FOLLOW(IDLE, DROP),
		},
	};

	(void)unused;
	for (int s = 0; s < RH_SWAPPED_STATES; s++) {
		for (int e = 0; e < RH_SWAPPED_EVENTS; e++) {
			enum rh_swapped_state state = (enum rh_swapped_state)s;
			int r = rh_swapped_step(&state, (enum rh_swapped_event)e);
			int is_refused = expected[s][e].next == NO;

			assert_int_equal(r, is_refused ? RH_EINVAL
			                               : expected[s][e].action);
			assert_int_equal(state, is_refused ? s : expected[s][e].next);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(outlink_has_these_steps_and_no_others),
		cmocka_unit_test(outlink_always_comes_back),
		cmocka_unit_test(center_has_these_steps_and_no_others),
		cmocka_unit_test(agents_come_back_one_after_the_other),
		cmocka_unit_test(the_leader_of_a_swap_has_these_steps_and_no_others),
		cmocka_unit_test(who_follows_in_a_swap_has_these_steps_and_no_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
