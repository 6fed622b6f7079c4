#include "cli/watch_line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define AFTER_TIME 14 /* "12:00:00.123  " */

typedef void print_row(FILE *out, const json_t *json, bool has_color);

/* What is printed of a line, without the time of each row. */
static char *printed(print_row *print, const char *text)
{
	json_t *json = json_loads(text, 0, NULL);
	char   *all = NULL, *rest = NULL;
	size_t  len = 0, rest_len = 0;
	FILE   *out = open_memstream(&all, &len);
	FILE   *cut = open_memstream(&rest, &rest_len);

	assert_non_null(json);
	print(out, json, false);
	fclose(out);
	for (char *line = strtok(all, "\n"); line; line = strtok(NULL, "\n")) {
		assert_true(strlen(line) > AFTER_TIME);
		assert_int_equal(line[2], ':');
		fprintf(cut, "%s\n", line + AFTER_TIME);
	}
	fclose(cut);
	free(all);
	json_decref(json);
	return rest;
}

static void expect(print_row *print, const char *text, const char *wanted)
{
	char *rows = printed(print, text);

	assert_string_equal(rows, wanted);
	free(rows);
}

static void objects(void **state)
{
	(void)state;
	expect(rh_watch_line_print,
	       "{\"type\":\"put\",\"revision\":7,\"object\":{\"kind\":\"Rule\",\"metadata\":"
	       "{\"name\":\"r\"},\"spec\":{\"protocol\":{\"edge\":[\"a\",\"b\"],\"use\":\"shm\"}}}}",
	       "7          put         rule r                    -                 "
	       "a -> b: use shm\n");
	expect(rh_watch_line_print,
	       "{\"type\":\"put\",\"revision\":8,\"object\":{\"kind\":\"Resource\",\"metadata\":"
	       "{\"name\":\"a\"},\"spec\":{\"type\":\"driver\",\"reference\":[\"b\",\"c\"]}}}",
	       "8          put         resource a                -                 "
	       "driver, calls b, c\n");
	expect(rh_watch_line_print,
	       "{\"type\":\"delete\",\"revision\":9,\"object\":{\"kind\":\"Rule\",\"metadata\":"
	       "{\"name\":\"r\"}}}",
	       "9          delete      rule r                    -                 -\n");
	expect(rh_watch_line_print, "{\"type\":\"bookmark\",\"revision\":9}", "");
}

static void events(void **state)
{
	(void)state;
	expect(rh_watch_line_print,
	       "{\"type\":\"active\",\"name\":\"r\",\"agent\":\"a\",\"revision\":7,"
	       "\"edge\":[\"a\",\"b\"],\"time\":\"2026-01-31T12:00:00.123Z\"}",
	       "7          active      rule r                    a                 a -> b\n");
	expect(rh_watch_line_print,
	       "{\"type\":\"rejected\",\"name\":\"r\",\"agent\":\"b\",\"revision\":7,"
	       "\"edge\":[\"a\",\"b\"],\"code\":\"ENOSPC\",\"text\":\"no queues\"}",
	       "7          rejected    rule r                    b                 "
	       "a -> b: ENOSPC: no queues\n");
	expect(rh_watch_line_print,
	       "{\"type\":\"active\",\"name\":\"hierarchy\",\"agent\":\"b\",\"revision\":7,"
	       "\"edges\":12}",
	       "7          active      rule hierarchy            b                 12 edges\n");
	expect(rh_watch_line_print,
	       "{\"type\":\"revoking\",\"name\":\"hierarchy\",\"edge\":[\"a\",\"b\"],"
	       "\"deadline\":\"2026-01-31T12:00:30.000Z\"}",
	       "-          revoking    rule hierarchy            -                 "
	       "a -> b: calls pass until 2026-01-31T12:00:30.000Z\n");
	expect(rh_watch_line_print,
	       "{\"type\":\"rollout\",\"name\":\"r\",\"state\":\"running\",\"step\":2,"
	       "\"steps\":4,\"generation\":5,\"reason\":\"waits\"}",
	       "-          rollout     rule r                    -                 "
	       "generation 5 running, step 2 of 4: waits\n");
	expect(rh_watch_line_print,
	       "{\"type\":\"rollout\",\"name\":\"r\",\"state\":\"running\",\"step\":0,"
	       "\"steps\":2,\"generation\":5}",
	       "-          rollout     rule r                    -                 "
	       "generation 5 running, before step 1 of 2\n");
	expect(rh_watch_line_print,
	       "{\"type\":\"rollout\",\"name\":\"r\",\"state\":\"undone\",\"step\":0,"
	       "\"steps\":0,\"generation\":6,\"failed\":5}",
	       "-          rollout     rule r                    -                 "
	       "generation 5 undone, generation 6 is in its place\n");
	expect(rh_watch_line_print,
	       "{\"type\":\"rollout\",\"name\":\"r\",\"state\":\"rolled-back\",\"step\":1,"
	       "\"steps\":4,\"generation\":1,\"failed\":1,\"reason\":\"rejected\"}",
	       "-          rollout     rule r                    -                 "
	       "generation 1 rolled-back, no edge has it: rejected\n");
	expect(rh_watch_line_print, "{\"type\":\"missed\",\"count\":3}",
	       "-          missed      -                         -                 "
	       "too many to be told: 3 events\n");
	expect(rh_watch_line_print, "{\"type\":\"missed\",\"count\":1}",
	       "-          missed      -                         -                 "
	       "too many to be told: 1 event\n");
}

static void how_it_stands(void **state)
{
	(void)state;
	expect(rh_watch_line_standing,
	       "{\"kind\":\"Rule\",\"metadata\":{\"name\":\"r\",\"revision\":7},\"status\":"
	       "{\"conditions\":[{\"type\":\"Active\",\"status\":\"True\",\"message\":"
	       "\"in 2 of 2 places\"}]}}",
	       "7          active      rule r                    -                 "
	       "in 2 of 2 places\n");
	expect(rh_watch_line_standing,
	       "{\"kind\":\"Rule\",\"metadata\":{\"name\":\"r\",\"revision\":7},\"status\":"
	       "{\"conditions\":[{\"type\":\"Active\",\"status\":\"False\",\"agents\":["
	       "{\"agent\":\"a\",\"edge\":[\"a\",\"b\"],\"state\":\"staged\"},"
	       "{\"agent\":\"b\",\"edge\":[\"a\",\"b\"],\"state\":\"rejected\","
	       "\"code\":\"ENOSPC\",\"text\":\"full\"}]}]}}",
	       "7          staged      rule r                    a                 a -> b\n"
	       "7          rejected    rule r                    b                 "
	       "a -> b: ENOSPC: full\n");
}

static void what_others_wrote_is_cleaned(void **state)
{
	char *rows = printed(rh_watch_line_print,
		"{\"type\":\"\\u001b[2J\",\"name\":\"a\\nb\",\"agent\":\"\\u0007\",\"text\":"
		"\"\\u001b]0;x\\u0007\"}");
	(void)state;

	for (char *c = rows; c[0] && c[1]; c++)
		assert_true((unsigned char)*c >= 0x20);
	free(rows);
	/* Of a shape that no center has. */
	expect(rh_watch_line_print, "{\"name\":1}", "");
	expect(rh_watch_line_print, "[1, 2]", "");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects),
		cmocka_unit_test(events),
		cmocka_unit_test(how_it_stands),
		cmocka_unit_test(what_others_wrote_is_cleaned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
