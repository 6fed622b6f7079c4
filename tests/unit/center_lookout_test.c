/* What `rhodes observe` says of itself: who is there, and how long something was free. */
#include "../../center/lookout.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void take(struct rh_lookout *lookout, uint64_t at, const char *text)
{
	json_t *told = json_loads(text, 0, NULL);

	assert_non_null(told);
	rh_lookout_take(lookout, told, at);
	json_decref(told);
}

#define TOLD(pid, fresh) "{\"pid\": " #pid ", \"enforced\": [{\"resource\": \"app\", " \
	"\"cgroup\": \"/a\", \"strict\": true, \"fresh\": " #fresh "}]}"

static void expect(const struct rh_lookout *lookout, uint64_t at, const char *state,
                   json_int_t gaps, json_int_t gap_ms)
{
	json_t     *json = rh_lookout_json(lookout, at), *its;
	const char *said;

	assert_non_null(json);
	said = json_string_value(json_object_get(json, "state"));
	assert_string_equal(said, state);
	its = json_array_get(json_object_get(json, "enforced"), 0);
	assert_string_equal(json_string_value(json_object_get(its, "cgroup")), "/a");
	assert_true(json_is_true(json_object_get(its, "strict")));
	assert_int_equal(json_integer_value(json_object_get(its, "gaps")), gaps);
	assert_int_equal(json_integer_value(json_object_get(its, "gapMs")), gap_ms);
	json_decref(json);
}

static void nobody_told(void **state)
{
	struct rh_lookout lookout = { .told_ms = 0 };

	(void)state;
	assert_null(rh_lookout_json(&lookout, 1000));
	take(&lookout, 1000, TOLD(7, true));
	expect(&lookout, 1000, "observing", 0, 0);
	take(&lookout, 2000, "{\"pid\": 7, \"enforced\": [], \"ended\": true}");
	assert_null(rh_lookout_json(&lookout, 2000));
}

static void one_that_is_silent(void **state)
{
	struct rh_lookout lookout = { .told_ms = 0 };

	(void)state;
	take(&lookout, 1000, TOLD(7, true));
	expect(&lookout, 1000 + RH_LOOKOUT_SILENT_MS, "observing", 0, 0);
	expect(&lookout, 1001 + RH_LOOKOUT_SILENT_MS, "silent", 0, 0);
	take(&lookout, 9000, TOLD(7, false));
	expect(&lookout, 9000, "observing", 0, 0);
}

static void what_was_free_is_counted(void **state)
{
	struct rh_lookout lookout = { .told_ms = 0 };

	(void)state;
	take(&lookout, 1000, TOLD(7, true));  /* the first time there was nothing before */
	take(&lookout, 2000, TOLD(8, false)); /* another one, and it went on             */
	expect(&lookout, 2000, "observing", 0, 0);
	take(&lookout, 5500, TOLD(9, true));
	expect(&lookout, 5500, "observing", 1, 3500);
	take(&lookout, 6500, TOLD(9, false));
	take(&lookout, 6700, TOLD(10, true));
	expect(&lookout, 6700, "observing", 2, 200);
	/* Another cgroup has its own count. */
	take(&lookout, 7000, "{\"pid\": 10, \"enforced\": []}");
	take(&lookout, 8000, TOLD(10, true));
	expect(&lookout, 8000, "observing", 0, 0);
}

static void no_more_than_it_can_hold(void **state)
{
	struct rh_lookout lookout = { .told_ms = 0 };
	json_t           *list = json_array();

	(void)state;
	for (unsigned i = 0; i <= RH_LOOKOUT_MAX; i++)
		json_array_append_new(list, json_pack("{s:s, s:s}", "resource", "app", "cgroup",
		                                      "/a"));
	json_t *told = json_pack("{s:i, s:o}", "pid", 1, "enforced", list);
	rh_lookout_take(&lookout, told, 1);
	assert_int_equal(lookout.count, RH_LOOKOUT_MAX);
	json_decref(told);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_told),
		cmocka_unit_test(one_that_is_silent),
		cmocka_unit_test(what_was_free_is_counted),
		cmocka_unit_test(no_more_than_it_can_hold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
