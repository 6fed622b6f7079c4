/* The caller's process: threads that end, forks, execs, descriptors that are reused. */
#include "stage.h"

#include "../../base/clock.h"
#include "../../model/error.h"
#include "../../sdk/c/rhodes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static struct rh_callee *bytes;

#define ECHO rh_function_id("echo(bytes)bytes")
#define HOLD rh_function_id("hold(u8)u8")
#define ONCE rh_function_id("once(u8)u8")

static int set_up(void **state)
{
	(void)state;
	stage_up(NULL);
	stage_things(1);
	stage_bytes(2);
	return rh_open("bytes", 0, &bytes) < 0;
}

static int tear_down(void **state)
{
	(void)state;
	stage_down();
	return 0;
}

static void *add_once(void *user)
{
	(void)user;
	return (void *)(intptr_t)things_add(40, 2);
}

static void a_thread_that_ends_gives_its_pages_back(void **state)
{
	(void)state;
	assert_int_equal(things_add(1, 1), 2);
	assert_int_equal(MINI_AWAIT(stage.agent, pages, 1), 0);
	for (int round = 0; round < 50; round++) {
		pthread_t threads[4];

		for (int i = 0; i < 4; i++)
			assert_int_equal(pthread_create(&threads[i], NULL, add_once, NULL), 0);
		for (int i = 0; i < 4; i++) {
			void *r;

			pthread_join(threads[i], &r);
			assert_int_equal((intptr_t)r, 42);
		}
	}
	assert_int_equal(MINI_AWAIT(stage.agent, pages, 1), 0);
	assert_int_equal(things_add(1, 1), 2);
}

static uint64_t left_behind; /* never released */

static void *leave_a_call_behind(void *user)
{
	void *args;

	(void)user;
	if (rh_reserve(bytes, 1, 1, 0, &args, &left_behind) < 0)
		return NULL;
	*(unsigned char *)args = 1;
	rh_submit(left_behind, HOLD, 1);
	stage_await_held(1);
	return NULL; /* the ticket is void with its thread */
}

static void a_thread_that_ends_in_the_middle_disturbs_nobody(void **state)
{
	pthread_t thread;
	char      byte = 0;
	size_t    len;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, leave_a_call_behind, NULL), 0);
	pthread_join(thread, NULL);
	assert_int_equal(MINI_AWAIT(stage.agent, pages, 0), 0);
	assert_int_equal(rh_call(bytes, ECHO, "x", 1, &byte, 1, &len, 0), RH_OK);
	assert_int_equal(byte, 'x');
	stage_open_gate();
}

static int call_in_child(void *user)
{
	char   byte = 0;
	size_t len = 0;

	(void)user;
	if (rh_call(bytes, ECHO, "c", 1, &byte, 1, &len, 0) < 0 || byte != 'c')
		return 1;
	return things_add(2, 2) == 4 ? 0 : 2;
}

static int add_in_child(void *user)
{
	(void)user;
	return things_add(2, 2) == 4 ? 0 : 1;
}

/* The parent has a call in flight while its child comes, calls, and goes. */
static void a_child_attaches_afresh_and_leaves_the_parent_alone(void **state)
{
	uint64_t    ticket;
	void       *args;
	const void *reply;
	size_t      len;

	(void)state;
	assert_int_equal(things_add(1, 1), 2);
	assert_int_equal(rh_reserve(bytes, 1, 1, 0, &args, &ticket), RH_OK);
	*(unsigned char *)args = 7;
	assert_int_equal(rh_submit(ticket, HOLD, 1), RH_OK);
	stage_await_held(1);
	unsigned before = mini_agent_counts(stage.agent).attached;
	for (int i = 0; i < 5; i++)
		assert_int_equal(scene_child(add_in_child, NULL), 0);
	assert_int_equal(mini_agent_counts(stage.agent).attached, before + 5);
	assert_int_equal(MINI_AWAIT(stage.agent, pages, 2), 0); /* the parent's */
	stage_open_gate();
	assert_int_equal(rh_wait(ticket, &reply, &len), RH_OK);
	assert_int_equal(*(const unsigned char *)reply, 7);
	rh_release(ticket);
	assert_int_equal(things_add(3, 3), 6);
	assert_int_equal(mini_agent_counts(stage.agent).refused, 0);
}

static int use_ticket(void *user)
{
	uint64_t    ticket = *(uint64_t *)user;
	const void *reply;
	size_t      len;

	if (rh_poll(ticket, &reply, &len) != RH_EGONE)
		return 1;
	if (rh_wait(ticket, &reply, &len) != RH_EGONE)
		return 2;
	rh_release(ticket);
	return call_in_child(NULL);
}

static int submit_ticket(void *user)
{
	uint64_t ticket = *(uint64_t *)user;

	if (rh_submit(ticket, ONCE, 1) != RH_EGONE || rh_last_ran())
		return 1;
	rh_release(ticket);
	return call_in_child(NULL);
}

static void a_ticket_of_the_parent_is_void_in_the_child(void **state)
{
	uint64_t    tickets[2];
	void       *args;
	const void *reply;
	size_t      len;

	(void)state;
	for (int i = 0; i < 2; i++)
		assert_int_equal(rh_reserve(bytes, 1, 1, 0, &args, &tickets[i]), RH_OK);
	*(unsigned char *)args = 8;
	assert_int_equal(scene_child(use_ticket, &tickets[0]), 0);
	assert_int_equal(scene_child(use_ticket, &tickets[1]), 0);
	assert_int_equal(scene_child(submit_ticket, &tickets[1]), 0);
	rh_release(tickets[0]);
	assert_int_equal(rh_submit(tickets[1], ONCE, 1), RH_OK);
	assert_int_equal(rh_wait(tickets[1], &reply, &len), RH_OK);
	rh_release(tickets[1]);
	assert_int_equal(stage_ran(8), 1);
}

static int grandchild(void *user)
{
	return call_in_child(user) == 0 ? scene_child(call_in_child, NULL) : 9;
}

static void children_of_children_attach_too(void **state)
{
	(void)state;
	assert_int_equal(things_add(1, 1), 2);
	assert_int_equal(scene_child(grandchild, NULL), 0);
}

/* Threads ask the agent and wait for it while another forks: the child's locks and
 * conditions must not wait for threads that are not there. */
struct storm {
	_Atomic int stop;
	_Atomic int bad;
};

static void *ask_all_the_time(void *user)
{
	struct storm *storm = user;

	while (!storm->stop) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, add_once, NULL) != 0) {
			storm->bad = 1;
			break;
		}
		void *r;
		pthread_join(thread, &r);
		if ((intptr_t)r != 42)
			storm->bad = 1;
	}
	return NULL;
}

static void a_fork_in_the_middle_of_everything_is_harmless(void **state)
{
	struct storm storm = { 0 };
	pthread_t    threads[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, ask_all_the_time, &storm), 0);
	for (int i = 0; i < 60; i++)
		assert_int_equal(scene_child(call_in_child, NULL), 0);
	storm.stop = 1;
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(storm.bad, 0);
	assert_int_equal(things_add(1, 1), 2);
}

/* A child made behind the SDK's back keeps the sockets, and they get it nothing. */
static void inherited_sockets_get_a_raw_child_nothing(void **state)
{
	uint64_t    ticket;
	void       *args;
	const void *reply;
	size_t      len;

	(void)state;
	assert_int_equal(things_add(1, 1), 2);
	assert_int_equal(rh_reserve(bytes, 1, 1, 0, &args, &ticket), RH_OK);
	*(unsigned char *)args = 9;
	pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
	if (child == 0) {
		pthread_t thread;
		void     *r = NULL;
		/* A new thread has no page and asks with the inherited socket. */
		pthread_create(&thread, NULL, add_once, NULL);
		pthread_join(thread, &r);
		_exit((intptr_t)r == 42 ? 1 : 0);
	}
	assert_int_equal(scene_wait(child), 0);
	assert_int_equal(mini_agent_counts(stage.agent).refused, 1);
	child = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
	if (child == 0) {
		signal(SIGSEGV, SIG_DFL);
		rh_submit(ticket, ONCE, 1); /* on the inherited page: it is not there */
		_exit(0);
	}
	assert_int_not_equal(scene_wait(child), 0);
	assert_int_equal(stage_ran(9), 0);
	assert_int_equal(rh_submit(ticket, ONCE, 1), RH_OK);
	assert_int_equal(rh_wait(ticket, &reply, &len), RH_OK);
	rh_release(ticket);
	assert_int_equal(stage_ran(9), 1);
	assert_int_equal(things_add(1, 1), 2);
}

/* What an executed program finds open beyond 0-2: prints nothing, returns the count. */
static int exec_and_count(void *user)
{
	(void)user;
	execl("/bin/sh", "sh", "-c", "n=0; for f in /proc/self/fd/*; do n=$((n+1)); done;"
	      " exit $n", (char *)NULL);
	return 99;
}

static void nothing_survives_an_exec(void **state)
{
	int before;

	(void)state;
	before = scene_child(exec_and_count, NULL); /* attached, but without a page */
	assert_int_equal(things_add(1, 1), 2);
	assert_int_equal(things_touch("/dev/null"), 0); /* a context with descriptors */
	box *made = box_new(1);
	assert_non_null(made);
	assert_int_equal(scene_child(exec_and_count, NULL), before);
}

/* The descriptors of a lost session may be somebody else's by now. */
static void a_closed_descriptor_is_never_written(void **state)
{
	char   byte = 0;
	size_t len;

	(void)state;
	assert_int_equal(rh_call(bytes, ECHO, "x", 1, &byte, 1, &len, 0), RH_OK);
	assert_int_equal(things_add(1, 1), 2);
	mini_agent_stop(stage.agent);
	stage.agent = mini_agent_start(stage.agent_path, NULL);
	assert_int_equal(MINI_AWAIT(stage.agent, workers, 2), 0);
	assert_int_equal(rh_call(bytes, ECHO, "y", 1, &byte, 1, &len, 0), RH_OK);
	assert_int_equal(byte, 'y');
	pthread_t thread;
	void     *r;
	assert_int_equal(pthread_create(&thread, NULL, add_once, NULL), 0);
	pthread_join(thread, &r); /* this one needed the new agent */
	assert_int_equal((intptr_t)r, 42);
}

/* Programs close and reuse the low numbers; ours are elsewhere. */
static void low_descriptors_stay_free(void **state)
{
	(void)state;
	int lowest = open("/dev/null", O_RDONLY | O_CLOEXEC);
	close(lowest);
	assert_int_equal(things_add(1, 1), 2);
	assert_int_equal(things_touch("/dev/null"), 0);
	mini_agent_counts(stage.agent); /* its own descriptors are in this process */
	int count = 0;
	for (int fd = lowest; fd < 100; fd++) {
		char path[64], target[64];

		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
		ssize_t n = readlink(path, target, sizeof target - 1);
		if (n < 0)
			continue;
		target[n] = 0;
		count += strstr(target, "eventfd") != NULL;
	}
	assert_int_equal(count, 0); /* what the agent has of us is older */
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
static const struct CMUnitTest tests[] = {
	CASE(a_thread_that_ends_gives_its_pages_back),
	CASE(a_thread_that_ends_in_the_middle_disturbs_nobody),
	CASE(a_child_attaches_afresh_and_leaves_the_parent_alone),
	CASE(a_ticket_of_the_parent_is_void_in_the_child),
	CASE(children_of_children_attach_too),
	CASE(a_fork_in_the_middle_of_everything_is_harmless),
	CASE(inherited_sockets_get_a_raw_child_nothing),
	CASE(nothing_survives_an_exec),
	CASE(a_closed_descriptor_is_never_written),
	CASE(low_descriptors_stay_free),
};
STAGE_MAIN(tests)
