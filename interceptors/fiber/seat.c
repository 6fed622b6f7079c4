#include "seat.h"

#include "calls.h"
#include "carrier.h"
#include "clock.h"
#include "handler.h"
#include "monitor.h"
#include "policy.h"
#include "preempt.h"
#include "ready.h"
#include "trace.h"

#include "../../base/diag.h"
#include "../../model/check.h"
#include "../../model/error.h"
#include "../../rules/rule.h"
#include "../../rules/runqueue.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

_Static_assert(RH_SEATS_MAX <= RH_STATS_SEATS, "each seat has its line");
_Static_assert(RH_FIBERS_MAX <= RH_SCHED_TASKS, "each fiber is a task");

struct rh_seat rh_seats[RH_SEATS_MAX];
uint32_t rh_seat_count;

static _Atomic uint64_t idle; /* seats whose carrier sleeps, a bit each */
static _Atomic uint64_t unasked; /* seats whose rule is to be asked, P8 */
static uint64_t generation;   /* of the rule; under exchanging */
static struct rh_latch exchanging;

/* ---- the rule ---- */

static int open_one(struct rh_seat *seat, uint32_t count, rh_seat_load *load,
		    const void *user)
{
	struct rh_runqueue_place place = {.cpu = seat->index, .cpus = count,
					  .tick_ns = RH_PREEMPT_NS};
	struct rh_diag diag;

	seat->rule = load(user, &diag);
	if (!seat->rule)
		return -EINVAL;
	atomic_store(&seat->is_asked, rh_rule_has(seat->rule, RH_SLOT_SCHED_WAKEUP));
	return rh_runqueue_create(&place, seat->rule, generation, &seat->queue, &diag);
}

void rh_seat_forget_all(void)
{
	memset(rh_seats, 0, sizeof rh_seats);
	atomic_store(&exchanging.word, 0);
	atomic_store(&idle, 0);
	atomic_store(&unasked, 0);
	rh_seat_count = 0;
}

int rh_seat_open(uint32_t count, rh_seat_load *load, const void *user)
{
	int result = 0;

	rh_seat_forget_all();
	generation++;
	for (uint32_t i = 0; i < count && result >= 0; i++) {
		rh_seats[i].index = i;
		result = open_one(&rh_seats[i], count, load, user);
	}
	rh_seat_count = count;
	return result;
}

/* On success *rule is the former one. */
static int exchange_one(struct rh_seat *seat, struct rh_rule **rule, struct rh_diag *diag)
{
	struct rh_rule *former;
	int result;

	rh_latch_lock(&seat->latch);
	result = rh_runqueue_exchange(seat->queue, *rule, generation, rh_clock(), diag);
	former = seat->rule;
	if (result >= 0) {
		seat->rule = *rule;
		*rule = former;
		atomic_store(&seat->is_asked,
			     rh_rule_has(seat->rule, RH_SLOT_SCHED_WAKEUP));
		rh_trace(NULL, RH_EVENT_RULE, 0, seat->index, 0);
		result = 0;
	}
	rh_latch_unlock(&seat->latch);
	return result;
}

/* All, or those that have the new one go back. */
static int exchange_all(struct rh_rule *rules[], struct rh_diag *diag)
{
	struct rh_diag unused;
	uint32_t done = 0;
	int result = 0;

	generation++;
	while (done < rh_seat_count && !result)
		if (!(result = exchange_one(&rh_seats[done], &rules[done], diag)))
			done++;
	if (result)
		generation++;
	while (result && done > 0) {
		done--;
		exchange_one(&rh_seats[done], &rules[done], &unused);
	}
	return result;
}

int rh_seat_exchange(rh_seat_load *load, const void *user, const char *name,
		     struct rh_diag *diag)
{
	struct rh_rule *rules[RH_SEATS_MAX] = {NULL};
	int result = 0;

	rh_latch_lock(&exchanging);
	for (uint32_t i = 0; i < rh_seat_count && !result; i++)
		if (!(rules[i] = load(user, diag)))
			result = diag->code < 0 ? diag->code : RH_EINVAL;
	if (!result)
		result = exchange_all(rules, diag);
	for (uint32_t i = 0; i < rh_seat_count; i++)
		rh_rule_destroy(rules[i]);
	if (!result)
		rh_stats_name(name);
	rh_latch_unlock(&exchanging);
	return result;
}

void rh_seat_count_rules(struct rh_rule_counters *ret)
{
	memset(ret, 0, sizeof *ret);
	for (uint32_t i = 0; i < rh_seat_count; i++) {
		const struct rh_rule_counters *counters;

		rh_latch_lock(&rh_seats[i].latch);
		counters = rh_rule_counters(rh_seats[i].rule);
		ret->calls += counters->calls;
		ret->ns += counters->ns;
		ret->instances += counters->instances;
		ret->lines_dropped += counters->lines_dropped;
		for (int failure = 0; failure < RH_FAILURES; failure++)
			ret->failures[failure] += counters->failures[failure];
		rh_latch_unlock(&rh_seats[i].latch);
	}
}

void rh_seat_explain_rules(char *text, size_t cap)
{
	text[0] = '\0';
	for (uint32_t i = 0; i < rh_seat_count && !text[0]; i++) {
		rh_latch_lock(&rh_seats[i].latch);
		snprintf(text, cap, "%s", rh_rule_why(rh_seats[i].rule));
		rh_latch_unlock(&rh_seats[i].latch);
	}
}

/* ---- under the latch ---- */

static uint32_t task_of(const struct rh_fiber *fiber)
{
	return (uint32_t)(fiber - rh_fiber_at(0));
}

static void count(struct rh_seat *seat)
{
	atomic_store(&seat->queued, rh_runqueue_waiting(seat->queue));
	atomic_store(&seat->load, rh_runqueue_load(seat->queue));
}

static void tell(struct rh_seat *seat, struct rh_fiber *fiber)
{
	struct rh_task_stats stats;

	rh_runqueue_stats(seat->queue, task_of(fiber), &stats);
	atomic_store_explicit(&fiber->stats->vruntime, stats.vruntime, memory_order_relaxed);
	atomic_store_explicit(&fiber->stats->deadline, stats.deadline, memory_order_relaxed);
}

/* What happens to it, with what the rule says of it now. */
static inline void note(struct rh_seat *seat, struct rh_fiber *fiber, enum rh_event_kind kind,
			uint32_t why, uint64_t other)
{
	if (__builtin_expect(!atomic_load_explicit(&rh_trace_is_on, memory_order_relaxed), 1))
		return;
	tell(seat, fiber);
	rh_trace(fiber, kind, why, seat->index, other);
}

/* What the rule is to be told. */
static struct rh_task_traits traits_of(const struct rh_fiber *fiber)
{
	struct rh_task_traits traits = rh_policy_traits(atomic_load(&fiber->nice),
							(uint32_t)atomic_load(&fiber->tid));

	atomic_store_explicit(&fiber->stats->nice, traits.nice, memory_order_relaxed);
	return traits;
}

/* Somebody asked something else for it. */
static void keep_traits(struct rh_seat *seat, struct rh_fiber *fiber, uint64_t now)
{
	struct rh_task_traits traits;

	if (!atomic_load(&fiber->changed) || !atomic_exchange(&fiber->changed, false))
		return;
	traits = traits_of(fiber);
	rh_runqueue_change(seat->queue, task_of(fiber), &traits, now);
}

/* One that moves to this seat has come, or is told of it when it runs. */
static void change_here(struct rh_seat *seat, struct rh_fiber *fiber, uint64_t now)
{
	struct rh_task_stats stats;

	if (!atomic_load(&fiber->used) || atomic_load(&fiber->seat) != seat->index ||
	    !fiber->is_task)
		return;
	rh_runqueue_stats(seat->queue, task_of(fiber), &stats);
	if (stats.state != RH_TASK_ABSENT)
		keep_traits(seat, fiber, now);
}

void rh_seat_change_all(void)
{
	for (uint32_t i = 0; i < rh_fiber_top(); i++)
		if (atomic_load(&rh_fiber_at(i)->used))
			atomic_store(&rh_fiber_at(i)->changed, true);
	for (uint32_t at = 0; at < rh_seat_count; at++) {
		rh_latch_lock(&rh_seats[at].latch);
		for (uint32_t i = 0; i < rh_fiber_top(); i++)
			change_here(&rh_seats[at], rh_fiber_at(i), rh_clock());
		count(&rh_seats[at]);
		rh_latch_unlock(&rh_seats[at].latch);
	}
}

/* One that is runnable now.  True: before the one that runs. */
static bool admit(struct rh_seat *seat, struct rh_fiber *fiber, uint64_t now)
{
	uint32_t why = fiber->is_task ? RH_SCHED_WAKE : RH_SCHED_NEW;
	bool ahead;

	if (!fiber->is_task) {
		struct rh_task_traits traits = traits_of(fiber);

		RH_CHECK(rh_runqueue_add(seat->queue, task_of(fiber), &traits, now) == 0);
		fiber->is_task = true;
	}
	keep_traits(seat, fiber, now);
	ahead = rh_runqueue_wake(seat->queue, task_of(fiber), now);
	note(seat, fiber, RH_EVENT_ENQUEUE, why, 0);
	return ahead;
}

/* What came into the inbox is in the queue, oldest first.  True: one that came since the last
 * pick or tick should run instead of the one that does. */
static bool drain(struct rh_seat *seat, uint64_t now)
{
	struct rh_fiber *newest, *oldest = NULL;

	if (!atomic_load(&seat->inbox))
		return seat->is_ahead;
	/* Whoever is about to be idle sees them in between, too; count() says how many. */
	atomic_fetch_add(&seat->queued, 1);
	newest = atomic_exchange(&seat->inbox, NULL);
	while (newest) {
		struct rh_fiber *next = newest->next;

		newest->next = oldest;
		oldest = newest;
		newest = next;
	}
	while (oldest) {
		struct rh_fiber *next = oldest->next;

		seat->is_ahead = admit(seat, oldest, now) || seat->is_ahead;
		oldest = next;
	}
	return seat->is_ahead;
}

/* ---- putting ---- */

/* An idle seat, which is then the caller's to call; the preferred one if it is. */
static struct rh_seat *claim_idle(uint32_t preferred)
{
	uint64_t bits = atomic_load(&idle);

	while (bits) {
		uint64_t bit = bits & 1ull << preferred;

		if (!bit)
			bit = bits & -bits;
		if (atomic_fetch_and(&idle, ~bit) & bit)
			return &rh_seats[__builtin_ctzll(bit)];
		bits = atomic_load(&idle);
	}
	return NULL;
}

/* The idle carrier itself may have found what there is to run. */
static void call(struct rh_seat *seat)
{
	struct rh_carrier *own = rh_carrier_of_thread;

	atomic_store(&seat->called, 1);
	if ((!own || own->seat != seat) && !rh_ready_ring(seat->index))
		rh_sys_wake(&seat->called, 1);
}

bool rh_seat_call_idle(void)
{
	struct rh_seat *claimed = claim_idle(0);

	if (claimed)
		call(claimed);
	return claimed;
}

/* Its carrier is to look who is next. */
static void interrupt(struct rh_seat *seat)
{
	struct rh_carrier *carrier = atomic_load(&seat->carrier);

	if (carrier && (atomic_load(&carrier->hold) & 3) == RH_HOLD_RUNNING)
		rh_preempt_ask(carrier);
}

/* Whether it goes first says the rule, and a carrier asks it, before it runs another: this
 * one, or that of the caller at the end of its call.  To interrupt another one costs far more
 * than to ask. */
static void look_soon(struct rh_seat *seat)
{
	struct rh_fiber *own = rh_fiber_current();
	struct rh_carrier *carrier = rh_carrier_of_thread;
	bool is_here = own ? atomic_load(&own->seat) == seat->index
			   : carrier && carrier->seat == seat;

	if (!is_here && !atomic_load(&seat->is_asked))
		return;
	if (own)
		own->resched = true;
	if (is_here)
		return;
	if (own || (carrier && carrier->seat))
		atomic_fetch_or(&unasked, 1ull << seat->index);
	else
		interrupt(seat);
}

/* It waited for something until now. */
static void count_wait(struct rh_fiber *fiber)
{
	struct rh_thread_stats *stats = fiber->stats;

	if (atomic_load_explicit(&stats->state, memory_order_relaxed) == RH_THREAD_WAITING)
		rh_stats_add(&stats->waited_ns, fiber->since -
			     atomic_load_explicit(&stats->since, memory_order_relaxed));
	atomic_store_explicit(&stats->since, fiber->since, memory_order_relaxed);
}

static inline void trace_wake(const struct rh_fiber *fiber, uint32_t at)
{
	const struct rh_fiber *own;

	if (__builtin_expect(!atomic_load_explicit(&rh_trace_is_on, memory_order_relaxed), 1))
		return;
	own = rh_fiber_current();
	rh_trace(fiber, RH_EVENT_WAKE, 0, at,
		 own && own != fiber ? (uint64_t)atomic_load(&own->tid) : 0);
}

void rh_seat_put(struct rh_fiber *fiber)
{
	uint32_t at = atomic_load(&fiber->seat);
	struct rh_seat *claimed = claim_idle(at), *seat;
	struct rh_fiber *newest;

	if (claimed && !fiber->is_task) {
		at = claimed->index;
		atomic_store(&fiber->seat, at);
	}
	seat = &rh_seats[at];
	fiber->since = rh_clock();
	count_wait(fiber);
	atomic_store(&fiber->stats->state, RH_THREAD_QUEUED);
	trace_wake(fiber, at);
	newest = atomic_load(&seat->inbox);
	do {
		fiber->next = newest;
	} while (!atomic_compare_exchange_weak(&seat->inbox, &newest, fiber));
	if (!claimed)
		claimed = claim_idle(at);
	if (claimed) {
		call(claimed);
		return;
	}
	look_soon(seat);
	rh_monitor_work();
}

/* ---- of carriers ---- */

/* How the seat decided until now. */
static void count_picks(struct rh_seat *seat)
{
	const struct rh_runqueue_counters *counters = rh_runqueue_counters(seat->queue);
	struct rh_seat_stats *stats = &rh_stats->seat[seat->index];

	atomic_store_explicit(&stats->picks, counters->picks, memory_order_relaxed);
	atomic_store_explicit(&stats->unruled, counters->picks - counters->ruled,
			      memory_order_relaxed);
	atomic_store_explicit(&stats->failures, counters->failures, memory_order_relaxed);
}

/* The rules of other seats say whether who came there goes first. */
static void ask_others(const struct rh_seat *seat, uint64_t now)
{
	uint64_t bits = atomic_load(&unasked);

	if (__builtin_expect(!bits, 1))
		return;
	for (bits = atomic_exchange(&unasked, 0); bits; bits &= bits - 1) {
		struct rh_seat *other = &rh_seats[__builtin_ctzll(bits)];
		bool is_ahead;

		if (other == seat || !atomic_load(&other->inbox))
			continue;
		rh_latch_lock(&other->latch);
		is_ahead = drain(other, now);
		count(other);
		rh_latch_unlock(&other->latch);
		if (is_ahead)
			interrupt(other);
	}
}

static struct rh_fiber *pick(struct rh_seat *seat, uint64_t now)
{
	uint32_t task = rh_runqueue_pick(seat->queue, now);
	struct rh_fiber *fiber;

	seat->is_ahead = false;
	count(seat);
	if (task == RH_SCHED_NONE)
		return NULL;
	count_picks(seat);
	fiber = rh_fiber_at(task);
	note(seat, fiber, RH_EVENT_PICK, rh_runqueue_is_ruled(seat->queue),
	     rh_runqueue_waiting(seat->queue));
	return fiber;
}

/* What another seat would run next, if the two are not farther apart with it here; of the
 * same weight they take turns.  load: what this one has. */
static uint32_t take_from(struct rh_seat *from, uint64_t load, uint64_t now,
			  struct rh_task_moved *ret_moved)
{
	uint32_t task;

	rh_latch_lock(&from->latch);
	drain(from, now);
	task = rh_runqueue_first(from->queue);
	if (task != RH_SCHED_NONE &&
	    load + rh_runqueue_load_of(from->queue, task) > rh_runqueue_load(from->queue))
		task = RH_SCHED_NONE;
	if (task != RH_SCHED_NONE)
		rh_runqueue_take(from->queue, task, now, ret_moved);
	count(from);
	rh_latch_unlock(&from->latch);
	return task;
}

static bool steal(struct rh_seat *seat, struct rh_seat *from, uint64_t load, uint64_t now,
		  bool *ret_ahead)
{
	struct rh_task_moved moved;
	struct rh_fiber *fiber;
	uint32_t task;

	if (!atomic_load(&from->inbox) &&
	    (!atomic_load(&from->queued) || atomic_load(&from->load) < load))
		return false;
	task = take_from(from, load, now, &moved);
	if (task == RH_SCHED_NONE)
		return false;
	fiber = rh_fiber_at(task);
	atomic_store(&fiber->seat, seat->index);
	rh_stats_count(&rh_stats->steals);
	rh_stats_add(&fiber->stats->moved, 1);
	rh_latch_lock(&seat->latch);
	*ret_ahead = rh_runqueue_put(seat->queue, task, &moved, now);
	note(seat, fiber, RH_EVENT_MOVE, 0, from->index);
	note(seat, fiber, RH_EVENT_ENQUEUE, RH_SCHED_MIGRATE, 0);
	count(seat);
	rh_latch_unlock(&seat->latch);
	return true;
}

static bool steal_any(struct rh_seat *seat, uint64_t load, uint64_t now, bool *ret_ahead)
{
	for (uint32_t i = 1; i < rh_seat_count; i++) {
		struct rh_seat *from = &rh_seats[(seat->index + i) % rh_seat_count];

		if (steal(seat, from, load, now, ret_ahead))
			return true;
	}
	return false;
}

struct rh_fiber *rh_seat_next(struct rh_seat *seat)
{
	uint64_t now = rh_clock();
	struct rh_fiber *fiber;
	bool ahead;

	ask_others(seat, now);
	do {
		rh_latch_lock(&seat->latch);
		drain(seat, now);
		fiber = pick(seat, now);
		rh_latch_unlock(&seat->latch);
	} while (!fiber && steal_any(seat, 0, now, &ahead));
	return fiber;
}

void rh_seat_stop(struct rh_seat *seat, struct rh_fiber *fiber, enum rh_leave how)
{
	uint64_t now = rh_clock();

	rh_latch_lock(&seat->latch);
	drain(seat, now);
	keep_traits(seat, fiber, now);
	rh_runqueue_stop(seat->queue,
			 how == RH_LEAVE_WAIT  ? RH_STOP_BLOCK :
			 how == RH_LEAVE_YIELD ? RH_STOP_YIELD :
						 RH_STOP_PREEMPT,
			 now);
	tell(seat, fiber);
	note(seat, fiber, how == RH_LEAVE_WAIT ? RH_EVENT_WAIT : RH_EVENT_ENQUEUE,
	     how == RH_LEAVE_WAIT  ? 0 :
	     how == RH_LEAVE_YIELD ? RH_SCHED_YIELD :
				     RH_SCHED_PREEMPT,
	     0);
	count(seat);
	rh_latch_unlock(&seat->latch);
}

void rh_seat_remove(struct rh_fiber *fiber)
{
	struct rh_seat *seat = &rh_seats[atomic_load(&fiber->seat)];

	rh_latch_lock(&seat->latch);
	if (fiber->is_task)
		rh_runqueue_remove(seat->queue, task_of(fiber), rh_clock());
	fiber->is_task = false;
	count(seat);
	rh_latch_unlock(&seat->latch);
}

bool rh_seat_goes_on(struct rh_seat *seat, struct rh_fiber *fiber)
{
	uint64_t now = rh_clock(), load;
	bool over, ahead = false;

	rh_calls_look(RH_CALLS_SOME);
	rh_ready_look();
	ask_others(seat, now);
	rh_latch_lock(&seat->latch);
	over = drain(seat, now);
	seat->is_ahead = false;
	keep_traits(seat, fiber, now);
	over = rh_runqueue_tick(seat->queue, now) || over;
	note(seat, fiber, RH_EVENT_TICK, over, 0);
	count(seat);
	load = atomic_load(&seat->load);
	rh_latch_unlock(&seat->latch);
	if (atomic_load(&seat->queued)) /* it may sleep in the kernel before it leaves again */
		rh_monitor_work();
	if (!over && steal_any(seat, load, now, &ahead))
		over = ahead;
	return !over;
}

bool rh_seat_waiting(void)
{
	for (uint32_t i = 0; i < rh_seat_count; i++)
		if (atomic_load(&rh_seats[i].inbox) || atomic_load(&rh_seats[i].queued))
			return true;
	return false;
}

/* One that sleeps for calls cannot do so for descriptors: the monitor looks at those. */
static void sleep_idle(struct rh_seat *seat)
{
	if (rh_calls_any() && rh_ready_unwatched())
		rh_monitor_work();
	if (rh_calls_any() || !rh_ready_sleep(&seat->called, seat->index))
		rh_calls_sleep(&seat->called, seat->index);
}

void rh_seat_idle(struct rh_seat *seat)
{
	uint64_t bit = 1ull << seat->index;

	atomic_store(&seat->called, 0);
	atomic_fetch_or(&idle, bit);
	if (rh_seat_waiting()) {
		atomic_fetch_and(&idle, ~bit);
		return;
	}
	rh_trace(NULL, RH_EVENT_IDLE, 0, seat->index, 0);
	while (!atomic_load(&seat->called) && !rh_handler_put_off)
		sleep_idle(seat);
	atomic_fetch_and(&idle, ~bit);
}
