#include "evict.h"

#include "park.h"

#include <string.h>

#define REASONS_MAX 32

static const char *_Atomic reason_for_all;
static const char *_Atomic told[REASONS_MAX];

static void write_out(const char *text)
{
	rh_sys4(SYS_write, 2, (long)text, (long)strlen(text), 0);
}

static void tell(const char *who, const char *reason)
{
	for (int i = 0; i < REASONS_MAX; i++) {
		const char *none = NULL;

		if (atomic_compare_exchange_strong(&told[i], &none, reason))
			break;
		if (none == reason)
			return;
	}
	write_out("rhodes: fiber: ");
	write_out(who);
	write_out(" scheduled by the kernel from now on: ");
	write_out(reason);
	write_out("\n");
}

void rh_evict_refuse(const char *reason)
{
	tell("a thread is", reason);
	rh_stats_count(&rh_stats->evicted);
}

void rh_evict_self(const char *reason)
{
	struct rh_fiber *fiber = rh_fiber_current();

	if (!fiber)
		return;
	tell("a thread is", reason);
	rh_stats_count(&rh_stats->evicted);
	atomic_store(&fiber->evict, reason);
	rh_park_go_home(fiber);
}

void rh_evict(struct rh_fiber *fiber, const char *reason)
{
	if (!fiber->governed || atomic_exchange(&fiber->evict, reason))
		return;
	tell("a thread is", reason);
	rh_stats_count(&rh_stats->evicted);
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

bool rh_evict_wanted(const struct rh_fiber *fiber)
{
	return atomic_load(&fiber->evict) || atomic_load(&reason_for_all);
}

bool rh_evict_admits(void)
{
	return !atomic_load(&reason_for_all);
}
