#include "fiber.h"

#include "attend.h"
#include "carrier.h"
#include "switch.h"

#include <string.h>

unsigned char rh_switch_fsgsbase;
__thread struct rh_fiber *rh_fiber_of_thread;

static struct rh_fiber table[RH_FIBERS_MAX];
static unsigned char stacks[RH_FIBERS_MAX][RH_HOME_STACK] __attribute__((aligned(64)));
static struct rh_latch table_latch;
static _Atomic uint32_t hint; /* where a free one may be */

struct rh_fiber *rh_fiber_at(uint32_t i)
{
	return &table[i];
}

static void clear(struct rh_fiber *fiber, uint32_t at)
{
	uint32_t generation = atomic_load(&fiber->generation);

	memset(fiber, 0, sizeof *fiber);
	atomic_store(&fiber->generation, generation + 1);
	fiber->stats = rh_stats_of(at);
	fiber->stack = stacks[at];
}

struct rh_fiber *rh_fiber_take(void)
{
	struct rh_fiber *found = NULL;
	uint32_t first = atomic_load(&hint);

	rh_latch_lock(&table_latch);
	for (uint32_t i = 0; i < RH_FIBERS_MAX && !found; i++) {
		uint32_t at = (first + i) % RH_FIBERS_MAX;

		if (atomic_load(&table[at].used))
			continue;
		found = &table[at];
		clear(found, at);
		atomic_store(&found->used, true);
		atomic_store(&hint, at + 1);
	}
	rh_latch_unlock(&table_latch);
	return found;
}

void rh_fiber_give(struct rh_fiber *fiber)
{
	rh_stats_clear(fiber->stats);
	rh_latch_lock(&table_latch);
	atomic_store(&fiber->used, false);
	atomic_store(&hint, (uint32_t)(fiber - table));
	rh_latch_unlock(&table_latch);
}

/* A thread that ends gives its entry back before its id can be taken anew. */
struct rh_fiber *rh_fiber_of(pthread_t thread)
{
	for (uint32_t i = 0; i < RH_FIBERS_MAX; i++)
		if (atomic_load(&table[i].used) && atomic_load(&table[i].tid) &&
		    table[i].thread == thread)
			return &table[i];
	return NULL;
}

struct rh_fiber *rh_fiber_of_tid(int tid)
{
	for (uint32_t i = 0; i < RH_FIBERS_MAX; i++)
		if (atomic_load(&table[i].used) && atomic_load(&table[i].tid) == tid)
			return &table[i];
	return NULL;
}

_Atomic uint32_t rh_fiber_mask_changes = 1;

uint64_t rh_fiber_common_mask(void)
{
	uint64_t common = ~0ull;

	for (uint32_t i = 0; i < RH_FIBERS_MAX; i++)
		if (atomic_load(&table[i].used) && table[i].governed)
			common &= atomic_load(&table[i].mask);
	return common;
}

void rh_fiber_leave(enum rh_leave how, struct rh_latch *release)
{
	struct rh_fiber *fiber = rh_fiber_of_thread;
	struct rh_carrier *carrier = atomic_load(&fiber->carrier);

	fiber->resched = false;
	carrier->leave = how;
	carrier->release = release;
	rh_switch(&fiber->sp, carrier->sp, carrier->fs);
	rh_attend(fiber);
}

void rh_fiber_point(struct rh_fiber *fiber)
{
	if (fiber->resched)
		rh_fiber_leave(RH_LEAVE_TICK, NULL);
}

void rh_fiber_forget_all(void)
{
	struct rh_fiber *own = rh_fiber_of_thread;

	for (uint32_t i = 0; i < RH_FIBERS_MAX; i++)
		if (atomic_load(&table[i].used))
			clear(&table[i], i);
	atomic_store(&table_latch.word, 0);
	if (own)
		rh_fiber_of_thread = NULL;
}
