#include "stage.h"

#include "../../base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CASE_MS   (60 * 1000)
#define WORKER_MS (20 * 1000)

struct stage stage;

static const char *given(const char *name)
{
	const char *value = getenv(name);

	if (!value) {
		fprintf(stderr, "%s is not set: run this test with meson test\n", name);
		exit(2);
	}
	return value;
}

void stage_up(const struct mini_options *options)
{
	int fd;

	memset(&stage, 0, sizeof stage);
	scene_dir(stage.dir);
	snprintf(stage.agent_path, sizeof stage.agent_path, "%s/agent.sock", stage.dir);
	snprintf(stage.ledger_path, sizeof stage.ledger_path, "%s/ledger", stage.dir);
	fd = open(stage.ledger_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(ftruncate(fd, sizeof *stage.ledger), 0);
	stage.ledger = mmap(NULL, sizeof *stage.ledger, PROT_READ | PROT_WRITE, MAP_SHARED,
	                    fd, 0);
	assert_true(stage.ledger != MAP_FAILED);
	close(fd);
	setenv("RHODES_AGENT", stage.agent_path, 1);
	setenv("THINGS_LEDGER", stage.ledger_path, 1);
	stage.agent = mini_agent_start(stage.agent_path, options);
}

/* In order, so that a sanitizer sees what it leaves behind.  One that was ended by a
 * signal was ended by the test. */
static void stop_worker(pid_t pid)
{
	struct pollfd look = { .fd = (int)syscall(SYS_pidfd_open, pid, 0),
	                       .events = POLLIN };
	int           status;

	kill(pid, SIGTERM);
	if (poll(&look, 1, WORKER_MS) == 0) {
		fprintf(stderr, "a worker does not end\n");
		kill(pid, SIGABRT);
	}
	close(look.fd);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		assert_int_equal(status, 0);
}

void stage_down(void)
{
	stage_open_gate();
	for (unsigned i = 0; i < stage.worker_count; i++) {
		if (stage.workers[i] > 0)
			stop_worker(stage.workers[i]);
	}
	mini_agent_stop(stage.agent);
	munmap(stage.ledger, sizeof *stage.ledger);
	scene_remove(stage.dir);
}

static void exec_worker(const char *kind, const char *threads)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	unsetenv("LD_LIBRARY_PATH");
	if (strcmp(kind, "things") == 0)
		execl(given("STAGE_WORKER"), "rhodes-worker", "--interface-dir",
		      given("STAGE_INTERFACE"), "--library", given("STAGE_LIBRARY"),
		      "--threads", threads, (char *)NULL);
	else
		execl(given("STAGE_BYTES"), "bytes_worker", threads, (char *)NULL);
	perror("exec");
	_exit(127);
}

pid_t stage_start(const char *kind, unsigned threads)
{
	char  text[16];
	pid_t pid;

	assert_true(stage.worker_count < STAGE_WORKERS);
	snprintf(text, sizeof text, "%u", threads);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		exec_worker(kind, text);
	stage.workers[stage.worker_count++] = pid;
	return pid;
}

static pid_t start_and_wait(const char *kind, unsigned threads)
{
	unsigned before = mini_agent_counts(stage.agent).served;
	pid_t    pid = stage_start(kind, threads);

	assert_int_equal(MINI_AWAIT(stage.agent, served, before + 1), 0);
	return pid;
}

pid_t stage_things(unsigned threads)
{
	return start_and_wait("things", threads);
}

pid_t stage_bytes(unsigned threads)
{
	return start_and_wait("bytes", threads);
}

void stage_kill(pid_t pid)
{
	int status;

	for (unsigned i = 0; i < stage.worker_count; i++) {
		if (stage.workers[i] != pid || pid <= 0)
			continue;
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		assert_true(WIFSIGNALED(status)); /* and not of its own accord */
		stage.workers[i] = -1;
	}
}

static _Atomic uint32_t *word(uint32_t *of)
{
	return (_Atomic uint32_t *)(void *)of;
}

unsigned stage_ran(int id)
{
	return atomic_load(word(&stage.ledger->ran[id]));
}

void stage_await_held(unsigned n)
{
	struct timespec patience = { .tv_sec = 20 };
	uint32_t        now;

	while ((now = atomic_load(word(&stage.ledger->entered))) < n) {
		long r = syscall(SYS_futex, &stage.ledger->entered, FUTEX_WAIT, now,
		                 &patience, NULL, 0);
		if (r < 0 && errno == ETIMEDOUT)
			fail_msg("%u calls are held, not %u", now, n);
	}
}

static void ring(uint32_t *of)
{
	atomic_fetch_add(word(of), 1);
	syscall(SYS_futex, of, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

void stage_open_gate(void)
{
	ring(&stage.ledger->gate);
	ring(&stage.ledger->freed);
}

void stage_free(int id)
{
	atomic_store((_Atomic uint8_t *)&stage.ledger->is_free[id], 1);
	ring(&stage.ledger->freed);
}

void stage_await_syscall(pid_t tid, long number)
{
	uint64_t until = rh_clock_ns() + 20 * RH_NS_PER_S;
	char     path[64], text[32];
	long     now = -1;

	snprintf(path, sizeof path, "/proc/%d/syscall", (int)tid);
	while (rh_clock_ns() < until) {
		int     fd = open(path, O_RDONLY | O_CLOEXEC);
		ssize_t n = read(fd, text, sizeof text - 1);

		close(fd);
		text[n > 0 ? n : 0] = 0;
		if (sscanf(text, "%ld", &now) == 1 && now == number)
			return;
		sched_yield();
	}
	fail_msg("thread %d is in system call %ld, not %ld", (int)tid, now, number);
}

static void *thread_main(void *user)
{
	struct stage_thread *thread = user;

	thread->tid = (int)syscall(SYS_gettid);
	return thread->run(thread->user);
}

void stage_thread_start(struct stage_thread *thread, void *(*run)(void *), void *user)
{
	*thread = (struct stage_thread){ .run = run, .user = user };
	assert_int_equal(pthread_create(&thread->id, NULL, thread_main, thread), 0);
	while (thread->tid == 0)
		sched_yield();
}

void stage_thread_join(struct stage_thread *thread)
{
	pthread_join(thread->id, NULL);
}

/* ---- one process per case ------------------------------------------------- */

static void show(const char *path)
{
	FILE *file = fopen(path, "re");
	char  line[512];

	while (file && fgets(line, sizeof line, file))
		fputs(line, stderr);
	if (file)
		fclose(file);
}

static pid_t start_case(const char *name, const char *output)
{
	char  path[2 * PATH_MAX];
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	int fd = open(output, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	dup2(fd, 1);
	dup2(fd, 2);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(path, sizeof path, "%s:%s", given("STAGE_SHADOW"),
	         getenv("LD_LIBRARY_PATH") ? getenv("LD_LIBRARY_PATH") : "");
	setenv("LD_LIBRARY_PATH", path, 1);
	execl("/proc/self/exe", "case", name, (char *)NULL);
	_exit(127);
}

/* A machine that interprets every instruction takes longer (RHODES_PATIENCE). */
static int patience_ms(void)
{
	const char *times = getenv("RHODES_PATIENCE");

	return CASE_MS * (times && atoi(times) > 0 ? atoi(times) : 1);
}

static void run_case(void **state)
{
	const char   *name = *state;
	char          output[SCENE_PATH], path[SCENE_PATH + 8];
	struct pollfd look = { .events = POLLIN };
	int           status;

	scene_dir(output);
	snprintf(path, sizeof path, "%s/out", output);
	pid_t pid = start_case(name, path);
	look.fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (poll(&look, 1, patience_ms()) == 0) {
		fprintf(stderr, "%s: hangs\n", name);
		kill(pid, SIGABRT);
	}
	close(look.fd);
	status = scene_wait(pid);
	if (status != 0)
		show(path);
	scene_remove(output);
	assert_int_equal(status, 0);
}

int stage_main(int argc, char **argv, const struct CMUnitTest *tests, size_t count)
{
	struct CMUnitTest *outer;

	if (argc > 1) {
		cmocka_set_test_filter(argv[1]);
		return _cmocka_run_group_tests(argv[1], tests, count, NULL, NULL);
	}
	outer = calloc(count, sizeof *outer);
	for (size_t i = 0; i < count; i++)
		outer[i] = (struct CMUnitTest){
			.name = tests[i].name, .test_func = run_case,
			.initial_state = (void *)(uintptr_t)tests[i].name,
		};
	int failed = _cmocka_run_group_tests("sdk", outer, count, NULL, NULL);
	free(outer);
	return failed;
}
