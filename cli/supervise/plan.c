#include "plan.h"

#include "../../base/diag.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The name stands in the metadata of an object of the API, and in an item of a plan
 * beside the spec. */
static const char *name_of(const json_t *item)
{
	const json_t *metadata = json_object_get(item, "metadata");

	return json_string_value(json_object_get(metadata ? metadata : item, "name"));
}

static const json_t *spec_of(const json_t *item)
{
	return json_object_get(item, "spec");
}

enum rh_restart rh_plan_restart(const json_t *serve)
{
	const char *text = json_string_value(json_object_get(serve, "restart"));

	if (text && strcmp(text, "never") == 0)
		return RH_RESTART_NEVER;
	if (text && strcmp(text, "on-failure") == 0)
		return RH_RESTART_ON_FAILURE;
	return RH_RESTART_ALWAYS;
}

static const json_t *find_item(const json_t *list, const char *name)
{
	size_t  i;
	json_t *item;

	json_array_foreach(list, i, item) {
		const char *other = name_of(item);

		if (other && strcmp(other, name) == 0)
			return item;
	}
	return NULL;
}

/* The interface that a resource of the plan offers, as the plan has it. */
static json_t *interface_of(const json_t *json, const json_t *item)
{
	const char *name = json_string_value(json_object_get(spec_of(item), "interface"));
	const json_t *found;

	if (!name)
		return json_null();
	found = find_item(json_object_get(json, "interfaces"), name);
	return found ? json_incref((json_t *)(uintptr_t)found) : json_string(name);
}

/* The interfaces that the resource calls: their shadow libraries are in its way. */
static json_t *called_by(const json_t *json, const json_t *item)
{
	const json_t *references = json_object_get(spec_of(item), "reference");
	json_t       *list = json_array(), *reference;
	size_t        i;

	json_array_foreach(references, i, reference) {
		const char   *name = json_string_value(reference);
		const json_t *callee =
			name ? find_item(json_object_get(json, "resources"), name) : NULL;

		json_array_append_new(list, callee ? interface_of(json, callee)
		                                   : json_null());
	}
	return list;
}

/* What an instance is started by: a change of it means a new start. */
static char *mark_of(const json_t *json, const json_t *item)
{
	json_t *mark = json_pack("{s:o, s:o}", "offers", interface_of(json, item),
	                         "calls", called_by(json, item));
	json_t *serve = json_object_get(spec_of(item), "serve");
	char   *text = NULL;

	if (serve)
		json_object_set(mark, "serve", serve);
	if (mark)
		text = json_dumps(mark, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(mark);
	return text;
}

static void add_args(struct rh_task *task, const char *const *args)
{
	for (; *args; args++)
		rh_task_arg(task, *args);
}

static void agent_task(struct rh_task *task, const struct rh_plan_paths *paths,
                       const char *name)
{
	rh_task_init(task, RH_TASK_AGENT, name);
	snprintf(task->name, sizeof task->name, "agent/%s", task->resource);
	task->says_ready = true;
	add_args(task, (const char *const[]){ paths->agent, "--run-dir", paths->run_dir,
	                                      "--state-dir", paths->state_dir,
	                                      "--resource", name, NULL });
}

static void start_instance(struct rh_task *task, const json_t *item, unsigned index)
{
	const json_t *serve = json_object_get(spec_of(item), "serve");

	rh_task_init(task, RH_TASK_INSTANCE, name_of(item));
	snprintf(task->name, sizeof task->name, "%s/%u", task->resource, index);
	task->restart = rh_plan_restart(serve);
}

static void worker_task(struct rh_task *task, const struct rh_plan_paths *paths,
                        const json_t *item, unsigned index)
{
	start_instance(task, item, index);
	task->says_ready = true;
	add_args(task, (const char *const[]){ paths->self, "serve", "--system",
	                                      paths->system, "--one", task->resource,
	                                      NULL });
}

static void program_task(struct rh_task *task, const struct rh_plan_paths *paths,
                         const json_t *item, const json_t *program)
{
	size_t  i;
	json_t *arg;

	start_instance(task, item, 0);
	/* One that offers an interface serves through the SDK, which says so. */
	task->says_ready = json_is_string(json_object_get(spec_of(item), "interface"));
	add_args(task, (const char *const[]){ paths->self, task->says_ready ? "serve" : "run",
	                                      "--system", paths->system, NULL });
	if (task->says_ready)
		add_args(task, (const char *const[]){ "--one", "-r", task->resource, "--",
		                                      NULL });
	else
		add_args(task, (const char *const[]){ task->resource, "--", NULL });
	json_array_foreach(program, i, arg)
		rh_task_arg(task, json_string_value(arg) ? json_string_value(arg) : "");
}

static unsigned workers_of(const json_t *serve)
{
	json_int_t workers = json_integer_value(json_object_get(serve, "workers"));

	if (!json_is_string(json_object_get(serve, "library")))
		return 0;
	return workers > 0 && workers <= 1024 ? (unsigned)workers : 1;
}

static unsigned tasks_of(const json_t *item)
{
	const json_t *serve = json_object_get(spec_of(item), "serve");
	const json_t *program = json_object_get(serve, "program");

	return 1 + workers_of(serve) + (json_array_size(program) > 0);
}

static void add_tasks(struct rh_plan *plan, const struct rh_plan_paths *paths,
                      const json_t *json, const json_t *item)
{
	const json_t *serve = json_object_get(spec_of(item), "serve");
	const json_t *program = json_object_get(serve, "program");
	size_t        first = plan->count + 1;

	agent_task(&plan->tasks[plan->count++], paths, name_of(item));
	for (unsigned i = 0; i < workers_of(serve); i++)
		worker_task(&plan->tasks[plan->count++], paths, item, i);
	if (json_array_size(program) > 0)
		program_task(&plan->tasks[plan->count++], paths, item, program);
	for (size_t i = first; i < plan->count; i++) {
		plan->tasks[i].mark = mark_of(json, item);
		if (!plan->tasks[i].mark)
			plan->tasks[i].is_broken = true;
	}
}

static int count_tasks(const json_t *items, size_t *ret_count, struct rh_diag *diag)
{
	size_t  i, count = 0;
	json_t *item;

	json_array_foreach(items, i, item) {
		const char *name = name_of(item);

		if (!name || strlen(name) > RH_NAME_MAX)
			return rh_diag_set(diag, RH_EINVAL,
			                   "the plan has a resource without a name");
		count += tasks_of(item);
	}
	if (count > RH_PLAN_TASKS_MAX)
		return rh_diag_set(diag, RH_ENOSPC,
		                   "the plan asks for %zu processes; %u is the limit",
		                   count, RH_PLAN_TASKS_MAX);
	*ret_count = count;
	return RH_OK;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct rh_task *)a)->name,
	              ((const struct rh_task *)b)->name);
}

int rh_plan_init(struct rh_plan *ret_plan, const json_t *json,
                 const struct rh_plan_paths *paths, struct rh_diag *diag)
{
	const json_t  *items = json_object_get(json, "resources");
	struct rh_plan plan = { .count = 0 };
	size_t         count = 0, i;
	json_t        *item;
	int            r;

	if (!json_is_array(items))
		return rh_diag_set(diag, RH_EINVAL, "the plan lists no resources");
	r = count_tasks(items, &count, diag);
	if (r < 0)
		return r;
	plan.tasks = calloc(count ? count : 1, sizeof *plan.tasks);
	if (!plan.tasks)
		return rh_diag_set(diag, RH_ENOMEM, "out of memory");
	plan.revision = json_integer_value(json_object_get(json, "revision"));
	plan.resources = json_array_size(items);
	json_array_foreach(items, i, item)
		add_tasks(&plan, paths, json, item);
	for (i = 0; i < plan.count; i++) {
		if (!plan.tasks[i].is_broken)
			continue;
		rh_plan_fini(&plan);
		return rh_diag_set(diag, RH_ENOMEM,
		                   "out of memory, or too many arguments");
	}
	qsort(plan.tasks, plan.count, sizeof *plan.tasks, by_name);
	for (i = 1; i < plan.count; i++) {
		if (strcmp(plan.tasks[i - 1].name, plan.tasks[i].name) != 0)
			continue;
		rh_plan_fini(&plan);
		return rh_diag_set(diag, RH_EINVAL, "the plan names a resource twice");
	}
	*ret_plan = plan;
	return RH_OK;
}

void rh_plan_fini(struct rh_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		rh_task_fini(&plan->tasks[i]);
	free(plan->tasks);
	*plan = (struct rh_plan){ .count = 0 };
}

const struct rh_task *rh_plan_find(const struct rh_plan *plan, const char *name)
{
	size_t low = 0, high = plan->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int    order = strcmp(plan->tasks[middle].name, name);

		if (order == 0)
			return &plan->tasks[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}
