/* cfs - a rule for threads: all get the same of a processor by their nice value; who slept
 * goes first, a little.
 *
 * Who has run least, by its weight, is next.  A slice is its part of the time in which all
 * are to run once; one that wakes up begins half of that time before the one that was
 * picked last, and takes its place if it is clearly behind it and that one has run a little:
 * who sends messages sends more than one before those that get them run.
 *
 *   latency_us      in that time all run once (12000)
 *   granularity_us  but nobody runs for less (1500)
 *   wakeup_us       so far behind one is that preempts another (1000)
 *   run_us          which has run for so long (20) */
#include "fair.h"

RH_RULE(sched);

#define latency     rh_sched.own[0]
#define granularity rh_sched.own[1]
#define wakeup      rh_sched.own[2]
#define run         rh_sched.own[3]

int32_t rh_init(void)
{
	latency = RH_PARAM_NUMBER("latency_us", 12000) * US;
	granularity = RH_PARAM_NUMBER("granularity_us", 1500) * US;
	wakeup = RH_PARAM_NUMBER("wakeup_us", 1000) * US;
	run = RH_PARAM_NUMBER("run_us", 20) * US;
	return !latency || !granularity || latency > 10000000000u ||
	       granularity > 10000000000u || wakeup > 10000000000u || run > 10000000000u;
}

static inline uint64_t slice(const struct rh_sched_task *task)
{
	uint64_t part;

	if (task->want_slice_ns)
		return task->want_slice_ns;
	part = latency * task->weight / (rh_sched.weight_sum ? rh_sched.weight_sum : NICE_0);
	return part > granularity ? part : granularity;
}

/* vclock: as far as the one is that runs, or was picked last, but not farther than who
 * waits. */
static inline void go_on(struct rh_sched_task *task)
{
	uint64_t least = rh_sched.least[0];

	task->vruntime += fair_charge(task);
	if (task->vruntime < least)
		least = task->vruntime;
	if (fair_is_before(rh_sched.vclock, least))
		rh_sched.vclock = least;
}

int32_t rh_sched_enable(int32_t number)
{
	fair_begin();
	fair_charged(&rh_sched.tasks[number]) = 0;
	return 0;
}

/* Where it is, if it was not running just now. */
static inline uint64_t begin(const struct rh_sched_task *task, uint32_t why)
{
	uint64_t most = rh_sched.vclock + fair_virtual(2 * latency, task->weight);

	if (why == RH_SCHED_NEW)
		return rh_sched.vclock;
	return fair_within(task->vruntime, rh_sched.vclock - latency / 2, most);
}

int32_t rh_sched_enqueue(int32_t number, int32_t why)
{
	struct rh_sched_task *task = &rh_sched.tasks[number];

	if (rh_sched.current < RH_SCHED_TASKS)
		go_on(&rh_sched.tasks[rh_sched.current]);
	if (why == RH_SCHED_MIGRATE) {
		fair_begin();
		task->vruntime += rh_sched.vclock;
	}
	if (why != RH_SCHED_PREEMPT && why != RH_SCHED_YIELD && why != RH_SCHED_CHANGE)
		task->vruntime = begin(task, (uint32_t)why);
	task->queue = 0;
	task->key = task->vruntime;
	task->slice_ns = slice(task);
	/* A slice behind all: it is not charged for that. */
	if (why == RH_SCHED_YIELD) {
		uint64_t behind = rh_sched.vclock + fair_virtual(task->slice_ns, task->weight);

		if (fair_is_before(task->key, behind))
			task->key = behind;
	}
	return 0;
}

/* Until now by the weight that it had.  Another run queue has another clock. */
int32_t rh_sched_dequeue(int32_t number, int32_t why)
{
	struct rh_sched_task *task = &rh_sched.tasks[number];

	if (task->state == RH_SCHED_RUNNING)
		go_on(task);
	if (why == RH_SCHED_MIGRATE)
		task->vruntime -= rh_sched.vclock;
	return 0;
}

int32_t rh_sched_stopping(int32_t number, int32_t runnable)
{
	struct rh_sched_task *task = &rh_sched.tasks[number];

	(void)runnable;
	go_on(task);
	fair_charged(task) = 0;
	return 0;
}

int32_t rh_sched_wakeup(int32_t woken_number, int32_t current_number)
{
	const struct rh_sched_task *woken = &rh_sched.tasks[woken_number];
	const struct rh_sched_task *current = &rh_sched.tasks[current_number];

	return current->ran_ns >= run &&
	       fair_is_before(woken->vruntime + fair_virtual(wakeup, woken->weight),
	                      current->vruntime);
}
