/* fifo - a rule for threads: who came first runs until it waits for something or lets others
 * go first.  One that was stopped is the first again. */
#include <rhodes/hook/sched.h>

RH_RULE(sched);

#define FOREVER_NS 10000000000u /* the longest slice there is */

int32_t rh_sched_enable(int32_t number)
{
	(void)number;
	return 0;
}

int32_t rh_sched_enqueue(int32_t number, int32_t why)
{
	struct rh_sched_task *task = &rh_sched.tasks[number];

	task->queue = 0;
	task->key = why != RH_SCHED_PREEMPT;
	task->slice_ns = FOREVER_NS;
	return 0;
}

int32_t rh_sched_tick(int32_t number)
{
	(void)number;
	return 0;
}
