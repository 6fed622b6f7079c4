/* Where and as whom functions of JavaScript use files: one thread has the call, as librhodes
 * gives it, and another one runs the function. */
#include "../../sdk/node/native/place.h"
#include "../../model/error.h"
#include "../support/scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define OTHER 65534u

static char root[] = "/tmp/rhodes-place-XXXXXX";
static char home[PATH_MAX], theirs[PATH_MAX], locked[PATH_MAX], inside[PATH_MAX];

struct call {
	const char        *directory;
	struct rh_js_place place;
	char               name[PATH_MAX];
	bool               is_named;
};

/* As root the caller is somebody else. */
static uid_t caller_uid(void)
{
	return geteuid() == 0 ? OTHER : geteuid();
}

/* What librhodes does before it calls: the thread is where and who the caller is. */
static void *have_call(void *user)
{
	struct call *call = user;
	gid_t        group = OTHER;

	if (unshare(CLONE_FS) < 0 || chdir(call->directory) < 0)
		return NULL;
	umask(027);
	if (geteuid() == 0) {
		syscall(SYS_setgroups, (size_t)1, &group);
		syscall(SYS_setfsgid, OTHER);
		syscall(SYS_setfsuid, OTHER);
	}
	rh_js_place_take(&call->place);
	call->is_named = rh_js_place_name(&call->place, "made", call->name,
	                                  sizeof call->name);
	return call;
}

static struct call called_in(const char *directory)
{
	struct call call = { .directory = directory };
	pthread_t   thread;
	void       *done;

	assert_int_equal(pthread_create(&thread, NULL, have_call, &call), 0);
	pthread_join(thread, &done);
	assert_non_null(done);
	return call;
}

static void is_at_home(void)
{
	char now[PATH_MAX];
	mode_t mask = umask(022);

	assert_string_equal(getcwd(now, sizeof now), home);
	assert_int_equal(mask, 022);
	assert_int_equal((uid_t)syscall(SYS_setfsuid, -1), geteuid());
	assert_int_equal((gid_t)syscall(SYS_setfsgid, -1), getegid());
}

static void a_function_runs_where_its_caller_is(void **state)
{
	struct call call = called_in(theirs);
	char        now[PATH_MAX], wanted[PATH_MAX + 8];
	struct stat made;

	(void)state;
	snprintf(wanted, sizeof wanted, "%s/made", theirs);
	assert_true(call.is_named);
	assert_string_equal(call.name, wanted);
	assert_int_equal(rh_js_place_enter(&call.place), RH_OK);
	assert_string_equal(getcwd(now, sizeof now), theirs);
	int fd = open("made", O_WRONLY | O_CREAT | O_EXCL, 0666);
	rh_js_place_leave(&call.place);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &made), 0);
	close(fd);
	assert_int_equal(made.st_mode & 0777, 0640);
	assert_int_equal(made.st_uid, caller_uid());
	is_at_home();
	assert_int_equal(stat(wanted, &made), 0);
	rh_js_place_fini(&call.place);
}

static void a_directory_that_no_name_reaches_is_reached(void **state)
{
	struct call call;

	(void)state;
	assert_int_equal(chdir(inside), 0);
	if (geteuid() != 0) /* it is in there when the way is closed */
		assert_int_equal(chmod(locked, 0), 0);
	call = called_in(".");
	assert_int_equal(chdir(home), 0);
	assert_true(call.is_named);
	assert_int_equal(strncmp(call.name, "/proc/self/fd/", 14), 0);
	assert_int_equal(rh_js_place_enter(&call.place), RH_OK);
	int fd = open(call.name, O_WRONLY | O_CREAT | O_EXCL, 0666);
	rh_js_place_leave(&call.place);
	assert_true(fd >= 0);
	close(fd);
	is_at_home();
	rh_js_place_fini(&call.place);
	assert_int_equal(chmod(locked, 0700), 0);
}

static void what_its_caller_may_not_it_may_not(void **state)
{
	struct call call = called_in(theirs);
	char        own[PATH_MAX + 8];

	(void)state;
	if (geteuid() != 0)
		skip(); /* there is nobody else */
	snprintf(own, sizeof own, "%s/own", home);
	int fd = open(own, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(rh_js_place_enter(&call.place), RH_OK);
	fd = open(own, O_RDONLY);
	rh_js_place_leave(&call.place);
	assert_int_equal(fd, -1);
	fd = open(own, O_RDONLY);
	assert_true(fd >= 0);
	close(fd);
	call.place.group_count = -1; /* more than there is room for */
	assert_int_equal(rh_js_place_enter(&call.place), RH_EACCES);
	is_at_home();
	rh_js_place_fini(&call.place);
}

static void *be_elsewhere(void *user)
{
	char now[PATH_MAX];

	(void)user;
	rh_js_place_part();
	if (!getcwd(now, sizeof now) || strcmp(now, home) != 0 || chdir("/") < 0)
		return NULL;
	return home;
}

static void a_thread_of_the_pool_has_a_place_of_its_own(void **state)
{
	struct call call = called_in(theirs);
	pthread_t   thread;
	char        now[PATH_MAX];
	void       *done;

	(void)state;
	assert_int_equal(rh_js_place_enter(&call.place), RH_OK);
	pthread_create(&thread, NULL, be_elsewhere, NULL);
	pthread_join(thread, &done);
	assert_ptr_equal(done, home);
	assert_string_equal(getcwd(now, sizeof now), theirs);
	rh_js_place_leave(&call.place);
	is_at_home();
	rh_js_place_fini(&call.place);
}

static void absolute_names_stay(void **state)
{
	struct call call = called_in(theirs);
	char        name[PATH_MAX];

	(void)state;
	assert_false(rh_js_place_name(&call.place, "/etc/passwd", name, sizeof name));
	assert_false(rh_js_place_name(&call.place, "", name, sizeof name));
	assert_false(rh_js_place_name(&call.place, "made", name, 8));
	rh_js_place_fini(&call.place);
}

static void make(char *path, const char *name, mode_t mode, bool is_theirs)
{
	snprintf(path, PATH_MAX, "%s/%s", root, name);
	assert_int_equal(mkdir(path, 0777), 0);
	assert_int_equal(chmod(path, mode), 0);
	if (is_theirs && geteuid() == 0)
		assert_int_equal(chown(path, OTHER, OTHER), 0);
}

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(root) || chmod(root, 0755) < 0)
		return -1;
	make(home, "home", 0755, false);
	make(theirs, "theirs", 0700, true);
	make(locked, "locked", 0700, false);
	make(inside, "locked/inside", 0700, true);
	umask(022);
	if (chdir(home) < 0 || rh_js_place_home() < 0)
		return -1;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	return chdir("/") < 0 ? -1 : scene_remove(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_function_runs_where_its_caller_is),
		cmocka_unit_test(a_directory_that_no_name_reaches_is_reached),
		cmocka_unit_test(what_its_caller_may_not_it_may_not),
		cmocka_unit_test(a_thread_of_the_pool_has_a_place_of_its_own),
		cmocka_unit_test(absolute_names_stay),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
