#include "model_check.h"
#include "model_fixture.h"

#include "../../model/rollout.h"

static const struct rh_rollout_plan plan = {
	.steps = { { 1, 0 }, { 25, 1 }, { 100, 1 } }, .step_count = 3,
	.errors_ppm = 50000, .wait_ns = 100,
};

static uint64_t place(const char *rule, const char *caller, const char *callee)
{
	struct rh_name names[] = { rule_name_of(rule), name_of(caller), name_of(callee) };

	return rh_rollout_place(&names[0], &names[1], &names[2]);
}

/* Stores hold places: the numbers are for ever. */
static void places_stay_the_same(void **state)
{
	(void)state;
	assert_true(place("r", "a00", "s") == UINT64_C(17706894793078791281));
	assert_true(place("r", "a", "s") == UINT64_C(9039025968056331695));
	assert_true(place("r", "ab", "c") != place("r", "a", "bc"));
	assert_true(place("r", "a", "b") != place("r", "b", "a"));
	assert_true(place("r", "a", "b") != place("q", "a", "b"));
}

/* Of 4,000 edges, however alike their names are, a quarter stands in each quarter. */
static void places_are_spread(void **state)
{
	unsigned quarters[4] = { 0 };
	char     caller[16];

	(void)state;
	for (unsigned i = 0; i < 4000; i++) {
		snprintf(caller, sizeof caller, "caller_%04u", i);
		quarters[place("rule", caller, "service") >> 62]++;
	}
	for (int i = 0; i < 4; i++)
		assert_in_range(quarters[i], 850, 1150);
}

static void steps_count_edges(void **state)
{
	const struct { struct rh_rollout_step step; uint64_t total, upto; } cases[] = {
		{ { 1, 0 }, 0, 0 },       { { 1, 0 }, 20, 1 },    { { 30, 0 }, 20, 20 },
		{ { 5, 1 }, 0, 0 },       { { 5, 1 }, 1, 1 },     { { 5, 1 }, 20, 1 },
		{ { 5, 1 }, 21, 2 },      { { 50, 1 }, 7, 4 },    { { 100, 1 }, 7, 7 },
		{ { 99, 1 }, 1000, 990 }, { { 1, 1 }, 1000, 10 },
		{ { 100, 1 }, UINT64_MAX, UINT64_MAX },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_true(rh_rollout_upto(&cases[i].step, cases[i].total) ==
		            cases[i].upto);
}

/* What is decided at a time, with settled as it was kept. */
static struct rh_rollout_answer decide(const struct rh_rollout_tally *tally,
                                       uint64_t now, uint64_t *settled)
{
	struct rh_rollout_answer answer;

	rh_rollout_decide(&plan, tally, now, settled, &answer);
	return answer;
}

static void a_rollout_from_end_to_end(void **state)
{
	struct rh_rollout_tally  tally = { .total = 20 };
	struct rh_rollout_answer answer;
	uint64_t                 settled = 0;

	(void)state;
	answer = decide(&tally, 1000, &settled);
	assert_int_equal(answer.action, RH_ROLLOUT_ADVANCE);
	assert_true(answer.step == 0 && answer.upto == 1);

	settled = 0;
	tally.reached = 1;
	answer = decide(&tally, 1010, &settled);
	assert_int_equal(answer.action, RH_ROLLOUT_WAIT);
	assert_true(answer.wake_ns == RH_ROLLOUT_NEVER && settled == 0);

	tally.settled = 1;
	answer = decide(&tally, 1020, &settled);
	assert_int_equal(answer.action, RH_ROLLOUT_WAIT);
	assert_true(answer.wake_ns == 1120 && settled == 1020);
	assert_int_equal(decide(&tally, 1119, &settled).action, RH_ROLLOUT_WAIT);
	answer = decide(&tally, 1120, &settled);
	assert_int_equal(answer.action, RH_ROLLOUT_ADVANCE);
	assert_true(answer.step == 1 && answer.upto == 5);

	settled = 0;
	tally.reached = tally.settled = 20;
	assert_true(decide(&tally, 2000, &settled).wake_ns == 2100);
	assert_int_equal(decide(&tally, 2100, &settled).action, RH_ROLLOUT_FINISH);
}

/* An agent that goes away makes the time begin anew. */
static void the_wait_begins_when_all_are_settled(void **state)
{
	struct rh_rollout_tally tally = { .total = 4, .reached = 2, .settled = 2 };
	uint64_t                settled = 0;

	(void)state;
	assert_true(decide(&tally, 100, &settled).wake_ns == 200);
	tally.settled = 1;
	assert_true(decide(&tally, 150, &settled).wake_ns == RH_ROLLOUT_NEVER);
	tally.settled = 2;
	assert_true(decide(&tally, 190, &settled).wake_ns == 290);
}

static void steps_that_reach_nobody_new_are_passed(void **state)
{
	struct rh_rollout_tally tally = { .total = 1, .reached = 1, .settled = 1 };
	uint64_t                settled = 1;

	(void)state;
	assert_int_equal(decide(&tally, 1000, &settled).action, RH_ROLLOUT_FINISH);
	tally = (struct rh_rollout_tally){ .total = 0 };
	settled = 0;
	assert_int_equal(decide(&tally, 1000, &settled).action, RH_ROLLOUT_FINISH);
}

static void rejects_stop_it_at_once(void **state)
{
	struct rh_rollout_plan   some = plan;
	struct rh_rollout_tally  tally = { .total = 9, .reached = 3, .settled = 1,
	                                   .rejected = 1 };
	struct rh_rollout_answer answer;
	uint64_t                 settled = 0;

	(void)state;
	assert_int_equal(decide(&tally, 5, &settled).action, RH_ROLLOUT_REJECTED);
	some.rejects_max = 1;
	rh_rollout_decide(&some, &tally, 5, &settled, &answer);
	assert_int_equal(answer.action, RH_ROLLOUT_WAIT);
	tally.settled = tally.rejected = 2;
	rh_rollout_decide(&some, &tally, 5, &settled, &answer);
	assert_int_equal(answer.action, RH_ROLLOUT_REJECTED);
}

static int stops(uint64_t calls, uint64_t errors, uint32_t ppm)
{
	struct rh_rollout_plan  some = plan;
	struct rh_rollout_tally tally = { .total = 9, .reached = 3, .calls = calls,
	                                  .errors = errors };
	struct rh_rollout_answer answer;
	uint64_t                 settled = 0;

	some.errors_ppm = ppm;
	rh_rollout_decide(&some, &tally, 5, &settled, &answer);
	return answer.action == RH_ROLLOUT_ERRORS;
}

static void errors_stop_it_above_the_rate(void **state)
{
	(void)state;
	assert_true(!stops(1000, 50, 50000) && stops(1000, 51, 50000));
	assert_true(!stops(1, 1, 50000) && stops(3, 2, 50000)); /* few calls count as 20 */
	assert_true(!stops(0, 0, 0) && stops(1000000, 1, 0));
	assert_true(!stops(100, 100, 1000000) && !stops(100, 100, RH_ROLLOUT_ANY_RATE));
	assert_true(stops(UINT64_MAX, UINT64_MAX / 2, 50000));
	assert_true(!stops(UINT64_MAX, UINT64_MAX / 100, 50000));
}

/* ---- a fleet from a seed, with a clock of its own ---- */

#define FLEET_MAX 50u

struct fleet {
	uint64_t                seed;
	uint64_t                now;
	uint64_t                settled_ns;
	uint64_t                due[FLEET_MAX];      /* when an edge will have settled */
	int                     rejects[FLEET_MAX];
	struct rh_rollout_plan  plan;
	struct rh_rollout_tally tally;
	uint64_t                last_due;            /* of those that are reached      */
};

static unsigned any(struct fleet *fleet, unsigned below)
{
	fleet->seed = fleet->seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(fleet->seed >> 33) % below;
}

static void make_fleet(struct fleet *fleet, uint64_t seed)
{
	*fleet = (struct fleet){ .seed = seed, .now = 1 };
	fleet->tally.total = any(fleet, FLEET_MAX + 1);
	fleet->plan = (struct rh_rollout_plan){
		.steps = { { 1 + any(fleet, 5), 0 }, { 10 + any(fleet, 50), 1 }, { 100, 1 } },
		.step_count = 3, .errors_ppm = RH_ROLLOUT_ANY_RATE,
		.rejects_max = any(fleet, 3), .wait_ns = any(fleet, 3) * 50u,
	};
	for (unsigned i = 0; i < FLEET_MAX; i++)
		fleet->rejects[i] = any(fleet, 30) == 0;
}

/* What the agents have said by now. */
static void count_fleet(struct fleet *fleet)
{
	fleet->tally.settled = fleet->tally.rejected = 0;
	for (uint64_t i = 0; i < fleet->tally.reached; i++) {
		fleet->tally.settled += fleet->due[i] <= fleet->now;
		fleet->tally.rejected += fleet->due[i] <= fleet->now && fleet->rejects[i];
	}
}

static void reach(struct fleet *fleet, uint64_t upto)
{
	assert_true(upto > fleet->tally.reached && upto <= fleet->tally.total);
	while (fleet->tally.reached < upto) {
		uint64_t due = fleet->now + any(fleet, 200);

		fleet->due[fleet->tally.reached++] = due;
		fleet->last_due = due > fleet->last_due ? due : fleet->last_due;
	}
	fleet->settled_ns = 0;
}

/* The next moment at which something happens; it must be there. */
static void pass_time(struct fleet *fleet, uint64_t wake)
{
	for (uint64_t i = 0; i < fleet->tally.reached; i++) {
		if (fleet->due[i] > fleet->now && fleet->due[i] < wake)
			wake = fleet->due[i];
	}
	assert_true(wake > fleet->now && wake != RH_ROLLOUT_NEVER);
	fleet->now = wake;
}

/* Every agent that obeys has the last step in the end; no step comes before those
 * before it are settled and waited for. */
static void run_fleet(struct fleet *fleet)
{
	struct rh_rollout_answer answer;
	unsigned                 steps = 0;

	for (;;) {
		count_fleet(fleet);
		rh_rollout_decide(&fleet->plan, &fleet->tally, fleet->now,
		                  &fleet->settled_ns, &answer);
		assert_int_equal(answer.action == RH_ROLLOUT_REJECTED,
		                 fleet->tally.rejected > fleet->plan.rejects_max);
		if (answer.action == RH_ROLLOUT_REJECTED)
			return;
		if (answer.action == RH_ROLLOUT_WAIT) {
			pass_time(fleet, answer.wake_ns);
			continue;
		}
		assert_true(fleet->tally.reached == 0 ||
		            fleet->now >= fleet->last_due + fleet->plan.wait_ns);
		if (answer.action == RH_ROLLOUT_FINISH)
			break;
		assert_int_equal(answer.action, RH_ROLLOUT_ADVANCE);
		assert_true(++steps <= fleet->plan.step_count);
		reach(fleet, answer.upto);
	}
	assert_true(fleet->tally.reached == fleet->tally.total);
}

static void fleets_come_to_an_end(void **state)
{
	struct fleet fleet;

	(void)state;
	for (uint64_t seed = 1; seed <= 1000; seed++) {
		make_fleet(&fleet, seed);
		run_fleet(&fleet);
	}
}

static void decide_on_no_plan(void *user)
{
	struct rh_rollout_plan   none = { .step_count = 0 };
	struct rh_rollout_answer answer;
	uint64_t                 settled = 0;

	rh_rollout_decide(&none, user, 0, &settled, &answer);
}

static void a_plan_without_steps_is_a_bug(void **state)
{
	struct rh_rollout_tally tally = { .total = 1 };

	(void)state;
	assert_true(check_stops(decide_on_no_plan, &tally));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places_stay_the_same),
		cmocka_unit_test(places_are_spread),
		cmocka_unit_test(steps_count_edges),
		cmocka_unit_test(a_rollout_from_end_to_end),
		cmocka_unit_test(the_wait_begins_when_all_are_settled),
		cmocka_unit_test(steps_that_reach_nobody_new_are_passed),
		cmocka_unit_test(rejects_stop_it_at_once),
		cmocka_unit_test(errors_stop_it_above_the_rate),
		cmocka_unit_test(fleets_come_to_an_end),
		cmocka_unit_test(a_plan_without_steps_is_a_bug),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
