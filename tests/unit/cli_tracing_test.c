#include "../../cli/tracing.h"
#include "../../cli/values.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEXT "# a comment\nother, void\ntwice, i32|number, i32\n"

struct scene {
	struct rh_tracing *tracing;
	char              *text;
	size_t             len;
	FILE              *out;
};

static void enter(struct scene *scene)
{
	*scene = (struct scene){ .tracing = rh_tracing_create("app") };
	assert_non_null(scene->tracing);
	assert_int_equal(rh_tracing_add_callee(scene->tracing, "lib", TEXT), RH_OK);
	scene->out = open_memstream(&scene->text, &scene->len);
	assert_non_null(scene->out);
}

static void leave(struct scene *scene)
{
	fclose(scene->out);
	free(scene->text);
	rh_tracing_destroy(scene->tracing);
}

static unsigned tell(struct scene *scene, uint64_t call, uint32_t number,
                     bool is_of_callee, uint64_t time_ns)
{
	struct rh_tracing_step step = {
		.step = number, .is_of_callee = is_of_callee, .time_ns = time_ns,
		.call = call, .caller = "app", .callee = "lib", .body_len = 16,
		.function = rh_values_hash("twice, i32|number, i32"),
	};
	int64_t value = number < 9 ? 21 : 42;

	snprintf(step.text, sizeof step.text, "%s agent at %u",
	         is_of_callee ? "callee's" : "caller's", number);
	memcpy(step.body + 8, &value, sizeof value);
	return rh_tracing_take(scene->tracing, &step, scene->out, false);
}

static const char whole[] = "app -> lib\n"
			    "   1            app calls twice\n"
			    "   2            its interceptor takes out callee, function "
                            "and parameters: twice,"
			    " i32|21, i32\n"
			    "   3        0ns caller's agent at 3\n"
			    "   4      100ns caller's agent at 4\n"
			    "   4      200ns callee's agent at 4\n"
			    "   5      300ns callee's agent at 5\n"
			    "   6            lib reads the call from the page\n"
			    "   7            lib calls twice by its skeleton\n"
			    "   8            lib puts the result on the page\n"
			    "   9      400ns callee's agent at 9\n"
			    "  10      500ns callee's agent at 10\n"
			    "  10      600ns caller's agent at 10\n"
			    "  11      700ns caller's agent at 11\n"
			    "  12            app reads the reply from the page\n"
			    "  13            its interceptor takes out the result: 42\n"
			    "  14            app has the result\n\n";

static void a_call_in_fourteen_steps(void **state)
{
	struct scene scene;
	(void)state;

	enter(&scene);
	/* In whatever order two agents are heard. */
	assert_int_equal(tell(&scene, 1, 9, true, 1400), 0);
	assert_int_equal(tell(&scene, 1, 4, true, 1200), 0);
	assert_int_equal(tell(&scene, 1, 5, true, 1300), 0);
	assert_int_equal(tell(&scene, 1, 3, false, 1000), 0);
	assert_int_equal(tell(&scene, 1, 10, true, 1500), 0);
	assert_int_equal(tell(&scene, 1, 4, false, 1100), 0);
	assert_int_equal(tell(&scene, 1, 10, false, 1600), 0);
	fflush(scene.out);
	assert_int_equal(scene.len, 0);
	assert_int_equal(tell(&scene, 1, 11, false, 1700), 1);
	assert_string_equal(scene.text, whole);
	leave(&scene);
}

static void calls_under_way_are_kept_apart(void **state)
{
	struct scene scene;
	(void)state;

	enter(&scene);
	tell(&scene, 1, 3, false, 10);
	tell(&scene, 2, 3, false, 20);
	tell(&scene, 2, 4, false, 30);
	assert_int_equal(tell(&scene, 2, 11, false, 40), 1);
	assert_null(strstr(scene.text, "agent at 10"));
	assert_non_null(strstr(scene.text, "      20ns caller's agent at 11"));
	assert_int_equal(tell(&scene, 1, 11, false, 50), 1);
	assert_non_null(strstr(scene.text, "      40ns caller's agent at 11"));
	leave(&scene);
}

static void a_late_word_has_no_time(void **state)
{
	struct scene scene;
	(void)state;

	enter(&scene);
	tell(&scene, 1, 3, false, 500);
	tell(&scene, 1, 4, true, 100);
	tell(&scene, 1, 11, false, 600);
	assert_non_null(strstr(scene.text, "   3        0ns caller's agent at 3\n"
	                                   "   4            callee's agent at 4\n"));
	leave(&scene);
}

static void others_calls_are_not_shown(void **state)
{
	struct scene           scene;
	struct rh_tracing_step step = { .step = 11, .caller = "other", .callee = "lib" };
	(void)state;

	enter(&scene);
	assert_int_equal(rh_tracing_take(scene.tracing, &step, scene.out, false), 0);
	strcpy(step.caller, "app");
	strcpy(step.callee, "elsewhere");
	rh_tracing_limit_to(scene.tracing, "lib");
	assert_int_equal(rh_tracing_take(scene.tracing, &step, scene.out, false), 0);
	rh_tracing_limit_to(scene.tracing, NULL);
	assert_int_equal(rh_tracing_take(scene.tracing, &step, scene.out, false), 1);
	assert_non_null(strstr(scene.text, "app calls function 0000000000000000\n"));
	assert_non_null(strstr(scene.text, "takes out the result: 0 bytes\n"));
	leave(&scene);
}

/* An agent that lies, or calls that never end, cost no memory. */
static void too_many_give_way(void **state)
{
	struct scene scene;
	unsigned     printed = 0;
	(void)state;

	enter(&scene);
	for (uint64_t call = 0; call < 3 * RH_TRACING_CALLS_MAX; call++)
		printed += tell(&scene, call, 3, false, call);
	assert_int_equal(printed, 2 * RH_TRACING_CALLS_MAX);
	for (int i = 0; i < 100; i++)
		printed += tell(&scene, 7, 4, true, 1000);
	assert_true(printed > 2 * RH_TRACING_CALLS_MAX + 5);
	leave(&scene);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_in_fourteen_steps),
		cmocka_unit_test(calls_under_way_are_kept_apart),
		cmocka_unit_test(a_late_word_has_no_time),
		cmocka_unit_test(others_calls_are_not_shown),
		cmocka_unit_test(too_many_give_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
