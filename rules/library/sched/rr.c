/* rr - a rule for threads: each runs for a slice, then the next one that waits.
 *
 *   slice_us  how long a slice is (10000), unless another is asked for a thread */
#include <rhodes/hook/sched.h>

RH_RULE(sched);

#define usual_ns rh_sched.own[0]

int32_t rh_init(void)
{
	usual_ns = RH_PARAM_NUMBER("slice_us", 10000) * 1000u;
	return !usual_ns || usual_ns > 10000000000u;
}

int32_t rh_sched_enable(int32_t number)
{
	(void)number;
	return 0;
}

int32_t rh_sched_enqueue(int32_t number, int32_t why)
{
	struct rh_sched_task *task = &rh_sched.tasks[number];

	(void)why;
	task->queue = 0;
	task->key = 0;
	task->slice_ns = task->want_slice_ns ? task->want_slice_ns : usual_ns;
	return 0;
}
