/* Two processors of the carrier `fiber`: what moves between them by weight, and whom one that
 * wakes up is told to; with a clock that is a number, and nobody else in the runtime. */
#include "../../interceptors/fiber/calls.h"
#include "../../interceptors/fiber/carrier.h"
#include "../../interceptors/fiber/clock.h"
#include "../../interceptors/fiber/handler.h"
#include "../../interceptors/fiber/monitor.h"
#include "../../interceptors/fiber/policy.h"
#include "../../interceptors/fiber/preempt.h"
#include "../../interceptors/fiber/ready.h"
#include "../../interceptors/fiber/real.h"
#include "../../interceptors/fiber/trace.h"
#include "../../model/error.h"
#include "sched_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define MS     1000000ull
#define FIBERS 8u

/* ---- the rest of the runtime ------------------------------------------------ */

struct rh_real                rh_real;
bool                          rh_real_ready;
_Atomic bool                  rh_trace_is_on;
__thread uint32_t             rh_handler_put_off;
__thread struct rh_fiber     *rh_fiber_of_thread;
__thread struct rh_carrier   *rh_carrier_of_thread;

static struct rh_stats        block;
struct rh_stats              *rh_stats = &block;

static struct rh_fiber        fibers[RH_FIBERS_MAX];
static struct rh_carrier      carriers[2];
static uint64_t               now_ns;
static const struct rh_carrier *asked; /* to look at its seat */
static unsigned               asks;
static struct rh_fiber       *comes;   /* while a carrier sleeps */

struct rh_fiber *rh_fiber_at(uint32_t i)
{
	return &fibers[i];
}

uint32_t rh_fiber_top(void)
{
	return FIBERS;
}

static int tell_time(clockid_t clock, struct timespec *ret)
{
	(void)clock;
	*ret = (struct timespec){ .tv_sec = (time_t)(now_ns / RH_NS_PER_S),
	                          .tv_nsec = (long)(now_ns % RH_NS_PER_S) };
	return 0;
}

void rh_real_load(void)
{
	rh_real.clock_gettime = tell_time;
	rh_real_ready = true;
}

void rh_preempt_ask(struct rh_carrier *carrier)
{
	asked = carrier;
	asks++;
}

void rh_calls_look(uint32_t most)
{
	(void)most;
}

/* Nobody would wake it but who comes now. */
void rh_calls_sleep(_Atomic uint32_t *called, uint32_t seat)
{
	(void)called;
	(void)seat;
	assert_non_null(comes);
	rh_seat_put(comes);
	comes = NULL;
	assert_int_equal(*called, 1);
}

bool rh_calls_any(void)
{
	return false;
}

void rh_ready_look(void)
{
}

bool rh_ready_sleep(const _Atomic uint32_t *called, uint32_t seat)
{
	(void)called;
	(void)seat;
	return false;
}

bool rh_ready_ring(uint32_t seat)
{
	(void)seat;
	return false;
}

bool rh_ready_unwatched(void)
{
	return false;
}

void rh_monitor_work(void)
{
}

void rh_stats_name(const char *name)
{
	(void)name;
}

void rh_trace_write(const struct rh_fiber *fiber, struct rh_trace_event event)
{
	(void)fiber;
	(void)event;
}

struct rh_task_traits rh_policy_traits(int nice, uint32_t id)
{
	return (struct rh_task_traits){ .nice = nice, .id = id };
}

/* ---- a machine of two processors -------------------------------------------- */

static struct rh_rule *load(const void *name, struct rh_diag *diag)
{
	(void)diag;
	return sched_builtin(name, NULL, 0);
}

/* What a carrier does that runs a fiber there. */
static void run(uint32_t seat, struct rh_fiber *fiber)
{
	carriers[seat].seat = &rh_seats[seat];
	atomic_store(&carriers[seat].hold, RH_HOLD_RUNNING);
	atomic_store(&rh_seats[seat].carrier, &carriers[seat]);
	atomic_store(&fiber->carrier, &carriers[seat]);
	fiber->governed = true;
}

static void begin(const char *policy)
{
	rh_real_load();
	memset(fibers, 0, sizeof fibers);
	memset(carriers, 0, sizeof carriers);
	memset(&block, 0, sizeof block);
	rh_fiber_of_thread = NULL;
	now_ns = 1000 * MS;
	asked = NULL;
	asks = 0;
	assert_int_equal(rh_seat_open(2, load, policy), 0);
	for (uint32_t i = 0; i < FIBERS; i++) {
		fibers[i].stats = &block.threads[i];
		atomic_store(&fibers[i].tid, 100 + (int)i);
	}
}

static void end(void)
{
	for (uint32_t i = 0; i < rh_seat_count; i++) {
		rh_runqueue_destroy(rh_seats[i].queue);
		rh_rule_destroy(rh_seats[i].rule);
	}
	rh_seat_forget_all();
}

/* Fiber i becomes runnable on that seat, as one that ran there last. */
static struct rh_fiber *put(uint32_t i, uint32_t seat, int nice)
{
	atomic_store(&fibers[i].nice, nice);
	atomic_store(&fibers[i].used, true);
	atomic_store(&fibers[i].seat, seat);
	rh_seat_put(&fibers[i]);
	return &fibers[i];
}

/* Who runs on that seat now; the inbox is empty then. */
static struct rh_fiber *go(uint32_t seat)
{
	struct rh_fiber *fiber = rh_seat_next(&rh_seats[seat]);

	assert_non_null(fiber);
	run(seat, fiber);
	return fiber;
}

static bool tick(uint32_t seat, struct rh_fiber *fiber)
{
	now_ns += 1;
	return rh_seat_goes_on(&rh_seats[seat], fiber);
}

static uint32_t seat_of(uint32_t i)
{
	return atomic_load(&fibers[i].seat);
}

/* ---- balance by weight ------------------------------------------------------ */

static void who_has_nothing_takes_what_is_next(void **state)
{
	(void)state;
	begin("cfs");
	put(0, 0, 0);
	put(1, 0, 0);
	put(2, 0, 0);
	assert_ptr_equal(go(0), &fibers[0]);
	assert_ptr_equal(go(1), &fibers[1]); /* not the one that came last */
	assert_int_equal(seat_of(1), 1);
	assert_int_equal(block.steals, 1);
	assert_int_equal(block.threads[1].moved, 1);
	end();
}

/* What runs is not taken from under its carrier. */
static void the_last_one_stays(void **state)
{
	(void)state;
	begin("cfs");
	put(0, 0, 0);
	assert_ptr_equal(go(0), &fibers[0]);
	assert_null(rh_seat_next(&rh_seats[1]));
	assert_int_equal(block.steals, 0);
	end();
}

static void at_a_tick_the_lighter_seat_takes_one(void **state)
{
	struct rh_fiber *fiber;

	(void)state;
	begin("cfs");
	for (uint32_t i = 0; i < 4; i++)
		put(i, 0, 0);
	go(0);
	put(4, 1, 0);
	fiber = go(1);
	tick(1, fiber);
	assert_int_equal(block.steals, 1); /* three and two */
	assert_int_equal(rh_seats[0].load, 3 * rh_seats[1].load / 2);
	tick(1, fiber);
	assert_int_equal(block.steals, 2); /* they take turns: two and three */
	tick(1, fiber);
	assert_int_equal(block.steals, 2);
	tick(0, &fibers[0]);
	assert_int_equal(block.steals, 3);
	end();
}

/* One of nice -10 is as heavy as nine others: with one of them it is not the one that has
 * more, and does not get more. */
static void it_is_weight_that_counts_not_how_many(void **state)
{
	struct rh_fiber *heavy;

	(void)state;
	begin("cfs");
	put(0, 0, 0);
	put(1, 0, 0);
	put(2, 0, 0);
	go(0);
	put(3, 1, -10);
	heavy = go(1);
	for (int i = 0; i < 10; i++)
		tick(1, heavy);
	assert_int_equal(block.steals, 0);
	/* The other way round: a light one that runs alone takes from two that are few. */
	tick(0, &fibers[0]);
	assert_int_equal(block.steals, 0); /* the heavy one runs: nothing is there to take */
	end();
}

/* It goes as long as that leaves the two no farther apart. */
static void a_heavy_one_goes_to_who_has_as_little_beside_it(void **state)
{
	struct rh_fiber *light;

	(void)state;
	begin("cfs");
	put(0, 0, 0);
	go(0);
	put(1, 0, -10);
	put(2, 1, 0);
	put(3, 1, 0);
	light = go(1);
	tick(1, light);
	assert_int_equal(block.steals, 0); /* it would be heavier with it than that one is */
	put(4, 0, 0);
	tick(1, light);
	assert_int_equal(block.steals, 1); /* as heavy */
	assert_int_equal(seat_of(1), 1);
	end();
}

/* ---- waking up across processors -------------------------------------------- */

/* Fiber 1 ran on seat 1 and sleeps; fiber 2 runs there; fiber 0 runs on seat 0, and here.
 * Fiber 3 waits there, so that nothing moves. */
static void begin_apart(const char *policy)
{
	begin(policy);
	put(0, 0, 0);
	go(0);
	put(3, 0, 0);
	put(1, 1, 0);
	go(1);
	rh_seat_stop(&rh_seats[1], &fibers[1], RH_LEAVE_WAIT);
	put(2, 1, 0);
	assert_ptr_equal(go(1), &fibers[2]);
	rh_fiber_of_thread = &fibers[0];
	rh_carrier_of_thread = &carriers[0];
	asks = 0;
}

static void end_apart(void)
{
	rh_carrier_of_thread = NULL;
	end();
}

static void the_other_rule_is_asked_and_then_its_carrier(void **state)
{
	(void)state;
	begin_apart("cfs");
	now_ns += 20 * MS; /* who runs is that far ahead of who slept */
	put(1, 1, 0);
	assert_int_equal(asks, 0);
	assert_true(fibers[0].resched);
	tick(0, &fibers[0]);
	assert_int_equal(asks, 1);
	assert_ptr_equal(asked, &carriers[1]);
	assert_false(tick(1, &fibers[2]));
	rh_seat_stop(&rh_seats[1], &fibers[2], RH_LEAVE_TICK);
	assert_ptr_equal(go(1), &fibers[1]);
	end_apart();
}

/* A carrier that found one runnable asks before it runs the next, and interrupts nobody else. */
static void a_carrier_asks_before_it_goes_on(void **state)
{
	(void)state;
	begin_apart("cfs");
	now_ns += 20 * MS;
	rh_seat_stop(&rh_seats[0], &fibers[0], RH_LEAVE_TICK);
	rh_fiber_of_thread = NULL;
	put(1, 1, 0);
	assert_int_equal(asks, 0);
	assert_non_null(rh_seat_next(&rh_seats[0]));
	assert_int_equal(asks, 1);
	assert_ptr_equal(asked, &carriers[1]);
	end_apart();
}

static void who_woke_up_waits_when_the_rule_says_so(void **state)
{
	(void)state;
	begin_apart("cfs");
	put(1, 1, 0); /* nobody ran meanwhile: it is not behind */
	tick(0, &fibers[0]);
	assert_int_equal(asks, 0);
	assert_true(tick(1, &fibers[2]));
	end_apart();
}

static void a_rule_that_never_preempts_is_not_asked(void **state)
{
	(void)state;
	begin_apart("fifo");
	now_ns += 20 * MS;
	put(1, 1, 0);
	assert_false(fibers[0].resched);
	tick(0, &fibers[0]);
	assert_int_equal(asks, 0);
	assert_true(tick(1, &fibers[2]));
	end_apart();
}

/* It has no carrier that could ask the rule at its end. */
static void a_waker_that_is_no_fiber_interrupts(void **state)
{
	(void)state;
	begin_apart("cfs");
	rh_fiber_of_thread = NULL;
	rh_carrier_of_thread = NULL;
	put(1, 1, 0);
	assert_int_equal(asks, 1);
	assert_ptr_equal(asked, &carriers[1]);
	assert_true(tick(1, &fibers[2]));
	end_apart();
	begin_apart("fifo");
	rh_fiber_of_thread = NULL;
	rh_carrier_of_thread = NULL;
	put(1, 1, 0);
	assert_int_equal(asks, 0);
	end_apart();
}

/* On its own stack it looks by itself; without a seat it has nothing to give up. */
static void only_one_that_runs_a_fiber_is_asked(void **state)
{
	static const enum rh_hold others[] = { RH_HOLD_SCHED, RH_HOLD_LOST };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		begin_apart("cfs");
		atomic_store(&carriers[1].hold, others[i]);
		now_ns += 20 * MS;
		put(1, 1, 0);
		tick(0, &fibers[0]);
		assert_int_equal(asks, 0);
		end_apart();
	}
}

static void on_its_own_processor_the_waker_looks_itself(void **state)
{
	(void)state;
	begin_apart("cfs");
	rh_fiber_of_thread = &fibers[2];
	rh_carrier_of_thread = &carriers[1];
	put(1, 1, 0);
	assert_true(fibers[2].resched);
	tick(1, &fibers[2]);
	assert_int_equal(asks, 0);
	end_apart();
}

static void an_idle_processor_is_called_and_nobody_is_preempted(void **state)
{
	(void)state;
	begin("cfs");
	put(0, 0, 0);
	go(0);
	/* A new one goes to who is idle, whichever seat it was meant for. */
	atomic_store(&fibers[1].used, true);
	comes = &fibers[1];
	rh_seat_idle(&rh_seats[1]);
	assert_int_equal(asks, 0);
	assert_int_equal(seat_of(1), 1);
	assert_ptr_equal(go(1), &fibers[1]);
	/* One that has a place keeps it, and the idle one takes it from there. */
	rh_seat_stop(&rh_seats[1], &fibers[1], RH_LEAVE_WAIT);
	rh_seat_stop(&rh_seats[0], &fibers[0], RH_LEAVE_WAIT);
	put(2, 0, 0);
	assert_ptr_equal(go(0), &fibers[2]);
	asks = 0;
	comes = &fibers[0];
	rh_seat_idle(&rh_seats[1]);
	assert_int_equal(asks, 0);
	assert_int_equal(seat_of(0), 0);
	assert_ptr_equal(go(1), &fibers[0]);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_has_nothing_takes_what_is_next),
		cmocka_unit_test(the_last_one_stays),
		cmocka_unit_test(at_a_tick_the_lighter_seat_takes_one),
		cmocka_unit_test(it_is_weight_that_counts_not_how_many),
		cmocka_unit_test(a_heavy_one_goes_to_who_has_as_little_beside_it),
		cmocka_unit_test(the_other_rule_is_asked_and_then_its_carrier),
		cmocka_unit_test(a_waker_that_is_no_fiber_interrupts),
		cmocka_unit_test(a_carrier_asks_before_it_goes_on),
		cmocka_unit_test(who_woke_up_waits_when_the_rule_says_so),
		cmocka_unit_test(a_rule_that_never_preempts_is_not_asked),
		cmocka_unit_test(only_one_that_runs_a_fiber_is_asked),
		cmocka_unit_test(on_its_own_processor_the_waker_looks_itself),
		cmocka_unit_test(an_idle_processor_is_called_and_nobody_is_preempted),
	};

	return cmocka_run_group_tests_name("fiber_seat", tests, NULL, NULL);
}
