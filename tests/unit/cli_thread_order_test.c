/* What is shown of a thread's place in the order: differences, in words. */
#include "../../cli/thread_order.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define MS 1000000.0

static struct rh_thread_row fair(bool is_fiber, int cpu, double vruntime_ns)
{
	struct rh_thread_row row = { .is_fiber = is_fiber, .stat.cpu = cpu };

	row.has_vruntime = true;
	row.vruntime_ns = vruntime_ns;
	return row;
}

static struct rh_thread_row due(bool is_fiber, double deadline_ns)
{
	struct rh_thread_row row = { .is_fiber = is_fiber, .deadline_ns = deadline_ns };

	row.attr.policy = RH_CLASS_DEADLINE;
	return row;
}

static void assert_shown(struct rh_thread_row *rows, size_t count, double now_ns,
                         const char *const *expected)
{
	char text[RH_THREAD_ORDER_TEXT];

	rh_thread_order_put(rows, count, now_ns);
	for (size_t i = 0; i < count; i++)
		assert_string_equal(rh_thread_order_text(&rows[i], text), expected[i]);
}

static void a_vruntime_is_shown_from_the_least_of_its_queue(void **state)
{
	struct rh_thread_row rows[] = {
		fair(true, 0, 9e15 + 3 * MS), fair(true, 1, 5 * MS), fair(true, 0, 9e15),
		fair(false, 0, 7 * MS), fair(true, 1, -2 * MS), { .is_fiber = true },
	};

	(void)state;
	assert_shown(rows, 6, 0, (const char *const[]){ "+3.0ms", "+7.0ms", "+0ns", "+0ns",
	                                                "+0ns", "" });
}

static void a_deadline_is_shown_from_now(void **state)
{
	struct rh_thread_row rows[] = { due(true, 5e15 + 2 * MS), due(true, 5e15 - 4 * MS),
		                        due(true, 0), fair(true, 0, 3 * MS) };

	(void)state;
	/* A rule may tell both: the one counts that it orders by. */
	rows[0].has_vruntime = true;
	rows[0].vruntime_ns = MS;
	rows[3].deadline_ns = 77;
	assert_shown(rows, 4, 5e15, (const char *const[]){ "in 2.0ms", "4.0ms ago", "", "+0ns" });
}

static void a_deadline_of_the_kernel_is_shown_from_the_first(void **state)
{
	struct rh_thread_row rows[] = { due(false, 8e12 + 5 * MS), due(false, 8e12),
		                        due(true, 1 * MS) };

	(void)state;
	assert_shown(rows, 3, 0, (const char *const[]){ "+5.0ms", "+0ns", "in 1.0ms" });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_vruntime_is_shown_from_the_least_of_its_queue),
		cmocka_unit_test(a_deadline_is_shown_from_now),
		cmocka_unit_test(a_deadline_of_the_kernel_is_shown_from_the_first),
	};

	return cmocka_run_group_tests_name("cli_thread_order", tests, NULL, NULL);
}
