/* Cgroups: which hierarchy has the controller, where a group may be made, and the weight as
 * each version writes it; over a folder that looks like one. */
#include "../../base/cgroup.h"
#include "../../model/error.h"
#include "../support/scene.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char            dir[] = "/tmp/rh-cgroup-XXXXXX";
static struct rh_diag  why;

static char *at(const char *name)
{
	static char path[256];

	snprintf(path, sizeof path, "%s/%s", dir, name);
	return path;
}

static void put(const char *name, const char *text)
{
	FILE *file = fopen(at(name), "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static const char *text_of(const char *name)
{
	static char text[256];
	FILE       *file = fopen(at(name), "r");
	size_t      n;

	assert_non_null(file);
	n = fread(text, 1, sizeof text - 1, file);
	text[n] = '\0';
	fclose(file);
	return text;
}

static int make(void **state)
{
	(void)state;
	strcpy(dir + strlen(dir) - 6, "XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int clear(void **state)
{
	(void)state;
	return scene_remove(dir);
}

/* ---- which hierarchy -------------------------------------------------------- */

static void the_first_version_goes_before_the_second(void **state)
{
	struct rh_cgroup cgroup;
	char             text[512];

	(void)state;
	put("cgroup", "4:cpuset:/\n3:cpuacct,cpu:/a\n0::/b\n");
	put("mountinfo", "1 0 0:1 / /x rw - cgroup cgroup rw,cpuset\n"
	    "2 0 0:2 / /y rw shared:1 - cgroup2 cgroup2 rw\n"
	    "3 0 0:3 /in /z rw - cgroup cgroup rw,cpu,cpuacct\n");
	assert_int_equal(rh_cgroup_find(dir, &cgroup, &why), RH_OK);
	assert_int_equal(cgroup.version, 1);
	assert_string_equal(cgroup.mount, "/z");
	assert_string_equal(cgroup.top, "/in");
	/* The second has it only when its root says so. */
	put("cgroup", "4:cpuset:/\n0::/b\n");
	snprintf(text, sizeof text, "2 0 0:2 / %s rw - cgroup2 cgroup2 rw\n", dir);
	put("mountinfo", text);
	put("cgroup.controllers", "cpuset memory\n");
	assert_int_equal(rh_cgroup_find(dir, &cgroup, &why), RH_ENOENT);
	assert_non_null(strstr(why.text, "no controller cpu"));
	put("cgroup.controllers", "cpuset cpu\n");
	assert_int_equal(rh_cgroup_find(dir, &cgroup, &why), RH_OK);
	assert_int_equal(cgroup.version, 2);
	assert_string_equal(cgroup.mount, dir);
	put("mountinfo", "");
	assert_int_equal(rh_cgroup_find(dir, &cgroup, &why), RH_ENOENT);
}

/* ---- where a group is made -------------------------------------------------- */

static struct rh_cgroup here(int version, const char *top)
{
	struct rh_cgroup cgroup = { .version = version };

	snprintf(cgroup.mount, sizeof cgroup.mount, "%s", dir);
	snprintf(cgroup.top, sizeof cgroup.top, "%s", top);
	return cgroup;
}

static int is_there(const char *name)
{
	return access(at(name), F_OK) == 0;
}

static void version_1_makes_it_below_its_own(void **state)
{
	struct rh_cgroup cgroup = here(1, "/top");
	char             path[RH_CGROUP_PATH];

	(void)state;
	mkdir(at("own"), 0700);
	assert_int_equal(rh_cgroup_make(&cgroup, "/top/own", "g", path, &why), RH_OK);
	assert_string_equal(path, "/top/own/g");
	assert_true(is_there("own/g"));
	assert_int_equal(rh_cgroup_make(&cgroup, "/top/own", "g", path, &why), RH_OK);
	/* What is not seen from here. */
	assert_int_equal(rh_cgroup_make(&cgroup, "/topmost", "g", path, &why), RH_EPERM);
	assert_int_equal(rh_cgroup_make(&cgroup, "/top/../own", "g", path, &why), RH_EPERM);
	assert_int_equal(rh_cgroup_remove(&cgroup, "/top/own/g", "/top"), 0);
	assert_false(is_there("own/g"));
	assert_int_equal(rh_cgroup_remove(&cgroup, "/top/own/g", "/top"), 0);
}

static void version_2_goes_up_to_who_hands_it_on(void **state)
{
	struct rh_cgroup cgroup = here(2, "/");
	char             path[RH_CGROUP_PATH];

	(void)state;
	mkdir(at("a"), 0700);
	mkdir(at("a/b"), 0700);
	put("a/cgroup.subtree_control", "cpu memory\n");
	/* Its own holds processes: there is nothing to write to. */
	assert_int_equal(rh_cgroup_make(&cgroup, "/a/b", "g", path, &why), RH_OK);
	assert_string_equal(path, "/a/g");
	/* Above it nothing is switched on. */
	put("a/cgroup.subtree_control", "memory\n");
	assert_int_equal(rh_cgroup_make(&cgroup, "/a/b", "h", path, &why), RH_EPERM);
	assert_non_null(strstr(why.text, "delegate"));
	assert_string_equal(text_of("a/cgroup.subtree_control"), "memory\n");
	/* In its own it is. */
	put("a/b/cgroup.subtree_control", "");
	assert_int_equal(rh_cgroup_make(&cgroup, "/a/b", "h", path, &why), RH_OK);
	assert_string_equal(path, "/a/b/h");
	assert_string_equal(text_of("a/b/cgroup.subtree_control"), "+cpu");
	/* The root of the hierarchy has a name of its own. */
	put("cgroup.subtree_control", "");
	assert_int_equal(rh_cgroup_make(&cgroup, "/", "i", path, &why), RH_OK);
	assert_string_equal(path, "/i");
	assert_true(is_there("i"));
}

/* ---- weights and processes -------------------------------------------------- */

static void each_version_has_its_numbers(void **state)
{
	static const struct { int weight; const char *shares; } pairs[] = {
		{ 1, "10" }, { 100, "1024" }, { 300, "3072" }, { 10000, "102400" },
		{ 99, "1014" },
	};
	struct rh_cgroup one = here(1, "/"), two = here(2, "/");

	(void)state;
	mkdir(at("g"), 0700);
	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
		put("g/cpu.shares", "");
		assert_int_equal(rh_cgroup_weigh(&one, "/g", pairs[i].weight), 0);
		assert_string_equal(text_of("g/cpu.shares"), pairs[i].shares);
	}
	assert_int_equal(rh_cgroup_weigh(&two, "/g", 300), -ENOENT);
	put("g/cpu.weight", "100\n");
	assert_int_equal(rh_cgroup_weigh(&two, "/g", 100), 0);
	assert_string_equal(text_of("g/cpu.weight"), "100\n"); /* it had it */
	assert_int_equal(rh_cgroup_weigh(&two, "/g", 250), 0);
	assert_memory_equal(text_of("g/cpu.weight"), "250", 3);
}

static void a_process_is_written_where_it_goes(void **state)
{
	struct rh_cgroup cgroup = here(2, "/");

	(void)state;
	mkdir(at("g"), 0700);
	assert_int_equal(rh_cgroup_move(&cgroup, "/g", 4711), -ENOENT);
	put("g/cgroup.procs", "");
	assert_int_equal(rh_cgroup_move(&cgroup, "/g", 4711), 0);
	assert_string_equal(text_of("g/cgroup.procs"), "4711");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_first_version_goes_before_the_second,
		                                make, clear),
		cmocka_unit_test_setup_teardown(version_1_makes_it_below_its_own, make, clear),
		cmocka_unit_test_setup_teardown(version_2_goes_up_to_who_hands_it_on, make,
		                                clear),
		cmocka_unit_test_setup_teardown(each_version_has_its_numbers, make, clear),
		cmocka_unit_test_setup_teardown(a_process_is_written_where_it_goes, make, clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
