#include "../../cli/supervise/link.h"
#include "../../cli/supervise/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct rh_plan_paths paths = {
	.self = "/bin/rhodes", .agent = "/lib/rhodes-agent", .run_dir = "/run/x", .state_dir = "/var/x",
	.system = "sys",
};

#define MAGIC \
	"{\"name\":\"magic\",\"revision\":%d,\"spec\":{\"type\":\"service\"," \
	"\"interface\":\"libmagic\",\"serve\":{\"library\":\"libmagic.so.1\"," \
	"\"workers\":2,\"restart\":\"on-failure\"}}}"
#define NIC                                                                              \
	"{\"name\":\"nic\",\"spec\":{\"type\":\"hardware\",\"interface\":\"nic\","       \
	"\"serve\":"                                                                     \
	"{\"program\":[\"/bin/nic\",\"--tap\"],\"restart\":\"never\"}}}"
#define FILE_APP                                                                         \
	"{\"name\":\"file\",\"spec\":{\"type\":\"application\",\"reference\":["          \
	"\"magic\"]}}"

#define X8 "xxxxxxxx"
#define NAME_TOO_LONG \
	"{\"resources\":[{\"name\":\"" X8 X8 X8 X8 X8 X8 X8 X8 "\"}]}"

static int make(struct rh_plan *plan, const char *text, struct rh_diag *diag)
{
	json_t *json = json_loads(text, 0, NULL);
	int     r;

	assert_non_null(json);
	r = rh_plan_init(plan, json, &paths, diag);
	json_decref(json);
	return r;
}

static void assert_argv(const struct rh_plan *plan, const char *name,
                        const char *expected)
{
	const struct rh_task *task = rh_plan_find(plan, name);
	char                  line[1000] = "";

	assert_non_null(task);
	for (size_t i = 0; i < task->argc; i++)
		snprintf(line + strlen(line), sizeof line - strlen(line), "%s%s",
		         i ? " " : "", task->argv[i]);
	assert_null(task->argv[task->argc]);
	assert_string_equal(line, expected);
}

static void a_plan_becomes_processes(void **state)
{
	struct rh_plan plan;
	char           text[4000];
	(void)state;

	snprintf(text, sizeof text, "{\"revision\":9,\"resources\":[" MAGIC "," NIC ","
	         FILE_APP "]}", 3);
	assert_int_equal(make(&plan, text, NULL), RH_OK);
	assert_int_equal(plan.count, 6);
	assert_int_equal(plan.resources, 3);
	assert_int_equal(plan.revision, 9);
	assert_argv(&plan, "agent/magic",
	            "/lib/rhodes-agent --run-dir /run/x --state-dir /var/x "
	            "--resource magic");
	assert_argv(&plan, "magic/0", "/bin/rhodes serve --system sys --one magic");
	assert_argv(&plan, "magic/1", "/bin/rhodes serve --system sys --one magic");
	assert_argv(&plan, "nic/0", "/bin/rhodes serve --system sys --one -r nic -- /bin/nic --tap");
	assert_null(rh_plan_find(&plan, "file/0"));
	assert_int_equal(rh_plan_find(&plan, "magic/1")->restart, RH_RESTART_ON_FAILURE);
	assert_int_equal(rh_plan_find(&plan, "nic/0")->restart, RH_RESTART_NEVER);
	assert_int_equal(rh_plan_find(&plan, "agent/nic")->restart, RH_RESTART_ALWAYS);
	assert_int_equal(rh_plan_find(&plan, "agent/nic")->role, RH_TASK_AGENT);
	assert_int_equal(rh_plan_find(&plan, "nic/0")->role, RH_TASK_INSTANCE);
	assert_true(rh_plan_find(&plan, "nic/0")->says_ready);
	for (size_t i = 1; i < plan.count; i++)
		assert_true(strcmp(plan.tasks[i - 1].name, plan.tasks[i].name) < 0);
	rh_plan_fini(&plan);
}

/* The two plans' tasks of that name ask for the same process. */
static bool is_same(const char *text, const char *other, const char *name)
{
	struct rh_plan a, b;
	bool           result;

	assert_int_equal(make(&a, text, NULL), RH_OK);
	assert_int_equal(make(&b, other, NULL), RH_OK);
	result = rh_task_equal(rh_plan_find(&a, name), rh_plan_find(&b, name));
	rh_plan_fini(&a);
	rh_plan_fini(&b);
	return result;
}

#define CALLER "{\"name\":\"a\",\"spec\":{\"type\":\"service\",\"reference\":[\"b\"]," \
	"\"serve\":{\"library\":\"a.so\"%s},\"interface\":\"ia\"%s}}"
#define CALLEE "{\"name\":\"b\",\"spec\":{\"type\":\"driver\",\"interface\":\"ib\"}}"

static char *plan_of(char *text, size_t cap, const char *serve, const char *more,
                     const char *interfaces)
{
	snprintf(text, cap, "{\"resources\":[" CALLER "," CALLEE "],\"interfaces\":[%s]}",
	         serve, more, interfaces);
	return text;
}

static void only_what_matters_restarts(void **state)
{
	char before[2000], after[2000];
	(void)state;

	plan_of(before, sizeof before, "", "",
	        "{\"name\":\"ib\",\"spec\":{\"hash\":\"1\"}}");
	/* Who may use it, or a text about it: nothing to do with its processes. */
	plan_of(after, sizeof after, "", ",\"description\":\"x\",\"allow\":{\"uid\":[1]}",
	        "{\"name\":\"ib\",\"spec\":{\"hash\":\"1\"}}");
	assert_true(is_same(before, after, "a/0"));
	assert_true(is_same(before, after, "agent/a"));
	/* How it is served. */
	plan_of(after, sizeof after, ",\"threads\":4", "",
	        "{\"name\":\"ib\",\"spec\":{\"hash\":\"1\"}}");
	assert_false(is_same(before, after, "a/0"));
	assert_true(is_same(before, after, "agent/a"));
	/* The library in front of what it calls. */
	plan_of(after, sizeof after, "", "",
	        "{\"name\":\"ib\",\"spec\":{\"hash\":\"2\"}}");
	assert_false(is_same(before, after, "a/0"));
	assert_true(is_same(before, after, "agent/b"));
	/* Its own interface appears. */
	plan_of(after, sizeof after, "", "",
	        "{\"name\":\"ib\",\"spec\":{\"hash\":\"1\"}},"
	        "{\"name\":\"ia\",\"spec\":{\"hash\":\"3\"}}");
	assert_false(is_same(before, after, "a/0"));
}

static void a_copy_is_equal_and_independent(void **state)
{
	struct rh_plan plan;
	struct rh_task copy;
	(void)state;

	assert_int_equal(make(&plan, "{\"resources\":[" NIC "]}", NULL), RH_OK);
	rh_task_copy(&copy, rh_plan_find(&plan, "nic/0"));
	assert_true(rh_task_equal(&copy, rh_plan_find(&plan, "nic/0")));
	rh_plan_fini(&plan);
	assert_string_equal(copy.argv[copy.argc - 1], "--tap");
	rh_task_fini(&copy);
}

static void what_is_no_plan_is_refused(void **state)
{
	static const char *const cases[] = {
		"{}", "{\"resources\":3}", "{\"resources\":[{}]}", "{\"resources\":[7]}",
		"{\"resources\":[{\"name\":7}]}", "{\"resources\":[" NIC "," NIC "]}",
		NAME_TOO_LONG,
	};
	struct rh_plan plan = { .count = 77 };
	struct rh_diag diag;
	(void)state;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		diag.text[0] = '\0';
		assert_int_equal(make(&plan, cases[i], &diag), RH_EINVAL);
		assert_true(diag.text[0] != '\0');
		assert_int_equal(plan.count, 77);
	}
}

static void add_workers(json_t *json, const char *name, unsigned workers)
{
	json_array_append_new(json_object_get(json, "resources"),
	                      json_pack("{s:s, s:{s:{s:s, s:i}}}", "name", name, "spec",
	                                "serve", "library", "x", "workers",
	                                (int)workers));
}

static void a_plan_has_a_limit(void **state)
{
	enum { WORKERS = 1023 }; /* and an agent */
	json_t        *json = json_pack("{s:[]}", "resources");
	struct rh_plan plan;
	(void)state;

	for (unsigned i = 0; i < RH_PLAN_TASKS_MAX / (WORKERS + 1); i++) {
		char name[16];

		snprintf(name, sizeof name, "r%u", i);
		add_workers(json, name, WORKERS);
	}
	assert_int_equal(rh_plan_init(&plan, json, &paths, NULL), RH_OK);
	assert_int_equal(plan.count, RH_PLAN_TASKS_MAX);
	rh_plan_fini(&plan);
	json_array_append_new(json_object_get(json, "resources"),
	                      json_pack("{s:s, s:{}}", "name", "one_more", "spec"));
	assert_int_equal(rh_plan_init(&plan, json, &paths, NULL), RH_ENOSPC);
	json_decref(json);
}

static void parts_make_a_plan(void **state)
{
	struct rh_link link = { .fd = -1 };
	json_t        *plan = NULL;
	(void)state;

	assert_int_equal(rh_link_part(&link, "{\"resour", 8, 0, &plan), 0);
	assert_null(plan);
	assert_int_equal(rh_link_part(&link, "ces\":[]}", 8, 1, &plan), 1);
	assert_true(json_is_array(json_object_get(plan, "resources")));
	json_decref(plan);
	plan = NULL;
	/* Not JSON, cut, twice the same key: dropped, and the next one is read afresh. */
	assert_int_equal(rh_link_part(&link, "{\"resources", 11, 1, &plan), RH_EPROTO);
	assert_int_equal(rh_link_part(&link, "{\"a\":1,\"a\":2}", 13, 1, &plan),
	                 RH_EPROTO);
	assert_int_equal(rh_link_part(&link, "", 0, 1, &plan), RH_EPROTO);
	assert_null(plan);
	assert_int_equal(rh_link_part(&link, "{}", 2, 1, &plan), 1);
	json_decref(plan);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plan_becomes_processes),
		cmocka_unit_test(only_what_matters_restarts),
		cmocka_unit_test(a_copy_is_equal_and_independent),
		cmocka_unit_test(what_is_no_plan_is_refused),
		cmocka_unit_test(a_plan_has_a_limit),
		cmocka_unit_test(parts_make_a_plan),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
