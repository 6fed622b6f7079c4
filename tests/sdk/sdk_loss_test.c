/* Workers and agents that are killed while callers wait. */
#include "stage.h"

#include "../../base/clock.h"
#include "../../model/error.h"
#include "../../sdk/c/rhodes.h"

#include <errno.h>
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
#define DIE  rh_function_id("die(u8)void")

static int set_up(void **state)
{
	(void)state;
	stage_up(NULL);
	stage_bytes(1);
	return rh_open("bytes", 0, &bytes) < 0;
}

static int tear_down(void **state)
{
	(void)state;
	stage_down();
	return 0;
}

struct call {
	uint64_t      function;
	unsigned char byte;
	int           result, ran;
	char          error[200];
	struct stage_thread thread;
};

static void *make_call(void *user)
{
	struct call  *call = user;
	unsigned char reply;
	size_t        len;

	call->result = rh_call(bytes, call->function, &call->byte, 1, &reply, 1, &len, 0);
	call->ran = rh_last_ran();
	snprintf(call->error, sizeof call->error, "%s", rh_last_error());
	return NULL;
}

/* Killed within the short wait on the futex: noticed by the end of it. */
static void a_kill_in_the_short_wait_is_a_loss(void **state)
{
	struct call call = { .function = DIE, .byte = 3 };

	(void)state;
	make_call(&call);
	assert_int_equal(call.result, RH_ELOST);
	assert_int_equal(call.ran, 1);
	assert_int_equal(stage_ran(3), 1);
}

/* Killed when the caller already waits for the hang-up. */
static void a_kill_in_the_long_wait_is_a_loss(void **state)
{
	struct call call = { .function = HOLD, .byte = 3 };

	(void)state;
	stage_thread_start(&call.thread, make_call, &call);
	stage_await_held(1);
	stage_await_syscall(call.thread.tid, SYS_poll);
	stage_kill(stage.workers[0]);
	stage_thread_join(&call.thread);
	assert_int_equal(call.result, RH_ELOST);
	assert_int_equal(call.ran, 1);
	assert_non_null(strstr(call.error, "bytes"));
}

/* Killed while the caller does nothing but poll. */
static void a_kill_is_noticed_by_polling(void **state)
{
	uint64_t    ticket;
	void       *args;
	const void *reply;
	size_t      len;
	int         r;

	(void)state;
	assert_int_equal(rh_reserve(bytes, 1, 1, 0, &args, &ticket), RH_OK);
	*(unsigned char *)args = 3;
	assert_int_equal(rh_submit(ticket, HOLD, 1), RH_OK);
	stage_await_held(1);
	stage_kill(stage.workers[0]);
	uint64_t until = rh_clock_ns() + 10 * RH_NS_PER_S;
	while ((r = rh_poll(ticket, &reply, &len)) == RH_EAGAIN && rh_clock_ns() < until)
		sched_yield();
	assert_int_equal(r, RH_ELOST);
	rh_release(ticket);
}

/* Behind a held call with one thread: not taken, so it certainly did not run, and the
 * next instance gets it. */
static void what_was_not_taken_goes_to_the_next_instance(void **state)
{
	uint64_t    tickets[3];
	void       *args;
	const void *reply;
	size_t      len;

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(rh_reserve(bytes, 1, 1, 0, &args, &tickets[i]), RH_OK);
		*(unsigned char *)args = (unsigned char)(i + 1);
		assert_int_equal(rh_submit(tickets[i], i == 0 ? HOLD : ONCE, 1), RH_OK);
	}
	stage_await_held(1);
	stage_kill(stage.workers[0]);
	assert_int_equal(rh_wait(tickets[0], &reply, &len), RH_ELOST);
	assert_int_equal(rh_last_ran(), 1);
	for (int i = 1; i < 3; i++) {
		assert_int_equal(rh_wait(tickets[i], &reply, &len), RH_EGONE);
		assert_int_equal(rh_last_ran(), 0);
	}
	for (int i = 0; i < 3; i++)
		rh_release(tickets[i]);
	assert_int_equal(stage_ran(2), 0);
	stage_bytes(1);
	struct call call = { .function = ONCE, .byte = 2 };
	make_call(&call);
	assert_int_equal(call.result, RH_OK);
	assert_int_equal(stage_ran(2), 1);
}

/* All answered before the death: a reply that is there counts. */
static void a_reply_that_came_before_the_death_counts(void **state)
{
	uint64_t    tickets[4];
	void       *args;
	const void *reply;
	size_t      len;

	(void)state;
	for (int i = 0; i < 4; i++) {
		assert_int_equal(rh_reserve(bytes, 1, 1, 0, &args, &tickets[i]), RH_OK);
		*(unsigned char *)args = (unsigned char)(i + 10);
		assert_int_equal(rh_submit(tickets[i], ONCE, 1), RH_OK);
	}
	assert_int_equal(rh_wait(tickets[3], &reply, &len), RH_OK); /* in order */
	stage_kill(stage.workers[0]);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(rh_wait(tickets[i], &reply, &len), RH_OK);
		assert_int_equal(*(const unsigned char *)reply, i + 10);
		rh_release(tickets[i]);
	}
}

static int hold_in_child(void *user)
{
	struct call *call = user;

	make_call(call);
	return call->result == RH_OK ? 0 : 1;
}

/* A caller that does not run while the reply comes and its callee dies hears of both
 * at once. */
static void a_reply_and_a_death_at_once_are_a_reply(void **state)
{
	struct call held = { .function = HOLD, .byte = 3 };
	struct call once = { .function = ONCE, .byte = 4 };
	int         status;

	(void)state;
	pid_t child = scene_fork(hold_in_child, &held);
	stage_await_held(1);
	stage_await_syscall(child, SYS_poll);
	kill(child, SIGSTOP);
	assert_int_equal(waitpid(child, &status, WUNTRACED), child);
	assert_true(WIFSTOPPED(status));
	stage_open_gate();
	make_call(&once); /* by the same thread, so after the other was answered */
	assert_int_equal(once.result, RH_OK);
	stage_kill(stage.workers[0]);
	kill(child, SIGCONT);
	assert_int_equal(scene_wait(child), 0);
}

static void a_batch_survives_a_kill_item_by_item(void **state)
{
	enum { ITEMS = 40, DEADLY = 20 };
	struct rh_batch_item items[ITEMS] = { 0 };
	unsigned char        ids[ITEMS], replies[ITEMS];

	(void)state;
	stage_start("bytes", 1); /* takes over */
	assert_int_equal(MINI_AWAIT(stage.agent, served, 2), 0);
	for (int i = 0; i < ITEMS; i++) {
		ids[i] = (unsigned char)(100 + i);
		items[i] = (struct rh_batch_item){
			.function = i == DEADLY ? DIE : ONCE, .args = &ids[i], .args_len = 1,
			.reply = &replies[i], .reply_cap = 1,
		};
	}
	rh_batch(bytes, items, ITEMS, 0);
	for (int i = 0; i < ITEMS; i++) {
		unsigned times = stage_ran(100 + i);

		if (i == DEADLY)
			assert_int_equal(items[i].status, RH_ELOST);
		else if (items[i].status == RH_EGONE)
			assert_int_equal(times, 0);
		else
			assert_int_equal(items[i].status, RH_OK);
		if (items[i].status == RH_OK)
			assert_int_equal(times, 1);
		assert_true(times <= 1);
	}
	assert_int_equal(items[DEADLY - 1].status, RH_OK);
	assert_int_equal(items[ITEMS - 1].status, RH_OK); /* the second instance's */
}

/* An idempotent function is called again, any other is not. */
static void a_lost_call_is_repeated_when_it_may_be(void **state)
{
	(void)state;
	stage_things(1);
	stage_start("things", 1);
	assert_int_equal(MINI_AWAIT(stage.agent, served, 3), 0);
	assert_int_equal(things_die_first(4), 4);
	assert_int_equal(stage_ran(4), 2);
	stage_start("things", 1);
	assert_int_equal(MINI_AWAIT(stage.agent, served, 4), 0);
	errno = 0;
	assert_int_equal(things_die(5), -1);
	assert_int_equal(errno, EIO);
	assert_int_equal(stage_ran(5), 1);
	assert_int_equal(things_add(1, 1), 2);
}

static int set_up_impatient(void **state)
{
	setenv("RHODES_TIMEOUT_MS", "500", 1);
	return set_up(state);
}

/* The first attempt ran; that the next found nobody does not take it back. */
static void a_call_may_have_run_when_any_attempt_may_have(void **state)
{
	(void)state;
	stage_things(1);
	errno = 0;
	assert_int_equal(things_die_first(4), -1);
	assert_int_equal(rh_last_code(), RH_ETIMEDOUT);
	assert_int_equal(stage_ran(4), 1);
	assert_int_equal(rh_last_ran(), 1);
	assert_int_equal(things_add(1, 1), -1); /* and nobody to run this one */
	assert_int_equal(rh_last_ran(), 0);
}

/* Bound calls do not need the agent; what needs it waits until it is back. */
static void an_agent_may_be_restarted_under_way(void **state)
{
	struct call busy = { .function = ECHO, .byte = 1 };
	struct call later = { .function = ONCE, .byte = 2 };

	(void)state;
	make_call(&busy);
	assert_int_equal(busy.result, RH_OK);
	mini_agent_stop(stage.agent);
	for (int i = 0; i < 1000; i++) {
		make_call(&busy); /* the page is still there */
		assert_int_equal(busy.result, RH_OK);
	}
	stage_thread_start(&later.thread, make_call, &later);
	stage_await_syscall(later.thread.tid, SYS_poll); /* for the agent's socket */
	stage.agent = mini_agent_start(stage.agent_path, NULL);
	stage_thread_join(&later.thread);
	assert_int_equal(later.result, RH_OK);
	assert_int_equal(stage_ran(2), 1);
	assert_int_equal(mini_agent_counts(stage.agent).workers, 1);
}

/* The worker tells each agent what it has, and what it has no more. */
static void bound_pages_are_told_to_the_next_agent(void **state)
{
	struct call mine = { .function = ECHO, .byte = 1 };
	struct call other = { .function = ECHO, .byte = 2 };

	(void)state;
	make_call(&mine);
	stage_thread_start(&other.thread, make_call, &other);
	stage_thread_join(&other.thread);
	assert_int_equal(MINI_AWAIT(stage.agent, gone, 1), 0);
	for (int round = 0; round < 3; round++) {
		mini_agent_stop(stage.agent);
		stage.agent = mini_agent_start(stage.agent_path, NULL);
		assert_int_equal(MINI_AWAIT(stage.agent, held, 1), 0);
		make_call(&mine);
		assert_int_equal(mine.result, RH_OK);
	}
	assert_int_equal(mini_agent_counts(stage.agent).attached, 0);
	assert_int_equal(mini_agent_counts(stage.agent).gone, 0);
}

/* What an agent does not take on is not served: the thread gets another page. */
static void a_page_that_the_next_agent_refuses_is_dropped(void **state)
{
	const struct mini_options options = { .refuse_held = 1 };
	struct call               mine = { .function = ECHO, .byte = 1 };

	(void)state;
	make_call(&mine);
	mini_agent_stop(stage.agent);
	stage.agent = mini_agent_start(stage.agent_path, &options);
	assert_int_equal(MINI_AWAIT(stage.agent, held, 1), 0);
	do /* until the page is cut off, by which nothing is lost */
		make_call(&mine);
	while (mine.result == RH_OK && mini_agent_counts(stage.agent).attached == 0);
	assert_true(mine.result == RH_OK || (mine.result == RH_EGONE && !mine.ran));
	make_call(&mine);
	assert_int_equal(mine.result, RH_OK);
	assert_int_equal(mini_agent_counts(stage.agent).attached, 1);
}

/* One thread waits for an agent that is away; others keep to their own deadlines. */
static void a_wait_for_the_agent_holds_up_nobody(void **state)
{
	struct call waiting = { .function = ONCE, .byte = 2 };
	struct rh_callee *other;

	(void)state;
	mini_agent_stop(stage.agent);
	stage.agent = NULL;
	stage_thread_start(&waiting.thread, make_call, &waiting); /* up to 30 s */
	stage_await_syscall(waiting.thread.tid, SYS_poll);
	uint64_t before = rh_clock_ns();
	assert_int_equal(rh_open("other", 50 * RH_NS_PER_MS, &other), RH_ETIMEDOUT);
	pid_t child = fork(); /* and forking does not wait, either */
	if (child == 0)
		_exit(0);
	assert_int_equal(scene_wait(child), 0);
	assert_true(rh_clock_ns() - before < 10 * RH_NS_PER_S);
	stage.agent = mini_agent_start(stage.agent_path, NULL);
	stage_thread_join(&waiting.thread);
	assert_int_equal(waiting.result, RH_OK);
}

/* Stopped in order, with a call in flight: the call is finished first. */
static void a_worker_that_is_asked_to_stop_finishes_its_call(void **state)
{
	struct call call = { .function = HOLD, .byte = 6 };

	(void)state;
	stage_thread_start(&call.thread, make_call, &call);
	stage_await_held(1);
	kill(stage.workers[0], SIGTERM);
	stage_open_gate();
	stage_thread_join(&call.thread);
	assert_int_equal(call.result, RH_OK);
	assert_int_equal(scene_wait(stage.workers[0]), 0);
	stage.workers[0] = -1;
	assert_int_equal(MINI_AWAIT(stage.agent, workers, 0), 0);
}

/* Kills at random points of many calls, every result held against what ran. */
static void many_kills_lose_and_double_nothing(void **state)
{
	uint64_t seed = 88172645463325252ull;
	unsigned lost = 0, ok = 0;

	(void)state;
	stage_kill(stage.workers[0]);
	for (int round = 0; round < 6; round++) {
		stage_bytes(1);
		for (int i = 0; i < 30; i++) {
			int         id = round * 30 + i + 10;
			struct call call = { .function = ONCE, .byte = (unsigned char)id };

			seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
			if (i == 20) {
				stage_thread_start(&call.thread, make_call, &call);
				for (uint64_t n = seed % 2000; n > 0; n--)
					atomic_signal_fence(memory_order_seq_cst);
				stage_kill(stage.workers[stage.worker_count - 1]);
				stage_bytes(1);
				stage_thread_join(&call.thread);
			} else {
				make_call(&call);
			}
			unsigned times = stage_ran(id);
			assert_true(call.result == RH_OK || call.result == RH_ELOST);
			if (call.result == RH_OK)
				assert_int_equal(times, 1);
			assert_true(times <= 1);
			lost += call.result == RH_ELOST;
			ok += call.result == RH_OK;
		}
		stage_kill(stage.workers[stage.worker_count - 1]);
		stage.worker_count = 0;
	}
	assert_int_equal(ok + lost, 180);
	assert_true(lost <= 6);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
static const struct CMUnitTest tests[] = {
	CASE(a_kill_in_the_short_wait_is_a_loss),
	CASE(a_kill_in_the_long_wait_is_a_loss),
	CASE(a_kill_is_noticed_by_polling),
	CASE(what_was_not_taken_goes_to_the_next_instance),
	CASE(a_reply_that_came_before_the_death_counts),
	CASE(a_reply_and_a_death_at_once_are_a_reply),
	CASE(a_batch_survives_a_kill_item_by_item),
	CASE(a_lost_call_is_repeated_when_it_may_be),
	cmocka_unit_test_setup_teardown(a_call_may_have_run_when_any_attempt_may_have,
	                                set_up_impatient, tear_down),
	CASE(an_agent_may_be_restarted_under_way),
	CASE(bound_pages_are_told_to_the_next_agent),
	CASE(a_page_that_the_next_agent_refuses_is_dropped),
	CASE(a_wait_for_the_agent_holds_up_nobody),
	CASE(a_worker_that_is_asked_to_stop_finishes_its_call),
	CASE(many_kills_lose_and_double_nothing),
};
STAGE_MAIN(tests)
