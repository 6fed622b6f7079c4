#include "fiber.h"

#include "attend.h"
#include "carrier.h"
#include "handler.h"
#include "switch.h"

#include <string.h>

unsigned char rh_switch_fsgsbase;
__thread struct rh_fiber *rh_fiber_of_thread;

static struct rh_fiber table[RH_FIBERS_MAX];
static unsigned char stacks[RH_FIBERS_MAX][RH_HOME_STACK] __attribute__((aligned(64)));
static struct rh_latch table_latch;
static uint32_t first_free;  /* all before it are used; under the latch */
static _Atomic uint32_t top; /* never used from here on */

uint32_t rh_fiber_top(void)
{
	return atomic_load(&top);
}

struct rh_fiber *rh_fiber_at(uint32_t i)
{
	return &table[i];
}

static void clear(struct rh_fiber *fiber, uint32_t at)
{
	uint32_t generation = atomic_load(&fiber->generation);

	rh_handler_enter();
	rh_pending_drop(&fiber->pending); /* sent when it had ended */
	rh_handler_leave();
	memset(fiber, 0, sizeof *fiber);
	atomic_store(&fiber->generation, generation + 1);
	fiber->stats = rh_stats_of(at);
	fiber->stack = stacks[at];
}

struct rh_fiber *rh_fiber_take(void)
{
	struct rh_fiber *found = NULL;

	rh_latch_lock(&table_latch);
	while (first_free < RH_FIBERS_MAX && atomic_load(&table[first_free].used))
		first_free++;
	if (first_free < RH_FIBERS_MAX) {
		found = &table[first_free];
		clear(found, first_free++);
		if (first_free > atomic_load(&top))
			atomic_store(&top, first_free);
		atomic_store(&found->used, true);
	}
	rh_latch_unlock(&table_latch);
	return found;
}

void rh_fiber_give(struct rh_fiber *fiber)
{
	rh_stats_clear(fiber->stats);
	rh_latch_lock(&table_latch);
	atomic_store(&fiber->used, false);
	if ((uint32_t)(fiber - table) < first_free)
		first_free = (uint32_t)(fiber - table);
	rh_latch_unlock(&table_latch);
}

/* A thread that ends gives its entry back before its id can be taken anew. */
struct rh_fiber *rh_fiber_of(pthread_t thread)
{
	for (uint32_t i = 0; i < atomic_load(&top); i++)
		if (atomic_load(&table[i].used) && atomic_load(&table[i].tid) &&
		    table[i].thread == thread)
			return &table[i];
	return NULL;
}

struct rh_fiber *rh_fiber_of_tid(int tid)
{
	for (uint32_t i = 0; i < atomic_load(&top); i++)
		if (atomic_load(&table[i].used) && atomic_load(&table[i].tid) == tid)
			return &table[i];
	return NULL;
}

_Atomic uint32_t rh_fiber_mask_changes = 1;

uint64_t rh_fiber_common_mask(void)
{
	uint64_t common = ~0ull;

	for (uint32_t i = 0; i < atomic_load(&top); i++)
		if (atomic_load(&table[i].used) && table[i].governed)
			common &= atomic_load(&table[i].mask);
	return common;
}

static void leave(struct rh_fiber *fiber, enum rh_leave how, struct rh_latch *release)
{
	struct rh_carrier *carrier = atomic_load(&fiber->carrier);

	fiber->resched = false;
	carrier->leave = how;
	carrier->release = release;
	rh_switch(&fiber->sp, carrier->sp, carrier->fs);
}

void rh_fiber_arrive(struct rh_fiber *fiber)
{
	struct rh_carrier *carrier;

	while ((carrier = atomic_load(&fiber->carrier)) && *carrier->put_off)
		leave(fiber, RH_LEAVE_TICK, NULL);
	rh_attend(fiber);
}

void rh_fiber_leave(enum rh_leave how, struct rh_latch *release)
{
	struct rh_fiber *fiber = rh_fiber_of_thread;

	leave(fiber, how, release);
	rh_fiber_arrive(fiber);
}

void rh_fiber_point(struct rh_fiber *fiber)
{
	if (fiber->resched)
		rh_fiber_leave(RH_LEAVE_TICK, NULL);
}

void rh_fiber_forget_all(void)
{
	struct rh_fiber *own = rh_fiber_of_thread;

	rh_pending_forget_all();
	for (uint32_t i = 0; i < atomic_load(&top); i++) {
		table[i].pending = (struct rh_pending_list){0};
		if (atomic_load(&table[i].used))
			clear(&table[i], i);
	}
	first_free = 0;
	atomic_store(&table_latch.word, 0);
	if (own)
		rh_fiber_of_thread = NULL;
}
