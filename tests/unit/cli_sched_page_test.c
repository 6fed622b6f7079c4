/* What happens to threads, as lines: each with the number of its step in the figure. */
#include "../../cli/sched_page.h"

#include <rhodes/hook/sched_layout.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NOBODY 0x7ffffff0 /* no process has that number */

/* The line without its end; the caller frees it. */
static char *line_of(struct rh_sched_page *page, struct rh_stats_event event)
{
	char  *text = NULL;
	size_t len = 0;
	FILE  *out = open_memstream(&text, &len);

	assert_non_null(out);
	rh_sched_page_print(page, NOBODY, &event, out, false);
	fclose(out);
	assert_true(len > 0 && text[len - 1] == '\n');
	text[len - 1] = '\0';
	return text;
}

static void is_step(struct rh_sched_page *page, unsigned step, const char *what,
                    struct rh_stats_event event)
{
	char *line = line_of(page, event);

	assert_int_equal((unsigned)strtoul(line, NULL, 10) * (line[3] != ' '), step);
	if (!strstr(line, what))
		fail_msg("\"%s\" is not in \"%s\"", what, line);
	free(line);
}

#define OF(thread, ...) (struct rh_stats_event){ .time = 1000, .tid = thread, __VA_ARGS__ }

static void the_nine_steps_of_two_threads(void **unused)
{
	struct rh_sched_page *page = rh_sched_page_create();

	(void)unused;
	assert_non_null(page);
	is_step(page, 2, "T1", OF(11, .kind = RH_EVENT_START, .seat = RH_STATS_NO_SEAT));
	is_step(page, 3, "stack (0x10)", OF(11, .kind = RH_EVENT_CONTEXT, .value = 16));
	is_step(page, 5, "enqueue(new), vruntime +0ns",
	        OF(11, .kind = RH_EVENT_ENQUEUE, .why = RH_SCHED_NEW, .value = 5000));
	is_step(page, 7, "first by the rule", OF(11, .kind = RH_EVENT_PICK, .why = 1));
	is_step(page, 7, "carrier 77 runs it", OF(11, .kind = RH_EVENT_SWITCH, .other = 77));
	is_step(page, 2, "T2", OF(12, .kind = RH_EVENT_START));
	is_step(page, 4, "TCB", OF(12, .kind = RH_EVENT_CONTEXT));
	is_step(page, 6, "vruntime -2.0us", OF(12, .kind = RH_EVENT_ENQUEUE,
	        .why = RH_SCHED_NEW, .value = 3000));
	is_step(page, 1, "it has run enough", OF(11, .kind = RH_EVENT_TICK, .why = 1));
	is_step(page, 5, "enqueue(preempt)",
	        OF(11, .kind = RH_EVENT_ENQUEUE, .why = RH_SCHED_PREEMPT));
	is_step(page, 8, "first come, without a rule", OF(12, .kind = RH_EVENT_PICK));
	is_step(page, 9, "switch", OF(12, .kind = RH_EVENT_SWITCH));
	is_step(page, 8, "given back", OF(12, .kind = RH_EVENT_END));
	rh_sched_page_destroy(page);
}

/* The one that runs when it begins leaves before another one is taken. */
static void a_seat_is_busy_until_it_says_that_it_is_idle(void **unused)
{
	struct rh_sched_page *page = rh_sched_page_create();

	(void)unused;
	assert_non_null(page);
	is_step(page, 0, "it waits", OF(11, .kind = RH_EVENT_WAIT));
	is_step(page, 8, "pick_next", OF(11, .kind = RH_EVENT_PICK));
	is_step(page, 7, "pick_next", OF(11, .kind = RH_EVENT_PICK, .seat = 1));
	is_step(page, 7, "idle", OF(0, .kind = RH_EVENT_IDLE));
	is_step(page, 7, "pick_next", OF(11, .kind = RH_EVENT_PICK));
	rh_sched_page_destroy(page);
}

static void what_is_not_in_the_figure_has_no_number(void **unused)
{
	struct rh_sched_page *page = rh_sched_page_create();

	(void)unused;
	assert_non_null(page);
	is_step(page, 0, "wakeup by T2", OF(11, .kind = RH_EVENT_WAKE, .other = 12));
	is_step(page, 0, "sleeps in the kernel", OF(11, .kind = RH_EVENT_WAIT, .why = 1));
	is_step(page, 0, "from seat 3", OF(11, .kind = RH_EVENT_MOVE, .other = 3));
	is_step(page, 0, "another rule", OF(0, .kind = RH_EVENT_RULE));
	is_step(page, 0, "event 99", OF(11, .kind = 99));
	is_step(page, 5, "enqueue(?), overdue for 900ns",
	        OF(11, .kind = RH_EVENT_ENQUEUE, .why = 1000, .deadline = 100));
	is_step(page, 5, "due in 1.0us", OF(11, .kind = RH_EVENT_ENQUEUE, .deadline = 2000));
	rh_sched_page_destroy(page);
}

/* A program may write anything. */
static void there_may_be_more_threads_than_have_a_number(void **unused)
{
	struct rh_sched_page *page = rh_sched_page_create();

	(void)unused;
	assert_non_null(page);
	for (uint32_t i = 0; i < RH_SCHED_PAGE_THREADS + 2; i++)
		free(line_of(page, OF(i + 1, .kind = RH_EVENT_TICK, .seat = i)));
	is_step(page, 1, "/4098", OF(4098, .kind = RH_EVENT_TICK));
	is_step(page, 1, "T1 ", OF(1, .kind = RH_EVENT_TICK));
	rh_sched_page_destroy(page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_nine_steps_of_two_threads),
		cmocka_unit_test(a_seat_is_busy_until_it_says_that_it_is_idle),
		cmocka_unit_test(what_is_not_in_the_figure_has_no_number),
		cmocka_unit_test(there_may_be_more_threads_than_have_a_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
