#include "../support/scene.h"

#include "../../cli/supervise/hosted.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static bool reads(const char *line)
{
	struct rh_hosted hosted;

	return rh_hosted_read(&hosted, line, strlen(line));
}

static void a_line_is_read(void **state)
{
	static const char line[] = "library fe:1:2:3.4 keep /lib/with a blank.so.1";
	struct rh_hosted  hosted;

	(void)state;
	assert_true(rh_hosted_read(&hosted, line, sizeof line - 1));
	assert_string_equal(hosted.loaded, "fe:1:2:3.4");
	assert_string_equal(hosted.seen, "fe:1:2:3.4");
	assert_string_equal(hosted.path, "/lib/with a blank.so.1");
	assert_true(hosted.keeps);
	assert_int_equal(hosted.state, RH_HOSTED_CURRENT);
	assert_true(rh_hosted_read(&hosted, "library 1 new /x", 16));
	assert_false(hosted.keeps);
}

/* A library that is loaded may print what it likes. */
static void other_lines_are_none(void **state)
{
	static char long_line[RH_IDENTITY_MAX + PATH_MAX + 64];

	(void)state;
	assert_false(reads(""));
	assert_false(reads("library"));
	assert_false(reads("library "));
	assert_false(reads("library 1"));
	assert_false(reads("library 1 new"));
	assert_false(reads("library 1 new "));
	assert_false(reads("library 1 old /x"));
	assert_false(reads("library 1 new relative"));
	assert_false(reads("libraries 1 new /x"));
	memset(long_line, 'x', sizeof long_line - 1);
	memcpy(long_line, "library ", 8);
	assert_false(reads(long_line));
	memcpy(long_line, "library 1 new /", 15);
	assert_false(reads(long_line));
}

static void write_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void another_file_is_seen(void **state)
{
	char             folder[SCENE_PATH], path[SCENE_PATH + 16], other[SCENE_PATH + 16];
	char             line[2 * SCENE_PATH + RH_IDENTITY_MAX], identity[RH_IDENTITY_MAX];
	struct rh_hosted hosted;

	(void)state;
	scene_dir(folder);
	snprintf(path, sizeof path, "%s/a.so", folder);
	snprintf(other, sizeof other, "%s/b.so", folder);
	write_text(path, "one");
	assert_int_equal(rh_identity(path, identity), RH_OK);
	snprintf(line, sizeof line, "library %s new %s", identity, path);
	assert_true(rh_hosted_read(&hosted, line, strlen(line)));
	assert_false(rh_hosted_look(&hosted));
	assert_int_equal(rename(path, other), 0);
	assert_false(rh_hosted_look(&hosted)); /* none is not another one */
	write_text(path, "other");
	assert_true(rh_hosted_look(&hosted));
	assert_int_equal(hosted.state, RH_HOSTED_STALE);
	assert_false(rh_hosted_look(&hosted));
	hosted.state = RH_HOSTED_REFUSED;
	assert_false(rh_hosted_look(&hosted));
	assert_int_equal(hosted.state, RH_HOSTED_REFUSED);
	assert_int_equal(rename(other, path), 0); /* back again */
	assert_true(rh_hosted_look(&hosted));
	assert_int_equal(hosted.state, RH_HOSTED_CURRENT);
	scene_remove(folder);
}

static void what_was_not_told_is_not_looked_at(void **state)
{
	struct rh_hosted hosted = { .state = RH_HOSTED_UNKNOWN, .path = "/" };

	(void)state;
	assert_false(rh_hosted_look(&hosted));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_read),
		cmocka_unit_test(other_lines_are_none),
		cmocka_unit_test(another_file_is_seen),
		cmocka_unit_test(what_was_not_told_is_not_looked_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
