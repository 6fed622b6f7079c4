#include "outside.h"

#include "evict.h"
#include "fiber.h"
#include "real.h"

#include <sched.h>
#include <sys/resource.h>

/* 0: it is gone. */
static uint64_t processors_of(int tid)
{
	uint64_t words[CPU_SETSIZE / 64] = {0}, sum = 14695981039346656037u;

	if (rh_sys4(SYS_sched_getaffinity, tid, sizeof words, (long)words, 0) <= 0)
		return 0;
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		sum = (sum ^ words[i]) * 1099511628211u;
	return sum | 1;
}

/* False: it is gone. */
static bool is_seen(int tid, struct rh_outside *ret)
{
	long nice = rh_sys4(SYS_getpriority, PRIO_PROCESS, tid, 0, 0);
	long class = rh_sys4(SYS_sched_getscheduler, tid, 0, 0, 0);

	*ret = (struct rh_outside){
		.nice = (int32_t)(20 - nice), /* as the kernel answers it */
		.class = (uint32_t)class & ~(uint32_t)SCHED_RESET_ON_FORK,
		.processors = processors_of(tid),
	};
	return nice > 0 && class >= 0 && ret->processors;
}

void rh_outside_begin(struct rh_fiber *fiber)
{
	is_seen(0, &fiber->outside);
}

static bool is_kernels(uint32_t class)
{
	return class != SCHED_OTHER && class != SCHED_BATCH && class != SCHED_IDLE;
}

/* All threads may have been bound, one after the other: twice it has others than it began with,
 * and than the monitor has. */
static bool is_bound(struct rh_outside *seen, uint64_t processors)
{
	bool is_now = processors != seen->processors && processors != processors_of(0);
	bool is_still = is_now && seen->is_bound;

	seen->is_bound = is_now;
	return is_still;
}

static void look_at(struct rh_fiber *fiber)
{
	uint32_t generation = atomic_load(&fiber->generation);
	int tid = atomic_load(&fiber->tid);
	struct rh_outside *seen = &fiber->outside, now;

	if (!tid || !is_seen(tid, &now) || atomic_load(&fiber->generation) != generation ||
	    !atomic_load(&fiber->used))
		return;
	if (is_kernels(now.class) && !is_kernels(seen->class)) {
		rh_evict(fiber, RH_EVICT_CLASS);
	} else if (is_bound(seen, now.processors)) {
		rh_evict(fiber, RH_EVICT_AFFINITY);
	} else if (now.nice != seen->nice) {
		seen->nice = now.nice;
		atomic_store(&fiber->nice, now.nice);
		atomic_store(&fiber->changed, true);
	}
}

void rh_outside_look(uint64_t now)
{
	static uint64_t next;
	static uint32_t at; /* whom it looks at next */
	uint32_t top = rh_fiber_top(), looks = 0;

	if (now < next)
		return;
	next = now + RH_OUTSIDE_NS;
	for (uint32_t i = 0; i < top && looks < RH_OUTSIDE_FEW; i++) {
		struct rh_fiber *fiber = rh_fiber_at(at++ % top);

		if (!atomic_load(&fiber->used) || !fiber->governed)
			continue;
		look_at(fiber);
		looks++;
	}
}
