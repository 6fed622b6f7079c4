/* Threads that become another program while others run.  Passes as it is, and must pass with
 * librhodes-fiber.so before it. */
#include "by_hand.h"
#include "fiber_kit.h"

#include <fcntl.h>

extern char **environ;

static void *exec_now(void *none)
{
	execl("/bin/sh", "sh", "-c", "exit 7", NULL);
	return none;
}

static void a_thread_that_execs_ends_all_others(void **state)
{
	(void)state;
	end_by(exec_now, 7);
}

/* The number of the kernel thread, past the C library's names. */
static int kernel_thread(void)
{
	return (int)by_hand(SYS_gettid, 0, 0, 0, 0);
}

static pthread_t executing;

/* While it is cancelled, which nobody obeys, a carrier is told so by a signal. */
static void *tell_it(void *none)
{
	for (;;) {
		pthread_cancel(executing);
		atomic_fetch_add(&reached, 1);
	}
	return none;
}

/* With so many words that the kernel has some milliseconds to do before it ends the others. */
static void *exec_while_told(void *none)
{
	enum { WORDS = 40000 };
	static char *words[WORDS + 1];
	char name[] = "sh", option[] = "-c", script[] = "exit 6";
	pthread_t tellers[2];
	int state;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	executing = pthread_self();
	words[0] = name;
	words[1] = option;
	words[2] = script;
	for (int i = 3; i < WORDS; i++)
		words[i] = name;
	for (int i = 0; i < 2; i++)
		pthread_create(&tellers[i], NULL, tell_it, NULL);
	await(&reached, 2);
	execv("/bin/sh", words);
	return none;
}

static void a_thread_that_execs_takes_no_signal_of_the_runtime(void **state)
{
	(void)state;
	atomic_store(&reached, 0);
	end_by(exec_while_told, 6);
}

/* Its nice value goes along. */
static void *exec_as_nice_one(void *none)
{
	char script[64];
	int wanted;

	setpriority(PRIO_PROCESS, (id_t)gettid(), getpriority(PRIO_PROCESS, 0) + 3);
	wanted = getpriority(PRIO_PROCESS, (id_t)gettid());
	snprintf(script, sizeof script, "test $(nice) = %d && exit 4", wanted);
	execlp("sh", "sh", "-c", script, NULL);
	return none;
}

static void a_thread_that_execs_keeps_its_nice_value(void **state)
{
	(void)state;
	end_by(exec_as_nice_one, 4);
}

/* What it blocks and was sent waits on. */
static void *exec_with_signals(void *none)
{
	char path[] = "/proc/self/status", name[] = "grep", quiet[] = "-q";
	char pattern[] = "SigPnd:.0000000000000a00", *words[] = {name, quiet, pattern, path, NULL};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	executing = pthread_self();
	pthread_kill(executing, SIGUSR1);
	pthread_kill(executing, SIGUSR2);
	syscall(SYS_execve, "/nowhere", words, environ);
	execvpe("grep", words, environ);
	return none;
}

static void a_thread_that_execs_keeps_what_it_was_sent(void **state)
{
	(void)state;
	end_by(exec_with_signals, 0);
}

/* Each of them fails, and the thread is where it was. */
static void *exec_in_vain(void *none)
{
	char name[] = "/nowhere/at/all", *words[] = {name, NULL};
	int before = kernel_thread() == gettid();
	const struct {
		int result, error;
	} wanted = {-1, ENOENT};

#define IN_VAIN(call) \
	errno = 0; \
	assert_int_equal(wanted.result, call); \
	assert_int_equal(wanted.error, errno); \
	assert_int_equal(before, kernel_thread() == gettid())

	for (int i = 0; i < 50; i++) {
		IN_VAIN(execv(name, words));
		IN_VAIN(execve(name, words, environ));
		IN_VAIN(execvp(name, words));
		IN_VAIN(execvpe(name, words, environ));
		IN_VAIN(execveat(AT_FDCWD, name, words, environ, 0));
		IN_VAIN(execl(name, name, NULL));
		IN_VAIN(execlp(name, name, "word", NULL));
		IN_VAIN(execle(name, name, "word", NULL, environ));
		IN_VAIN((int)syscall(SYS_execve, name, words, environ));
		IN_VAIN((int)syscall(SYS_execveat, AT_FDCWD, name, words, environ, 0));
	}
#undef IN_VAIN
	return none;
}

static void threads_exec_in_vain(void **state)
{
	pthread_t threads[MANY];

	(void)state;
	start_all(threads, MANY, exec_in_vain, NULL);
	join_all(threads, MANY);
}

/* Every way of it, with words and settings. */
static void *exec_by_each(void *passed)
{
	char name[] = "sh", option[] = "-c", script[] = "exit $CODE", path[] = "/bin/sh";
	char code[] = "CODE=8", *words[] = {name, option, script, NULL}, *settings[] = {code, NULL};
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	putenv(code);
	switch (*(int *)passed) {
	case 0: execv(path, words); break;
	case 1: execve(path, words, settings); break;
	case 2: execvp(name, words); break;
	case 3: execvpe(name, words, settings); break;
	case 4: execveat(AT_FDCWD, path, words, settings, 0); break;
	case 5: fexecve(fd, words, settings); break;
	case 6: execl(path, name, option, script, NULL); break;
	case 7: execlp(name, name, option, script, NULL); break;
	case 8: execle(path, name, option, script, NULL, settings); break;
	case 9: syscall(SYS_execve, path, words, settings); break;
	default: syscall(SYS_execveat, AT_FDCWD, path, words, settings, 0); break;
	}
	_exit(1);
}

static void threads_exec_by_each_way(void **state)
{
	(void)state;
	for (int way = 0; way < 11; way++) {
		pid_t pid = fork();

		if (pid == 0) {
			pthread_t thread;

			pthread_create(&thread, NULL, exec_by_each, &way);
			pthread_join(thread, NULL);
		}
		expect_end(pid, 8 << 8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_thread_that_execs_ends_all_others),
		cmocka_unit_test(a_thread_that_execs_takes_no_signal_of_the_runtime),
		cmocka_unit_test(a_thread_that_execs_keeps_its_nice_value),
		cmocka_unit_test(a_thread_that_execs_keeps_what_it_was_sent),
		cmocka_unit_test(threads_exec_in_vain),
		cmocka_unit_test(threads_exec_by_each_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
