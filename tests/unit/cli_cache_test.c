/* Who runs with a folder of the cache: real processes with environments and maps.
 * Every child says that it is there before it is looked for. */
#include "../support/scene.h"

#include "../../cli/cache.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define HERE  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde0"
#define OTHER "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde1"
#define AGAIN "again"
#define LOOKS 150
#define NEVER UINT64_MAX /* nobody was started that late */

static void look(struct rh_cache_entry entries[2])
{
	memset(entries, 0, 2 * sizeof *entries);
	strcpy(entries[0].hash, HERE);
	strcpy(entries[1].hash, OTHER);
	entries[0].earliest = entries[1].earliest = NEVER;
	rh_cache_users(entries, 2);
}

/* Starts a shell that speaks and then waits for its end. */
static pid_t start(char *const env[])
{
	char  word[8] = "";
	int   fds[2];
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(fds[1], STDOUT_FILENO);
		execle("/bin/sh", "sh", "-c", "echo here; kill -STOP $$", (char *)NULL, env);
		_exit(127);
	}
	close(fds[1]);
	assert_int_equal(read(fds[0], word, sizeof word), 5);
	close(fds[0]);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void one_with_the_name_in_its_environment(void **state)
{
	struct rh_cache_entry entries[2];
	char                  path[] = "LD_LIBRARY_PATH=/state/view/" HERE ":/lib";
	pid_t                 pid;

	(void)state;
	look(entries);
	assert_false(entries[0].in_use);
	pid = start((char *const[]){ path, NULL });
	look(entries);
	assert_true(entries[0].in_use);
	assert_false(entries[1].in_use);
	end(pid);
	look(entries);
	assert_false(entries[0].in_use);
}

/* /proc is read in pieces of 64 KiB. */
static void a_name_across_two_pieces_is_whole(void **state)
{
	struct rh_cache_entry entries[2];
	static char           path[65536 + 200];
	pid_t                 pid;

	(void)state;
	memset(path, 'x', 65536 - 30);
	strcpy(path, "A=");
	path[2] = 'x';
	strcpy(path + 65536 - 30, HERE);
	pid = start((char *const[]){ path, NULL });
	look(entries);
	assert_true(entries[0].in_use);
	end(pid);
}

static void one_that_has_a_library_mapped(void **state)
{
	struct rh_cache_entry entries[2];
	char                  folder[SCENE_PATH], path[SCENE_PATH + 100];
	void                 *memory;
	int                   fd;

	(void)state;
	scene_dir(folder);
	snprintf(path, sizeof path, "%s/" HERE, folder);
	assert_int_equal(mkdir(path, 0755), 0);
	strcat(path, "/libtwice.so.1");
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	assert_int_equal(ftruncate(fd, 4096), 0);
	memory = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	assert_ptr_not_equal(memory, MAP_FAILED);
	close(fd);
	look(entries);
	assert_true(entries[0].in_use);
	munmap(memory, 4096);
	look(entries);
	assert_false(entries[0].in_use);
	scene_remove(folder);
}

/* What nobody below root can look at, as ssh-agent(1) is. */
static pid_t hide(void)
{
	char  word;
	int   fds[2];
	pid_t pid;

	if (pipe(fds) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_DUMPABLE, 0);
		if (write(fds[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	if (read(fds[0], &word, 1) != 1)
		return -1;
	return pid;
}

static int look_as_a_user(void)
{
	struct rh_cache_entry entries[2] = { { .hash = HERE }, { .hash = OTHER } };
	char                  text[24];
	pid_t                 hidden;

	if (geteuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
		return 1;
	hidden = hide();
	if (hidden < 0)
		return 2;
	snprintf(text, sizeof text, "%d", (int)hidden);
	entries[0].earliest = rh_cache_start(text);
	entries[1].earliest = entries[0].earliest + 1;
	rh_cache_users(entries, 2);
	kill(hidden, SIGKILL);
	waitpid(hidden, NULL, 0);
	if (entries[0].earliest == 0 || rh_cache_start(text) != 0)
		return 3;
	/* Only what was handed out before it was started can be its. */
	return entries[0].in_use && !entries[1].in_use ? 0 : 4;
}

static void one_that_hides_may_have_what_was_handed_out_before(void **state)
{
	pid_t pid = fork();
	int   status;

	(void)state;
	if (pid == 0)
		_exit(look_as_a_user());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* One that becomes another program again and again has no environment for moments. */
static void one_that_is_becoming_another_program(void **state)
{
	struct rh_cache_entry entries[2] = { { .hash = HERE }, { .hash = OTHER } };
	char                  path[] = "LD_LIBRARY_PATH=/state/view/" HERE ":/lib", text[24];
	char *const           env[] = { path, NULL };
	pid_t                 pid = fork();

	(void)state;
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execle("/proc/self/exe", "cli_cache_test", AGAIN, (char *)NULL, env);
		_exit(127);
	}
	snprintf(text, sizeof text, "%d", (int)pid);
	entries[0].earliest = rh_cache_start(text);
	entries[1].earliest = NEVER;
	while (!entries[0].in_use) /* until it is a program with that environment */
		rh_cache_users(entries, 2);
	for (int i = 0; i < LOOKS; i++) {
		rh_cache_users(entries, 2);
		assert_true(entries[0].in_use);
		assert_false(entries[1].in_use);
	}
	end(pid);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_with_the_name_in_its_environment),
		cmocka_unit_test(a_name_across_two_pieces_is_whole),
		cmocka_unit_test(one_that_has_a_library_mapped),
		cmocka_unit_test(one_that_is_becoming_another_program),
		cmocka_unit_test(one_that_hides_may_have_what_was_handed_out_before),
	};

	if (argc > 1 && strcmp(argv[1], AGAIN) == 0)
		execv("/proc/self/exe", argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
