#include "../../cli/supervise/backoff.h"
#include "../../cli/supervise/life.h"
#include "../../model/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define NO { RH_LIFE_STATES, RH_EINVAL }
#define TO(state, action) { RH_LIFE_##state, RH_LIFE_##action }

struct cell {
	enum rh_life_state next;
	int                action;
};

/* What must hold, written down once more: in the order of the events START, DIED,
 * END, TIMER, STOP, PATIENCE, RENEW. */
static const struct cell expected[RH_LIFE_STATES][RH_LIFE_EVENTS] = {
	[RH_LIFE_IDLE] = { TO(RUNNING, SPAWN), NO, NO, NO, TO(GONE, FORGET), NO, NO },
	[RH_LIFE_RUNNING] = { NO, TO(WAITING, ARM), TO(ENDED, NOTHING), NO,
	                      TO(STOPPING, TERM), NO, TO(RENEWING, ASK) },
	[RH_LIFE_WAITING] = { NO, NO, NO, TO(RUNNING, SPAWN), TO(GONE, FORGET), NO, NO },
	[RH_LIFE_ENDED] = { TO(RUNNING, SPAWN), NO, NO, NO, TO(GONE, FORGET), NO, NO },
	[RH_LIFE_RENEWING] = { NO, TO(RUNNING, SPAWN), TO(RUNNING, SPAWN), NO,
	                       TO(STOPPING, TERM), NO, NO },
	[RH_LIFE_STOPPING] = { NO, TO(GONE, FORGET), TO(GONE, FORGET), NO,
	                       TO(STOPPING, NOTHING), TO(KILLING, KILL), NO },
	[RH_LIFE_KILLING] = { NO, TO(GONE, FORGET), TO(GONE, FORGET), NO,
	                      TO(KILLING, NOTHING), NO, NO },
	[RH_LIFE_GONE] = { NO, NO, NO, NO, NO, NO, NO },
};

static void every_cell(void **unused)
{
	(void)unused;
	for (int s = 0; s < RH_LIFE_STATES; s++) {
		for (int e = 0; e < RH_LIFE_EVENTS; e++) {
			enum rh_life_state state = (enum rh_life_state)s;
			const struct cell *cell = &expected[s][e];
			int action = rh_life_step(&state, (enum rh_life_event)e);

			assert_int_equal(action, cell->action);
			assert_int_equal(state, cell->action == RH_EINVAL
			                        ? (enum rh_life_state)s : cell->next);
		}
	}
}

static void the_policy_decides_about_another_start(void **unused)
{
	(void)unused;
	assert_int_equal(rh_life_outcome(RH_RESTART_ALWAYS, 0, 0), RH_LIFE_DIED);
	assert_int_equal(rh_life_outcome(RH_RESTART_ALWAYS, 1, 0), RH_LIFE_DIED);
	assert_int_equal(rh_life_outcome(RH_RESTART_ALWAYS, 0, 9), RH_LIFE_DIED);
	assert_int_equal(rh_life_outcome(RH_RESTART_ON_FAILURE, 0, 0), RH_LIFE_END);
	assert_int_equal(rh_life_outcome(RH_RESTART_ON_FAILURE, 1, 0), RH_LIFE_DIED);
	assert_int_equal(rh_life_outcome(RH_RESTART_ON_FAILURE, 0, 9), RH_LIFE_DIED);
	assert_int_equal(rh_life_outcome(RH_RESTART_NEVER, 0, 0), RH_LIFE_END);
	assert_int_equal(rh_life_outcome(RH_RESTART_NEVER, 1, 0), RH_LIFE_END);
	assert_int_equal(rh_life_outcome(RH_RESTART_NEVER, 0, 9), RH_LIFE_END);
}

/* Starts and fails again after alive_ms; gives the pause. */
static unsigned fail_after(struct rh_backoff *backoff, uint64_t *now, uint64_t alive_ms,
                           int by_signal)
{
	rh_backoff_started(backoff, *now);
	*now += alive_ms;
	return rh_backoff_failed(backoff, *now, by_signal);
}

static void pauses_double_up_to_ten_seconds(void **unused)
{
	static const unsigned pauses[] = {
		100, 200, 400, 800, 1600, 3200, 6400, 10000, 10000, 10000,
	};
	struct rh_backoff backoff = { 0 };
	uint64_t          now = 5;
	(void)unused;

	for (size_t i = 0; i < sizeof pauses / sizeof pauses[0]; i++)
		assert_int_equal(fail_after(&backoff, &now, 1, 0), pauses[i]);
	for (int i = 0; i < 100; i++)
		assert_int_equal(fail_after(&backoff, &now, 9999, 1), 10000);
}

static void a_healthy_life_begins_anew(void **unused)
{
	struct rh_backoff backoff = { 0 };
	uint64_t          now = 0;
	(void)unused;

	for (int i = 0; i < 5; i++)
		fail_after(&backoff, &now, 1, 0);
	assert_int_equal(fail_after(&backoff, &now, 9999, 0), 3200);
	assert_int_equal(fail_after(&backoff, &now, 10000, 0), 100);
	assert_int_equal(fail_after(&backoff, &now, 1, 0), 200);
}

static void the_first_kill_costs_no_pause(void **unused)
{
	struct rh_backoff backoff = { 0 };
	uint64_t          now = 0;
	(void)unused;

	assert_int_equal(fail_after(&backoff, &now, 1, 9), 0);
	assert_int_equal(fail_after(&backoff, &now, 1, 9), 200);
	assert_int_equal(fail_after(&backoff, &now, 1, 9), 400);
	assert_int_equal(fail_after(&backoff, &now, 20000, 9), 0);
	/* One that failed by itself is not trusted at once. */
	backoff = (struct rh_backoff){ 0 };
	assert_int_equal(fail_after(&backoff, &now, 1, 0), 100);
	assert_int_equal(fail_after(&backoff, &now, 1, 9), 200);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cell),
		cmocka_unit_test(the_policy_decides_about_another_start),
		cmocka_unit_test(pauses_double_up_to_ten_seconds),
		cmocka_unit_test(a_healthy_life_begins_anew),
		cmocka_unit_test(the_first_kill_costs_no_pause),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
