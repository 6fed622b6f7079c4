/* A worker's threads take over from one another when a call takes long. */
#include "stage.h"

#include "../../base/clock.h"
#include "../../model/error.h"
#include "../../sdk/c/rhodes.h"

#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { THREADS = 2, CALLERS = 8, PATIENCE_S = 20 };

static struct rh_callee *bytes;

#define HOLD rh_function_id("hold(u8)u8")
#define ONCE rh_function_id("once(u8)u8")

/* A thread with a page of its own, that calls when it is told to. */
struct caller {
	pthread_t     id;
	_Atomic int   tid;
	sem_t         go, done;
	uint64_t      function;  /* 0: to end */
	unsigned char byte;
	int           result;
};

static struct caller callers[CALLERS];

static int call(uint64_t function, unsigned char byte)
{
	unsigned char reply;
	size_t        len;

	return rh_call(bytes, function, &byte, 1, &reply, 1, &len,
	               PATIENCE_S * RH_NS_PER_S);
}

static void *run_caller(void *user)
{
	struct caller *caller = user;

	caller->tid = (int)syscall(SYS_gettid);
	for (;;) {
		sem_wait(&caller->go);
		if (caller->function == 0)
			return NULL;
		caller->result = call(caller->function, caller->byte);
		sem_post(&caller->done);
	}
}

static void send(int which, uint64_t function, unsigned char byte)
{
	callers[which].function = function;
	callers[which].byte = byte;
	sem_post(&callers[which].go);
}

static int answer(int which)
{
	sem_wait(&callers[which].done);
	return callers[which].result;
}

static int set_up(void **state)
{
	(void)state;
	stage_up(NULL);
	stage_bytes(THREADS);
	if (rh_open("bytes", 0, &bytes) < 0)
		return -1;
	for (int i = 0; i < CALLERS; i++) {
		sem_init(&callers[i].go, 0, 0);
		sem_init(&callers[i].done, 0, 0);
		pthread_create(&callers[i].id, NULL, run_caller, &callers[i]);
		send(i, ONCE, (unsigned char)i);
		if (answer(i) < 0)
			return -1;
	}
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	stage_open_gate();
	for (int i = 0; i < CALLERS; i++) {
		send(i, 0, 0);
		pthread_join(callers[i].id, NULL);
	}
	stage_down();
	return 0;
}

/* Half of the pages are on the thread that is held. */
static void a_held_call_delays_nobody_while_a_thread_is_free(void **state)
{
	(void)state;
	send(0, HOLD, 100);
	stage_await_held(1);
	for (int round = 0; round < 3; round++) {
		for (int i = 1; i < CALLERS; i++)
			send(i, ONCE, (unsigned char)(10 + i));
		for (int i = 1; i < CALLERS; i++)
			assert_int_equal(answer(i), RH_OK);
	}
	for (int i = 1; i < CALLERS; i++)
		assert_int_equal(stage_ran(10 + i), 3);
	stage_free(100);
	assert_int_equal(answer(0), RH_OK);
	send(0, ONCE, 100);
	assert_int_equal(answer(0), RH_OK);
}

/* Called before anybody can know that it is held. */
static void also_those_that_waited_when_it_began(void **state)
{
	(void)state;
	for (int i = 0; i < CALLERS; i++)
		send(i, i == 0 ? HOLD : ONCE, (unsigned char)(10 + i));
	for (int i = 1; i < CALLERS; i++)
		assert_int_equal(answer(i), RH_OK);
	stage_free(10);
	assert_int_equal(answer(0), RH_OK);
}

/* All pages but one are on a thread when it is held as well; the one that comes back
 * has nothing else to do. */
static void whoever_comes_back_first_takes_over(void **state)
{
	(void)state;
	send(0, HOLD, 100);
	stage_await_held(1);
	for (int i = 1; i < CALLERS; i++)
		send(i, ONCE, (unsigned char)(10 + i));
	for (int i = 1; i < CALLERS; i++)
		assert_int_equal(answer(i), RH_OK);
	send(1, HOLD, 101);
	stage_await_held(2);
	for (int i = 2; i < CALLERS; i++)
		send(i, ONCE, (unsigned char)(10 + i));
	for (int i = 2; i < CALLERS; i++) /* for longer than it takes to be found out */
		stage_await_syscall(callers[i].tid, SYS_poll);
	stage_free(100);
	assert_int_equal(answer(0), RH_OK);
	for (int i = 2; i < CALLERS; i++)
		assert_int_equal(answer(i), RH_OK);
	for (int i = 2; i < CALLERS; i++)
		assert_int_equal(stage_ran(10 + i), 2);
	stage_free(101);
	assert_int_equal(answer(1), RH_OK);
}

static void *come_late(void *user)
{
	return (void *)(intptr_t)call(ONCE, *(unsigned char *)user);
}

static void a_new_page_goes_to_a_thread_that_is_free(void **state)
{
	unsigned char bytes_of[6] = { 200, 201, 202, 203, 204, 205 };
	pthread_t     threads[6];

	(void)state;
	send(0, HOLD, 100);
	stage_await_held(1);
	for (int i = 0; i < 6; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, come_late,
		                                &bytes_of[i]), 0);
	for (int i = 0; i < 6; i++) {
		void *r;

		pthread_join(threads[i], &r);
		assert_int_equal((intptr_t)r, RH_OK);
	}
	stage_free(100);
	assert_int_equal(answer(0), RH_OK);
}

/* The page that is held is dropped when its call is over, the others before that. */
static void a_caller_may_end_while_another_is_held(void **state)
{
	(void)state;
	send(0, HOLD, 100);
	stage_await_held(1);
	for (int i = 1; i < CALLERS; i++) {
		send(i, 0, 0);
		pthread_join(callers[i].id, NULL);
	}
	assert_int_equal(MINI_AWAIT(stage.agent, pages, 1), 0);
	for (int i = 1; i < CALLERS; i++) {
		pthread_create(&callers[i].id, NULL, run_caller, &callers[i]);
		send(i, ONCE, (unsigned char)(10 + i));
	}
	for (int i = 1; i < CALLERS; i++)
		assert_int_equal(answer(i), RH_OK);
	stage_free(100);
	assert_int_equal(answer(0), RH_OK);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
static const struct CMUnitTest tests[] = {
	CASE(a_held_call_delays_nobody_while_a_thread_is_free),
	CASE(also_those_that_waited_when_it_began),
	CASE(whoever_comes_back_first_takes_over),
	CASE(a_new_page_goes_to_a_thread_that_is_free),
	CASE(a_caller_may_end_while_another_is_held),
};
STAGE_MAIN(tests)
