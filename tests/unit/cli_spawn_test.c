#include "../../cli/supervise/spawn.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* Runs a shell script and collects what comes through the pipe and its end. */
static void run(enum rh_spawn_as as, const char *script, char *text, size_t cap,
                int *ret_code, int *ret_by_signal)
{
	char *const argv[] = { (char *)(uintptr_t) "/bin/sh", (char *)(uintptr_t) "-c",
		               (char *)(uintptr_t)script, NULL };
	struct rh_spawn   order = { .argv = argv, .as = as };
	struct rh_spawned spawned;
	struct pollfd     end = { .events = POLLIN };
	size_t            used = 0;

	assert_int_equal(rh_spawn(&order, &spawned, NULL), RH_OK);
	end.fd = spawned.pidfd;
	assert_int_equal(poll(&end, 1, -1), 1);
	while (spawned.output >= 0 && used + 1 < cap) {
		ssize_t n = read(spawned.output, text + used, cap - 1 - used);

		if (n <= 0)
			break;
		used += (size_t)n;
	}
	text[used] = '\0';
	assert_int_equal(rh_spawn_wait(&spawned, ret_code, ret_by_signal), RH_OK);
	close(spawned.pidfd);
	if (spawned.output >= 0)
		close(spawned.output);
}

/* The script's standard error goes to a file of ours meanwhile. */
static void with_stderr_in(FILE *file, enum rh_spawn_as as, const char *script,
                           char *text, size_t cap)
{
	int before = dup(STDERR_FILENO), code, by_signal;

	dup2(fileno(file), STDERR_FILENO);
	run(as, script, text, cap, &code, &by_signal);
	dup2(before, STDERR_FILENO);
	close(before);
}

static void a_service_has_both_outputs_in_the_pipe(void **state)
{
	char text[200];
	int  code, by_signal;
	(void)state;

	run(RH_SPAWN_SERVICE,
	    "echo out; echo err >&2; cat; test $(cut -d' ' -f5 /proc/$$/stat) = $$ &&"
	    " echo leader; exit 7",
	    text, sizeof text, &code, &by_signal);
	assert_string_equal(text, "out\nerr\nleader\n");
	assert_int_equal(code, 7);
	assert_int_equal(by_signal, 0);
}

static void a_captured_helper_gives_its_output_only(void **state)
{
	char  text[200], error[200] = "";
	FILE *file = tmpfile();
	(void)state;

	with_stderr_in(file, RH_SPAWN_CAPTURE,
	               "echo out; echo err >&2;"
	               " test $(cut -d' ' -f5 /proc/$$/stat) = $$ || echo member",
	               text, sizeof text);
	assert_string_equal(text, "out\nmember\n");
	rewind(file);
	assert_non_null(fgets(error, sizeof error, file));
	assert_string_equal(error, "err\n");
	fclose(file);
}

static void a_helper_has_no_pipe(void **state)
{
	char  text[200], error[200] = "";
	FILE *file = tmpfile();
	(void)state;

	with_stderr_in(file, RH_SPAWN_HELPER, "echo err >&2", text, sizeof text);
	assert_string_equal(text, "");
	rewind(file);
	assert_non_null(fgets(error, sizeof error, file));
	assert_string_equal(error, "err\n");
	fclose(file);
}

static void a_signal_is_told(void **state)
{
	char text[20];
	int  code, by_signal;
	(void)state;

	run(RH_SPAWN_SERVICE, "kill -9 $$", text, sizeof text, &code, &by_signal);
	assert_int_equal(by_signal, SIGKILL);
	assert_int_equal(code, 128 + SIGKILL);
}

static void dispositions_are_those_of_a_fresh_process(void **state)
{
	char     text[200];
	int      code, by_signal;
	sigset_t set;
	(void)state;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	run(RH_SPAWN_SERVICE, "grep -E '^Sig(Blk|Ign)' /proc/self/status", text,
	    sizeof text, &code, &by_signal);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	assert_string_equal(text,
	                    "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

static void no_descriptor_leaks(void **state)
{
	char text[400];
	int  code, by_signal, fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int  careless = open("/dev/null", O_RDONLY); /* as who starts us may have been */
	(void)state;

	run(RH_SPAWN_SERVICE, "ls /proc/self/fd | tr '\\n' ' '", text, sizeof text, &code,
	    &by_signal);
	assert_string_equal(text, "0 1 2 3 "); /* 3 is the folder that ls reads */
	close(fd);
	close(careless);
}

static void what_cannot_start_says_why(void **state)
{
	char *const       none[] = { (char *)(uintptr_t)"/nowhere/x", NULL };
	char *const       not[] = { (char *)(uintptr_t)"/etc/passwd", NULL };
	struct rh_spawn   order = { .argv = none };
	struct rh_spawned spawned = { .pid = 77 };
	struct rh_diag    diag;
	(void)state;

	assert_int_equal(rh_spawn(&order, &spawned, &diag), RH_ENOENT);
	assert_string_equal(diag.text,
	                    "cannot start /nowhere/x: No such file or directory");
	order.argv = not;
	assert_int_equal(rh_spawn(&order, &spawned, &diag), RH_EACCES);
	assert_int_equal(spawned.pid, 77);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_service_has_both_outputs_in_the_pipe),
		cmocka_unit_test(a_captured_helper_gives_its_output_only),
		cmocka_unit_test(a_helper_has_no_pipe),
		cmocka_unit_test(a_signal_is_told),
		cmocka_unit_test(dispositions_are_those_of_a_fresh_process),
		cmocka_unit_test(no_descriptor_leaks),
		cmocka_unit_test(what_cannot_start_says_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
