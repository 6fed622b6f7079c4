#include "queues.h"

#include "../../base/dirs.h"
#include "../../protocols/msgqueue/queue.h"

#include <jansson.h>
#include <mqueue.h>
#include <stdio.h>

static void sweep_edge(const char *system, const char *caller, const char *callee)
{
	const struct rh_channel_config config = {
		.system = system, .caller = caller, .callee = callee,
	};
	struct rh_queue_names names;

	if (rh_queue_names(&config, &names, NULL) < 0)
		return;
	mq_unlink(names.request);
	mq_unlink(names.reply);
}

/* A plan is a file: each of its values may be missing or something else. */
static void sweep_resource(const char *system, const json_t *resource)
{
	const char *caller = json_string_value(json_object_get(resource, "name"));
	json_t     *spec = json_object_get(resource, "spec"), *reference;
	size_t      i;

	json_array_foreach(json_object_get(spec, "reference"), i, reference) {
		const char *callee = json_string_value(reference);

		if (caller && callee)
			sweep_edge(system, caller, callee);
	}
}

void rh_queues_sweep(const char *run_dir)
{
	char        path[RH_DIR_MAX + 32];
	json_t     *plan, *resource;
	const char *system;
	size_t      i;

	snprintf(path, sizeof path, "%s/plan.json", run_dir);
	plan = json_load_file(path, 0, NULL);
	system = json_string_value(json_object_get(plan, "system"));
	json_array_foreach(json_object_get(plan, "resources"), i, resource) {
		if (system)
			sweep_resource(system, resource);
	}
	json_decref(plan);
}
