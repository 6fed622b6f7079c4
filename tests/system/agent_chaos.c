/* Everything on the path is killed, again and again, while callers call, and the
 * protocol of the edge changes under them.  In the end nothing hangs, and each call ran
 * as often as its caller was told:
 *
 *   succeeded          once
 *   failed for sure    never
 *   may have run       at most once
 *
 * SEED=n plays another sequence; CALLS=n a longer one. */
#include "agent_kit.h"

#include "../../sdk/c/rhodes.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CALLERS = 3, WORKERS = 2, MAX_CALLS = 400000 };
enum told { UNTOLD, SUCCEEDED, SURELY_NOT, MAYBE };

/* Shared by all processes of the test. */
struct book {
	_Atomic unsigned char ran[CALLERS][MAX_CALLS];
	unsigned char         told[CALLERS][MAX_CALLS];
	_Atomic unsigned      failures;
};

static struct book     *book;
static int              calls;
static struct kit_agent agents[2]; /* of the callers, of the callee */
static pid_t            callers[CALLERS], workers[WORKERS];
static struct kit_edge  edges[] = { { "file", "magic", NULL, RH_OK, NULL } };
static uint64_t         revision;
static unsigned         swaps;

static const char *const signatures[] = { "run(u64)u64" };

static int run(void *user, unsigned function, const void *args, size_t args_len,
               void *reply, size_t cap, size_t *ret_len)
{
	uint32_t id[2];

	(void)user;
	(void)function;
	if (args_len != sizeof id || cap < sizeof id)
		return RH_EINVAL;
	memcpy(id, args, sizeof id);
	atomic_fetch_add(&book->ran[id[0]][id[1]], 1);
	memcpy(reply, id, sizeof id);
	*ret_len = sizeof id;
	return 0;
}

static void set_agent(const char *resource)
{
	char path[128];

	snprintf(path, sizeof path, "%s/agent/%s.sock", kit_dir, resource);
	setenv("RHODES_AGENT", path, 1);
	setenv("RHODES_LOG", "error", 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static pid_t start_worker(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		set_agent("magic");
		while (rh_serve_bytes("bytes", signatures, 1, run, NULL, 2) != RH_OK)
			kit_pause(); /* its agent is away */
		_exit(0);
	}
	return pid;
}

/* The words of the last failure of each caller, for whoever reads a failed test. */
static enum told call_one(struct rh_callee *callee, uint32_t caller, uint32_t number)
{
	uint64_t function = rh_function_id(signatures[0]);
	uint32_t id[2] = { caller, number }, back[2] = { 0 };
	size_t   len = 0;

	if (rh_call(callee, function, id, sizeof id, back, sizeof back, &len, 0) == 0)
		return len == sizeof id && memcmp(id, back, sizeof id) == 0 ? SUCCEEDED
		                                                            : UNTOLD;
	atomic_fetch_add(&book->failures, 1);
	return rh_last_ran() ? MAYBE : SURELY_NOT;
}

static volatile sig_atomic_t is_over;

static void on_term(int number)
{
	(void)number;
	is_over = 1;
}

static pid_t start_caller(uint32_t which)
{
	pid_t             pid = fork();
	struct rh_callee *callee;

	if (pid != 0)
		return pid;
	set_agent("file");
	signal(SIGTERM, on_term);
	while (rh_open("magic", 0, &callee) < 0)
		kit_pause();
	for (uint32_t i = 0; i < (uint32_t)calls && !is_over; i++)
		book->told[which][i] = (unsigned char)call_one(callee, which, i);
	_exit(0);
}

static void send_view(int which)
{
	kit_view(&agents[which], ++revision, which == 0 ? "" : "bytes", edges, 1);
}

static void start_agent(int which)
{
	kit_agent_start(&agents[which], which == 0 ? "file" : "magic");
	send_view(which);
}

/* What agents tell is not what is looked at here, but must be read. */
static void read_results(void)
{
	unsigned char bytes[4096];

	for (int i = 0; i < 2; i++) {
		while (recv(agents[i].center, bytes, sizeof bytes, MSG_DONTWAIT) > 0)
			;
	}
}

/* The edge gets another protocol; the two agents hear of it in any order. */
static void swap(void)
{
	static const char *const protocols[] = { "shm", "msgqueue", "semaphore", "bind" };
	int                      first = (int)(random() % 2);

	edges[0].protocol = protocols[random() % 4];
	send_view(first);
	send_view(!first);
	read_results();
	swaps++;
}

static void kill_worker(int which)
{
	kill(workers[which], SIGKILL);
	waitpid(workers[which], NULL, 0);
	workers[which] = start_worker();
}

static void kill_agent(int which)
{
	kit_agent_kill(&agents[which], SIGKILL);
	start_agent(which);
}

static int callers_left(void)
{
	int left = 0;

	for (int i = 0; i < CALLERS; i++) {
		int status;

		if (callers[i] == 0)
			continue;
		if (waitpid(callers[i], &status, WNOHANG) == callers[i]) {
			assert_int_equal(status, 0);
			callers[i] = 0;
		}
		left += callers[i] != 0;
	}
	return left;
}

static void check_book(void)
{
	unsigned told[4] = { 0 };

	for (int c = 0; c < CALLERS; c++) {
		for (int i = 0; i < calls; i++) {
			unsigned ran = book->ran[c][i];
			unsigned how = book->told[c][i];

			if (how == UNTOLD && ran == 0)
				continue; /* not begun */
			told[how]++;
			if ((how == SUCCEEDED && ran == 1) ||
			    (how == SURELY_NOT && ran == 0) || (how == MAYBE && ran <= 1))
				continue;
			fail_msg("call %d of caller %d: told %u, ran %u times", i, c, how,
			         ran);
		}
	}
	print_message("%u calls succeeded, %u surely did not run, %u may have run\n",
	              told[SUCCEEDED], told[SURELY_NOT], told[MAYBE]);
	assert_true(told[SUCCEEDED] > 0);
}

static void start_all(const char *protocol, unsigned seed)
{
	edges[0].protocol = protocol;
	revision = swaps = 0;
	memset(book, 0, sizeof *book);
	srandom(seed);
	start_agent(0);
	start_agent(1);
	for (int i = 0; i < WORKERS; i++)
		workers[i] = start_worker();
	for (uint32_t i = 0; i < CALLERS; i++)
		callers[i] = start_caller(i);
}

static void play(const char *protocol, unsigned seed)
{
	unsigned       kills = 0;
	const uint64_t end = rh_clock_ns() + 240 * RH_NS_PER_S;

	start_all(protocol, seed);
	while (callers_left() > 0) {
		const struct timespec pause = {
			.tv_nsec = (5 + random() % 60) * (long)RH_NS_PER_MS,
		};

		if (rh_clock_ns() > end)
			fail_msg("callers hang");
		nanosleep(&pause, NULL);
		kills++;
		switch (random() % 8) {
		case 0:
			kill_agent(0);
			break;
		case 1:
			kill_agent(1);
			break;
		default:
			kill_worker((int)(random() % WORKERS));
		}
	}
	print_message("%s, seed %u: %u kills, %u calls failed\n", protocol, seed, kills,
	              book->failures);
	check_book();
}

/* Nobody is killed: every call succeeds, whatever carries it. */
static void play_swaps(unsigned seed)
{
	const uint64_t end = rh_clock_ns() + 240 * RH_NS_PER_S;

	start_all("msgqueue", seed);
	while (callers_left() > 0) {
		const struct timespec pause = {
			.tv_nsec = (random() % 30) * (long)RH_NS_PER_MS,
		};

		if (rh_clock_ns() > end)
			fail_msg("callers hang");
		nanosleep(&pause, NULL);
		swap();
	}
	print_message("seed %u: %u swaps\n", seed, swaps);
	check_book();
	assert_int_equal(book->failures, 0);
}

/* Kills and swaps together. */
static void play_all(unsigned seed)
{
	const uint64_t end = rh_clock_ns() + 240 * RH_NS_PER_S;
	unsigned       kills = 0;

	start_all("msgqueue", seed);
	while (callers_left() > 0) {
		const struct timespec pause = {
			.tv_nsec = (random() % 50) * (long)RH_NS_PER_MS,
		};

		if (rh_clock_ns() > end)
			fail_msg("callers hang");
		nanosleep(&pause, NULL);
		swap();
		if (random() % 4 == 0) {
			kills++;
			if (random() % 3 == 0)
				kill_agent((int)(random() % 2));
			else
				kill_worker((int)(random() % WORKERS));
		}
	}
	print_message("seed %u: %u swaps, %u kills\n", seed, swaps, kills);
	check_book();
}

static int has_ended(pid_t pid)
{
	siginfo_t info = { .si_pid = 0 };

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       info.si_pid == pid;
}

/* The caller's agent hears of another protocol, and of the former before it can go on:
 * it takes the swap back. */
static void swap_and_back(const char *protocol, const char *former)
{
	edges[0].protocol = protocol;
	send_view(1);
	send_view(0);
	edges[0].protocol = former;
	send_view(0);
	send_view(1);
	read_results();
}

/* An agent ends at exactly that step of a swap, and another takes its place. */
static void end_at(const char *point)
{
	int which = strncmp(point, "swapped-", 8) == 0; /* the callee's agent follows */
	int is_abort = strstr(point, "aborted") != NULL;

	kit_agent_kill(&agents[which], SIGKILL);
	setenv("RHODES_FAIL_AT", point, 1);
	start_agent(which);
	unsetenv("RHODES_FAIL_AT");
	for (int i = 0; !has_ended(agents[which].pid); i++) {
		const struct timespec pause = { .tv_nsec = 20 * (long)RH_NS_PER_MS };

		if (i > 1000)
			fail_msg("no swap came to %s", point);
		nanosleep(&pause, NULL);
		if (is_abort) {
			swap_and_back("shm", "msgqueue");
			continue;
		}
		edges[0].protocol = i & 1 ? "shm" : "msgqueue";
		if (!has_ended(agents[which].pid))
			send_view(which);
		send_view(!which);
		read_results();
	}
	kill_agent(which);
}

static void play_steps(unsigned seed)
{
	static const char *const points[] = {
		"swap-prepared", "swap-ready", "swap-committed", "swap-empty",
		"swap-finished", "swapped-accepted", "swapped-readied",
		"swapped-draining", "swapped-empty", "swapped-drained",
		"swap-aborted", "swapped-aborted",
	};

	start_all("msgqueue", seed);
	for (size_t i = 0; i < sizeof points / sizeof points[0]; i++)
		end_at(points[i]);
	for (int i = 0; i < CALLERS; i++) /* who calls on has no more to tell */
		kill(callers[i], SIGTERM);
	KIT_UNTIL(callers_left() == 0);
	check_book();
}

static int tear_down(void **state)
{
	for (int i = 0; i < WORKERS; i++) {
		kill(workers[i], SIGKILL);
		waitpid(workers[i], NULL, 0);
	}
	for (int i = 0; i < CALLERS; i++) {
		if (callers[i] == 0)
			continue;
		kill(callers[i], SIGKILL);
		waitpid(callers[i], NULL, 0);
		callers[i] = 0;
	}
	return kit_close(state);
}

static int number(const char *variable, int otherwise)
{
	const char *text = getenv(variable);

	return text ? atoi(text) : otherwise;
}

#define GAME(protocol)                                                    \
	static void calls_by_##protocol(void **unused)                    \
	{                                                                 \
		(void)unused;                                             \
		play(#protocol, (unsigned)number("SEED", 1));             \
	}
GAME(shm)
GAME(msgqueue)
GAME(semaphore)
GAME(bind)

static void calls_while_protocols_change(void **unused)
{
	(void)unused;
	play_swaps((unsigned)number("SEED", 1));
}

static void calls_while_all_changes(void **unused)
{
	(void)unused;
	play_all((unsigned)number("SEED", 1));
}

static void an_agent_ends_at_each_step(void **unused)
{
	(void)unused;
	play_steps((unsigned)number("SEED", 1));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, kit_open, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(calls_by_shm),
		TEST(calls_by_msgqueue),
		TEST(calls_by_semaphore),
		TEST(calls_by_bind),
		TEST(calls_while_protocols_change),
		TEST(calls_while_all_changes),
		TEST(an_agent_ends_at_each_step),
	};

	calls = number("CALLS", 20000);
	if (calls > MAX_CALLS)
		calls = MAX_CALLS;
	book = mmap(NULL, sizeof *book, PROT_READ | PROT_WRITE,
	            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
