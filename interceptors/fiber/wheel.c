#include "wheel.h"

#include "monitor.h"
#include "waitqueue.h"

#include <string.h>

#define SLOTS      256u
#define SLOT_SHIFT 20 /* 2^20 ns */
#define DUE_MAX    32 /* woken at a time, outside the latch */

static struct rh_latch latch;
static struct rh_fiber *slots[SLOTS];
static uint64_t next_due = UINT64_MAX; /* at the latest */
static uint64_t turned;                /* slots before this one hold nothing due */
static uint32_t count;

void rh_wheel_add(struct rh_fiber *fiber, uint64_t until)
{
	struct rh_fiber **slot = &slots[(until >> SLOT_SHIFT) % SLOTS];
	bool earlier;

	rh_latch_lock(&latch);
	fiber->deadline = until;
	fiber->wheel_next = *slot;
	fiber->wheel_at = slot;
	if (*slot)
		(*slot)->wheel_at = &fiber->wheel_next;
	*slot = fiber;
	count++;
	if (until >> SLOT_SHIFT < turned)
		turned = until >> SLOT_SHIFT;
	earlier = until < next_due;
	if (earlier)
		next_due = until;
	rh_latch_unlock(&latch);
	if (earlier)
		rh_monitor_timer();
}

static void take_out(struct rh_fiber *fiber)
{
	if (!fiber->wheel_at)
		return;
	*fiber->wheel_at = fiber->wheel_next;
	if (fiber->wheel_next)
		fiber->wheel_next->wheel_at = fiber->wheel_at;
	fiber->wheel_at = NULL;
	count--;
}

void rh_wheel_remove(struct rh_fiber *fiber)
{
	rh_latch_lock(&latch);
	take_out(fiber);
	rh_latch_unlock(&latch);
}

struct due {
	struct rh_fiber *fiber;
	uint64_t deadline;
};

/* Takes out what is due, up to DUE_MAX; more: *ret_more. */
static int collect(uint64_t now, struct due *due, bool *ret_more)
{
	uint64_t last = now >> SLOT_SHIFT;
	int found = 0;

	if (last - turned >= SLOTS && turned < last)
		turned = last - SLOTS + 1;
	for (uint64_t at = turned; at <= last; at++) {
		struct rh_fiber *fiber = slots[at % SLOTS];

		while (fiber) {
			struct rh_fiber *next = fiber->wheel_next;

			if (fiber->deadline <= now) {
				if (found == DUE_MAX) {
					*ret_more = true;
					return found;
				}
				due[found++] = (struct due){fiber, fiber->deadline};
				take_out(fiber);
			}
			fiber = next;
		}
		turned = at;
	}
	return found;
}

/* The nearest deadline, looked for from now on; within a turn the first slot that has
 * one of this turn has the nearest. */
static uint64_t nearest(uint64_t now)
{
	uint64_t first = now >> SLOT_SHIFT, best = UINT64_MAX;

	if (!count)
		return UINT64_MAX;
	for (uint64_t at = first; at < first + SLOTS; at++) {
		for (struct rh_fiber *f = slots[at % SLOTS]; f; f = f->wheel_next)
			if (f->deadline < best)
				best = f->deadline;
		if (best >> SLOT_SHIFT <= at)
			break;
	}
	return best;
}

uint64_t rh_wheel_turn(uint64_t now)
{
	struct due due[DUE_MAX];
	uint64_t next;
	bool more;
	int found;

	do {
		more = false;
		rh_latch_lock(&latch);
		found = next_due <= now ? collect(now, due, &more) : 0;
		if (next_due <= now)
			next_due = nearest(now);
		next = next_due;
		rh_latch_unlock(&latch);
		for (int i = 0; i < found; i++)
			rh_wait_expire(due[i].fiber, due[i].deadline);
		if (more)
			next_due = now;
	} while (more);
	return next;
}

void rh_wheel_forget_all(void)
{
	atomic_store(&latch.word, 0);
	memset(slots, 0, sizeof slots);
	next_due = UINT64_MAX;
	turned = 0;
	count = 0;
}
