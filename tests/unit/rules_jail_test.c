/* What a program of a build can and cannot do, and what happens to one that goes on. */
#include "../support/scene.h"

#include "../../model/error.h"
#include "../../rules/wasm/jail.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

static char     folder[SCENE_PATH];
static unsigned missing;

static int run_limited(const char *script, uint32_t wall_ms, struct rh_diag *diag)
{
	const char *const argv[] = { "/usr/bin/sh", "-c", script, NULL };
	struct rh_jail    jail = {
		.folder = folder, .memory_bytes = 512u << 20, .file_bytes = 1u << 20,
		.cpu_seconds = 10, .wall_ms = wall_ms,
	};

	return rh_jail_run(&jail, argv, &missing, diag);
}

static int run(const char *script)
{
	struct rh_diag diag;

	return run_limited(script, 60000, &diag);
}

static bool is_there(const char *name)
{
	char path[SCENE_PATH + 32];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	return access(path, F_OK) == 0;
}

static void it_writes_into_its_folder_only(void **state)
{
	char script[SCENE_PATH + 64], outside[] = "/tmp/rules-jail-XXXXXX";
	int  fd = mkstemp(outside);

	(void)state;
	assert_int_equal(run("echo yes > made && cat made"), RH_OK);
	assert_true(is_there("made"));
	if (missing & RH_JAIL_NO_LANDLOCK) {
		printf("this kernel has no Landlock\n");
	} else {
		snprintf(script, sizeof script, "echo no >> %s", outside);
		assert_int_equal(run(script), RH_EINVAL);
		snprintf(script, sizeof script, "cat %s", outside);
		assert_int_equal(run(script), RH_EINVAL);
		assert_int_equal(run("cat /proc/1/status"), RH_EINVAL);
		assert_int_equal(run("cat /etc/passwd"), RH_EINVAL);
		assert_int_equal(lseek(fd, 0, SEEK_END), 0);
	}
	close(fd);
	unlink(outside);
}

static void it_has_no_network_and_no_rights(void **state)
{
	(void)state;
	assert_int_equal(run("python3 -Sc 'print(1)'"), RH_OK);
	assert_int_equal(run("python3 -Sc 'import os; os.kill(os.getppid(), 0)'"), RH_EINVAL);
	assert_int_equal(run("python3 -Sc 'import _socket; _socket.socket(2, 1)'"), RH_EINVAL);
	assert_int_equal(run("python3 -Sc 'import _socket; _socket.socket(1, 1)'"), RH_EINVAL);
	assert_int_equal(run("unshare -n true"), RH_EINVAL);
	assert_int_equal(run("grep -q '^CapEff:.*[1-9a-f]' /proc/self/status"), RH_EINVAL);
}

static void it_ends_when_its_limits_are_reached(void **state)
{
	struct rh_diag diag = { 0 };

	(void)state;
	assert_int_equal(run_limited("while :; do :; done", 200, &diag), RH_ETIMEDOUT);
	assert_non_null(strstr(diag.text, "sh did not end in 200 ms"));
	assert_int_equal(run_limited("ulimit -St 1; while :; do :; done", 600000, &diag),
	                 RH_ETIMEDOUT);
	assert_non_null(strstr(diag.text, "processor time"));
	assert_int_equal(run_limited("head -c 2000000 /dev/zero > large; exit 1", 60000, &diag),
	                 RH_EINVAL);
	assert_int_equal(run("python3 -Sc 'b = bytearray(1 << 30)'"), RH_EINVAL);
}

static char told[SCENE_PATH + 32]; /* a pipe, by which it tells its pid */

static void *end_it(void *number)
{
	FILE *file = fopen(told, "re");
	int   pid;

	if (file && fscanf(file, "%d", &pid) == 1)
		kill(pid, (int)(intptr_t)number);
	if (file)
		fclose(file);
	return NULL;
}

static int run_and_end(int number, struct rh_diag *diag)
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, end_it, (void *)(intptr_t)number), 0);
	int err = run_limited("echo $$ > told; while :; do :; done", 60000, diag);
	pthread_join(thread, NULL);
	return err;
}

static void one_that_is_killed_is_not_to_blame(void **state)
{
	struct rh_diag diag = { 0 };

	(void)state;
	snprintf(told, sizeof told, "%s/told", folder);
	assert_int_equal(mkfifo(told, 0600), 0);
	assert_int_equal(run_and_end(SIGKILL, &diag), RH_EIO);
	assert_non_null(strstr(diag.text, "sh was killed from outside"));
	assert_int_equal(run_and_end(SIGSEGV, &diag), RH_EINVAL);
}

/* What it started in the background ends with it. */
static void it_leaves_no_process_behind(void **state)
{
	char  path[SCENE_PATH + 32];
	FILE *file;
	int   pid = 0, fd;

	(void)state;
	assert_int_equal(run("sleep 1000 & echo $! > pid"), RH_OK);
	snprintf(path, sizeof path, "%s/pid", folder);
	file = fopen(path, "re");
	assert_non_null(file);
	assert_int_equal(fscanf(file, "%d", &pid), 1);
	fclose(file);
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (fd < 0)
		return; /* gone already */
	assert_int_equal(poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, 30000), 1);
	close(fd);
}

static void what_is_not_there_is_said(void **state)
{
	const char *const argv[] = { "/usr/bin/no-such-tool", NULL };
	struct rh_jail    jail = { .folder = folder, .memory_bytes = 1u << 30,
	                           .file_bytes = 1u << 20, .cpu_seconds = 1, .wall_ms = 1000 };
	struct rh_diag    diag = { 0 };

	(void)state;
	assert_int_equal(rh_jail_run(&jail, argv, &missing, &diag), RH_ENOENT);
	assert_non_null(strstr(diag.text, "/usr/bin/no-such-tool is not installed"));
}

static int set_up(void **state)
{
	(void)state;
	scene_dir(folder);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	scene_remove(folder);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_writes_into_its_folder_only),
		cmocka_unit_test(it_has_no_network_and_no_rights),
		cmocka_unit_test(it_ends_when_its_limits_are_reached),
		cmocka_unit_test(one_that_is_killed_is_not_to_blame),
		cmocka_unit_test(it_leaves_no_process_behind),
		cmocka_unit_test(what_is_not_there_is_said),
	};

	return cmocka_run_group_tests_name("rules_jail", tests, set_up, tear_down);
}
