#include "center_fixture.h"

#include "../../model/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct rh_client client = {
	.pid = 1, .uid = 1000, .is_writer = 1, .channel = "unix", .exe = "/bin/test",
};

int set_up(void **state)
{
	struct fixture   *fixture = calloc(1, sizeof *fixture);
	struct rh_problem problem;

	*state = fixture;
	if (!fixture || rh_store_memory_open(&fixture->store, NULL) != RH_OK)
		return -1;
	snprintf(fixture->center.dirs.system, sizeof fixture->center.dirs.system, "t");
	return rh_center_init(&fixture->center, fixture->store, &problem);
}

int tear_down(void **state)
{
	struct fixture *fixture = *state;

	rh_realm_undo(&fixture->center.realm, 0);
	rh_center_fini(&fixture->center);
	rh_store_close(fixture->store);
	free(fixture);
	return 0;
}

int apply_with(struct rh_center *center, const char *text, int is_dry_run,
               struct rh_problem *problem, char *results)
{
	struct rh_change_options options = {
		.client = &client, .verb = "apply", .is_dry_run = is_dry_run,
		.expected = RH_CHANGE_ANY,
	};
	json_t *answer = NULL, *result;
	size_t  i;
	char   *copy = strdup(text);

	for (char *c = copy; *c; c++) {
		if (*c == '\'')
			*c = '"';
	}
	json_t *objects = json_loads(copy, 0, NULL);
	free(copy);
	assert_non_null(objects);
	int err = rh_change_apply(center, objects, &options, &answer, problem);
	json_decref(objects);
	if (results)
		results[0] = '\0';
	json_array_foreach(json_object_get(answer, "results"), i, result) {
		if (results)
			sprintf(results + strlen(results), "%s%s", i ? "," : "",
			        json_string_value(json_object_get(result, "result")));
	}
	json_decref(answer);
	return err;
}

int apply(struct rh_center *center, const char *text)
{
	struct rh_problem problem = { 0 };

	return apply_with(center, text, 0, &problem, NULL);
}

int commit(struct rh_center *center)
{
	struct rh_problem problem;

	return rh_center_commit(center, &problem);
}

int remove_object(struct rh_center *center, enum rh_object_kind kind,
                  const char *name, int is_dry_run)
{
	struct rh_change_options options = {
		.client = &client, .verb = "delete", .is_dry_run = is_dry_run,
		.expected = RH_CHANGE_ANY,
	};
	struct rh_problem problem;
	json_t           *answer = NULL;
	int err = rh_change_delete(center, kind, name, &options, &answer, &problem);

	json_decref(answer);
	return err;
}
