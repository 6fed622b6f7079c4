/* What a call depends on of its caller's process: directory, umask, environment,
 * locale, and who the caller is. */
#include "stage.h"

#include "../../model/error.h"
#include "../../sdk/c/rhodes.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <locale.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int set_up_with(const struct mini_options *options, unsigned threads)
{
	stage_up(options);
	stage_things(threads);
	return chmod(stage.dir, 0755);
}

static int set_up(void **state)
{
	static const struct mini_options options = { .env = { "THINGS" }, .locale_on = 1 };

	(void)state;
	return set_up_with(&options, 1);
}

static int set_up_two_threads(void **state)
{
	static const struct mini_options options = { .env = { "THINGS" } };

	(void)state;
	return set_up_with(&options, 2);
}

static int set_up_bare(void **state)
{
	(void)state;
	return set_up_with(NULL, 1);
}

static int tear_down(void **state)
{
	(void)state;
	stage_down();
	return 0;
}

static void expect_where(const char *directory, const char *mask, const char *things,
                         const char *charset)
{
	char        wanted[8192];
	const char *got = things_where("p");

	snprintf(wanted, sizeof wanted, "%s %s %s %s p", directory, mask, things, charset);
	assert_non_null(got);
	assert_string_equal(got, wanted);
}

static void the_directory_follows_the_caller(void **state)
{
	char home[4096], below[SCENE_PATH + 8];

	(void)state;
	assert_non_null(getcwd(home, sizeof home));
	umask(022);
	unsetenv("THINGS");
	expect_where(home, "022", "-", "ANSI_X3.4-1968");
	assert_int_equal(chdir("/"), 0);
	expect_where("/", "022", "-", "ANSI_X3.4-1968");
	snprintf(below, sizeof below, "%s/d", stage.dir);
	assert_int_equal(mkdir(below, 0755), 0);
	assert_int_equal(chdir(below), 0);
	expect_where(below, "022", "-", "ANSI_X3.4-1968");
	assert_int_equal(things_touch("relative"), 0);
	assert_int_equal(access("relative", F_OK), 0);
	for (int i = 0; i < 40; i++) { /* more contexts than are remembered */
		const char *to = i % 2 ? below : "/";

		assert_int_equal(chdir(to), 0);
		expect_where(to, "022", "-", "ANSI_X3.4-1968");
	}
	assert_int_equal(chdir("/"), 0);
}

static void a_directory_that_was_removed_is_still_ours(void **state)
{
	char below[SCENE_PATH + 8];

	(void)state;
	snprintf(below, sizeof below, "%s/gone", stage.dir);
	assert_int_equal(mkdir(below, 0755), 0);
	assert_int_equal(chdir(below), 0);
	assert_int_equal(rmdir(below), 0);
	errno = 0;
	assert_int_equal(things_touch("file"), -1);
	assert_int_equal(errno, ENOENT); /* as it would be here */
	assert_int_equal(chdir("/"), 0);
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	return stat(path, &st) < 0 ? 0 : st.st_mode & 0777;
}

static void the_umask_is_the_callers(void **state)
{
	static const mode_t masks[] = { 0, 022, 077, 0177, 027 };
	char path[SCENE_PATH + 16];

	(void)state;
	for (size_t i = 0; i < sizeof masks / sizeof masks[0]; i++) {
		snprintf(path, sizeof path, "%s/file%zu", stage.dir, i);
		umask(masks[i]);
		assert_int_equal(things_touch(path), 0);
		assert_int_equal(mode_of(path), 0666 & ~masks[i]);
	}
	umask(022);
}

static void variables_that_are_named_go_along(void **state)
{
	(void)state;
	assert_int_equal(chdir("/"), 0);
	umask(022);
	setenv("THINGS", "one", 1);
	expect_where("/", "022", "one", "ANSI_X3.4-1968");
	setenv("THINGS", "two words = and more", 1);
	expect_where("/", "022", "two words = and more", "ANSI_X3.4-1968");
	setenv("THINGS", "", 1);
	expect_where("/", "022", "", "ANSI_X3.4-1968");
	unsetenv("THINGS");
	expect_where("/", "022", "-", "ANSI_X3.4-1968");
	setenv("THINGS", "back", 1);
	expect_where("/", "022", "back", "ANSI_X3.4-1968");
}

static void others_stay_here(void **state)
{
	(void)state;
	assert_int_equal(chdir("/"), 0);
	umask(022);
	setenv("THINGS", "not named in the manifest", 1);
	setlocale(LC_CTYPE, "C.UTF-8");
	expect_where("/", "022", "-", "ANSI_X3.4-1968");
}

static void the_locale_goes_along(void **state)
{
	(void)state;
	assert_int_equal(chdir("/"), 0);
	umask(022);
	unsetenv("THINGS");
	assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
	expect_where("/", "022", "-", "UTF-8");
	assert_non_null(setlocale(LC_CTYPE, "C"));
	expect_where("/", "022", "-", "ANSI_X3.4-1968");
}

struct other {
	char things[16];
	int  rounds;
};

static int look_often(void *user)
{
	struct other *other = user;
	char          wanted[64];

	setenv("THINGS", other->things, 1);
	if (chdir(stage.dir) < 0)
		return 9;
	snprintf(wanted, sizeof wanted, " %s ", other->things);
	for (int i = 0; i < other->rounds; i++) {
		const char *got = things_where("p");

		if (!got || strncmp(got, stage.dir, strlen(stage.dir)) != 0 ||
		    !strstr(got, wanted)) {
			fprintf(stderr, "%s saw %s\n", other->things, got ? got : "nothing");
			return 1;
		}
	}
	return 0;
}

/* The environment belongs to the whole worker, whose threads serve several callers. */
static void callers_do_not_see_each_others_environment(void **state)
{
	struct other others[3] = { { "first", 400 }, { "second", 400 }, { "third", 400 } };
	pid_t        children[3];

	(void)state;
	for (int i = 0; i < 3; i++)
		children[i] = scene_fork(look_often, &others[i]);
	for (int i = 0; i < 3; i++)
		assert_int_equal(scene_wait(children[i]), 0);
}

static int be_nobody(void *user)
{
	gid_t       groups[1] = { 54321 };
	struct stat st;
	char        path[SCENE_PATH + 16];

	(void)user;
	if (setgroups(1, groups) < 0 || setgid(65534) < 0 || setuid(65534) < 0)
		return 1;
	/* root's worker opens nothing that nobody could not open */
	errno = 0;
	if (things_open("/etc/shadow") != -1 || errno != EACCES)
		return 2;
	snprintf(path, sizeof path, "%s/secret", stage.dir);
	if (things_touch(path) != -1 || errno != EACCES)
		return 3;
	snprintf(path, sizeof path, "%s/open/mine", stage.dir);
	if (things_touch(path) != 0 || stat(path, &st) < 0)
		return 4;
	if (st.st_uid != 65534 || st.st_gid != 65534)
		return 5;
	snprintf(path, sizeof path, "%s/group/mine", stage.dir);
	return things_touch(path) == 0 ? 0 : 6; /* by a supplementary group */
}

static void a_caller_of_another_uid_gets_no_more_than_it_has(void **state)
{
	char path[SCENE_PATH + 16];

	(void)state;
	if (geteuid() != 0)
		skip();
	snprintf(path, sizeof path, "%s/open", stage.dir);
	assert_int_equal(mkdir(path, 0777), 0);
	assert_int_equal(chmod(path, 0777), 0);
	snprintf(path, sizeof path, "%s/group", stage.dir);
	assert_int_equal(mkdir(path, 0770), 0);
	assert_int_equal(chmod(path, 0770), 0);
	assert_int_equal(chown(path, 0, 54321), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(scene_child(be_nobody, NULL), 0);
		/* and root in between is root again */
		snprintf(path, sizeof path, "%s/roots%d", stage.dir, i);
		assert_int_equal(things_touch(path), 0);
		struct stat st;
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_uid, 0);
		assert_int_equal(st.st_gid, 0);
		snprintf(path, sizeof path, "%s/open/mine", stage.dir);
		assert_int_equal(unlink(path), 0);
		snprintf(path, sizeof path, "%s/group/mine", stage.dir);
		assert_int_equal(unlink(path), 0);
	}
}

#define CASE(name, up) cmocka_unit_test_setup_teardown(name, up, tear_down)
static const struct CMUnitTest tests[] = {
	CASE(the_directory_follows_the_caller, set_up),
	CASE(a_directory_that_was_removed_is_still_ours, set_up),
	CASE(the_umask_is_the_callers, set_up),
	CASE(variables_that_are_named_go_along, set_up),
	CASE(others_stay_here, set_up_bare),
	CASE(the_locale_goes_along, set_up),
	CASE(callers_do_not_see_each_others_environment, set_up_two_threads),
	CASE(a_caller_of_another_uid_gets_no_more_than_it_has, set_up_bare),
};
STAGE_MAIN(tests)
