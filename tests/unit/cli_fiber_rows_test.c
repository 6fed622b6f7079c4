/* What the block of a program under the carrier `fiber` says of each of its threads. */
#include "../../cli/fiber_rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int make(void **state)
{
	return (*state = calloc(1, sizeof(struct rh_stats))) ? 0 : -1;
}

static int leave(void **state)
{
	free(*state);
	return 0;
}

static struct rh_thread_row row_of(const struct rh_stats *stats, pid_t tid)
{
	struct rh_thread_row rows[] = { { .tid = 1 }, { .tid = tid, .stat.state = 'S' } };

	rh_fiber_rows_put_of(stats, rows, 2);
	assert_false(rows[0].is_fiber || rows[0].is_runtime || rows[0].is_evicted);
	return rows[1];
}

static void put_line(struct rh_stats *stats, uint32_t state, uint32_t why)
{
	struct rh_thread_stats *line = &stats->threads[RH_STATS_THREADS - 1];

	line->tid = 40;
	line->state = state;
	line->why = why;
}

static void a_thread_that_is_carried_is_a_fiber(void **state)
{
	struct rh_thread_row row;

	put_line(*state, RH_THREAD_BLOCKED, 0);
	row = row_of(*state, 40);
	assert_true(row.is_fiber);
	assert_int_equal(row.stat.state, 'D');
	assert_false(row.is_evicted || row.is_runtime);
}

static void one_that_went_home_for_good_was_evicted_and_why(void **state)
{
	struct rh_stats     *stats = *state;
	struct rh_thread_row row;

	strcpy(stats->reasons[1], "it is bound");
	put_line(stats, RH_THREAD_HOME, 2);
	row = row_of(stats, 40);
	assert_true(row.is_evicted);
	assert_string_equal(row.why, "it is bound");
	assert_false(row.is_fiber || row.is_runtime);
	assert_int_equal(row.stat.state, 'S'); /* the kernel's word */
	put_line(stats, RH_THREAD_HOME, 0); /* for an exec that may fail */
	row = row_of(stats, 40);
	assert_false(row.is_evicted || row.is_fiber);
}

static void a_thread_that_no_line_is_of_is_the_runtimes_or_was_refused(void **state)
{
	struct rh_stats     *stats = *state;
	struct rh_thread_row row;

	strcpy(stats->reasons[RH_STATS_REASONS - 1], "no room");
	stats->others[0] = 50;
	stats->others[RH_STATS_OTHERS - 1] = (uint64_t)RH_STATS_REASONS << 32 | 51;
	row = row_of(stats, 50);
	assert_true(row.is_runtime);
	assert_false(row.is_evicted);
	row = row_of(stats, 51);
	assert_true(row.is_evicted);
	assert_false(row.is_runtime);
	assert_string_equal(row.why, "no room");
	assert_false(row_of(stats, 52).is_runtime);
}

/* A number that no reason has: the program's word is not trusted. */
static void a_reason_that_there_is_not_is_none(void **state)
{
	struct rh_stats     *stats = *state;
	struct rh_thread_row row;

	strcpy(stats->reasons[0], "the first");
	stats->others[3] = (uint64_t)(RH_STATS_REASONS + 1) << 32 | 50;
	put_line(stats, RH_THREAD_HOME, UINT32_MAX);
	row = row_of(stats, 40);
	assert_true(row.is_evicted);
	assert_string_equal(row.why, "");
	row = row_of(stats, 50);
	assert_true(row.is_evicted);
	assert_string_equal(row.why, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_thread_that_is_carried_is_a_fiber, make, leave),
		cmocka_unit_test_setup_teardown(one_that_went_home_for_good_was_evicted_and_why,
		                                make, leave),
		cmocka_unit_test_setup_teardown(
			a_thread_that_no_line_is_of_is_the_runtimes_or_was_refused, make, leave),
		cmocka_unit_test_setup_teardown(a_reason_that_there_is_not_is_none, make, leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
