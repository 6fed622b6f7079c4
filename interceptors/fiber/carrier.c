#include "carrier.h"

#include "calls.h"
#include "clock.h"
#include "evict.h"
#include "own.h"
#include "handler.h"
#include "maker.h"
#include "monitor.h"
#include "park.h"
#include "preempt.h"
#include "ready.h"
#include "real.h"
#include "switch.h"
#include "trace.h"
#include "waitqueue.h"

#include "../../rules/runqueue.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SPARES_KEPT    2u
#define SPARES_AHEAD   1u
#define SPARE_LIFE_NS  (10 * RH_NS_PER_S)
#define CARRIER_STACK  (256u << 10)

__thread struct rh_carrier *rh_carrier_of_thread;

static struct rh_carrier table[RH_CARRIERS_MAX];
static struct rh_latch spare_latch;
static struct rh_carrier *spares; /* under spare_latch; a stack */
static uint32_t spare_count;
static uint32_t coming;           /* those that are started, under spare_latch */

struct rh_carrier *rh_carrier_at(uint32_t i)
{
	return &table[i];
}

static uint64_t hold_of(const struct rh_carrier *carrier, enum rh_hold hold)
{
	return carrier->epoch << 2 | hold;
}

/* Under the latch, so that the run queue knows that the fiber waits before anybody can
 * see it run again (the carrier itself takes the latch, or puts it into the inbox). */
void rh_carrier_lose_seat(struct rh_carrier *carrier, struct rh_seat *seat, uint64_t hold)
{
	uint64_t now = rh_clock();

	rh_latch_lock(&seat->latch);
	atomic_store(&carrier->lost_ns, now); /* said before it is lost (P2) */
	if (atomic_compare_exchange_strong(&carrier->hold, &hold,
					   (hold & ~3ull) | RH_HOLD_LOST)) {
		struct rh_fiber *fiber = atomic_load(&carrier->fiber);

		rh_runqueue_stop(seat->queue, RH_STOP_BLOCK, now);
		rh_trace(fiber, RH_EVENT_WAIT, 1, seat->index, 0);
		atomic_store(&fiber->stats->since, now);
		atomic_store(&fiber->stats->state, RH_THREAD_BLOCKED);
		atomic_store(&seat->carrier, NULL);
	}
	rh_latch_unlock(&seat->latch);
}

void rh_carrier_send_home(struct rh_fiber *fiber)
{
	rh_seat_remove(fiber);
	rh_park_call_home(fiber);
}

/* The fiber left this way; its context is at rest.  From the moment that it is given on,
 * another carrier may run it: the run queue knows before. */
static void settle(struct rh_carrier *carrier, struct rh_fiber *fiber)
{
	enum rh_leave how = carrier->leave;

	if (how == RH_LEAVE_HOME) {
		rh_carrier_send_home(fiber);
		return;
	}
	if (how == RH_LEAVE_WAIT) {
		struct rh_latch *release = carrier->release;
		bool due = *fiber->put_off != 0; /* it was busy with going to sleep */

		atomic_store(&fiber->stats->state, RH_THREAD_WAITING);
		if (carrier->seat)
			rh_seat_stop(carrier->seat, fiber, how);
		rh_latch_unlock(release);
		if (due)
			rh_wait_interrupt(fiber);
		return;
	}
	if (how != RH_LEAVE_YIELD)
		rh_stats_add(&fiber->stats->preempted, 1);
	if (!carrier->seat) {
		rh_seat_put(fiber);
		return;
	}
	fiber->since = rh_clock();
	atomic_store(&fiber->stats->state, RH_THREAD_QUEUED);
	rh_seat_stop(carrier->seat, fiber, how);
}

/* What it slept in the kernel without a seat is no running. */
static void account(const struct rh_carrier *carrier, struct rh_fiber *fiber, uint64_t began)
{
	uint64_t now = rh_clock();
	uint64_t ran_until = carrier->seat ? now : atomic_load(&carrier->lost_ns);
	struct rh_thread_stats *stats = fiber->stats;

	rh_stats_add(&stats->run_ns, ran_until - began);
	rh_stats_add(&stats->waited_ns, now - ran_until);
	atomic_store_explicit(&stats->since, now, memory_order_relaxed);
}

/* Signals that came in the context of the carrier go to fibers. */
static void look_at_signals(void)
{
	if (rh_handler_put_off)
		rh_handler_deliver();
}

/* While this one runs, who looks whether it sleeps in the kernel, and what is answered to
 * those that wait for other processes (A1)? */
static void leave_watch(const struct rh_carrier *carrier)
{
	bool unwatched = rh_calls_unwatched();
	bool is_for_idle = unwatched || !rh_calls_any(); /* whose first care are those */

	unwatched = unwatched || rh_ready_unwatched();
	if (unwatched && is_for_idle && rh_seat_call_idle())
		unwatched = false;
	if (unwatched || atomic_load(&carrier->seat->queued))
		rh_monitor_work();
}

/* Runs a fiber until it leaves for more than a tick. */
static void run(struct rh_carrier *carrier, struct rh_fiber *fiber)
{
	struct rh_thread_stats *stats = fiber->stats;
	uint64_t began = rh_clock(), held;

	leave_watch(carrier);
	rh_stats_add(&stats->runs, 1);
	rh_stats_add(&stats->queued_ns, began - fiber->since);
	rh_stats_count(&rh_stats->switches);
	atomic_store_explicit(&stats->since, began, memory_order_relaxed);
	atomic_store_explicit(&stats->state, RH_THREAD_RUNNING, memory_order_relaxed);
	atomic_store_explicit(&stats->seat, carrier->seat->index, memory_order_relaxed);
	atomic_store(&fiber->carrier, carrier);
	atomic_store(&carrier->fiber, fiber);
	rh_trace(fiber, RH_EVENT_SWITCH, 0, carrier->seat->index,
		 (uint64_t)atomic_load(&carrier->tid));
	do {
		look_at_signals();
		carrier->epoch++;
		held = hold_of(carrier, RH_HOLD_RUNNING);
		atomic_store(&carrier->hold, held);
		rh_switch(&carrier->sp, fiber->sp, fiber->fs);
		if (!atomic_compare_exchange_strong(&carrier->hold, &held,
						    hold_of(carrier, RH_HOLD_SCHED))) {
			carrier->seat = NULL;
			atomic_store(&carrier->hold, hold_of(carrier, RH_HOLD_SCHED));
		}
		rh_own_ready(carrier);
	} while (carrier->leave == RH_LEAVE_TICK && carrier->seat &&
		 !atomic_load(&fiber->evict) &&
		 rh_seat_goes_on(carrier->seat, fiber));
	atomic_store(&carrier->fiber, NULL);
	account(carrier, fiber, began);
	settle(carrier, fiber);
}

/* An idle carrier takes signals of the process for fibers that wait, and no others: one
 * that all block may end the process, or is somebody's to wait for. */
static void be_idle(struct rh_carrier *carrier)
{
	uint32_t changes = atomic_load(&rh_fiber_mask_changes);

	if (changes != carrier->common_seen) {
		carrier->common = rh_fiber_common_mask() &
				  ~(1ull << (RH_PREEMPT_SIGNAL - 1)) & ~rh_own_signals();
		carrier->common_seen = changes;
	}
	if (atomic_load(&carrier->mask) != carrier->common) {
		rh_sys_mask(SIG_SETMASK, &carrier->common);
		atomic_store(&carrier->mask, carrier->common);
	}
	if (!rh_handler_put_off)
		rh_seat_idle(carrier->seat);
}

/* Runs what this seat has until the seat is lost. */
static void serve(struct rh_carrier *carrier)
{
	while (carrier->seat) {
		struct rh_fiber *fiber;

		atomic_store(&carrier->asked, false);
		look_at_signals();
		rh_own_ready(carrier);
		rh_calls_look(RH_CALLS_SOME);
		rh_ready_look();
		fiber = rh_seat_next(carrier->seat);
		if (!fiber)
			be_idle(carrier);
		else if (rh_evict_wanted(fiber))
			rh_carrier_send_home(fiber);
		else
			run(carrier, fiber);
	}
}

/* Seats that have no carrier. */
static uint32_t without(void)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < rh_seat_count; i++)
		count += !atomic_load(&rh_seats[i].carrier);
	return count;
}

static void become_spare(struct rh_carrier *carrier)
{
	rh_latch_lock(&spare_latch);
	atomic_store(&carrier->called, 0);
	carrier->spare_next = spares;
	spares = carrier;
	spare_count++;
	coming -= carrier->is_coming;
	carrier->is_coming = false;
	rh_latch_unlock(&spare_latch);
	if (without() && rh_seat_waiting())
		rh_monitor_timer();
}

/* Waits for a seat; false: there were spare ones enough for long enough. */
static bool wait_for_seat(struct rh_carrier *carrier)
{
	struct timespec until = rh_sys_time(rh_clock() + SPARE_LIFE_NS);
	uint64_t all = ~(1ull << (RH_PREEMPT_SIGNAL - 1));

	rh_sys_mask(SIG_SETMASK, &all); /* others take them */
	atomic_store(&carrier->mask, all);
	look_at_signals();
	become_spare(carrier);
	while (!atomic_load(&carrier->called)) {
		struct rh_carrier **at = &spares;

		if (rh_sys_wait(&carrier->called, 0, &until) != -ETIMEDOUT)
			continue;
		rh_latch_lock(&spare_latch);
		while (*at && *at != carrier)
			at = &(*at)->spare_next;
		if (*at && spare_count > SPARES_KEPT + without()) {
			*at = carrier->spare_next;
			spare_count--;
			rh_latch_unlock(&spare_latch);
			return false;
		}
		rh_latch_unlock(&spare_latch);
		until = rh_sys_time(rh_clock() + SPARE_LIFE_NS);
	}
	carrier->seat = atomic_load(&carrier->offered);
	return true;
}

/* Each begins on a processor of its own and may go anywhere from there.  The kernel puts new
 * threads where who started them is, if nothing is idle at that moment, and finds two that
 * share a processor late, if at all while others use the machine. */
static void spread(uint32_t index)
{
	cpu_set_t all, one;
	uint32_t seen = 0;

	if (rh_real.sched_getaffinity(0, sizeof all, &all) != 0 || CPU_COUNT(&all) < 2)
		return;
	CPU_ZERO(&one);
	index %= (uint32_t)CPU_COUNT(&all);
	for (size_t cpu = 0; cpu < CPU_SETSIZE && !CPU_COUNT(&one); cpu++)
		if (CPU_ISSET(cpu, &all) && seen++ == index)
			CPU_SET(cpu, &one);
	rh_real.sched_setaffinity(0, sizeof one, &one);
	rh_real.sched_setaffinity(0, sizeof all, &all);
}

static _Atomic uint64_t *begin(const struct rh_carrier *carrier)
{
	char name[16];

	snprintf(name, sizeof name, "rh-carrier-%u", (unsigned)(carrier - table) % RH_CARRIERS_MAX);
	return rh_own_begin(name);
}

static void *main_of(void *argument)
{
	struct rh_carrier *carrier = argument;
	_Atomic uint64_t *said = begin(carrier);

	carrier->altstack = carrier->own_altstack = (stack_t){0}; /* of one before */
	carrier->fs = rh_park_thread_pointer();
	rh_park_leave_rseq();
	rh_carrier_of_thread = carrier;
	carrier->put_off = &rh_handler_put_off;
	carrier->mask = rh_sys_mask(SIG_BLOCK, NULL);
	atomic_store(&carrier->tid, rh_sys_tid());
	rh_preempt_arm(carrier);
	if (carrier->seat)
		spread(carrier->seat->index);
	do {
		serve(carrier);
	} while (wait_for_seat(carrier));
	rh_preempt_disarm(carrier);
	atomic_fetch_sub(&rh_stats->carriers, 1);
	rh_stats_give_other(said);
	atomic_store(&carrier->tid, 0);
	atomic_store(&carrier->used, false);
	return NULL;
}

/* seat: NULL for a spare one. */
static int start(struct rh_seat *seat)
{
	struct rh_carrier *carrier = NULL;
	int result;

	for (uint32_t i = 0; i < RH_CARRIERS_MAX && !carrier; i++) {
		bool unused = false;

		if (atomic_compare_exchange_strong(&table[i].used, &unused, true))
			carrier = &table[i];
	}
	if (!carrier)
		return EAGAIN;
	carrier->seat = seat;
	atomic_store(&carrier->hold, RH_HOLD_SCHED);
	carrier->is_coming = !seat;
	if (seat)
		atomic_store(&seat->carrier, carrier);
	result = rh_own_create(rh_real.pthread_create, CARRIER_STACK, main_of, carrier);
	if (result) {
		if (seat)
			atomic_store(&seat->carrier, NULL);
		atomic_store(&carrier->used, false);
	} else {
		atomic_fetch_add(&rh_stats->carriers, 1);
	}
	return result;
}

int rh_carrier_start_all(void)
{
	int result = 0;

	for (uint32_t i = 0; i < rh_seat_count && !result; i++)
		result = start(&rh_seats[i]);
	return result;
}

/* One more is to come, as there are not enough. */
static bool expect(void)
{
	bool is_missing;

	rh_latch_lock(&spare_latch);
	is_missing = spare_count + coming < without() + SPARES_AHEAD;
	coming += is_missing;
	rh_latch_unlock(&spare_latch);
	return is_missing;
}

bool rh_carrier_make(void)
{
	while (expect()) {
		if (start(NULL)) {
			rh_latch_lock(&spare_latch);
			coming--;
			rh_latch_unlock(&spare_latch);
			return false;
		}
		rh_stats_count(&rh_stats->spares);
	}
	return true;
}

bool rh_carrier_relieve(struct rh_seat *seat)
{
	struct rh_carrier *carrier;
	bool is_last;

	rh_latch_lock(&spare_latch);
	carrier = spares;
	if (carrier) {
		spares = carrier->spare_next;
		spare_count--;
	}
	is_last = !spares;
	rh_latch_unlock(&spare_latch);
	if (!carrier) {
		rh_maker_ask();
		return false;
	}
	atomic_store(&seat->carrier, carrier);
	atomic_store(&carrier->offered, seat);
	atomic_store(&carrier->called, 1);
	rh_sys_wake(&carrier->called, 1);
	if (is_last)
		rh_maker_ask();
	return true;
}

void rh_carrier_forget_all(void)
{
	memset(table, 0, sizeof table);
	atomic_store(&spare_latch.word, 0);
	spares = NULL;
	spare_count = coming = 0;
	rh_carrier_of_thread = NULL;
}
