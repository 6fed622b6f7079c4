/* Where a system lives: environment, grammar, lengths, and foreign directories. */
#include "../support/scene.h"

#include "../../base/dirs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char base[SCENE_PATH];

static int set_up(void **state)
{
	(void)state;
	scene_dir(base);
	unsetenv("RHODES_SYSTEM");
	unsetenv("RHODES_RUN_DIR");
	unsetenv("RHODES_STATE_DIR");
	unsetenv("XDG_RUNTIME_DIR");
	unsetenv("XDG_STATE_HOME");
	setenv("HOME", "/home/somebody", 1);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	scene_remove(base);
	return 0;
}

static int as_nobody(int (*work)(void *user), void *user)
{
	if (setgid(65534) < 0 || setuid(65534) < 0)
		return 99;
	return work(user);
}

static int is(const char *what, const char *wanted)
{
	if (strcmp(what, wanted) == 0)
		return 1;
	fprintf(stderr, "\"%s\" instead of \"%s\"\n", what, wanted);
	return 0;
}

static void root_has_the_directories_of_the_system(void **state)
{
	struct rh_dirs dirs;
	struct rh_diag diag;

	(void)state;
	if (geteuid() != 0)
		skip();
	setenv("XDG_RUNTIME_DIR", "/run/user/0", 1);
	assert_int_equal(rh_dirs_find(NULL, &dirs, &diag), RH_OK);
	assert_string_equal(dirs.system, RH_SYSTEM_DEFAULT);
	assert_string_equal(dirs.run, "/run/rhodes/rhodes");
	assert_string_equal(dirs.state, "/var/lib/rhodes/rhodes");
}

static int user_paths(void *unused)
{
	struct rh_dirs dirs;
	struct rh_diag diag;
	int            ok;

	(void)unused;
	ok = rh_dirs_find("two", &dirs, &diag) == RH_OK &&
	     is(dirs.run, "/tmp/rhodes-65534/two") &&
	     is(dirs.state, "/home/somebody/.local/state/rhodes/two");
	setenv("XDG_RUNTIME_DIR", "/run/user/5", 1);
	setenv("XDG_STATE_HOME", "relative", 1); /* the standard says: ignore */
	ok = ok && rh_dirs_find("two", &dirs, &diag) == RH_OK &&
	     is(dirs.run, "/run/user/5/rhodes/two") &&
	     is(dirs.state, "/home/somebody/.local/state/rhodes/two");
	setenv("XDG_STATE_HOME", "/state", 1);
	ok = ok && rh_dirs_find("two", &dirs, &diag) == RH_OK &&
	     is(dirs.state, "/state/rhodes/two");
	unsetenv("XDG_STATE_HOME");
	unsetenv("HOME");
	return ok && rh_dirs_find("two", &dirs, &diag) == RH_EINVAL ? 0 : 1;
}

static int user_paths_as_nobody(void *user)
{
	return as_nobody(user_paths, user);
}

static void a_user_has_the_xdg_directories(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(scene_child(user_paths_as_nobody, NULL), 0);
}

static void the_environment_overrides(void **state)
{
	struct rh_dirs dirs;
	struct rh_diag diag;

	(void)state;
	setenv("RHODES_SYSTEM", "other", 1);
	setenv("RHODES_RUN_DIR", "/a/run", 1);
	setenv("RHODES_STATE_DIR", "/a/state", 1);
	assert_int_equal(rh_dirs_find(NULL, &dirs, &diag), RH_OK);
	assert_string_equal(dirs.system, "other");
	assert_string_equal(dirs.run, "/a/run");
	assert_string_equal(dirs.state, "/a/state");
	assert_int_equal(rh_dirs_find("given", &dirs, &diag), RH_OK);
	assert_string_equal(dirs.system, "given");
	setenv("RHODES_SYSTEM", "", 1);
	assert_int_equal(rh_dirs_find(NULL, &dirs, &diag), RH_OK);
	assert_string_equal(dirs.system, RH_SYSTEM_DEFAULT);
}

static void a_bad_name_or_a_long_path_is_refused(void **state)
{
	static const char *const bad[] = {
		"", "A", "1a", "_a", "a-b", "a/b", "..", "a b", "\xc3\xa4", "a.b",
	};
	struct rh_dirs dirs = { .system = "untouched" };
	struct rh_diag diag;
	char           name[RH_NAME_MAX + 2], path[RH_DIR_MAX + 1];

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_int_equal(rh_dirs_find(bad[i], &dirs, &diag), RH_EINVAL);
		assert_non_null(strstr(diag.text, bad[i]));
	}
	memset(name, 'a', sizeof name);
	name[RH_NAME_MAX + 1] = 0;
	assert_int_equal(rh_dirs_find(name, &dirs, &diag), RH_EINVAL);
	memset(path, 'x', sizeof path);
	path[0] = '/';
	path[RH_DIR_MAX] = 0;
	setenv("RHODES_RUN_DIR", path, 1);
	assert_int_equal(rh_dirs_find("good", &dirs, &diag), RH_EMSGSIZE);
	assert_string_equal(dirs.system, "untouched");
	path[RH_DIR_MAX - 1] = 0;
	setenv("RHODES_RUN_DIR", path, 1);
	assert_int_equal(rh_dirs_find("good", &dirs, &diag), RH_OK);
}

static void set_under(struct rh_dirs *dirs, const char *below)
{
	memset(dirs, 0, sizeof *dirs);
	strcpy(dirs->system, "t");
	snprintf(dirs->run, sizeof dirs->run, "%s%s/run", base, below);
	snprintf(dirs->state, sizeof dirs->state, "%s%s/state", base, below);
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	return stat(path, &st) < 0 ? 0 : st.st_mode & 0777;
}

static void missing_parts_are_made_with_their_modes(void **state)
{
	struct rh_dirs dirs;
	struct rh_diag diag;
	char           agents[RH_DIR_MAX + 8];
	mode_t         run_mode = geteuid() == 0 ? 0755 : 0700;
	mode_t         before = umask(022);

	(void)state;
	set_under(&dirs, "/deep/er");
	assert_int_equal(rh_dirs_make(&dirs, &diag), RH_OK);
	snprintf(agents, sizeof agents, "%s/agent", dirs.run);
	assert_int_equal(mode_of(dirs.run), run_mode);
	assert_int_equal(mode_of(agents), run_mode);
	assert_int_equal(mode_of(dirs.state), 0700);
	assert_int_equal(rh_dirs_make(&dirs, &diag), RH_OK); /* again is fine */
	umask(before);
}

static void a_directory_that_others_may_write_is_refused(void **state)
{
	struct rh_dirs dirs;
	struct rh_diag diag;
	char           path[RH_DIR_MAX + 8];

	(void)state;
	for (int i = 0; i < 3; i++) {
		set_under(&dirs, "");
		assert_int_equal(rh_dirs_make(&dirs, &diag), RH_OK);
		snprintf(path, sizeof path, "%s%s", i == 2 ? dirs.state : dirs.run,
		         i == 1 ? "/agent" : "");
		mode_t before = mode_of(path);
		assert_int_equal(chmod(path, before | (i == 1 ? 0020 : 0002)), 0);
		assert_int_equal(rh_dirs_make(&dirs, &diag), RH_EACCES);
		assert_non_null(strstr(diag.text, path));
		assert_int_equal(chmod(path, before), 0);
	}
	assert_int_equal(rh_dirs_make(&dirs, &diag), RH_OK);
}

static void a_foreign_directory_a_file_or_a_link_is_refused(void **state)
{
	struct rh_dirs dirs;
	struct rh_diag diag;
	char           target[RH_DIR_MAX];

	(void)state;
	if (geteuid() != 0)
		skip();
	set_under(&dirs, "");
	assert_int_equal(mkdir(dirs.run, 0755), 0);
	assert_int_equal(chown(dirs.run, 12345, 12345), 0);
	assert_int_equal(rh_dirs_make(&dirs, &diag), RH_EACCES);
	assert_non_null(strstr(diag.text, "12345"));
	assert_int_equal(rmdir(dirs.run), 0);
	snprintf(target, sizeof target, "%s/elsewhere", base);
	assert_int_equal(mkdir(target, 0755), 0);
	assert_int_equal(symlink(target, dirs.run), 0); /* planted by somebody */
	assert_int_equal(rh_dirs_make(&dirs, &diag), RH_EIO);
	assert_int_equal(unlink(dirs.run), 0);
	fclose(fopen(dirs.run, "we"));
	assert_int_equal(rh_dirs_make(&dirs, &diag), RH_EIO);
}

/* A user whose directory in /tmp is somebody else's; the first time it is not there. */
static int look(const char *shared, int wanted)
{
	struct rh_dirs dirs;
	struct rh_diag diag = { .text = "" };
	int            before = access(shared, F_OK);

	if (rh_dirs_find("t", &dirs, &diag) < 0 || rh_dirs_trust(&dirs, &diag) != wanted)
		return 1;
	if (wanted < 0 && (!strstr(diag.text, shared) || !strstr(diag.text, "12345")))
		return 2;
	if (rh_dirs_make(&dirs, &diag) != wanted)
		return 3;
	return wanted < 0 && before == 0 && access(dirs.run, F_OK) == 0 ? 4 : 0;
}

static void a_squatter_in_tmp_is_not_believed(void **state)
{
	char  shared[64], below[80];
	uid_t uid = 1000000000u + (uid_t)getpid(); /* nobody has it */
	int   first, second;

	(void)state;
	if (geteuid() != 0)
		skip();
	snprintf(shared, sizeof shared, "/tmp/rhodes-%u", (unsigned)uid);
	snprintf(below, sizeof below, "%s/state", shared);
	setenv("RHODES_STATE_DIR", below, 1);
	assert_int_equal(seteuid(uid), 0);
	first = look(shared, RH_OK);
	assert_int_equal(seteuid(0), 0);
	scene_remove(shared);
	assert_int_equal(mkdir(shared, 0755), 0);
	assert_int_equal(chown(shared, 12345, 12345) + chmod(shared, 0777), 0);
	assert_int_equal(seteuid(uid), 0);
	second = look(shared, RH_EACCES);
	assert_int_equal(seteuid(0), 0);
	scene_remove(shared);
	assert_int_equal(first, 0);
	assert_int_equal(second, 0);
}

static void a_socket_path_fits_an_address_or_is_refused(void **state)
{
	struct rh_dirs dirs = { .system = "t" };
	struct rh_diag diag;
	char           path[RH_SOCKET_PATH_MAX + 32], wanted[RH_SOCKET_PATH_MAX + 32];

	(void)state;
	memset(dirs.run, 'r', RH_SOCKET_PATH_MAX - 6);
	dirs.run[0] = '/';
	assert_int_equal(rh_dirs_socket(&dirs, "12345", path, &diag), RH_OK);
	assert_int_equal(strlen(path), RH_SOCKET_PATH_MAX);
	snprintf(wanted, sizeof wanted, "%s/12345", dirs.run);
	assert_string_equal(path, wanted);
	assert_int_equal(rh_dirs_socket(&dirs, "123456", path, &diag), RH_EMSGSIZE);
	assert_non_null(strstr(diag.text, "RHODES_RUN_DIR"));
	assert_string_equal(path, wanted);
	assert_int_equal(rh_dirs_agent(&dirs, "magic", path, &diag), RH_EMSGSIZE);
	strcpy(dirs.run, "/r");
	assert_int_equal(rh_dirs_agent(&dirs, "magic", path, &diag), RH_OK);
	assert_string_equal(path, "/r/agent/magic.sock");
}

static void a_folder_tells_whose_it_is(void **state)
{
	static const char *const bad[] = { "", "\n", "usr", "Usr\n", "u\nv\n", "../x\n" };
	struct rh_dirs dirs;
	struct rh_diag diag;
	char           name[RH_NAME_MAX + 1] = "untouched", path[RH_DIR_MAX + 16];
	char           longest[RH_NAME_MAX + 2];

	(void)state;
	set_under(&dirs, "/signed");
	assert_int_equal(rh_dirs_owner(&dirs, name), RH_ENOENT);
	assert_int_equal(rh_dirs_sign(&dirs, &diag), RH_EIO);
	assert_non_null(strstr(diag.text, dirs.run));
	assert_int_equal(rh_dirs_make(&dirs, &diag), RH_OK);
	snprintf(path, sizeof path, "%s/system", dirs.run);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		FILE *file = fopen(path, "w");

		assert_non_null(file);
		fputs(bad[i], file);
		fclose(file);
		assert_int_equal(rh_dirs_owner(&dirs, name), RH_ENOENT);
		assert_string_equal(name, "untouched");
	}
	memset(longest, 'a', RH_NAME_MAX);
	longest[RH_NAME_MAX] = 0;
	strcpy(dirs.system, longest);
	assert_int_equal(rh_dirs_sign(&dirs, &diag), RH_OK);
	assert_int_equal(rh_dirs_owner(&dirs, name), RH_OK);
	assert_string_equal(name, longest);
	strcpy(dirs.system, "next");
	assert_int_equal(rh_dirs_sign(&dirs, &diag), RH_OK);
	assert_int_equal(rh_dirs_owner(&dirs, name), RH_OK);
	assert_string_equal(name, "next");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(root_has_the_directories_of_the_system),
		CASE(a_user_has_the_xdg_directories),
		CASE(the_environment_overrides),
		CASE(a_bad_name_or_a_long_path_is_refused),
		CASE(missing_parts_are_made_with_their_modes),
		CASE(a_directory_that_others_may_write_is_refused),
		CASE(a_foreign_directory_a_file_or_a_link_is_refused),
		CASE(a_squatter_in_tmp_is_not_believed),
		CASE(a_socket_path_fits_an_address_or_is_refused),
		CASE(a_folder_tells_whose_it_is),
	};

	return cmocka_run_group_tests_name("base_dirs", tests, NULL, NULL);
}
