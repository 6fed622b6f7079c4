#include "evict.h"

#include "park.h"

#include <string.h>

static const char *_Atomic reason_for_all;
static const char *_Atomic reasons[RH_STATS_REASONS];
static _Atomic uint32_t told; /* of them, a bit each */

_Static_assert(RH_STATS_REASONS <= 32, "a bit each");

static void write_out(const char *text)
{
	rh_sys4(SYS_write, 2, (long)text, (long)strlen(text), 0);
}

/* From 1 on.  Whoever needs it puts it into the block, which may be another one by now. */
static uint32_t number_of(const char *reason)
{
	for (uint32_t i = 0; i < RH_STATS_REASONS; i++) {
		const char *none = NULL;

		if (!atomic_compare_exchange_strong(&reasons[i], &none, reason) && none != reason)
			continue;
		strncpy(rh_stats->reasons[i], reason, RH_STATS_WHY - 1);
		return i + 1;
	}
	return RH_STATS_REASONS + 1; /* it has no place, and is told each time */
}

static void tell(const char *who, const char *reason)
{
	uint64_t bit = 1ull << (number_of(reason) - 1);

	if (atomic_fetch_or(&told, (uint32_t)bit) & bit)
		return;
	write_out("rhodes: fiber: ");
	write_out(who);
	write_out(" scheduled by the kernel from now on: ");
	write_out(reason);
	write_out("\n");
}

static void note(const char *reason)
{
	struct rh_stats_control *control = &rh_stats->control;
	uint32_t none = 0;

	rh_stats_count(&rh_stats->evicted);
	if (atomic_compare_exchange_strong(&control->has_why, &none, 1)) {
		strncpy(control->why, reason, sizeof control->why - 1);
		atomic_store(&control->has_why, 2);
	}
	atomic_fetch_add(&control->hosted, 1);
}

uint32_t rh_evict_refuse(const char *reason)
{
	tell("a thread is", reason);
	note(reason);
	return number_of(reason);
}

void rh_evict_refused_ends(void)
{
	atomic_fetch_sub(&rh_stats->control.hosted, 1);
}

void rh_evict_ends(const struct rh_fiber *fiber)
{
	if (atomic_load(&fiber->evict))
		rh_evict_refused_ends();
}

void rh_evict_self(const char *reason)
{
	struct rh_fiber *fiber = rh_fiber_current();

	if (!fiber)
		return;
	tell("a thread is", reason);
	if (!atomic_exchange(&fiber->evict, reason))
		note(reason);
	rh_park_go_home(fiber);
}

void rh_evict(struct rh_fiber *fiber, const char *reason)
{
	if (!fiber->governed || atomic_exchange(&fiber->evict, reason))
		return;
	tell("a thread is", reason);
	note(reason);
}

void rh_evict_all(const char *reason)
{
	atomic_store(&reason_for_all, reason);
	tell("all threads are", reason);
	for (uint32_t i = 0; i < rh_fiber_top(); i++)
		if (atomic_load(&rh_fiber_at(i)->used))
			rh_evict(rh_fiber_at(i), reason);
	rh_evict_self(reason);
}

uint32_t rh_evict_why(const struct rh_fiber *fiber)
{
	const char *reason = atomic_load(&fiber->evict);

	if (!reason)
		reason = rh_evict_for_all();
	return reason ? number_of(reason) : 0;
}

bool rh_evict_wanted(const struct rh_fiber *fiber)
{
	return atomic_load(&fiber->evict) || atomic_load(&reason_for_all);
}

const char *rh_evict_for_all(void)
{
	return atomic_load(&reason_for_all);
}

bool rh_evict_admits(void)
{
	return !rh_evict_for_all();
}
