/* fair - time by weight, for the rules of this folder that share a processor fairly. */
#ifndef RHODES_LIBRARY_FAIR_H
#define RHODES_LIBRARY_FAIR_H

#include <rhodes/hook/sched.h>

#define NICE_0 1024u
#define US     1000u

/* Clocks begin here: what is a little behind them is no number below 0. */
#define CLOCK_BEGIN (1ull << 40)

/* Whoever comes first, also from another run queue, finds a clock that has begun. */
static inline void fair_begin(void)
{
	if (rh_sched.vclock < CLOCK_BEGIN)
		rh_sched.vclock = CLOCK_BEGIN;
}

/* Longer than that nobody runs without being asked. */
#define RAN_MAX (1ull << 40)

/* Of ran_ns so much is in vruntime already. */
#define fair_charged(task) (task)->own[2]

/* So much of a processor, as a task of nice 0 would feel it. */
static inline uint64_t fair_virtual(uint64_t ns, uint32_t weight)
{
	if (ns > RAN_MAX)
		ns = RAN_MAX;
	if (weight == NICE_0 || weight == 0)
		return ns;
	return ns * NICE_0 / weight;
}

/* What it has had since the last time that it was asked about, by its weight. */
static inline uint64_t fair_charge(struct rh_sched_task *task)
{
	uint64_t ran = task->ran_ns - fair_charged(task);

	fair_charged(task) = task->ran_ns;
	return fair_virtual(ran, task->weight);
}

/* Is a behind b?  Both may have gone around. */
static inline int32_t fair_is_before(uint64_t a, uint64_t b)
{
	return (int64_t)(a - b) < 0;
}

static inline uint64_t fair_within(uint64_t value, uint64_t least, uint64_t most)
{
	return fair_is_before(value, least) ? least : fair_is_before(most, value) ? most : value;
}

#endif
