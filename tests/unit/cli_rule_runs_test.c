/* How rules of code do: read from an answer of the center, and between two of them. */
#include "../../cli/rule_runs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct rh_rule_runs runs_of(const char *text)
{
	json_t             *json = json_loads(text, 0, NULL);
	struct rh_rule_runs runs;

	assert_non_null(json);
	assert_int_equal(rh_rule_runs_read(json, &runs), RH_OK);
	json_decref(json);
	return runs;
}

#define RUN(rule, agent, place, revision, calls, ns, traps) \
	"{\"rule\": \"" rule "\", \"agent\": \"" agent "\", " place ", \"revision\": " revision \
	", \"calls\": " calls ", \"ns\": " ns ", \"state\": \"running\", \"failures\": " \
	"{\"trap\": " traps ", \"timeout\": 1}}"

static void they_come_in_order_and_whole(void **state)
{
	struct rh_rule_runs runs = runs_of("{\"leftOut\": 4, \"items\": ["
		RUN("b", "x", "\"resource\": \"x\"", "2", "5", "50", "0") ", 7, {},"
		RUN("a", "y", "\"edge\": [\"y\", \"z\"]", "1", "-3", "30", "2") ","
		"{\"rule\": \"a\", \"agent\": \"x\", \"edge\": 3, \"state\": \"away\"}]}");
	char text[100];

	(void)state;
	assert_int_equal(runs.count, 3);
	assert_int_equal(runs.left_out, 4);
	assert_string_equal(runs.items[0].where, "?");
	assert_true(runs.items[0].is_away);
	assert_string_equal(runs.items[1].where, "y -> z");
	assert_int_equal(runs.items[1].calls, 0);
	assert_string_equal(rh_rule_run_failures(&runs.items[1], text, sizeof text),
	                    "trap 2, timeout 1");
	assert_string_equal(runs.items[2].where, "x");
	assert_false(runs.items[2].is_away);
	rh_rule_runs_fini(&runs);
}

static void what_came_between_two(void **state)
{
#define AT "\"resource\": \"x\""
	struct rh_rule_runs before = runs_of("{\"items\": ["
		RUN("a", "x", AT, "1", "10", "100", "1") "," RUN("b", "x", AT, "1", "10", "100", "1")
		"]}");
	struct rh_rule_runs now = runs_of("{\"items\": ["
		RUN("a", "x", AT, "1", "15", "180", "3") "," RUN("b", "x", AT, "2", "12", "120", "1")
		"," RUN("c", "x", AT, "1", "7", "70", "0") "]}");
	struct rh_rule_run since = rh_rule_run_since(&before, &now.items[0]);

	(void)state;
	assert_int_equal(since.calls, 5);
	assert_int_equal(since.ns, 80);
	assert_int_equal(since.failures[RH_FAILED_TRAP], 2);
	assert_int_equal(since.failures[RH_FAILED_TIMEOUT], 0);
	assert_int_equal(rh_rule_run_since(&before, &now.items[1]).calls, 12); /* another one */
	assert_int_equal(rh_rule_run_since(&before, &now.items[2]).calls, 7);  /* new */
	/* The agent began anew: smaller numbers are since then. */
	assert_int_equal(rh_rule_run_since(&now, &before.items[0]).calls, 10);
	rh_rule_runs_fini(&before);
	rh_rule_runs_fini(&now);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(they_come_in_order_and_whole),
		cmocka_unit_test(what_came_between_two),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
