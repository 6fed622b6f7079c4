/* The rules of an edge change while real callers call through it: pages come and go,
 * to and from the callee itself.  No call fails that may pass, each runs once, and
 * those of a thread run in their order, also when several are under way.
 *
 * ROUNDS=n plays longer. */
#include "agent_kit.h"

#include "../../sdk/c/rhodes.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CALLERS = 3, AHEAD = 6, BETWEEN = 50 };

/* Shared by all processes of the test. */
struct book {
	_Atomic uint32_t made[CALLERS];  /* calls that succeeded                  */
	_Atomic uint32_t next[CALLERS];  /* number of the call that is to run     */
	_Atomic unsigned disorder;       /* calls that ran twice, or out of turn  */
	_Atomic unsigned refused;        /* by a rule                             */
	_Atomic unsigned stop;
};

static struct book     *book;
static struct kit_agent caller, callee;
static pid_t            callers[CALLERS], worker;
static uint64_t         revision;

static const char *const signatures[] = { "run(u32,u32)void" };

static int run(void *user, unsigned function, const void *args, size_t args_len,
               void *reply, size_t cap, size_t *ret_len)
{
	uint32_t call[2];

	(void)user;
	(void)function;
	(void)reply;
	(void)cap;
	if (args_len != sizeof call)
		return RH_EINVAL;
	memcpy(call, args, sizeof call);
	if (atomic_fetch_add(&book->next[call[0]], 1) != call[1])
		atomic_fetch_add(&book->disorder, 1);
	*ret_len = 0;
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

/* The second thread may run what the first has not answered yet, if it gets it. */
static pid_t start_worker(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		set_agent("magic");
		_exit(rh_serve_bytes("bytes", signatures, 1, run, NULL, 3) == RH_OK ? 0 : 1);
	}
	return pid;
}

/* ---- callers ------------------------------------------------------------ */

static int collect(uint64_t ticket, uint32_t which)
{
	const void *reply;
	size_t      len;
	int         r = rh_wait(ticket, &reply, &len);

	rh_release(ticket);
	if (r == RH_OK)
		atomic_fetch_add(&book->made[which], 1);
	return r;
}

/* Always some under way. */
static int call_ahead(struct rh_callee *to, uint32_t which)
{
	uint64_t tickets[AHEAD];
	uint32_t made = 0, ended = 0;
	int      r = RH_OK;

	while (r == RH_OK && !(book->stop && ended == made)) {
		uint32_t call[2] = { which, made };
		void    *args;

		if (book->stop || made - ended == AHEAD) {
			r = collect(tickets[ended++ % AHEAD], which);
			continue;
		}
		r = rh_reserve(to, sizeof call, 0, 0, &args, &tickets[made % AHEAD]);
		if (r < 0)
			break;
		memcpy(args, call, sizeof call);
		r = rh_submit(tickets[made++ % AHEAD], rh_function_id(signatures[0]),
		              sizeof call);
	}
	return r;
}

/* One at a time; what a rule refuses did not run, and is tried again. */
static int call_stubbornly(struct rh_callee *to, uint32_t which)
{
	while (!book->stop) {
		uint32_t call[2] = { which, book->made[which] };
		size_t   len;
		int r = rh_call(to, rh_function_id(signatures[0]), call, sizeof call, NULL,
		                0, &len, 0);

		if (r == RH_OK)
			atomic_fetch_add(&book->made[which], 1);
		else if (r != RH_EREVOKED || rh_last_ran())
			return r;
		else
			atomic_fetch_add(&book->refused, 1);
	}
	return RH_OK;
}

static pid_t start_caller(uint32_t which, int (*call)(struct rh_callee *, uint32_t))
{
	pid_t             pid = fork();
	struct rh_callee *to;
	int               r;

	if (pid != 0)
		return pid;
	set_agent("file");
	r = rh_open("magic", 0, &to);
	if (r == RH_OK)
		r = call(to, which);
	if (r < 0)
		fprintf(stderr, "caller %u: %d %s\n", which, r, rh_last_error());
	_exit(r == RH_OK ? 0 : 1);
}

/* ---- the play ----------------------------------------------------------- */

static void rule(const char *protocol)
{
	const struct kit_edge edge = { "file", "magic", protocol, RH_OK, NULL };
	unsigned              count = protocol ? 1 : 0;

	revision++;
	/* Each side hears of it first in its turn. */
	if (revision % 2)
		kit_apply(&callee, revision, "bytes", &edge, count);
	kit_apply(&caller, revision, "", &edge, count);
	if (revision % 2 == 0)
		kit_apply(&callee, revision, "bytes", &edge, count);
}

static int has_ended(int which)
{
	siginfo_t info = { 0 };

	waitid(P_PID, (id_t)callers[which], &info, WEXITED | WNOHANG | WNOWAIT);
	return info.si_pid != 0;
}

/* Until every caller made some more calls. */
static void let_them_call(void)
{
	for (int i = 0; i < CALLERS; i++) {
		uint32_t goal = book->made[i] + BETWEEN;

		KIT_UNTIL(book->made[i] >= goal || has_ended(i));
		assert_true(book->made[i] >= goal);
	}
}

/* former: the executable of the callee's agent, when it is another one. */
static void set_the_stage_beside(const char *former, const char *protocol,
                                 int (*call)(struct rh_callee *, uint32_t))
{
	char *own = strdup(getenv("AGENT"));

	memset(book, 0, sizeof *book);
	revision = 0;
	if (former)
		kit_agent_install(former);
	kit_agent_start(&callee, "magic");
	if (former)
		kit_agent_install(own);
	kit_agent_start(&caller, "file");
	setenv("AGENT", own, 1);
	free(own);
	rule(protocol);
	worker = start_worker();
	for (uint32_t i = 0; i < CALLERS; i++)
		callers[i] = start_caller(i, call);
	let_them_call();
}

static void set_the_stage(const char *protocol,
                          int (*call)(struct rh_callee *, uint32_t))
{
	set_the_stage_beside(NULL, protocol, call);
}

static void come_to_an_end(void)
{
	book->stop = 1;
	for (int i = 0; i < CALLERS; i++) {
		int status;

		assert_int_equal(waitpid(callers[i], &status, 0), callers[i]);
		callers[i] = 0;
		assert_int_equal(status, 0);
		assert_int_equal(book->next[i], book->made[i]);
	}
	assert_int_equal(book->disorder, 0);
	print_message("%u, %u and %u calls, %u times refused\n", book->made[0],
	              book->made[1], book->made[2], book->refused);
}

static int rounds(void)
{
	const char *text = getenv("ROUNDS");

	return text ? atoi(text) : 20;
}

/* No page of the former kind is left. */
static int is_gone(int bound)
{
	if (!bound)
		return kit_counters(&caller)->pages == 0;
	return kit_counters(&caller)->bindings == 0 &&
	       kit_counters(&callee)->bindings == 0;
}

static void the_protocol_changes_under_calls(void **unused)
{
	static const char *const protocols[] = { "shm", "bind", "msgqueue", "bind",
	                                         "semaphore", "bind" };

	(void)unused;
	set_the_stage("bind", call_ahead);
	for (int i = 0; i < 6 * rounds(); i++) {
		rule(protocols[i % 6]);
		KIT_UNTIL(is_gone(i % 2 == 0)); /* long before it is by force */
		let_them_call();
	}
	come_to_an_end();
}

/* The callee's agent is of the version before and goes on after an update. */
static void the_protocol_changes_beside_a_former_agent(void **unused)
{
	static const char *const protocols[] = { "msgqueue", "semaphore", "bind", "shm" };

	(void)unused;
	set_the_stage_beside(getenv("FORMER_AGENT"), "shm", call_ahead);
	for (int i = 0; i < 4 * rounds(); i++) {
		rule(protocols[i % 4]);
		KIT_UNTIL(strcmp(kit_counters_edge(&caller, "magic")->protocol,
		                 protocols[i % 4]) == 0);
		let_them_call();
	}
	come_to_an_end();
}

static void the_edge_is_revoked_and_comes_back(void **unused)
{
	(void)unused;
	set_the_stage("bind", call_stubbornly);
	for (int i = 0; i < rounds(); i++) {
		unsigned before = book->refused;

		rule(NULL);
		KIT_UNTIL(book->refused > before + CALLERS);
		KIT_UNTIL(kit_counters(&caller)->bindings == 0 &&
		          kit_counters(&callee)->bindings == 0);
		rule("bind");
		let_them_call();
	}
	come_to_an_end();
}

static int tear_down(void **state)
{
	pid_t left[CALLERS + 1] = { worker };

	memcpy(left + 1, callers, sizeof callers);
	for (int i = 0; i <= CALLERS; i++) {
		if (left[i] > 0) {
			kill(left[i], SIGKILL);
			waitpid(left[i], NULL, 0);
		}
	}
	memset(callers, 0, sizeof callers);
	worker = 0;
	return kit_close(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, kit_open, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_protocol_changes_under_calls),
		TEST(the_protocol_changes_beside_a_former_agent),
		TEST(the_edge_is_revoked_and_comes_back),
	};

	book = mmap(NULL, sizeof *book, PROT_READ | PROT_WRITE,
	            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
