/* Which agent lives in which pool: full, stable, and told in files. */
#include "../../cli/supervise/crew.h"
#include "../../cli/supervise/pools.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct scene {
	char            folder[64];
	struct rh_pools pools;
	struct rh_plan  plan;
	struct rh_crew  crew;   /* nobody */
};

static int enter(void **state)
{
	struct scene *scene = calloc(1, sizeof *scene);

	strcpy(scene->folder, "/tmp/rhodes-pools-XXXXXX");
	assert_non_null(mkdtemp(scene->folder));
	scene->pools.most = 2;
	scene->pools.paths = (struct rh_plan_paths){
		.self = "/bin/rhodes", .agent = "/lib/rhodes-agent",
		.run_dir = scene->folder, .state_dir = "/var/x", .system = "sys",
	};
	*state = scene;
	return 0;
}

static int leave(void **state)
{
	struct scene *scene = *state;
	char          command[100];

	rh_pools_fini(&scene->pools);
	rh_plan_fini(&scene->plan);
	snprintf(command, sizeof command, "rm -rf %s", scene->folder);
	assert_int_equal(system(command), 0);
	free(scene);
	return 0;
}

/* A plan of resources by their first letters; "!" serves by a worker. */
static void want(struct scene *scene, const char *letters)
{
	json_t        *list = json_array(), *json;
	struct rh_diag diag = { 0 };

	for (; *letters; letters++) {
		char    name[2] = { *letters, '\0' };
		json_t *item = json_pack("{s:s, s:{s:s}}", "name", name, "spec", "type",
		                         "service");

		if (letters[1] == '!') {
			json_object_set_new(json_object_get(item, "spec"), "serve",
			                    json_pack("{s:s}", "library", "l.so"));
			letters++;
		}
		json_array_append_new(list, item);
	}
	json = json_pack("{s:o, s:[]}", "resources", list, "interfaces");
	rh_plan_fini(&scene->plan);
	assert_int_equal(rh_plan_init(&scene->plan, json, &scene->pools.paths, &diag), 0);
	json_decref(json);
	assert_int_equal(rh_pools_take(&scene->pools, &scene->plan, &diag), 0);
	assert_int_equal(rh_pools_write(&scene->pools, &scene->crew, &diag), 0);
}

static void assert_file(const struct scene *scene, unsigned pool, const char *expected)
{
	char  path[128], text[100] = "";
	FILE *file;

	snprintf(path, sizeof path, "%s/agent/pool.%u", scene->folder, pool);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_true(fread(text, 1, sizeof text - 1, file) > 0);
	fclose(file);
	assert_string_equal(text, expected);
}

static void a_plan_gets_pools_for_its_agents(void **state)
{
	struct scene         *scene = *state;
	const struct rh_task *task;

	want(scene, "ab!c");
	assert_int_equal(scene->plan.count, 3);
	assert_null(rh_plan_find(&scene->plan, "agent/a"));
	assert_non_null(rh_plan_find(&scene->plan, "b/0"));
	task = rh_plan_find(&scene->plan, "agents-1");
	assert_non_null(task);
	assert_int_equal(task->role, RH_TASK_AGENT);
	assert_true(task->says_ready);
	assert_string_equal(task->argv[5], "--pool");
	assert_file(scene, 0, "a\nb\n");
	assert_file(scene, 1, "c\n");
}

static void nobody_moves(void **state)
{
	struct scene *scene = *state;

	want(scene, "bcde");
	want(scene, "abcde");
	assert_file(scene, 0, "b\nc\n");
	assert_file(scene, 2, "a\n");
	want(scene, "acde");
	assert_file(scene, 0, "c\n");
	want(scene, "acdef");
	assert_file(scene, 0, "c\nf\n");
	assert_file(scene, 1, "d\ne\n");
	want(scene, "cf");
	assert_file(scene, 1, "# nobody\n");
	assert_file(scene, 2, "# nobody\n");
	want(scene, "cf"); /* the next plan has no process for those */
	assert_null(rh_plan_find(&scene->plan, "agents-1"));
	assert_non_null(rh_plan_find(&scene->plan, "agents-0"));
}

static bool say(struct scene *scene, const char *task, const char *line)
{
	return rh_pools_read(&scene->pools, task, line, strlen(line));
}

static void agents_are_open_when_they_say_so(void **state)
{
	struct scene *scene = *state;

	want(scene, "abc");
	assert_false(rh_pools_is_open(&scene->pools, "a"));
	assert_true(say(scene, "agents-0", "agent a open"));
	assert_true(say(scene, "agents-0", "agent b open"));
	assert_true(say(scene, "agents-1", "agent c open"));
	assert_true(rh_pools_is_open(&scene->pools, "a"));
	assert_true(say(scene, "agents-1", "agent a gone")); /* it is not its own */
	assert_true(rh_pools_is_open(&scene->pools, "a"));
	assert_true(say(scene, "agents-0", "agent b gone"));
	assert_false(rh_pools_is_open(&scene->pools, "b"));
	rh_pools_lost(&scene->pools, "agents-0");
	assert_false(rh_pools_is_open(&scene->pools, "a"));
	assert_true(rh_pools_is_open(&scene->pools, "c"));
	assert_false(say(scene, "agents-0", "ready"));
	assert_false(say(scene, "agents-0", "agent a is late"));
	assert_false(say(scene, "agent/a", "agent a open"));
	assert_true(say(scene, "agents-0", "agent nobody open"));
	assert_false(rh_pools_is_open(&scene->pools, "nobody"));
}

static void without_pools_a_plan_stays(void **state)
{
	struct scene *scene = *state;

	scene->pools.most = 0;
	want(scene, "ab");
	assert_non_null(rh_plan_find(&scene->plan, "agent/a"));
	assert_int_equal(scene->plan.count, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_plan_gets_pools_for_its_agents, enter,
		                                leave),
		cmocka_unit_test_setup_teardown(nobody_moves, enter, leave),
		cmocka_unit_test_setup_teardown(agents_are_open_when_they_say_so, enter,
		                                leave),
		cmocka_unit_test_setup_teardown(without_pools_a_plan_stays, enter, leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
