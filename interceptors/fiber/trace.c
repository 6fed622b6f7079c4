#include "trace.h"

#include "clock.h"
#include "stats.h"

#define LONGEST_NS (10 * RH_NS_PER_S) /* whoever wants more asks again; what is farther is a mistake */

_Atomic bool rh_trace_is_on;

uint64_t rh_trace_until(uint64_t time)
{
	uint64_t now = rh_clock();
	bool is_on = time > now && time - now <= LONGEST_NS;

	atomic_store(&rh_trace_is_on, is_on);
	return is_on ? time : UINT64_MAX;
}

static uint64_t value_of(const struct rh_fiber *fiber, enum rh_event_kind kind)
{
	if (!fiber)
		return 0;
	if (kind == RH_EVENT_CONTEXT)
		return (uint64_t)(uintptr_t)fiber->sp;
	return atomic_load_explicit(&fiber->stats->vruntime, memory_order_relaxed);
}

void rh_trace_write(const struct rh_fiber *fiber, struct rh_trace_event event)
{
	uint64_t number = atomic_fetch_add(&rh_stats_ring->written, 1) + 1;
	struct rh_stats_event *at = &rh_stats_ring->at[(number - 1) % RH_STATS_EVENTS];

	atomic_store_explicit(&at->number, 0, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	at->time = rh_clock();
	at->kind = event.kind;
	at->why = event.why;
	at->seat = event.seat;
	at->other = event.other;
	at->tid = fiber ? (uint32_t)atomic_load(&fiber->tid) : 0;
	at->value = value_of(fiber, event.kind);
	at->deadline = fiber ? atomic_load(&fiber->stats->deadline) : 0;
	atomic_store_explicit(&at->again, number, memory_order_relaxed);
	atomic_store_explicit(&at->number, number, memory_order_release);
}
