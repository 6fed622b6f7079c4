#include "crew.h"

#include "pools.h"

#include "../../model/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void rh_crew_fini(struct rh_crew *crew)
{
	for (size_t i = 0; i < crew->count; i++)
		rh_process_destroy(crew->members[i]);
	free(crew->members);
	*crew = (struct rh_crew){ .count = 0 };
}

/* The first member whose name is not below. */
static size_t place_of(const struct rh_crew *crew, const char *name)
{
	size_t low = 0, high = crew->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(crew->members[middle]->task.name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct rh_process *rh_crew_find(const struct rh_crew *crew, const char *name)
{
	size_t at = place_of(crew, name);

	if (at < crew->count && strcmp(crew->members[at]->task.name, name) == 0)
		return crew->members[at];
	return NULL;
}

struct rh_process *rh_crew_add(struct rh_crew *crew, struct rh_task *task,
                               const struct rh_process_setting *setting)
{
	size_t             at = place_of(crew, task->name);
	struct rh_process *process;

	if (crew->count == crew->capacity) {
		size_t more = crew->capacity ? crew->capacity * 2 : 64;
		struct rh_process **members = realloc(crew->members,
		                                      more * sizeof(*members));

		if (!members)
			return NULL;
		crew->members = members;
		crew->capacity = more;
	}
	process = rh_process_create(task, setting);
	if (!process)
		return NULL;
	memmove(&crew->members[at + 1], &crew->members[at],
	        (crew->count - at) * sizeof(*crew->members));
	crew->members[at] = process;
	crew->count++;
	RH_CHECK(at + 1 == crew->count || strcmp(process->task.name,
	         crew->members[at + 1]->task.name) < 0); /* C1 */
	return process;
}

void rh_crew_sweep(struct rh_crew *crew)
{
	size_t kept = 0;

	for (size_t i = 0; i < crew->count; i++) {
		if (crew->members[i]->state == RH_LIFE_GONE)
			rh_process_destroy(crew->members[i]);
		else
			crew->members[kept++] = crew->members[i];
	}
	crew->count = kept;
}

/* --- following a plan ---------------------------------------------------------- */

bool rh_crew_has_instances(const struct rh_crew *crew, const char *resource)
{
	char   prefix[RH_TASK_NAME_MAX + 1];
	size_t at, len;

	snprintf(prefix, sizeof prefix, "%s/", resource);
	len = strlen(prefix);
	at = place_of(crew, prefix);
	for (; at < crew->count; at++) {
		const struct rh_task *task = &crew->members[at]->task;

		if (strncmp(task->name, prefix, len) != 0)
			return false;
		/* The agents of others may sort in between: "agent/..." */
		if (task->role == RH_TASK_INSTANCE)
			return true;
	}
	return false;
}

static void stop_unwanted(struct rh_crew *crew, const struct rh_plan *plan)
{
	for (size_t i = 0; i < crew->count; i++) {
		struct rh_process    *process = crew->members[i];
		const struct rh_task *wanted = rh_plan_find(plan, process->task.name);

		if (process->task.role == RH_TASK_CENTER ||
		    (wanted && rh_task_equal(wanted, &process->task)))
			continue;
		if (process->task.role == RH_TASK_AGENT &&
		    rh_crew_has_instances(crew, process->task.resource))
			continue;
		rh_process_stop(process);
	}
}

static void add_wanted(struct rh_crew *crew, const struct rh_plan *plan,
                       const struct rh_process_setting *setting)
{
	for (size_t i = 0; i < plan->count; i++) {
		struct rh_task copy;

		if (rh_crew_find(crew, plan->tasks[i].name))
			continue;
		rh_task_copy(&copy, &plan->tasks[i]);
		if (copy.is_broken || !rh_crew_add(crew, &copy, setting))
			rh_journal_tell(setting->journal, "%s: out of memory",
			                plan->tasks[i].name);
		rh_task_fini(&copy);
	}
}

/* Without an agent in the plan it runs elsewhere, as for `rhodes serve`. */
static bool may_start(const struct rh_crew *crew, const struct rh_plan *plan,
                      const struct rh_process *process)
{
	char                     name[RH_TASK_NAME_MAX + 1];
	const struct rh_process *agent;

	if (process->task.role != RH_TASK_INSTANCE)
		return true;
	if (crew->pools)
		return rh_pools_is_open(crew->pools, process->task.resource);
	snprintf(name, sizeof name, "agent/%s", process->task.resource);
	if (!rh_plan_find(plan, name))
		return true;
	agent = rh_crew_find(crew, name);
	return agent && agent->is_ready;
}

void rh_crew_follow(struct rh_crew *crew, const struct rh_plan *plan,
                    const struct rh_process_setting *setting)
{
	stop_unwanted(crew, plan);
	add_wanted(crew, plan, setting);
	for (size_t i = 0; i < crew->count; i++) {
		struct rh_process *process = crew->members[i];

		if (process->state == RH_LIFE_IDLE && may_start(crew, plan, process))
			rh_process_start(process);
	}
}

bool rh_crew_is_ready(const struct rh_crew *crew, const struct rh_plan *plan,
                      const char **ret_missing)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct rh_task    *task = &plan->tasks[i];
		const struct rh_process *process = rh_crew_find(crew, task->name);

		if (process && rh_task_equal(task, &process->task) &&
		    (process->is_ready || process->state == RH_LIFE_ENDED))
			continue;
		*ret_missing = task->name;
		return false;
	}
	return true;
}

size_t rh_crew_stop(struct rh_crew *crew, enum rh_task_role role)
{
	size_t count = 0;

	for (size_t i = 0; i < crew->count; i++) {
		if (crew->members[i]->task.role != role)
			continue;
		rh_process_stop(crew->members[i]);
		count += crew->members[i]->state != RH_LIFE_GONE;
	}
	return count;
}

void rh_crew_kill(struct rh_crew *crew)
{
	for (size_t i = 0; i < crew->count; i++)
		rh_process_kill(crew->members[i]);
}
