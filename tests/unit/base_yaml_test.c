#include "../../base/yaml.h"
#include "../../model/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct rh_yaml *parsed(const char *text)
{
	struct rh_yaml *yaml = NULL;
	struct rh_yaml_mark mark = { 0, 0 };
	struct rh_diag diag = { 0 };
	int r = rh_yaml_parse(text, strlen(text), &yaml, &mark, &diag);

	if (r < 0)
		print_error("%zu:%zu: %s\n", mark.line, mark.column, diag.text);
	assert_int_equal(r, RH_OK);
	return yaml;
}

static void assert_value(const char *text, const char *json)
{
	struct rh_yaml *yaml = parsed(text);
	char *got = json_dumps(rh_yaml_document(yaml, 0), JSON_ENCODE_ANY | JSON_COMPACT);

	assert_int_equal(rh_yaml_count(yaml), 1);
	assert_non_null(got);
	assert_string_equal(got, json);
	free(got);
	rh_yaml_destroy(yaml);
}

static void assert_refused(const char *text, int code, size_t line, size_t column,
                           const char *reason)
{
	struct rh_yaml *yaml = NULL;
	struct rh_yaml_mark mark = { 0, 0 };
	struct rh_diag diag = { 0 };
	int r = rh_yaml_parse(text, strlen(text), &yaml, &mark, &diag);

	if (r != code || mark.line != line || mark.column != column ||
	    !strstr(diag.text, reason))
		print_error("%.60s: %d at %zu:%zu: %s\n", text, r, mark.line,
		            mark.column, diag.text);
	assert_int_equal(r, code);
	assert_null(yaml);
	assert_int_equal(mark.line, line);
	assert_int_equal(mark.column, column);
	assert_non_null(strstr(diag.text, reason));
	assert_int_equal(diag.code, code);
}

static void scalars_have_the_types_of_json(void **state)
{
	static const struct { const char *yaml, *json; } cases[] = {
		{ "null", "null" },        { "~x", "\"~x\"" },
		{ "true", "true" },        { "false", "false" },
		{ "True", "\"True\"" },    { "yes", "\"yes\"" },
		{ "no", "\"no\"" },        { "on", "\"on\"" },
		{ "off", "\"off\"" },      { "NULL", "\"NULL\"" },
		{ "0", "0" },              { "-0", "0" },
		{ "12", "12" },            { "-7", "-7" },
		{ "+7", "\"+7\"" },        { "010", "\"010\"" },
		{ "0o17", "\"0o17\"" },    { "0x10", "\"0x10\"" },
		{ "1_000", "\"1_000\"" },  { "12:30", "\"12:30\"" },
		{ "1.5", "1.5" },          { "1e2", "100.0" },
		{ "1.", "\"1.\"" },        { ".5", "\".5\"" },
		{ ".inf", "\".inf\"" },    { ".nan", "\".nan\"" },
		{ "1.0.0", "\"1.0.0\"" },  { "1e", "\"1e\"" },
		{ "2026-01-31", "\"2026-01-31\"" },
		{ "'12'", "\"12\"" },      { "\"true\"", "\"true\"" },
		{ "!!str 12", "\"12\"" },  { "''", "\"\"" },
		{ "9223372036854775807", "9223372036854775807" },
		{ "\"a\\u00e9\"", "\"a\xc3\xa9\"" },
	};
	(void)state;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char text[64], json[64];

		snprintf(text, sizeof text, "a: %s\n", cases[i].yaml);
		snprintf(json, sizeof json, "{\"a\":%s}", cases[i].json);
		if (strcmp(cases[i].yaml, "-0") == 0)
			assert_value(text, "{\"a\":0}");
		else
			assert_value(text, json);
	}
	assert_value("a:\nb: ~\n", "{\"a\":null,\"b\":null}");
}

static void collections_nest(void **state)
{
	(void)state;
	assert_value("a: [1, {b: c}]\nd:\n- e\n-\n  f: g\n",
	             "{\"a\":[1,{\"b\":\"c\"}],\"d\":[\"e\",{\"f\":\"g\"}]}");
	assert_value("{\"json\": [\"is\", \"yaml\", null]}",
	             "{\"json\":[\"is\",\"yaml\",null]}");
	assert_value("{}", "{}");
	assert_value("[]", "[]");
	assert_value("yes: 1\n12: 2\n", "{\"yes\":1,\"12\":2}");
	assert_value("t: |\n  one\n  two\n", "{\"t\":\"one\\ntwo\\n\"}");
}

static void several_documents_and_empty_ones(void **state)
{
	struct rh_yaml *yaml;
	(void)state;

	yaml = parsed(
		"# nothing\n---\na: 1\n---\n---\n# only a comment\n---\nb: 2\n...\n");
	assert_int_equal(rh_yaml_count(yaml), 2);
	assert_non_null(json_object_get(rh_yaml_document(yaml, 0), "a"));
	assert_non_null(json_object_get(rh_yaml_document(yaml, 1), "b"));
	assert_null(rh_yaml_document(yaml, 2));
	assert_int_equal(rh_yaml_where(yaml, 1, "/b").line, 8);
	rh_yaml_destroy(yaml);

	yaml = parsed("");
	assert_int_equal(rh_yaml_count(yaml), 0);
	rh_yaml_destroy(yaml);
}

static void assert_place(const struct rh_yaml *yaml, const char *pointer, size_t line,
                         size_t column)
{
	struct rh_yaml_mark mark = rh_yaml_where(yaml, 0, pointer);

	if (mark.line != line || mark.column != column)
		print_error("%s: at %zu:%zu\n", pointer, mark.line, mark.column);
	assert_int_equal(mark.line, line);
	assert_int_equal(mark.column, column);
}

static void places_follow_the_pointer(void **state)
{
	struct rh_yaml *yaml = parsed("kind: Resource\n"
	                              "metadata: {name: magic}\n"
	                              "spec:\n"
	                              "  reference: [a, bb]\n"
	                              "  serve:\n"
	                              "    workers: two\n"
	                              "  x/y: 1\n"
	                              "  x~y: 2\n");
	(void)state;

	assert_place(yaml, "", 1, 1);
	assert_place(yaml, "/kind", 1, 7);
	assert_place(yaml, "/metadata", 2, 1);
	assert_place(yaml, "/metadata/name", 2, 18);
	assert_place(yaml, "/spec/reference/0", 4, 15);
	assert_place(yaml, "/spec/reference/1", 4, 18);
	assert_place(yaml, "/spec/serve/workers", 6, 14);
	assert_place(yaml, "/spec/x~1y", 7, 8);
	assert_place(yaml, "/spec/x~0y", 8, 8);
	/* What is not there is shown at the nearest parent. */
	assert_place(yaml, "/spec/serve/library", 5, 3);
	assert_place(yaml, "/spec/reference/2", 4, 3);
	assert_place(yaml, "/spec/reference/1/x", 4, 18);
	assert_place(yaml, "/nothing", 1, 1);
	assert_place(yaml, "/spec/serv", 3, 1);
	assert_place(yaml, "not a pointer", 1, 1);
	rh_yaml_destroy(yaml);
}

static void aliases_are_copied(void **state)
{
	(void)state;
	assert_value("a: &x [1, {b: 2}]\nc: *x\n",
	             "{\"a\":[1,{\"b\":2}],\"c\":[1,{\"b\":2}]}");
	assert_value("a: &x 1\nb: &x 2\nc: *x\n", "{\"a\":1,\"b\":2,\"c\":2}");
	assert_refused("a: *x\n", RH_EINVAL, 1, 4, "names no anchor");
	assert_refused("a: &x [*x]\n", RH_EINVAL, 1, 8, "inside its own anchor");
	assert_refused("a: &x 1\n---\nb: *x\n", RH_EINVAL, 3, 4, "names no anchor");
}

static void what_json_cannot_say_is_refused(void **state)
{
	(void)state;
	assert_refused("a: 1\nb:\n  c: 1\n  c: 2\n", RH_EINVAL, 4, 3,
	               "duplicate key \"c\"; the first stands in line 3");
	assert_refused("a: 1\n'a': 2\n", RH_EINVAL, 2, 1, "duplicate key \"a\"");
	assert_refused("? [1]\n: 2\n", RH_EINVAL, 1, 3, "a key must be a plain word");
	assert_refused("? \n: 2\n", RH_EINVAL, 1, 2, "a key is empty");
	assert_refused("a: &b {c: 1}\nd: {<<: *b}\n", RH_EINVAL, 2, 5, "merge keys");
	assert_refused("a: !!int 3\n", RH_EINVAL, 1, 4, "tags are not used");
	assert_refused("a: !!map {}\n", RH_EINVAL, 1, 4, "tags are not used");
	assert_refused("a: !thing {}\n", RH_EINVAL, 1, 4, "tags are not used");
	assert_refused("!!str a: 1\n", RH_EINVAL, 1, 1, "no anchor and no tag");
	assert_refused("a: 9223372036854775808\n", RH_EINVAL, 1, 4, "does not fit");
	assert_refused("a: 1e999\n", RH_EINVAL, 1, 4, "does not fit");
	assert_refused("a: \"x\\0y\"\n", RH_EINVAL, 1, 4, "NUL");
	assert_refused("\"x\\0y\": 1\n", RH_EINVAL, 1, 1, "NUL");
}

static void bad_syntax_has_a_place(void **state)
{
	(void)state;
	assert_refused("a: [1, 2\nb: 3\n", RH_EINVAL, 2, 2, "flow sequence");
	assert_refused("a: 1\n\tb: 2\n", RH_EINVAL, 2, 1, "a tab character");
	assert_refused("a: 1\n  b: 2\n", RH_EINVAL, 2, 4, "not allowed");
	assert_refused("a: 'x\n", RH_EINVAL, 2, 1, "end of stream");
	assert_refused("a: \xff\n", RH_EINVAL, 1, 1, "UTF-8");
}

/* The same text repeated n times, then tail; the caller frees. */
static char *repeated(const char *unit, size_t n, const char *tail)
{
	size_t len = strlen(unit);
	char *text = malloc(len * n + strlen(tail) + 1);

	assert_non_null(text);
	for (size_t i = 0; i < n; i++)
		memcpy(text + i * len, unit, len);
	strcpy(text + len * n, tail);
	return text;
}

static int parse_code(const char *text, size_t len, struct rh_diag *diag)
{
	struct rh_yaml *yaml = NULL;
	struct rh_yaml_mark mark;
	int r = rh_yaml_parse(text, len, &yaml, &mark, diag);

	rh_yaml_destroy(yaml);
	return r;
}

static void depth_is_limited(void **state)
{
	struct rh_diag diag;
	char *text;
	(void)state;

	assert_value("[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]",
	             "[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]");
	assert_refused("[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]", RH_EMSGSIZE, 1, 17,
	               "nested deeper than 16");
	/* By alias too: ten levels inside seven. */
	assert_refused("- &a [[[[[[[[[[]]]]]]]]]]\n- [[[[[[*a]]]]]]\n", RH_EMSGSIZE, 2, 9,
	               "nested too deeply");
	text = repeated("[", 1000000, "");
	assert_int_equal(parse_code(text, strlen(text), &diag), RH_EMSGSIZE);
	free(text);
	text = repeated("{a: ", 100000, "");
	assert_int_equal(parse_code(text, strlen(text), &diag), RH_EMSGSIZE);
	free(text);
}

static void aliases_cannot_multiply(void **state)
{
	/* Each line has ten times the values of the line before it. */
	char *text = repeated("", 0, "- &a [x,x,x,x,x,x,x,x,x,x]\n"
	                             "- &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
	                             "- &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
	                             "- &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"
	                             "- &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\n"
	                             "- &f [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\n");
	struct rh_diag diag;
	char *big;
	(void)state;

	assert_int_equal(parse_code(text, strlen(text), &diag), RH_EMSGSIZE);
	assert_non_null(strstr(diag.text, "too many values"));
	free(text);

	/* Few values, much text. */
	big = repeated("x", 1000000, "\n");
	text = malloc(strlen(big) + 400);
	assert_non_null(text);
	strcpy(text, "- &a ");
	strcat(text, big);
	for (int i = 0; i < 20; i++)
		strcat(text, "- *a\n");
	assert_int_equal(parse_code(text, strlen(text), &diag), RH_EMSGSIZE);
	assert_non_null(strstr(diag.text, "too much text"));
	free(text);
	free(big);

	text = repeated("- &a 1\n", RH_YAML_ANCHORS_MAX, "");
	assert_int_equal(parse_code(text, strlen(text), &diag), RH_OK);
	free(text);
	text = repeated("- &a 1\n", RH_YAML_ANCHORS_MAX + 1, "");
	assert_int_equal(parse_code(text, strlen(text), &diag), RH_EMSGSIZE);
	free(text);
}

static void sizes_are_limited(void **state)
{
	struct rh_diag diag;
	char *text = repeated("x", RH_YAML_KEY_MAX, ": 1\n");
	(void)state;

	assert_int_equal(parse_code(text, strlen(text), &diag), RH_OK);
	free(text);
	text = repeated("x", RH_YAML_KEY_MAX + 1, ": 1\n");
	assert_int_equal(parse_code(text, strlen(text), &diag), RH_EMSGSIZE);
	free(text);
	text = repeated("x", RH_YAML_SCALAR_MAX + 1, "\n");
	assert_int_equal(parse_code(text, strlen(text), &diag), RH_EMSGSIZE);
	free(text);
	text = repeated("---\n1\n", RH_YAML_DOCUMENTS_MAX + 1, "");
	assert_int_equal(parse_code(text, strlen(text), &diag), RH_EMSGSIZE);
	free(text);
	text = repeated("#\n", RH_YAML_BYTES_MAX / 2, " ");
	assert_int_equal(parse_code(text, strlen(text), &diag), RH_EMSGSIZE);
	assert_non_null(strstr(diag.text, "larger than 16 MiB"));
	free(text);
}

static void text_reads_back_the_same(void **state)
{
	static const char *const values[] = {
		"{}",
		"[]",
		"{\"a\":[]}",
		"{\"a\":{}}",
		"[[],[[]],{\"x\":[{}]}]",
		"{\"a\":null,\"b\":true,\"c\":-12,\"d\":1.5,\"e\":1e300}",
		"[\"null\",\"~\",\"\",\"yes\",\"0x1\",\"010\",\"12\",\"1e2\",\"true\",\"-"
		"\"]",
		"[\"# no\",\"a: b\",\"a "
		"#b\",\"[x\",\"{x\",\"*x\",\"&x\",\"!x\",\"|\",\">\"]",
		"[\"'\",\"\\\"\",\"\\\\\",\"\\t\",\"\\r\",\"\\n\",\" x\",\"x "
		"\",\"%x\",\"@x\"]",
		"{\"text\":\"one\\ntwo\\n\",\"t2\":\"one\\n  "
		"two\\n\",\"t3\":\"a\\n\\nb\\n\"}",
		"{\"t\":\"no end\\nof "
		"line\",\"u\":\"\\u00e9\\u20ac\\ud83d\\ude00\\u0085\\u2028\"}",
		"{\"true\":1,\"12\":2,\"a b\":3,\"\\u0007\":4,\"---\":5,\"?\":6}",
		"{\"objects\":[{\"kind\":\"Rule\",\"spec\":{\"edge\":[\"a\",\"b\"]}}]}",
	};
	(void)state;

	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
		json_t *value = json_loads(values[i], 0, NULL);
		char *text = rh_yaml_text(value);
		struct rh_yaml *yaml;

		assert_non_null(text);
		yaml = parsed(text);
		if (!json_equal(value, rh_yaml_document(yaml, 0)))
			print_error("%s\n became\n%s\n", values[i], text);
		assert_true(json_equal(value, rh_yaml_document(yaml, 0)));
		rh_yaml_destroy(yaml);
		free(text);
		json_decref(value);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(scalars_have_the_types_of_json),
		cmocka_unit_test(collections_nest),
		cmocka_unit_test(several_documents_and_empty_ones),
		cmocka_unit_test(places_follow_the_pointer),
		cmocka_unit_test(aliases_are_copied),
		cmocka_unit_test(what_json_cannot_say_is_refused),
		cmocka_unit_test(bad_syntax_has_a_place),
		cmocka_unit_test(depth_is_limited),
		cmocka_unit_test(aliases_cannot_multiply),
		cmocka_unit_test(sizes_are_limited),
		cmocka_unit_test(text_reads_back_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
