/* inverted - a rule for tests: the nicer a thread is, the more it gets.  What cfs gives to
 * nice 0 and to nice 10 this one gives to nice 10 and to nice 0. */
#include <rhodes/hook/sched.h>

RH_RULE(sched);

#define NICE_0 1024u
#define SLICE  4000000u

int32_t rh_sched_enable(int32_t number)
{
	rh_sched.tasks[number].vruntime = rh_sched.vclock;
	return 0;
}

int32_t rh_sched_enqueue(int32_t number, int32_t why)
{
	struct rh_sched_task *task = &rh_sched.tasks[number];

	if (why != (int32_t)RH_SCHED_PREEMPT && task->vruntime < rh_sched.vclock)
		task->vruntime = rh_sched.vclock;
	task->queue = 0;
	task->key = task->vruntime;
	task->slice_ns = SLICE;
	return 0;
}

/* Time goes by faster for those that weigh more. */
int32_t rh_sched_stopping(int32_t number, int32_t runnable)
{
	struct rh_sched_task *task = &rh_sched.tasks[number];

	(void)runnable;
	if (rh_sched.vclock < task->vruntime)
		rh_sched.vclock = task->vruntime;
	task->vruntime += task->ran_ns * task->weight / NICE_0;
	return 0;
}
