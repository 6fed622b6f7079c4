/* The order of threads: what each rule that comes with Rhodes promises, on a processor whose
 * time is a number. */
#include "sched_fixture.h"

#include "../../base/diag.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MS SCHED_MS

static const char *const all[] = { "cfs", "eevdf", "deadline", "fifo", "rr", NULL };

static void assert_share(const struct sched_stand *stand, uint32_t a, uint32_t b,
                         double wanted)
{
	double ratio = (double)sched_ran(stand, a) / (double)sched_ran(stand, b);

	if (ratio < wanted * 0.95 || ratio > wanted * 1.05)
		fail_msg("tasks %u and %u: %.3f instead of %.3f", a, b, ratio, wanted);
}

/* ---- fair ones ---- */

static void time_goes_by_weight(void **state)
{
	static const char *const fair[] = { "cfs", "eevdf" };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct sched_stand stand;
		struct rh_rule    *rule = sched_begin(&stand, fair[i]);

		sched_add(&stand, 0, 0, 0);
		sched_add(&stand, 10, 0, 0);
		sched_add(&stand, 5, 0, 0);
		sched_add(&stand, 0, 0, 0);
		sched_run(&stand, 20000 * MS);
		assert_share(&stand, 0, 1, 1024.0 / 110);
		assert_share(&stand, 0, 2, 1024.0 / 335);
		assert_share(&stand, 0, 3, 1);
		assert_int_equal(stand.idle_ns, 0);
		sched_end(&stand, rule);
	}
}

static void a_nice_value_that_changes_counts_at_once(void **state)
{
	static const char *const fair[] = { "cfs", "eevdf" };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct sched_stand    stand;
		struct rh_rule       *rule = sched_begin(&stand, fair[i]);
		struct rh_task_traits nicer = { .nice = 10 };
		uint64_t              before[2];

		sched_add(&stand, 0, 0, 0);
		sched_add(&stand, 0, 0, 0);
		sched_run(&stand, 5001 * MS);
		assert_share(&stand, 0, 1, 1);
		rh_runqueue_change(stand.queue, 0, &nicer, stand.now_ns); /* runs, or waits */
		before[0] = sched_ran(&stand, 0);
		before[1] = sched_ran(&stand, 1);
		sched_run(&stand, 20000 * MS);
		double ratio = (double)(sched_ran(&stand, 1) - before[1]) /
		               (double)(sched_ran(&stand, 0) - before[0]);
		assert_true(ratio > 1024.0 / 110 * 0.95 && ratio < 1024.0 / 110 * 1.05);
		sched_end(&stand, rule);
	}
}

/* One that computes little and sleeps much is there at once, among those that compute. */
static void a_sleeper_does_not_wait(void **state)
{
	static const struct {
		const char *name;
		uint64_t    slice_ns, most_ns;
	} rules[] = { { "cfs", 0, 1 * MS }, { "eevdf", MS / 2, 2 * MS }, { "eevdf", 0, 21 * MS } };

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct sched_stand stand;
		struct rh_rule    *rule = sched_begin(&stand, rules[i].name);
		struct sched_task *sleeper = sched_add(&stand, 0, MS / 2, 17 * MS);

		sleeper->traits.slice_ns = rules[i].slice_ns;

		for (int n = 0; n < 6; n++)
			sched_add(&stand, 0, 0, 0);
		sched_run(&stand, 200 * MS); /* all have begun */
		sleeper->latency_max_ns = 0;
		sched_run(&stand, 10000 * MS);
		assert_in_range(sleeper->latency_max_ns, 0, rules[i].most_ns);
		assert_in_range(sleeper->jobs, 300, 600);
		sched_end(&stand, rule);
	}
}

/* Who asks for short slices has them sooner, but never more of them than its part. */
static void who_asks_for_less_is_not_ahead_by_more(void **state)
{
	struct sched_stand stand;
	struct rh_rule    *rule = sched_begin(&stand, "eevdf");

	(void)state;
	sched_add(&stand, 0, 0, 0)->traits.slice_ns = 1 * MS;
	sched_add(&stand, 0, 0, 0)->traits.slice_ns = 20 * MS;
	for (unsigned n = 1; n <= 4000; n++) {
		sched_run(&stand, MS / 2);
		assert_in_range(sched_ran(&stand, 0), 0, n * MS / 4 + 1 * MS);
	}
	assert_share(&stand, 0, 1, 1);
	sched_end(&stand, rule);
}

/* But the credit is bounded: who slept for an hour does not have the processor for one. */
static void a_long_sleep_is_no_right_to_all(void **state)
{
	static const char *const fair[] = { "cfs", "eevdf" };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct sched_stand stand;
		struct rh_rule    *rule = sched_begin(&stand, fair[i]);
		struct sched_task *sleeper = sched_add(&stand, 0, 1 * MS, 3600000ull * MS);
		uint64_t           before;

		sched_add(&stand, 0, 0, 0);
		sched_run(&stand, 3600000ull * MS);
		sleeper->work_ns = 10000 * MS;
		sched_run(&stand, 100 * MS);
		before = sched_ran(&stand, 1);
		sched_run(&stand, 100 * MS);
		assert_in_range(sched_ran(&stand, 1) - before, 40 * MS, 60 * MS);
		sched_end(&stand, rule);
	}
}

/* One that slept wakes up so long after another was picked, which ran 100 ms before. */
static bool goes_first_after(uint64_t ran_ns)
{
	const struct rh_task_traits traits = { 0 };
	struct sched_stand          stand;
	struct rh_rule             *rule = sched_begin(&stand, "cfs");
	bool                        is_first;

	for (uint32_t i = 0; i < 2; i++) {
		rh_runqueue_add(stand.queue, i, &traits, i * MS);
		rh_runqueue_wake(stand.queue, i, i * MS);
		assert_int_equal(rh_runqueue_pick(stand.queue, i * MS), i);
		rh_runqueue_stop(stand.queue, RH_STOP_BLOCK, (i + 1) * MS);
	}
	assert_false(rh_runqueue_wake(stand.queue, 1, 2 * MS));
	rh_runqueue_pick(stand.queue, 2 * MS);
	rh_runqueue_stop(stand.queue, RH_STOP_PREEMPT, 102 * MS);
	assert_int_equal(rh_runqueue_pick(stand.queue, 102 * MS), 1);
	is_first = rh_runqueue_wake(stand.queue, 0, 102 * MS + ran_ns);
	sched_end(&stand, rule);
	return is_first;
}

/* Who waits for a message would else have the processor for each one, and who sends them
 * never get to send several. */
static void who_was_just_picked_is_not_preempted(void **state)
{
	(void)state;
	assert_false(goes_first_after(0));
	assert_false(goes_first_after(19999));
	assert_true(goes_first_after(20000));
	assert_true(goes_first_after(1 * MS));
}

static void who_yields_lets_others_go(void **state)
{
	static const char *const rules[] = { "cfs", "eevdf", "rr", "fifo", NULL };

	(void)state;
	for (int i = 0; rules[i]; i++) {
		struct sched_stand stand;
		struct rh_rule    *rule = sched_begin(&stand, rules[i]);
		struct sched_task *spinner = sched_add(&stand, 0, 1000, 0);

		spinner->yields = true;
		sched_add(&stand, 0, 2 * MS, 1 * MS);
		sched_run(&stand, 3000 * MS);
		/* Less than a tenth is lost to the one that only asks. */
		assert_in_range(stand.tasks[1].jobs, 900, 1000);
		sched_end(&stand, rule);
	}
}

/* ---- others ---- */

static void turns_are_as_long_as_asked(void **state)
{
	struct sched_stand stand;
	struct rh_rule    *rule = sched_begin(&stand, "rr");

	(void)state;
	for (int i = 0; i < 3; i++)
		sched_add(&stand, 19 * (i == 1), 0, 0);
	stand.tasks[2].traits.slice_ns = 20 * MS;
	sched_run(&stand, 4000 * MS);
	assert_share(&stand, 0, 1, 1);
	assert_share(&stand, 2, 1, 2);
	/* Each 10, 10 and 20 ms: a hundred turns. */
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(sched_stats(&stand, i).preemptions, 100);
		assert_int_equal(sched_stats(&stand, i).wait_max_ns, (i == 2 ? 20 : 30) * MS);
	}
	sched_end(&stand, rule);
}

static void who_comes_first_runs_until_it_sleeps(void **state)
{
	struct sched_stand stand;
	struct rh_rule    *rule = sched_begin(&stand, "fifo");

	(void)state;
	for (int i = 0; i < 3; i++)
		sched_add(&stand, 0, (unsigned)(i + 1) * 10 * MS, 100 * MS);
	sched_run(&stand, 70 * MS);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(sched_stats(&stand, i).preemptions, 0);
		assert_int_equal(stand.tasks[i].jobs, 1);
		assert_int_equal(sched_ran(&stand, i), (i + 1) * 10 * MS);
	}
	assert_int_equal(stand.tasks[2].latency_max_ns, 30 * MS);
	sched_end(&stand, rule);
}

static struct sched_task *reserve(struct sched_stand *stand, uint64_t runtime_ns,
                                    uint64_t period_ns, uint64_t work_ns)
{
	struct sched_task *task = sched_add(stand, 0, work_ns, 0);

	task->traits.runtime_ns = runtime_ns;
	task->traits.period_ns = period_ns;
	return task;
}

/* 95 % of the processor are asked for. */
static void deadlines_are_met(void **state)
{
	struct sched_stand stand;
	struct rh_rule    *rule = sched_begin(&stand, "deadline");

	(void)state;
	sched_add(&stand, -20, 0, 0); /* it would take all */
	reserve(&stand, 2 * MS, 10 * MS, 2 * MS);
	reserve(&stand, 7 * MS, 20 * MS, 7 * MS);
	reserve(&stand, 20 * MS, 50 * MS, 20 * MS);
	sched_run(&stand, 10000 * MS);
	for (uint32_t i = 1; i < 4; i++) {
		assert_int_equal(stand.tasks[i].late, 0);
		assert_in_range(stand.tasks[i].jobs, 10000 * MS / stand.tasks[i].traits.period_ns - 1,
		                10000 * MS / stand.tasks[i].traits.period_ns);
	}
	assert_in_range(sched_ran(&stand, 0), 480 * MS, 520 * MS);
	sched_end(&stand, rule);
}

/* One that wants ten times its budget hurts nobody else. */
static void a_budget_bounds_who_wants_more(void **state)
{
	struct sched_stand stand;
	struct rh_rule    *rule = sched_begin(&stand, "deadline");

	(void)state;
	reserve(&stand, 2 * MS, 10 * MS, 2 * MS);
	reserve(&stand, 3 * MS, 10 * MS, 0); /* never sleeps */
	reserve(&stand, 4 * MS, 10 * MS, 4 * MS);
	sched_add(&stand, 0, 0, 0);
	sched_run(&stand, 10000 * MS);
	assert_int_equal(stand.tasks[0].late, 0);
	assert_int_equal(stand.tasks[2].late, 0);
	assert_in_range(sched_ran(&stand, 1), 2950 * MS, 3050 * MS);
	assert_in_range(sched_ran(&stand, 3), 950 * MS, 1050 * MS);
	sched_end(&stand, rule);
}

static void nobody_starves(void **state)
{
	(void)state;
	for (int i = 0; all[i]; i++) {
		struct sched_stand stand;
		struct rh_rule    *rule = sched_begin(&stand, all[i]);

		if (strcmp(all[i], "fifo") == 0) {
			sched_end(&stand, rule); /* there it is the point */
			continue;
		}
		for (int n = 0; n < 8; n++)
			sched_add(&stand, n % 2 ? 19 : -10, 0, 0);
		for (int n = 0; n < 4; n++)
			sched_add(&stand, 0, 3 * MS, 1 * MS);
		sched_run(&stand, 60000 * MS);
		for (uint32_t n = 0; n < stand.count; n++) {
			struct rh_task_stats stats = sched_stats(&stand, n);

			assert_true(stats.run_ns > 0);
			assert_in_range(stats.wait_max_ns, 0, 20000 * MS);
		}
		assert_int_equal(stand.idle_ns, 0);
		sched_end(&stand, rule);
	}
}

/* ---- without a rule, and from one to another ---- */

/* Of so many questions one; what those took counts for all. */
static void what_questions_take_is_measured_by_a_sample(void **state)
{
	struct sched_stand             stand;
	struct rh_rule                *rule = sched_begin(&stand, "cfs");
	const struct rh_rule_counters *counters = rh_rule_counters(rule);
	uint64_t                       first, begun = counters->calls;

	(void)state;
	assert_int_equal(counters->instances, 1);
	for (int i = 0; i < 4; i++)
		sched_add(&stand, 0, 0, 0);
	for (first = counters->calls; !counters->ns; first = counters->calls)
		sched_run(&stand, MS);
	assert_in_range(first - begun, RH_RUNQUEUE_TIMED_EVERY / 2, 2 * RH_RUNQUEUE_TIMED_EVERY);
	assert_int_equal(counters->ns % RH_RUNQUEUE_TIMED_EVERY, 0);
	first = counters->ns;
	sched_run(&stand, 10000 * MS);
	assert_true(counters->calls > 4 * RH_RUNQUEUE_TIMED_EVERY);
	assert_true(counters->ns > first);
	sched_end(&stand, rule);
}

static void without_a_rule_all_run_in_turn(void **state)
{
	struct sched_stand stand;

	(void)state;
	sched_begin(&stand, NULL);
	for (int i = 0; i < 4; i++)
		sched_add(&stand, i * 5, 0, 0);
	sched_run(&stand, 1600 * MS);
	for (uint32_t i = 0; i < 4; i++) {
		assert_int_equal(sched_ran(&stand, i), 400 * MS);
		assert_int_equal(sched_stats(&stand, i).wait_max_ns, 12 * MS);
	}
	assert_false(rh_runqueue_is_ruled(stand.queue));
	assert_int_equal(rh_runqueue_counters(stand.queue)->ruled, 0);
	sched_end(&stand, NULL);
}

/* Every 10 ms another rule: whoever runs goes on, nobody is lost, nobody waits for long. */
static void rules_are_exchanged_under_load(void **state)
{
	struct sched_stand stand;
	struct rh_rule    *rules[6] = { NULL };

	(void)state;
	sched_begin(&stand, NULL);
	for (int i = 0; all[i]; i++)
		rules[i] = sched_builtin(all[i], NULL, 0);
	for (int i = 0; i < 8; i++)
		sched_add(&stand, i % 3 * 5, i % 2 ? 0 : 2 * MS, 5 * MS);
	for (unsigned n = 0; n < 2000; n++) {
		sched_exchange(&stand, rules[n * 7 % 6], n + 1);
		sched_run(&stand, 10 * MS);
	}
	for (uint32_t i = 0; i < stand.count; i++) {
		struct rh_task_stats stats = sched_stats(&stand, i);

		assert_true(stats.run_ns > 20000 * MS / 100);
		assert_in_range(stats.wait_max_ns, 0, 100 * MS);
	}
	assert_int_equal(rh_runqueue_counters(stand.queue)->failures, 0);
	sched_end(&stand, NULL);
	for (int i = 0; i < 6; i++)
		rh_rule_destroy(rules[i]);
}

/* A task that was behind is behind for the next version, too. */
static void an_exchange_keeps_who_is_behind(void **state)
{
	struct sched_stand stand;
	struct rh_rule    *rule = sched_begin(&stand, "cfs");
	struct rh_rule    *next = sched_builtin("cfs", NULL, 0);
	uint64_t           before;

	(void)state;
	sched_add(&stand, 0, 0, 0);
	sched_add(&stand, 10, 0, 0);
	sched_run(&stand, 1000 * MS);
	before = sched_stats(&stand, 1).vruntime;
	sched_exchange(&stand, next, 2);
	assert_in_range(sched_stats(&stand, 1).vruntime, before - 1, before + 1);
	for (int n = 0; n < 1000; n++) {
		sched_exchange(&stand, n % 2 ? next : rule, 2);
		sched_run(&stand, 10 * MS);
	}
	assert_share(&stand, 0, 1, 1024.0 / 110);
	sched_end(&stand, rule);
	rh_rule_destroy(next);
}

/* ---- more than one processor ---- */

static void a_task_moves_with_what_it_has(void **state)
{
	static const char *const fair[] = { "cfs", "eevdf" };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct sched_stand   here, there;
		struct rh_rule      *rules[2] = { sched_begin(&here, fair[i]),
			                          sched_begin(&there, fair[i]) };
		struct rh_task_moved moved;
		uint32_t             first;
		uint64_t             before;

		/* There the clock is far behind: a long time with one task of less weight. */
		sched_add(&here, 0, 0, 0);
		sched_add(&here, 0, 0, 0);
		sched_run(&here, 100000 * MS);
		sched_add(&there, 0, 0, 0);
		sched_run(&there, 7 * MS);
		there.now_ns = here.now_ns;
		first = rh_runqueue_first(here.queue);
		before = sched_stats(&here, first).run_ns;
		rh_runqueue_take(here.queue, first, here.now_ns, &moved);
		assert_int_equal(rh_runqueue_waiting(here.queue), 0);
		rh_runqueue_put(there.queue, 5, &moved, there.now_ns);
		there.tasks[5] = (struct sched_task){
			.is_here = true, .has_run = true, .left_ns = UINT64_MAX,
		};
		there.count = 6;
		for (uint32_t n = 1; n < 5; n++)
			there.tasks[n] = (struct sched_task){ .start_ns = UINT64_MAX };
		assert_int_equal(sched_stats(&there, 5).run_ns, before);
		assert_int_equal(sched_stats(&there, 5).moves, 1);
		uint64_t other = sched_ran(&there, 0);
		sched_run(&there, 1000 * MS);
		assert_in_range(sched_ran(&there, 5) - before, 480 * MS, 520 * MS);
		assert_in_range(sched_ran(&there, 0) - other, 480 * MS, 520 * MS);
		sched_end(&here, rules[0]);
		sched_end(&there, rules[1]);
	}
}

/* The first task of a processor comes from another one: the clock begins there, too, and
 * who is new afterwards is not behind it for ever. */
static void the_first_one_of_a_processor_may_have_moved(void **state)
{
	static const char *const fair[] = { "cfs", "eevdf" };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct sched_stand   here, there;
		struct rh_rule      *rules[2] = { sched_begin(&here, fair[i]),
			                          sched_begin(&there, fair[i]) };
		struct rh_task_moved moved;
		uint64_t             before;

		sched_add(&here, 0, 0, 0);
		sched_add(&here, 0, 0, 0);
		sched_run(&here, 10 * MS);
		rh_runqueue_take(here.queue, rh_runqueue_first(here.queue), here.now_ns, &moved);
		there.now_ns = here.now_ns;
		rh_runqueue_put(there.queue, 1, &moved, there.now_ns);
		sched_add(&there, 0, 0, 0);
		there.tasks[1] = (struct sched_task){
			.is_here = true, .has_run = true, .left_ns = UINT64_MAX,
		};
		there.count = 2;
		before = sched_ran(&there, 1);
		sched_run(&there, 1000 * MS);
		assert_in_range(sched_ran(&there, 1) - before, 480 * MS, 520 * MS);
		assert_in_range(sched_ran(&there, 0), 480 * MS, 520 * MS);
		sched_end(&here, rules[0]);
		sched_end(&there, rules[1]);
	}
}

/* While rules are exchanged one run queue has the new one already: what the former one kept
 * of a task (here a budget of seconds) is nothing to it. */
static void a_task_moves_to_another_rule(void **state)
{
	struct sched_stand   here, there;
	struct rh_rule      *rules[2] = { sched_begin(&here, "deadline"), NULL };
	struct rh_task_moved moved;
	uint64_t             before;

	(void)state;
	sched_begin(&there, NULL);
	rules[1] = sched_builtin("eevdf", NULL, 0);
	sched_exchange(&there, rules[1], 2);
	sched_add(&here, 0, 0, 0);
	sched_add(&here, 0, 0, 0)->traits = (struct rh_task_traits){
		.runtime_ns = 5000 * MS, .period_ns = 10000 * MS,
	};
	sched_add(&there, 0, 0, 0);
	sched_run(&here, 5 * MS);
	sched_run(&there, 500 * MS);
	assert_int_equal(rh_runqueue_current(here.queue), 1);
	rh_runqueue_stop(here.queue, RH_STOP_PREEMPT, here.now_ns);
	rh_runqueue_take(here.queue, 1, here.now_ns, &moved);
	rh_runqueue_put(there.queue, 1, &moved, there.now_ns);
	there.tasks[1] = (struct sched_task){
		.is_here = true, .has_run = true, .left_ns = UINT64_MAX,
	};
	there.count = 2;
	before = sched_ran(&there, 1);
	sched_run(&there, 1000 * MS);
	assert_in_range(sched_ran(&there, 1) - before, 480 * MS, 520 * MS);
	assert_true(rh_runqueue_is_ruled(there.queue));
	sched_end(&here, rules[0]);
	sched_end(&there, rules[1]);
}

static void a_task_ends_in_any_state(void **state)
{
	(void)state;
	for (int i = 0; i < 6; i++) { /* the last time without a rule */
		struct sched_stand    stand;
		struct rh_rule       *rule = sched_begin(&stand, all[i]);
		struct rh_task_traits traits = { .nice = 0 };
		struct rh_task_stats  stats;

		for (uint32_t n = 0; n < 3; n++)
			rh_runqueue_add(stand.queue, n, &traits, 0);
		assert_int_equal(rh_runqueue_add(stand.queue, 1, &traits, 0), RH_EINVAL);
		assert_int_equal(rh_runqueue_add(stand.queue, RH_SCHED_TASKS, &traits, 0),
		                 RH_EINVAL);
		rh_runqueue_wake(stand.queue, 0, 1);
		rh_runqueue_wake(stand.queue, 1, 2);
		assert_int_equal(rh_runqueue_pick(stand.queue, 3), 0);
		rh_runqueue_remove(stand.queue, 2, 4); /* blocked */
		rh_runqueue_remove(stand.queue, 0, 5); /* runs */
		assert_int_equal(rh_runqueue_current(stand.queue), RH_SCHED_NONE);
		rh_runqueue_remove(stand.queue, 1, 6); /* waits */
		assert_int_equal(rh_runqueue_pick(stand.queue, 7), RH_SCHED_NONE);
		assert_int_equal(rh_runqueue_waiting(stand.queue), 0);
		rh_runqueue_add(stand.queue, 0, &traits, 8);
		rh_runqueue_wake(stand.queue, 0, 9);
		assert_int_equal(rh_runqueue_pick(stand.queue, 10), 0);
		rh_runqueue_stats(stand.queue, 0, &stats);
		assert_int_equal(stats.run_ns, 0); /* of the one before there is nothing left */
		sched_end(&stand, rule);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(time_goes_by_weight),
		cmocka_unit_test(a_nice_value_that_changes_counts_at_once),
		cmocka_unit_test(what_questions_take_is_measured_by_a_sample),
		cmocka_unit_test(a_sleeper_does_not_wait),
		cmocka_unit_test(who_asks_for_less_is_not_ahead_by_more),
		cmocka_unit_test(a_long_sleep_is_no_right_to_all),
		cmocka_unit_test(who_was_just_picked_is_not_preempted),
		cmocka_unit_test(who_yields_lets_others_go),
		cmocka_unit_test(turns_are_as_long_as_asked),
		cmocka_unit_test(who_comes_first_runs_until_it_sleeps),
		cmocka_unit_test(deadlines_are_met),
		cmocka_unit_test(a_budget_bounds_who_wants_more),
		cmocka_unit_test(nobody_starves),
		cmocka_unit_test(without_a_rule_all_run_in_turn),
		cmocka_unit_test(rules_are_exchanged_under_load),
		cmocka_unit_test(an_exchange_keeps_who_is_behind),
		cmocka_unit_test(a_task_moves_with_what_it_has),
		cmocka_unit_test(the_first_one_of_a_processor_may_have_moved),
		cmocka_unit_test(a_task_moves_to_another_rule),
		cmocka_unit_test(a_task_ends_in_any_state),
	};

	return cmocka_run_group_tests_name("rules_runqueue", tests, NULL, NULL);
}
