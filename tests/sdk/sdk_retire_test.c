/* Pages that their agent retires: left in time, nothing lost, nothing doubled, all in
 * order. */
#include "stage.h"

#include "../../base/clock.h"
#include "../../model/error.h"
#include "../../sdk/c/rhodes.h"
#include "../../wire/limits.h"

#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct rh_callee *bytes;

#define HOLD rh_function_id("hold(u8)u8")
#define ONCE rh_function_id("once(u8)u8")
#define NEXT rh_function_id("next(u32,u32)void")

static int set_up(void **state)
{
	(void)state;
	stage_up(NULL);
	stage_bytes(4);
	return rh_open("bytes", 0, &bytes) < 0;
}

static int tear_down(void **state)
{
	(void)state;
	stage_down();
	return 0;
}

static int call(uint64_t function, unsigned char byte)
{
	unsigned char reply;
	size_t        len;

	return rh_call(bytes, function, &byte, 1, &reply, 1, &len, 0);
}

static uint64_t begin(uint64_t function, unsigned char byte)
{
	uint64_t ticket = 0;
	void    *args;

	assert_int_equal(rh_reserve(bytes, 1, 1, 0, &args, &ticket), RH_OK);
	*(unsigned char *)args = byte;
	if (function != 0)
		assert_int_equal(rh_submit(ticket, function, 1), RH_OK);
	return ticket;
}

static int end(uint64_t ticket)
{
	const void *reply;
	size_t      len;
	int         r = rh_wait(ticket, &reply, &len);

	rh_release(ticket);
	return r;
}

/* The thread does nothing for it. */
static void an_empty_page_is_taken_at_once(void **state)
{
	(void)state;
	assert_int_equal(call(ONCE, 1), RH_OK);
	assert_int_equal(mini_agent_retire(stage.agent), 1);
	assert_int_equal(mini_agent_counts(stage.agent).pages, 0);
	assert_int_equal(call(ONCE, 1), RH_OK);
	assert_int_equal(mini_agent_counts(stage.agent).given, 2);
	assert_int_equal(call(ONCE, 1), RH_OK);
	assert_int_equal(mini_agent_counts(stage.agent).given, 2);
	assert_int_equal(stage_ran(1), 3);
}

struct idler {
	struct stage_thread thread;
	int                 result;
	sem_t               done;
};

static void *hold_and_idle(void *user)
{
	struct idler *idler = user;

	idler->result = call(HOLD, 7);
	sem_wait(&idler->done);
	return NULL;
}

/* Also by a thread that calls nothing more. */
static void a_page_in_use_is_given_back_when_its_call_ends(void **state)
{
	struct idler idler = { 0 };

	(void)state;
	sem_init(&idler.done, 0, 0);
	stage_thread_start(&idler.thread, hold_and_idle, &idler);
	stage_await_held(1);
	assert_int_equal(mini_agent_retire(stage.agent), 0);
	assert_int_equal(mini_agent_counts(stage.agent).pages, 1);
	stage_open_gate();
	assert_int_equal(MINI_AWAIT(stage.agent, pages, 0), 0);
	sem_post(&idler.done);
	stage_thread_join(&idler.thread);
	assert_int_equal(idler.result, RH_OK);
	assert_int_equal(stage_ran(7), 1);
}

static void *hold_then_next(void *user)
{
	uint64_t held = begin(HOLD, 1);

	(void)user;
	stage_await_held(1);
	mini_agent_retire(stage.agent);
	uint64_t after = begin(ONCE, 2); /* over another page, served by another thread */
	int      r = end(after);

	return (void *)(intptr_t)(r < 0 ? r : end(held));
}

static void a_call_waits_for_its_elders_on_the_former_page(void **state)
{
	struct stage_thread thread;
	void               *r;

	(void)state;
	stage_thread_start(&thread, hold_then_next, NULL);
	stage_await_held(1);
	stage_await_syscall(thread.tid, SYS_poll);
	assert_int_equal(stage_ran(2), 0);
	stage_open_gate();
	pthread_join(thread.id, &r);
	assert_int_equal((intptr_t)r, RH_OK);
	assert_int_equal(stage_ran(2), 1);
	assert_int_equal(mini_agent_counts(stage.agent).given, 2);
}

static void it_waits_no_longer_than_it_wants_to(void **state)
{
	uint64_t held = begin(HOLD, 1), after = 0;
	void    *args;

	(void)state;
	stage_await_held(1);
	mini_agent_retire(stage.agent);
	assert_int_equal(rh_reserve(bytes, 1, 1, 20 * RH_NS_PER_MS, &args, &after),
	                 RH_ETIMEDOUT);
	assert_int_equal(rh_last_ran(), 0);
	stage_open_gate();
	assert_int_equal(end(held), RH_OK);
	assert_int_equal(call(ONCE, 2), RH_OK);
}

/* One that was given up may still run; nobody waits for it. */
static void a_call_that_was_given_up_holds_up_nothing(void **state)
{
	unsigned char byte = 5;
	size_t        len;

	(void)state;
	assert_int_equal(rh_call(bytes, HOLD, &byte, 1, NULL, 0, &len, 60 * RH_NS_PER_MS),
	                 RH_ETIMEDOUT);
	assert_int_equal(mini_agent_retire(stage.agent), 1);
	assert_int_equal(call(ONCE, 6), RH_OK);
	stage_open_gate();
	assert_int_equal(stage_ran(5), 1);
}

static void a_call_that_was_begun_keeps_the_page(void **state)
{
	uint64_t first = begin(0, 1), second;

	(void)state;
	assert_int_equal(mini_agent_retire(stage.agent), 0);
	second = begin(0, 2);
	assert_int_equal(mini_agent_counts(stage.agent).given, 1);
	assert_int_equal(rh_submit(second, ONCE, 1), RH_OK);
	assert_int_equal(rh_submit(first, ONCE, 1), RH_OK);
	assert_int_equal(end(second), RH_OK);
	assert_int_equal(end(first), RH_OK);
	assert_int_equal(MINI_AWAIT(stage.agent, pages, 0), 0);
	assert_int_equal(call(ONCE, 2), RH_OK);
	assert_int_equal(stage_ran(2), 2);
}

/* Answers can be read when the page has been given back already. */
static void answers_outlive_their_page(void **state)
{
	uint64_t tickets[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		tickets[i] = begin(ONCE, (unsigned char)(10 + i));
	assert_int_equal(mini_agent_retire(stage.agent), 0);
	assert_int_equal(call(ONCE, 20), RH_OK); /* waits for them */
	assert_int_equal(mini_agent_counts(stage.agent).pages, 1);
	for (int i = 3; i >= 0; i--) {
		assert_int_equal(end(tickets[i]), RH_OK);
		assert_int_equal(stage_ran(10 + i), 1);
	}
}

/* By force: what runs is finished and told, what does not run never does. */
static void a_page_that_is_cut_loses_nothing_that_runs(void **state)
{
	uint64_t held = begin(HOLD, 1), behind[2] = { begin(ONCE, 2), begin(ONCE, 3) };

	(void)state;
	stage_await_held(1);
	assert_int_equal(mini_agent_retire(stage.agent), 0);
	mini_agent_cut(stage.agent);
	stage_open_gate();
	assert_int_equal(end(held), RH_OK);
	for (int i = 0; i < 2; i++) {
		int r = end(behind[i]);

		if (r == RH_EGONE)
			assert_int_equal(rh_last_ran(), 0);
		else
			assert_int_equal(r, RH_OK);
		assert_int_equal(stage_ran(2 + i), r == RH_OK);
	}
	assert_int_equal(stage_ran(1), 1);
	assert_int_equal(call(ONCE, 2), RH_OK);
}

/* Objects stay where they are. */
static void handles_are_used_over_the_next_page(void **state)
{
	box *mine;

	(void)state;
	stage_things(2);
	mine = box_new(7);
	assert_int_equal(box_get(mine), 7);
	assert_int_equal(mini_agent_retire(stage.agent), 1);
	assert_int_equal(box_get(mine), 7);
	assert_int_equal(stage.ledger->boxes, 1);
	box_free(mine);
	assert_int_equal(stage.ledger->boxes, 0);
}

/* A page to the agent itself, without a new attachment. */
static void a_page_of_the_agent_is_left_as_well(void **state)
{
	(void)state;
	assert_int_equal(rh_event_emit(77, "x", 1, 0), RH_OK);
	assert_int_equal(mini_agent_retire(stage.agent), 1);
	assert_int_equal(rh_event_emit(77, "x", 1, 0), RH_OK);
	assert_int_equal(mini_agent_counts(stage.agent).emitted, 2);
	assert_int_equal(mini_agent_counts(stage.agent).attached, 1);
	assert_int_equal(mini_agent_counts(stage.agent).pages, 1);
}

enum { CALLERS = 3, AHEAD = 5, ROUNDS = 300 };

struct caller {
	pthread_t    id;
	uint32_t     sequence, made;
	int          result;
	_Atomic int *stop;
};

static int begin_next(const struct caller *caller, uint64_t *ret_ticket)
{
	uint32_t pair[2] = { caller->sequence, caller->made };
	void    *args;
	int      r = rh_reserve(bytes, sizeof pair, 0, 0, &args, ret_ticket);

	if (r < 0)
		return r;
	memcpy(args, pair, sizeof pair);
	return rh_submit(*ret_ticket, NEXT, sizeof pair);
}

/* Always some under way. */
static void *call_in_sequence(void *user)
{
	struct caller *caller = user;
	uint64_t       tickets[AHEAD];
	uint32_t       ended = 0;

	while (caller->result == RH_OK && !(*caller->stop && ended == caller->made)) {
		if (*caller->stop || caller->made - ended == AHEAD) {
			caller->result = end(tickets[ended++ % AHEAD]);
			continue;
		}
		caller->result = begin_next(caller, &tickets[caller->made % AHEAD]);
		caller->made++;
	}
	return NULL;
}

static int failed(const struct caller *callers)
{
	for (int i = 0; i < CALLERS; i++) {
		if (__atomic_load_n(&callers[i].result, __ATOMIC_RELAXED) < 0)
			return 1;
	}
	return 0;
}

/* Again and again, in the middle of everything. */
static void pages_come_and_go_under_load(void **state)
{
	struct caller callers[CALLERS] = { 0 };
	_Atomic int   stop = 0;

	(void)state;
	for (uint32_t i = 0; i < CALLERS; i++) {
		callers[i].sequence = i;
		callers[i].stop = &stop;
		assert_int_equal(pthread_create(&callers[i].id, NULL, call_in_sequence,
		                                &callers[i]), 0);
	}
	for (unsigned round = 0; round < ROUNDS; round++) {
		unsigned given = mini_agent_counts(stage.agent).given;

		mini_agent_retire(stage.agent);
		while (mini_agent_counts(stage.agent).given == given && !failed(callers))
			sched_yield();
	}
	stop = 1;
	for (int i = 0; i < CALLERS; i++) {
		pthread_join(callers[i].id, NULL);
		assert_int_equal(callers[i].result, RH_OK);
		assert_int_equal(stage.ledger->next[i], callers[i].made);
	}
	assert_int_equal(stage.ledger->disorder, 0);
	assert_int_equal(MINI_AWAIT(stage.agent, pages, 0), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
static const struct CMUnitTest tests[] = {
	CASE(an_empty_page_is_taken_at_once),
	CASE(a_page_in_use_is_given_back_when_its_call_ends),
	CASE(a_call_waits_for_its_elders_on_the_former_page),
	CASE(it_waits_no_longer_than_it_wants_to),
	CASE(a_call_that_was_given_up_holds_up_nothing),
	CASE(a_call_that_was_begun_keeps_the_page),
	CASE(answers_outlive_their_page),
	CASE(a_page_that_is_cut_loses_nothing_that_runs),
	CASE(handles_are_used_over_the_next_page),
	CASE(a_page_of_the_agent_is_left_as_well),
	CASE(pages_come_and_go_under_load),
};
STAGE_MAIN(tests)
