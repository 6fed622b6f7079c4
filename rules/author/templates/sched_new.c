/* @NAME@ - says in which order the threads of a program run, and for how long: here each in
 * its turn, for longer the more its nice value is worth. */
#include <rhodes/hook/sched.h>

RH_RULE(sched);

/* A thread is this rule's from now on; its record is rh_sched.tasks[task]. */
int32_t rh_sched_enable(int32_t task)
{
	(void)task;
	return 0;
}

/* It is runnable: the least key is first, and of the same key who came first. */
int32_t rh_sched_enqueue(int32_t task, int32_t why)
{
	struct rh_sched_task *record = &rh_sched.tasks[task];

	(void)why;
	record->queue = 0;
	record->key = 0;
	record->slice_ns = 1000000 + 3000ull * record->weight;
	return 0;
}

/* It ran for ran_ns. */
int32_t rh_sched_stopping(int32_t task, int32_t runnable)
{
	struct rh_sched_task *record = &rh_sched.tasks[task];

	(void)runnable;
	record->vruntime += record->ran_ns;
	return 0;
}
