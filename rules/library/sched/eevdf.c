/* eevdf - a rule for threads: earliest eligible virtual deadline first.  All get the same of
 * a processor by their nice value, as with cfs; who asks for a shorter slice gets it sooner.
 *
 * A task is eligible when it had no more than its part: when it is not ahead of the mean
 * of all, by weight.  Of those the one is next whose slice would be over first; the others
 * are in LATER until the mean comes to where they are.  One that blocks keeps what it had
 * too little or too much.
 *
 *   slice_us  how long a slice is (3000), unless another is asked for a thread */
#include "fair.h"

RH_RULE(sched);

#define SLICE_MIN 100000u /* ns: less is not worth a switch */

/* vclock is the mean, rounded down; rest is what was rounded, of all tasks together. */
#define usual_ns rh_sched.own[0]
#define load     rh_sched.own[1] /* the weights of those that are runnable */
#define rest     rh_sched.own[2]

#define lag(task)    (task)->own[0] /* how far behind the mean it was when it left */
#define weighs(task) (task)->own[1] /* in load; 0: it is not in it */

int32_t rh_init(void)
{
	usual_ns = RH_PARAM_NUMBER("slice_us", 3000) * US;
	return !usual_ns || usual_ns > 10000000000u;
}

static inline uint64_t virtual_slice(const struct rh_sched_task *task)
{
	return fair_virtual(task->want_slice_ns ? task->want_slice_ns : usual_ns, task->weight);
}

/* ---- the mean ---- */

/* All tasks together came that much nearer to the end, or farther when it is negative. */
static inline void shift(uint64_t by)
{
	uint64_t whole;

	rest += by;
	if ((int64_t)rest < 0) {
		whole = (0 - rest + load - 1) / load;
		rh_sched.vclock -= whole;
		rest += whole * load;
	} else if (rest >= load) {
		whole = rest / load;
		rh_sched.vclock += whole;
		rest -= whole * load;
	}
	rh_sched.ripe = rh_sched.vclock;
}

/* What the one that runs has had. */
static inline void go_on(struct rh_sched_task *task)
{
	uint64_t ran = fair_charge(task);

	task->vruntime += ran;
	if (weighs(task))
		shift(weighs(task) * ran);
}

static inline void join(struct rh_sched_task *task)
{
	/* The only one: whatever there was is gone. */
	if (rh_sched.nr <= 1)
		load = rest = 0;
	weighs(task) = task->weight;
	load += task->weight;
	shift(task->weight * (task->vruntime - rh_sched.vclock));
}

static inline void leave(struct rh_sched_task *task)
{
	uint64_t far = 2 * virtual_slice(task);
	uint64_t behind = rh_sched.vclock - task->vruntime;
	uint64_t weight = weighs(task);

	lag(task) = fair_within(behind, 0 - far, far);
	if (!weight)
		return;
	weighs(task) = 0;
	load -= weight;
	if (load)
		shift(weight * behind);
	else
		rest = 0;
}

/* One that left behind the mean is to be as far behind once it is part of it: more, until
 * then.  One that left ahead of it is where it was, unless the mean has come there. */
static inline uint64_t return_to(const struct rh_sched_task *task, uint32_t why)
{
	uint64_t behind = lag(task);

	if ((int64_t)behind < 0) {
		if (why == RH_SCHED_MIGRATE)
			return rh_sched.vclock - behind;
		return fair_within(task->vruntime, rh_sched.vclock, rh_sched.vclock - behind);
	}
	if (rh_sched.nr > 1 && load)
		behind = behind * ((load + task->weight) / 16 + 1) / (load / 16 + 1);
	return rh_sched.vclock - behind;
}

/* ---- the hook ---- */

int32_t rh_sched_enable(int32_t number)
{
	struct rh_sched_task *task = &rh_sched.tasks[number];

	fair_begin();
	lag(task) = weighs(task) = fair_charged(task) = 0;
	return 0;
}

/* It was not among the runnable ones. */
static inline void arrive(struct rh_sched_task *task, uint32_t why)
{
	uint64_t part = virtual_slice(task);

	fair_begin();
	if (why == RH_SCHED_SWAP)
		task->vruntime = fair_within(task->vruntime, rh_sched.vclock - 2 * part,
		                             rh_sched.vclock + 2 * part);
	else
		task->vruntime = return_to(task, why);
	join(task);
	/* The first time not after all that are there already. */
	task->deadline = task->vruntime + (why == RH_SCHED_NEW ? part / 2 : part);
}

/* Its deadline comes with the next slice, if this one is over. */
static inline void stay(struct rh_sched_task *task, uint32_t why)
{
	uint64_t part = virtual_slice(task);

	if (why == RH_SCHED_YIELD && !fair_is_before(rh_sched.vclock, task->vruntime) &&
	    fair_is_before(task->vruntime, task->deadline)) {
		shift(weighs(task) * (task->deadline - task->vruntime));
		task->vruntime = task->deadline;
	}
	if (!fair_is_before(task->vruntime, task->deadline))
		task->deadline = task->vruntime + part;
}

int32_t rh_sched_enqueue(int32_t number, int32_t why)
{
	struct rh_sched_task *task = &rh_sched.tasks[number];
	uint64_t              left;

	if (rh_sched.current < RH_SCHED_TASKS)
		go_on(&rh_sched.tasks[rh_sched.current]);
	if (why == RH_SCHED_PREEMPT || why == RH_SCHED_YIELD)
		stay(task, (uint32_t)why);
	else
		arrive(task, (uint32_t)why);
	if (fair_is_before(rh_sched.vclock, task->vruntime)) {
		task->queue = RH_SCHED_LATER;
		task->key = task->vruntime;
		task->next_key = task->deadline;
	} else {
		task->queue = 0;
		task->key = task->deadline;
	}
	left = (task->deadline - task->vruntime) * task->weight / NICE_0;
	task->slice_ns = left < SLICE_MIN ? SLICE_MIN : left;
	return 0;
}

int32_t rh_sched_dequeue(int32_t number, int32_t why)
{
	struct rh_sched_task *task = &rh_sched.tasks[number];

	(void)why;
	if (task->state == RH_SCHED_RUNNING)
		go_on(task);
	if (task->state != RH_SCHED_BLOCKED)
		leave(task);
	return 0;
}

int32_t rh_sched_stopping(int32_t number, int32_t runnable)
{
	struct rh_sched_task *task = &rh_sched.tasks[number];

	go_on(task);
	fair_charged(task) = 0;
	if (!runnable)
		leave(task);
	return 0;
}

int32_t rh_sched_wakeup(int32_t woken_number, int32_t current_number)
{
	const struct rh_sched_task *woken = &rh_sched.tasks[woken_number];
	const struct rh_sched_task *current = &rh_sched.tasks[current_number];

	if (woken->queue == RH_SCHED_LATER)
		return 0;
	return fair_is_before(woken->deadline, current->deadline) ||
	       !fair_is_before(current->vruntime, current->deadline);
}
