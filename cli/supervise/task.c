#include "task.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void rh_task_init(struct rh_task *task, enum rh_task_role role, const char *resource)
{
	*task = (struct rh_task){ .role = role };
	snprintf(task->resource, sizeof task->resource, "%s", resource);
}

void rh_task_fini(struct rh_task *task)
{
	for (size_t i = 0; i < task->argc; i++)
		free(task->argv[i]);
	free(task->mark);
	*task = (struct rh_task){ .role = RH_TASK_CENTER };
}

void rh_task_arg(struct rh_task *task, const char *text)
{
	char *copy = task->argc < RH_TASK_ARGS_MAX ? strdup(text) : NULL;

	if (copy)
		task->argv[task->argc++] = copy;
	else
		task->is_broken = true;
}

void rh_task_copy(struct rh_task *ret_copy, const struct rh_task *task)
{
	*ret_copy = *task;
	ret_copy->argc = 0;
	memset(ret_copy->argv, 0, sizeof ret_copy->argv);
	for (size_t i = 0; i < task->argc; i++)
		rh_task_arg(ret_copy, task->argv[i]);
	ret_copy->mark = task->mark ? strdup(task->mark) : NULL;
	if (task->mark && !ret_copy->mark)
		ret_copy->is_broken = true;
}

static bool is_same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

bool rh_task_equal(const struct rh_task *a, const struct rh_task *b)
{
	if (strcmp(a->name, b->name) != 0 || a->role != b->role || a->argc != b->argc ||
	    a->restart != b->restart || !is_same(a->mark, b->mark))
		return false;
	for (size_t i = 0; i < a->argc; i++) {
		if (strcmp(a->argv[i], b->argv[i]) != 0)
			return false;
	}
	return true;
}
