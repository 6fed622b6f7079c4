/* Who waits for what in the carrier `fiber`, by address: who is woken, in which order, and who
 * is not, because it came when the call that wakes had begun already.  Fibers are a table and
 * a function that is called when one sleeps; nobody else of the runtime is there. */
#include "../../interceptors/fiber/attend.h"
#include "../../interceptors/fiber/handler.h"
#include "../../interceptors/fiber/real.h"
#include "../../interceptors/fiber/seat.h"
#include "../../interceptors/fiber/waitqueue.h"
#include "../../interceptors/fiber/wheel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define FIBERS 4
#define ROUNDS 20

/* ---- the rest of the runtime ------------------------------------------------ */

struct rh_real            rh_real;
__thread uint32_t         rh_handler_busy, rh_handler_put_off;
__thread struct rh_fiber *rh_fiber_of_thread;

static struct rh_fiber    fibers[FIBERS];
static int                woken[FIBERS], count; /* in that order */
static void             (*while_asleep)(void);

/* Who sleeps is in the queue, and its carrier gives the latch back. */
void rh_fiber_leave(enum rh_leave how, struct rh_latch *release)
{
	struct rh_fiber *fiber = rh_fiber_of_thread;

	assert_int_equal(how, RH_LEAVE_WAIT);
	rh_latch_unlock(release);
	rh_fiber_of_thread = NULL;
	while_asleep();
	rh_fiber_of_thread = fiber;
}

void rh_seat_put(struct rh_fiber *fiber)
{
	assert_true(count < FIBERS);
	woken[count++] = (int)(fiber - fibers);
}

void rh_handler_deliver(void)
{
}

void rh_attend(struct rh_fiber *fiber)
{
	(void)fiber;
}

bool rh_attend_due(const struct rh_fiber *fiber)
{
	(void)fiber;
	return false;
}

void rh_wheel_add(struct rh_fiber *fiber, uint64_t until)
{
	(void)fiber;
	(void)until;
}

void rh_wheel_remove(struct rh_fiber *fiber)
{
	(void)fiber;
}

/* ---- who waits -------------------------------------------------------------- */

static char keys[2];

static void begin(void)
{
	memset(fibers, 0, sizeof fibers);
	for (int i = 0; i < FIBERS; i++)
		fibers[i].governed = true;
	rh_fiber_of_thread = NULL;
	count = 0;
}

/* Opened by fiber i, which has the latch then. */
static struct rh_bucket *open_by(int i, const void *key)
{
	rh_fiber_of_thread = &fibers[i];
	return rh_wait_open(key);
}

static enum rh_waited sleep_in(struct rh_bucket *bucket, const void *key, uint32_t tag,
			       void (*meanwhile)(void))
{
	struct rh_wait how = { .key = key, .until = RH_WAIT_FOREVER, .tag = tag };
	enum rh_waited why;

	while_asleep = meanwhile;
	why = rh_wait_sleep(bucket, &how);
	rh_fiber_of_thread = NULL;
	return why;
}

/* ---- who is woken ----------------------------------------------------------- */

static void wake_both_ways(void)
{
	assert_int_equal(rh_wait_wake_early(&keys[1], 0, FIBERS), 0);
	assert_int_equal(rh_wait_wake_early(&keys[0], 4, FIBERS), 0);
	assert_int_equal(count, 0);
	assert_int_equal(rh_wait_wake_early(&keys[0], 2, 1), 1);
	assert_int_equal(count, 1);
	assert_int_equal(woken[0], 2);
	rh_wait_wake(&keys[0], 1);
	assert_int_equal(count, 2);
	assert_int_equal(woken[1], 0);
	rh_wait_wake(&keys[0], FIBERS);
	assert_int_equal(count, 3);
	assert_int_equal(woken[2], 1);
	rh_wait_wake(&keys[0], FIBERS);
	assert_int_equal(count, 3);
}

static void third_sleeps(void)
{
	assert_int_equal(sleep_in(open_by(2, &keys[0]), &keys[0], 2, wake_both_ways),
			 RH_WOKEN);
}

static void second_sleeps(void)
{
	assert_int_equal(sleep_in(open_by(1, &keys[0]), &keys[0], 1, third_sleeps), RH_WOKEN);
}

static void the_oldest_with_the_key_and_a_bit_is_woken(void **state)
{
	(void)state;
	begin();
	assert_int_equal(sleep_in(open_by(0, &keys[0]), &keys[0], 1, second_sleeps), RH_WOKEN);
}

/* ---- a call that is held up ------------------------------------------------- */

static _Atomic int waker; /* its number, once it calls */
static _Atomic bool is_back;
static pthread_t waker_thread;
static int held_up; /* calls that were not back when another one had come */

static void *wake_all(void *none)
{
	(void)none;
	atomic_store(&waker, rh_sys_tid());
	rh_wait_wake_early(&keys[0], 0, FIBERS);
	atomic_store(&is_back, true);
	return NULL;
}

static char state_of(int tid)
{
	char  path[64], text[256] = "";
	FILE *file;

	snprintf(path, sizeof path, "/proc/self/task/%d/stat", tid);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_non_null(fgets(text, sizeof text, file));
	fclose(file);
	return strrchr(text, ')')[2];
}

/* Who calls it while this one has the latch sleeps in the call. */
static void begin_to_wake(void)
{
	atomic_store(&waker, 0);
	atomic_store(&is_back, false);
	assert_int_equal(pthread_create(&waker_thread, NULL, wake_all, NULL), 0);
	while (!atomic_load(&waker) || state_of(atomic_load(&waker)) != 'S')
		sched_yield();
}

static void the_call_ends(void)
{
	pthread_join(waker_thread, NULL);
	assert_int_equal(count, 0);
	assert_int_equal(rh_wait_wake_early(&keys[0], 0, 1), 1);
	assert_int_equal(count, 1);
}

/* One opens the queue, the call begins, the one has seen what it wanted and leaves; another
 * comes, which is to wait. */
static void wake_late(void)
{
	struct rh_bucket *bucket;

	begin();
	bucket = open_by(0, &keys[0]);
	begin_to_wake();
	rh_wait_leave(bucket);
	bucket = open_by(1, &keys[0]);
	held_up += !atomic_load(&is_back);
	assert_int_equal(sleep_in(bucket, &keys[0], 1, the_call_ends), RH_WOKEN);
}

static void who_comes_while_a_call_is_held_up_is_not_woken_by_it(void **state)
{
	(void)state;
	while (held_up < ROUNDS)
		wake_late();
}

/* One that waits is woken by a call that is held up after it. */
static void the_call_wakes(void)
{
	pthread_join(waker_thread, NULL);
	assert_int_equal(count, 1);
	assert_int_equal(woken[0], 1);
}

static void who_waits_is_woken_by_a_call_that_is_held_up(void **state)
{
	struct rh_bucket *bucket;

	(void)state;
	begin();
	bucket = open_by(1, &keys[0]);
	begin_to_wake();
	assert_int_equal(sleep_in(bucket, &keys[0], 1, the_call_wakes), RH_WOKEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_oldest_with_the_key_and_a_bit_is_woken),
		cmocka_unit_test(who_comes_while_a_call_is_held_up_is_not_woken_by_it),
		cmocka_unit_test(who_waits_is_woken_by_a_call_that_is_held_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
