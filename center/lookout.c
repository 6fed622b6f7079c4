#include "lookout.h"

#include <stdio.h>
#include <string.h>

static const char *text_of(const json_t *json, const char *key)
{
	const char *text = json_string_value(json_object_get(json, key));

	return text ? text : "";
}

static const struct rh_lookout_cgroup *find(const struct rh_lookout *lookout,
                                            const char *resource, const char *cgroup)
{
	for (unsigned i = 0; i < lookout->count; i++) {
		if (strcmp(lookout->cgroups[i].resource, resource) == 0 &&
		    strcmp(lookout->cgroups[i].cgroup, cgroup) == 0)
			return &lookout->cgroups[i];
	}
	return NULL;
}

static struct rh_lookout_cgroup read_one(const struct rh_lookout *before,
                                         const json_t *told, uint64_t now_ms)
{
	const char *resource = text_of(told, "resource"), *cgroup = text_of(told, "cgroup");
	const struct rh_lookout_cgroup *was = find(before, resource, cgroup);
	struct rh_lookout_cgroup        now = { .gaps = was ? was->gaps : 0,
		.gap_ms = was ? was->gap_ms : 0 };

	snprintf(now.resource, sizeof now.resource, "%s", resource);
	snprintf(now.cgroup, sizeof now.cgroup, "%s", cgroup);
	now.is_strict = json_is_true(json_object_get(told, "strict"));
	if (was && json_is_true(json_object_get(told, "fresh"))) {
		now.gaps++;
		now.gap_ms = now_ms > before->told_ms ? now_ms - before->told_ms : 0;
	}
	return now;
}

void rh_lookout_take(struct rh_lookout *lookout, const json_t *told, uint64_t now_ms)
{
	const struct rh_lookout before = *lookout;
	size_t                  i;
	json_t                 *item;

	if (json_is_true(json_object_get(told, "ended"))) {
		*lookout = (struct rh_lookout){ .told_ms = 0 };
		return;
	}
	*lookout = (struct rh_lookout){ .told_ms = now_ms,
		.pid = (uint64_t)json_integer_value(json_object_get(told, "pid")) };
	json_array_foreach(json_object_get(told, "enforced"), i, item) {
		if (lookout->count < RH_LOOKOUT_MAX)
			lookout->cgroups[lookout->count++] = read_one(&before, item, now_ms);
	}
}

json_t *rh_lookout_json(const struct rh_lookout *lookout, uint64_t now_ms)
{
	json_t  *list = json_array();
	uint64_t told = now_ms > lookout->told_ms ? now_ms - lookout->told_ms : 0;

	if (lookout->told_ms == 0) {
		json_decref(list);
		return NULL;
	}
	for (unsigned i = 0; i < lookout->count; i++) {
		const struct rh_lookout_cgroup *its = &lookout->cgroups[i];

		json_array_append_new(list, json_pack("{s:s, s:s, s:b, s:i, s:I}", "resource",
			its->resource, "cgroup", its->cgroup, "strict", its->is_strict, "gaps",
			(int)its->gaps, "gapMs", (json_int_t)its->gap_ms));
	}
	return json_pack("{s:s, s:I, s:I, s:o}", "state",
		told > RH_LOOKOUT_SILENT_MS ? "silent" : "observing", "pid",
		(json_int_t)lookout->pid, "toldMs", (json_int_t)told, "enforced", list);
}
