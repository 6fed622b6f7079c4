/* An agent is killed in the middle of events, while the protocol of their edge changes:
 * at each step of a swap, and at any moment.  A worker emits, one event after the other;
 * a caller listens all the time, and calls beside it.  What it hears comes in order and once, and is what the
 * worker was told:
 *
 *   succeeded          heard
 *   failed for sure    never heard
 *   may have come      heard at most once
 *
 * SEED=n plays another sequence. */
#include "agent_kit.h"

#include "../../sdk/c/rhodes.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS_MAX = 4000000, KIND = 11, BETWEEN = 20, ROUNDS = 40 };
enum told { UNTOLD, SUCCEEDED, SURELY_NOT, MAYBE };

/* Shared by all processes of the test. */
struct book {
	unsigned char    told[EVENTS_MAX];
	unsigned char    heard[EVENTS_MAX];
	_Atomic uint32_t emitted;    /* the next one                          */
	_Atomic uint32_t succeeded;
	_Atomic uint32_t latest;     /* one more than the number heard last   */
	_Atomic unsigned disorder;   /* heard twice, or after a later one     */
	_Atomic unsigned is_over;    /* nothing is emitted any more           */
};

static struct book     *book;
static struct kit_agent agents[2]; /* of the listener, of the worker */
static pid_t            listener, worker;
static struct kit_edge  edges[] = { { "driver", "nic", "shm", RH_OK, NULL } };
static uint64_t         revision;

static const char *const signatures[] = { "run(u32)void" };

static void set_agent(const char *resource)
{
	char path[128];

	snprintf(path, sizeof path, "%s/agent/%s.sock", kit_dir, resource);
	setenv("RHODES_AGENT", path, 1);
	setenv("RHODES_LOG", "error", 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

/* ---- the worker --------------------------------------------------------- */

static int run(void *user, unsigned function, const void *args, size_t args_len,
               void *reply, size_t cap, size_t *ret_len)
{
	(void)user;
	(void)function;
	(void)args;
	(void)args_len;
	(void)reply;
	(void)cap;
	*ret_len = 0;
	return 0;
}

static enum told emit_one(uint32_t number)
{
	int r = rh_event_emit(KIND, &number, sizeof number, 2 * RH_NS_PER_S);

	if (r == RH_OK)
		atomic_fetch_add(&book->succeeded, 1);
	return r == RH_OK ? SUCCEEDED : rh_last_ran() ? MAYBE : SURELY_NOT;
}

static void *emit(void *user)
{
	(void)user;
	while (!book->is_over && book->emitted < EVENTS_MAX) {
		uint32_t number = book->emitted;

		book->told[number] = (unsigned char)emit_one(number);
		book->emitted = number + 1;
		if (book->told[number] != SUCCEEDED)
			kit_pause(); /* nobody listens just now */
	}
	return NULL;
}

static pid_t start_worker(void)
{
	pid_t     pid = fork();
	pthread_t id;

	if (pid != 0)
		return pid;
	set_agent("nic");
	if (pthread_create(&id, NULL, emit, NULL) != 0)
		_exit(1);
	while (rh_serve_bytes("bytes", signatures, 1, run, NULL, 1) != RH_OK)
		kit_pause(); /* its agent is away */
	_exit(0);
}

/* ---- the listener ------------------------------------------------------- */

static void hear(uint32_t number)
{
	if (number >= EVENTS_MAX || number < book->latest || book->heard[number]) {
		atomic_fetch_add(&book->disorder, 1);
		return;
	}
	book->heard[number] = 1;
	book->latest = number + 1;
}

/* Until nothing is emitted any more and all was taken. */
static void hear_all(struct rh_callee *to)
{
	for (;;) {
		unsigned is_over = book->is_over;
		uint32_t number;
		size_t   len = 0;
		int r = rh_event_take(to, KIND, &number, sizeof number, &len,
		                      100 * RH_NS_PER_MS);

		if (r == RH_OK && len == sizeof number)
			hear(number);
		else if (r == RH_OK)
			atomic_fetch_add(&book->disorder, 1);
		else if (r == RH_EAGAIN && is_over)
			return;
	}
}

/* It calls as well, and so may notice first that its agent is gone. */
static void *call(void *user)
{
	const uint32_t args = 0;
	size_t         len;

	for (;;)
		(void)rh_call(user, rh_function_id(signatures[0]), &args, sizeof args, NULL,
		              0, &len, 50 * RH_NS_PER_MS);
	return NULL;
}

static pid_t start_listener(void)
{
	pid_t             pid = fork();
	pthread_t         id;
	struct rh_callee *to;

	if (pid != 0)
		return pid;
	set_agent("driver");
	while (rh_open("nic", 0, &to) < 0)
		kit_pause();
	if (pthread_create(&id, NULL, call, to) != 0)
		_exit(1);
	hear_all(to);
	_exit(0);
}

/* ---- the play ----------------------------------------------------------- */

static void send_view(int which)
{
	kit_view(&agents[which], ++revision, which == 0 ? "" : "bytes", edges, 1);
}

static void start_agent(int which)
{
	kit_agent_start(&agents[which], which == 0 ? "driver" : "nic");
	send_view(which);
}

static void kill_agent(int which)
{
	kit_agent_kill(&agents[which], SIGKILL);
	start_agent(which);
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

static int has_ended(pid_t pid)
{
	siginfo_t info = { .si_pid = 0 };

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       info.si_pid == pid;
}

/* Some more events come through. */
static void let_them_come(void)
{
	uint32_t goal = book->succeeded + BETWEEN;

	KIT_UNTIL(book->succeeded >= goal);
}

/* The edge gets another protocol; one of both hears of it first. */
static void swap(int first)
{
	static const char *const protocols[] = { "shm", "semaphore", "bind", "semaphore" };
	static unsigned          at;

	edges[0].protocol = protocols[++at % 4];
	for (int i = 0; i < 2; i++) {
		int which = i == 0 ? first : !first;

		if (!has_ended(agents[which].pid))
			send_view(which);
	}
	read_results();
}

static void set_the_stage(void)
{
	const char *seed = getenv("SEED");

	memset(book, 0, sizeof *book);
	srandom(seed ? (unsigned)atoi(seed) : 1);
	revision = 0;
	start_agent(0);
	start_agent(1);
	worker = start_worker();
	listener = start_listener();
	let_them_come();
}

/* An agent ends at exactly that step of a swap, and another takes its place. */
static void end_at(const char *point)
{
	int      which = strncmp(point, "swapped-", 8) == 0; /* who follows is the worker's */
	uint64_t end;

	kit_agent_kill(&agents[which], SIGKILL);
	setenv("RHODES_FAIL_AT", point, 1);
	start_agent(which);
	unsetenv("RHODES_FAIL_AT");
	end = kit_deadline();
	while (!has_ended(agents[which].pid)) {
		uint32_t goal = book->succeeded + BETWEEN;

		if (rh_clock_ns() > end)
			fail_msg("no swap came to %s", point);
		KIT_UNTIL(book->succeeded >= goal || has_ended(agents[which].pid));
		swap(which);
	}
	kill_agent(which);
	let_them_come();
}

static void check_event(uint32_t number, unsigned told[4])
{
	unsigned how = book->told[number], heard = book->heard[number];

	told[how]++;
	if (how == MAYBE || (how == SUCCEEDED && heard) || (how == SURELY_NOT && !heard))
		return;
	fail_msg("event %u: told %u, heard %u times", number, how, heard);
}

static void come_to_an_end(void)
{
	unsigned told[4] = { 0 };
	int      status;

	book->is_over = 1;
	assert_int_equal(waitpid(listener, &status, 0), listener);
	listener = 0;
	assert_int_equal(status, 0);
	for (uint32_t i = 0; i < book->emitted; i++)
		check_event(i, told);
	print_message("%u events succeeded, %u surely did not come, %u may have come\n",
	              told[SUCCEEDED], told[SURELY_NOT], told[MAYBE]);
	assert_int_equal(book->disorder, 0);
}

static void an_agent_ends_at_each_step(void **unused)
{
	static const char *const points[] = {
		"swap-prepared", "swap-ready", "swap-committed", "swap-empty",
		"swap-finished", "swapped-accepted", "swapped-readied",
		"swapped-draining", "swapped-empty", "swapped-drained",
	};

	(void)unused;
	set_the_stage();
	for (size_t i = 0; i < sizeof points / sizeof points[0]; i++)
		end_at(points[i]);
	come_to_an_end();
}

static void an_agent_ends_at_any_moment(void **unused)
{
	(void)unused;
	set_the_stage();
	for (int i = 0; i < ROUNDS; i++) {
		const struct timespec pause = { .tv_nsec = random() % 2000000 };

		swap((int)(random() % 2));
		nanosleep(&pause, NULL); /* the moment, chosen by the seed */
		kill_agent((int)(random() % 2));
		let_them_come();
	}
	come_to_an_end();
}

static int tear_down(void **state)
{
	pid_t left[] = { worker, listener };

	for (int i = 0; i < 2; i++) {
		if (left[i] <= 0)
			continue;
		kill(left[i], SIGKILL);
		waitpid(left[i], NULL, 0);
	}
	worker = listener = 0;
	return kit_close(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, kit_open, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_agent_ends_at_each_step),
		TEST(an_agent_ends_at_any_moment),
	};

	book = mmap(NULL, sizeof *book, PROT_READ | PROT_WRITE,
	            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
