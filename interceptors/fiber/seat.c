#include "seat.h"

#include "clock.h"
#include "monitor.h"

struct rh_seat rh_seats[RH_SEATS_MAX];
uint32_t rh_seat_count;

static _Atomic uint64_t idle; /* seats whose carrier sleeps, a bit each */

void rh_seat_reset(uint32_t count)
{
	atomic_store(&idle, 0);
	rh_seat_count = count;
	for (uint32_t i = 0; i < RH_SEATS_MAX; i++) {
		struct rh_seat *seat = &rh_seats[i];

		atomic_store(&seat->inbox, NULL);
		atomic_store(&seat->called, 0);
		atomic_store(&seat->latch.word, 0);
		atomic_store(&seat->queued, 0);
		atomic_store(&seat->carrier, NULL);
		seat->head = NULL;
		seat->tail = &seat->head;
		seat->index = i;
	}
}

static void append(struct rh_seat *seat, struct rh_fiber *fiber)
{
	fiber->next = NULL;
	*seat->tail = fiber;
	seat->tail = &fiber->next;
	atomic_store(&fiber->seat, seat->index);
	atomic_fetch_add(&seat->queued, 1);
}

static struct rh_fiber *take_first(struct rh_seat *seat)
{
	struct rh_fiber *fiber = seat->head;

	if (!fiber)
		return NULL;
	seat->head = fiber->next;
	if (!seat->head)
		seat->tail = &seat->head;
	atomic_fetch_sub(&seat->queued, 1);
	return fiber;
}

/* Under the latch: what came into the inbox stands in the queue, oldest first. */
static void drain(struct rh_seat *seat)
{
	struct rh_fiber *newest, *oldest = NULL;

	if (!atomic_load(&seat->inbox))
		return;
	newest = atomic_exchange(&seat->inbox, NULL);
	while (newest) {
		struct rh_fiber *next = newest->next;

		newest->next = oldest;
		oldest = newest;
		newest = next;
	}
	while (oldest) {
		struct rh_fiber *next = oldest->next;

		append(seat, oldest);
		oldest = next;
	}
}

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

static void call(struct rh_seat *seat)
{
	atomic_store(&seat->called, 1);
	rh_sys_wake(&seat->called, 1);
}

void rh_seat_put(struct rh_fiber *fiber)
{
	uint32_t last = atomic_load(&fiber->seat);
	struct rh_seat *claimed = claim_idle(last);
	struct rh_seat *seat = claimed ? claimed : &rh_seats[last];
	struct rh_fiber *newest = atomic_load(&seat->inbox);

	fiber->since = rh_clock();
	atomic_store(&fiber->stats->state, RH_THREAD_QUEUED);
	do {
		fiber->next = newest;
	} while (!atomic_compare_exchange_weak(&seat->inbox, &newest, fiber));
	if (!claimed)
		claimed = claim_idle(last);
	if (claimed)
		call(claimed);
	else
		rh_monitor_work();
}

static struct rh_fiber *take_of(struct rh_seat *seat)
{
	struct rh_fiber *fiber;

	if (!atomic_load(&seat->inbox) && !atomic_load(&seat->queued))
		return NULL;
	rh_latch_lock(&seat->latch);
	drain(seat);
	fiber = take_first(seat);
	rh_latch_unlock(&seat->latch);
	return fiber;
}

struct rh_fiber *rh_seat_next(struct rh_seat *seat)
{
	struct rh_fiber *fiber = take_of(seat);

	for (uint32_t i = 1; i < rh_seat_count && !fiber; i++) {
		fiber = take_of(&rh_seats[(seat->index + i) % rh_seat_count]);
		if (fiber)
			rh_stats_count(&rh_stats->steals);
	}
	if (fiber && atomic_load(&fiber->seat) != seat->index) {
		atomic_store(&fiber->seat, seat->index);
		rh_stats_add(&fiber->stats->moved, 1);
	}
	return fiber;
}

void rh_seat_requeue(struct rh_seat *seat, struct rh_fiber *fiber, enum rh_leave how)
{
	(void)how;
	rh_latch_lock(&seat->latch);
	drain(seat);
	append(seat, fiber);
	rh_latch_unlock(&seat->latch);
}

bool rh_seat_goes_on(struct rh_seat *seat, struct rh_fiber *fiber, uint64_t ran_ns)
{
	(void)fiber;
	(void)ran_ns;
	return !rh_seat_waiting() ||
	       (!atomic_load(&seat->queued) && !atomic_load(&seat->inbox) &&
		rh_seat_count > 1 && !rh_seat_waiting());
}

bool rh_seat_waiting(void)
{
	for (uint32_t i = 0; i < rh_seat_count; i++)
		if (atomic_load(&rh_seats[i].inbox) || atomic_load(&rh_seats[i].queued))
			return true;
	return false;
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
	while (!atomic_load(&seat->called))
		rh_sys_wait(&seat->called, 0, NULL);
	atomic_fetch_and(&idle, ~bit);
}
