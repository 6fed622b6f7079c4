#include "../../cli/cli.h"
#include "../../cli/problem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void assert_told(long status, const char *json_text, const char *where,
                        const char *expected, int exit)
{
	json_t           *json = json_loads(json_text, JSON_DECODE_ANY, NULL);
	struct rh_problem problem;
	char             *text = NULL;
	size_t            len;
	FILE             *file = open_memstream(&text, &len);

	assert_non_null(file);
	rh_problem_read(&problem, status, json);
	rh_problem_print(&problem, file, "rhodes apply", where);
	fclose(file);
	assert_string_equal(text, expected);
	assert_int_equal(rh_problem_exit(&problem), exit);
	free(text);
	json_decref(json);
}

static void a_refused_edge_names_rule_and_remedy(void **state)
{
	(void)state;
	assert_told(
		403,
		"{\"code\":\"ELAYER\",\"detail\":\"a driver may not call a service\","
		"\"rule\":\"hierarchy\",\"revision\":7,\"edge\":[\"net\",\"fs\"],"
		"\"object\":{\"kind\":\"Resource\",\"name\":\"net\"}}",
		"s.yaml:3:5",
		"rhodes apply: s.yaml:3:5: Resource/net: a driver may not call a service"
		" (net -> fs)\n"
		"    rule        hierarchy, revision 7\n"
		"    what to do  reference something of the next layer, or apply a Rule"
		" with an exception for net -> fs and its reason; `rhodes explain net fs`"
		" tells more\n",
		RH_EXIT_REFUSED);
}

static void an_edge_is_told_once(void **state)
{
	(void)state;
	assert_told(403, "{\"code\":\"EPROTO\",\"detail\":\"net -> fs is refused\","
	            "\"edge\":[\"net\",\"fs\"]}", NULL,
	            "rhodes apply: net -> fs is refused\n", RH_EXIT_REFUSED);
}

static void a_pointer_becomes_a_path(void **state)
{
	(void)state;
	assert_told(400,
	            "{\"code\":\"EINVAL\",\"pointer\":\"/objects/3/spec/reference/0\","
	            "\"detail\":\"/objects/3/spec/reference/0: is no name\"}",
	            "a:1:2", "rhodes apply: a:1:2: spec.reference[0]: is no name\n",
	            RH_EXIT_REFUSED);
	assert_told(400, "{\"code\":\"EINVAL\",\"pointer\":\"/spec/type\","
	            "\"detail\":\"is wrong\"}", NULL,
	            "rhodes apply: spec.type: is wrong\n", RH_EXIT_REFUSED);
	assert_told(400, "{\"code\":\"EINVAL\",\"pointer\":\"/objects/3\","
	            "\"detail\":\"/objects/3: must be an object\"}", NULL,
	            "rhodes apply: must be an object\n", RH_EXIT_REFUSED);
}

static void exit_codes_follow_the_status(void **state)
{
	(void)state;
	assert_told(404, "{\"code\":\"ENOENT\",\"detail\":\"no such thing\"}", NULL,
	            "rhodes apply: no such thing\n", RH_EXIT_NOT_FOUND);
	assert_told(
		412, "{\"code\":\"ESTALE\",\"detail\":\"it changed\"}", NULL,
		"rhodes apply: it changed\n"
		"    what to do  somebody changed it meanwhile: get it again, then apply"
		" again\n",
		RH_EXIT_CONFLICT);
	assert_told(409, "{\"code\":\"EEXIST\",\"detail\":\"taken\"}", NULL,
	            "rhodes apply: taken\n", RH_EXIT_CONFLICT);
}

static void what_is_no_problem_is_told_too(void **state)
{
	(void)state;
	assert_told(500, "null", NULL, "rhodes apply: input or output failed\n",
	            RH_EXIT_REFUSED);
	assert_told(404, "[]", NULL, "rhodes apply: no such name\n", RH_EXIT_NOT_FOUND);
	assert_told(400,
	            "{\"detail\":7,\"title\":\"Bad\",\"code\":\"ENEW\",\"edge\":[1,2],"
	            "\"object\":\"x\",\"revision\":\"y\",\"pointer\":3}",
	            NULL, "rhodes apply: Bad\n", RH_EXIT_REFUSED);
}

static void escapes_do_not_reach_the_terminal(void **state)
{
	(void)state;
	assert_told(400,
	            "{\"detail\":\"a\\u001b[2Jb\",\"rule\":\"r\\n\",\"object\":"
	            "{\"kind\":\"K\",\"name\":\"n\\u0007\"},\"pointer\":\"/a\\tb\"}",
	            NULL, "rhodes apply: K/n?: a?b: a?[2Jb\n    rule        r?\n",
	            RH_EXIT_REFUSED);
}

static void a_long_pointer_is_cut(void **state)
{
	char  text[6000] = "{\"detail\":\"d\",\"pointer\":\"";
	(void)state;

	for (int i = 0; i < 1000; i++)
		strcat(text, "/abc");
	strcat(text, "\"}");

	json_t           *json = json_loads(text, 0, NULL);
	struct rh_problem problem;
	char             *out = NULL;
	size_t            len;
	FILE             *file = open_memstream(&out, &len);

	rh_problem_read(&problem, 400, json);
	rh_problem_print(&problem, file, "x", NULL);
	fclose(file);
	assert_true(len < 600);
	free(out);
	json_decref(json);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_refused_edge_names_rule_and_remedy),
		cmocka_unit_test(an_edge_is_told_once),
		cmocka_unit_test(a_pointer_becomes_a_path),
		cmocka_unit_test(exit_codes_follow_the_status),
		cmocka_unit_test(what_is_no_problem_is_told_too),
		cmocka_unit_test(escapes_do_not_reach_the_terminal),
		cmocka_unit_test(a_long_pointer_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
