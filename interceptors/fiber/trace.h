/* trace - what happens to threads, one event after the other, for who asks for it in the
 * shared block (base/fiber_layout.h, struct rh_stats_ring).
 *
 * Off it costs one branch.  Who reads is not waited for: what is overwritten before it was
 * read is lost, and its reader counts that.
 *
 * Threads     Any; rh_trace_until for the monitor. */
#ifndef RH_FIBER_TRACE_H
#define RH_FIBER_TRACE_H

#include "fiber.h"

extern _Atomic bool rh_trace_is_on __attribute__((visibility("hidden")));

struct rh_trace_event {
	enum rh_event_kind kind;
	uint32_t why, seat;
	uint64_t other;
};

/* fiber: NULL for what is of the seat alone. */
void rh_trace_write(const struct rh_fiber *fiber, struct rh_trace_event event);

static inline void rh_trace(const struct rh_fiber *fiber, enum rh_event_kind kind,
			    uint32_t why, uint32_t seat, uint64_t other)
{
	if (__builtin_expect(atomic_load_explicit(&rh_trace_is_on, memory_order_relaxed), 0))
		rh_trace_write(fiber, (struct rh_trace_event){kind, why, seat, other});
}

/* Events are written until then, by rh_clock, if that is not far away; returns when to
 * ask again. */
uint64_t rh_trace_until(uint64_t time);

#endif
