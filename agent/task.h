/* task - work for later in the same turn of the loop, and the end of objects.
 *
 * A handler that would have to call back into whoever called it posts a task
 * instead; tasks run before the loop sleeps again.  An object that is closed
 * while its own methods are on the stack is retired: it is freed when none are.
 *
 * Ownership   A task is embedded in the object it works for.  Cancel it before
 *             the object is retired.
 * Threads     The loop's.
 * Limits      RH_TASKS_PER_TURN tasks run between two looks at the descriptors,
 *             so that a busy object does not starve the others. */
#ifndef RH_AGENT_TASK_H
#define RH_AGENT_TASK_H

#include "list.h"

#include <uv.h>

#define RH_TASKS_PER_TURN 256

struct rh_agent;
struct rh_task;
typedef void rh_task_run(struct rh_task *task);

struct rh_task {
	struct rh_list link;
	rh_task_run   *run;
};

struct rh_tasks {
	uv_prepare_t   prepare;
	uv_idle_t      idle; /* active: do not sleep, tasks wait */
	struct rh_list ready;
	struct rh_list retired;
	const char    *who;  /* they are, for the log        */
};

int rh_tasks_init(struct rh_tasks *tasks, uv_loop_t *loop);

void rh_task_init(struct rh_task *task);

/* Runs it once, soon; does nothing when it is posted already. */
void rh_task_post(struct rh_tasks *tasks, struct rh_task *task, rh_task_run *run);

void rh_task_cancel(struct rh_task *task);

/* Runs none any more: the handles of the loop are closed for the agent (leave.h). */
void rh_tasks_close(struct rh_tasks *tasks, struct rh_agent *agent);

/* Calls end when no method of any object is on the stack. */
void rh_task_retire(struct rh_tasks *tasks, struct rh_task *task, rh_task_run *end);

#endif
