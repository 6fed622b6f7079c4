#include "task.h"

#include "leave.h"

#include "../base/log.h"
#include "../model/check.h"
#include "../model/error.h"

static struct rh_task *take_first(struct rh_list *list)
{
	struct rh_task *task = RH_CONTAINER(list->next, struct rh_task, link);

	rh_list_remove(&task->link);
	return task;
}

static void nothing(uv_idle_t *idle)
{
	(void)idle;
}

static void run_ready(uv_prepare_t *prepare)
{
	struct rh_tasks *tasks = prepare->data;

	rh_log_as(tasks->who);
	for (int i = 0; i < RH_TASKS_PER_TURN && !rh_list_empty(&tasks->ready); i++) {
		struct rh_task *task = take_first(&tasks->ready);

		task->run(task);
	}
	while (!rh_list_empty(&tasks->retired)) {
		struct rh_task *task = take_first(&tasks->retired);

		task->run(task);
	}
	if (uv_is_closing((uv_handle_t *)prepare))
		return;
	if (rh_list_empty(&tasks->ready))
		uv_idle_stop(&tasks->idle);
	else
		uv_idle_start(&tasks->idle, nothing);
}

int rh_tasks_init(struct rh_tasks *tasks, uv_loop_t *loop)
{
	rh_list_init(&tasks->ready);
	rh_list_init(&tasks->retired);
	if (uv_prepare_init(loop, &tasks->prepare) < 0 ||
	    uv_idle_init(loop, &tasks->idle) < 0 ||
	    uv_prepare_start(&tasks->prepare, run_ready) < 0)
		return RH_EIO;
	tasks->prepare.data = tasks;
	tasks->who = rh_log_as(NULL);
	return RH_OK;
}

void rh_task_init(struct rh_task *task)
{
	rh_list_init(&task->link);
	task->run = NULL;
}

void rh_task_post(struct rh_tasks *tasks, struct rh_task *task, rh_task_run *run)
{
	task->run = run;
	if (rh_list_empty(&task->link))
		rh_list_add(&tasks->ready, &task->link);
}

void rh_task_cancel(struct rh_task *task)
{
	rh_list_remove(&task->link);
}

void rh_tasks_close(struct rh_tasks *tasks, struct rh_agent *agent)
{
	uv_prepare_stop(&tasks->prepare);
	uv_idle_stop(&tasks->idle);
	rh_leave_close(agent, (uv_handle_t *)&tasks->prepare);
	rh_leave_close(agent, (uv_handle_t *)&tasks->idle);
}

void rh_task_retire(struct rh_tasks *tasks, struct rh_task *task, rh_task_run *end)
{
	RH_CHECK(rh_list_empty(&task->link));
	task->run = end;
	rh_list_add(&tasks->retired, &task->link);
}
