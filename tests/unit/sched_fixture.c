#include "sched_fixture.h"

#include "../../base/diag.h"
#include "../../rules/hook.h"
#include "../../rules/native/builtin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct rh_rule *sched_builtin(const char *name, const struct rh_rule_param *params,
                                unsigned count)
{
	struct rh_rule_source source = {
		.hook = rh_hook_find("sched"), .mode = RH_RULE_NATIVE, .object_fd = -1,
		.builtin = rh_builtin_find("sched", name), .params = params, .param_count = count,
	};
	struct rh_rule *rule = NULL;
	struct rh_diag  diag = { 0 };

	assert_non_null(source.builtin);
	if (rh_rule_load(&source, &rule, &diag) < 0)
		fail_msg("%s: %s", name, diag.text);
	return rule;
}

struct rh_rule *sched_begin(struct sched_stand *stand, const char *name)
{
	const struct rh_runqueue_place place = { .cpu = 0, .cpus = 1 };
	struct rh_rule                *rule = name ? sched_builtin(name, NULL, 0) : NULL;
	struct rh_diag                 diag = { 0 };

	memset(stand, 0, sizeof *stand);
	if (rh_runqueue_create(&place, rule, 1, &stand->queue, &diag) < 0)
		fail_msg("%s", diag.text);
	return rule;
}

void sched_end(struct sched_stand *stand, struct rh_rule *rule)
{
	rh_runqueue_destroy(stand->queue);
	rh_rule_destroy(rule);
}

struct sched_task *sched_add(struct sched_stand *stand, int32_t nice, uint64_t work_ns,
                               uint64_t sleep_ns)
{
	struct sched_task *task = &stand->tasks[stand->count++];

	assert_in_range(stand->count, 1, SCHED_TASKS);
	*task = (struct sched_task){
		.traits = { .nice = nice, .id = stand->count }, .work_ns = work_ns,
		.sleep_ns = sleep_ns, .start_ns = stand->now_ns,
	};
	return task;
}

static uint64_t first_of(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t job_end(const struct sched_task *task)
{
	uint64_t deadline = task->traits.deadline_ns ? task->traits.deadline_ns
	                                             : task->traits.period_ns;

	return task->began_ns + deadline;
}

static void begin_job(struct sched_stand *stand, struct sched_task *task)
{
	task->left_ns = task->work_ns ? task->work_ns : UINT64_MAX;
	task->began_ns = task->wakes_at;
	task->has_run = false;
	(void)stand;
}

/* Those whose time has come; true when one of them is to run at once. */
static bool wake_all(struct sched_stand *stand)
{
	bool is_ahead = false;

	for (uint32_t i = 0; i < stand->count; i++) {
		struct sched_task  *task = &stand->tasks[i];
		struct rh_task_stats stats;

		if (!task->is_here && task->start_ns <= stand->now_ns) {
			task->is_here = true;
			task->wakes_at = task->start_ns;
			assert_int_equal(rh_runqueue_add(stand->queue, i, &task->traits,
			                                 stand->now_ns), RH_OK);
		}
		if (!task->is_here)
			continue;
		rh_runqueue_stats(stand->queue, i, &stats);
		if (stats.state != RH_TASK_BLOCKED || task->wakes_at > stand->now_ns)
			continue;
		begin_job(stand, task);
		is_ahead |= rh_runqueue_wake(stand->queue, i, stand->now_ns);
	}
	return is_ahead;
}

static uint64_t next_wake(const struct sched_stand *stand)
{
	uint64_t next = UINT64_MAX;

	for (uint32_t i = 0; i < stand->count; i++) {
		const struct sched_task *task = &stand->tasks[i];

		if (!task->is_here)
			next = first_of(next, task->start_ns);
		else if (task->wakes_at > stand->now_ns)
			next = first_of(next, task->wakes_at);
	}
	return next;
}

static void finish_job(struct sched_stand *stand, struct sched_task *task)
{
	task->jobs++;
	task->late += task->traits.period_ns && stand->now_ns > job_end(task);
	if (task->yields) {
		task->left_ns = task->work_ns;
		rh_runqueue_stop(stand->queue, RH_STOP_YIELD, stand->now_ns);
		return;
	}
	task->wakes_at = stand->now_ns + task->sleep_ns;
	if (!task->sleep_ns) {
		task->wakes_at = task->began_ns + task->traits.period_ns;
		if (task->wakes_at <= stand->now_ns) /* it is late: the next one begins at once */
			task->wakes_at = stand->now_ns;
	}
	rh_runqueue_stop(stand->queue, RH_STOP_BLOCK, stand->now_ns);
}

void sched_exchange(struct sched_stand *stand, struct rh_rule *rule, uint64_t generation)
{
	uint32_t       current = rh_runqueue_current(stand->queue);
	uint32_t       waiting = rh_runqueue_waiting(stand->queue);
	struct rh_diag diag = { 0 };

	if (rh_runqueue_exchange(stand->queue, rule, generation, stand->now_ns, &diag) < 0)
		fail_msg("%s", diag.text);
	assert_int_equal(rh_runqueue_current(stand->queue), current);
	assert_int_equal(rh_runqueue_waiting(stand->queue), waiting);
	if (current != RH_SCHED_NONE)
		stand->ticks_at = sched_stats(stand, current).since_ns +
		                  rh_runqueue_slice(stand->queue);
	if (stand->ticks_at < stand->now_ns)
		stand->ticks_at = stand->now_ns;
}

static void choose(struct sched_stand *stand)
{
	uint32_t            number = rh_runqueue_pick(stand->queue, stand->now_ns);
	struct sched_task *task;
	uint64_t            latency;

	if (number == RH_SCHED_NONE)
		return;
	task = &stand->tasks[number];
	stand->ticks_at = stand->now_ns + rh_runqueue_slice(stand->queue);
	if (task->has_run)
		return;
	task->has_run = true;
	latency = stand->now_ns - task->began_ns;
	if (latency > task->latency_max_ns)
		task->latency_max_ns = latency;
}

/* The one that runs, until that moment. */
static void go_on(struct sched_stand *stand, uint32_t number, uint64_t until)
{
	struct sched_task *task = &stand->tasks[number];

	task->left_ns -= task->work_ns ? until - stand->now_ns : 0;
	stand->now_ns = until;
	if (!task->left_ns) {
		finish_job(stand, task);
		return;
	}
	if (stand->now_ns < stand->ticks_at)
		return;
	if (rh_runqueue_tick(stand->queue, stand->now_ns))
		rh_runqueue_stop(stand->queue, RH_STOP_PREEMPT, stand->now_ns);
	else
		stand->ticks_at = stand->now_ns + rh_runqueue_slice(stand->queue);
}

void sched_run(struct sched_stand *stand, uint64_t ns)
{
	uint64_t end = stand->now_ns + ns;

	while (stand->now_ns < end) {
		uint32_t number;
		uint64_t until;

		if (wake_all(stand))
			rh_runqueue_stop(stand->queue, RH_STOP_PREEMPT, stand->now_ns);
		if (rh_runqueue_current(stand->queue) == RH_SCHED_NONE)
			choose(stand);
		number = rh_runqueue_current(stand->queue);
		until = first_of(end, next_wake(stand));
		if (number == RH_SCHED_NONE) {
			stand->idle_ns += until - stand->now_ns;
			stand->now_ns = until;
			continue;
		}
		until = first_of(until, stand->ticks_at);
		if (stand->tasks[number].work_ns)
			until = first_of(until, stand->now_ns + stand->tasks[number].left_ns);
		go_on(stand, number, until);
	}
}

struct rh_task_stats sched_stats(const struct sched_stand *stand, uint32_t task)
{
	struct rh_task_stats stats;

	rh_runqueue_stats(stand->queue, task, &stats);
	return stats;
}

/* With what the one that runs has had since it was picked. */
uint64_t sched_ran(const struct sched_stand *stand, uint32_t task)
{
	struct rh_task_stats stats = sched_stats(stand, task);

	return stats.run_ns + (stats.state == RH_TASK_RUNNING ? stand->now_ns - stats.since_ns
	                                                      : 0);
}
