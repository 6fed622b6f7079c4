#include "rule_runs.h"

#include "show.h"

#include "../base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t number_at(const json_t *json, const char *key)
{
	json_int_t number = json_integer_value(json_object_get(json, key));

	return number > 0 ? (uint64_t)number : 0;
}

static void name_place(const json_t *item, struct rh_rule_run *run)
{
	const json_t *edge = json_object_get(item, "edge");
	const char   *caller = json_string_value(json_array_get(edge, 0));
	const char   *callee = json_string_value(json_array_get(edge, 1));
	const char   *resource = rh_show_text(item, "resource");

	if (caller && callee)
		snprintf(run->where, sizeof run->where, "%.64s -> %.64s", caller, callee);
	else
		snprintf(run->where, sizeof run->where, "%.64s", resource ? resource : "?");
}

static bool read_run(const json_t *item, struct rh_rule_run *run)
{
	const char   *rule = rh_show_text(item, "rule"), *agent = rh_show_text(item, "agent");
	const char   *state = rh_show_text(item, "state");
	const json_t *failures = json_object_get(item, "failures");

	if (!rule || !agent)
		return false;
	*run = (struct rh_rule_run){
		.revision = number_at(item, "revision"), .calls = number_at(item, "calls"),
		.is_away = state && strcmp(state, "away") == 0, .ns = number_at(item, "ns"),
		.instances = number_at(item, "instances"),
		.lines_dropped = number_at(item, "linesDropped"),
		.differences = number_at(item, "differences"),
	};
	snprintf(run->rule, sizeof run->rule, "%.70s", rule);
	snprintf(run->agent, sizeof run->agent, "%.70s", agent);
	for (int kind = 0; kind < RH_FAILURES; kind++)
		run->failures[kind] = number_at(failures,
			rh_rule_failure_name((enum rh_rule_failure)kind));
	name_place(item, run);
	return true;
}

static int by_name(const void *a, const void *b)
{
	const struct rh_rule_run *x = a, *y = b;
	int                       order = strcmp(x->rule, y->rule);

	if (order == 0)
		order = strcmp(x->agent, y->agent);
	return order ? order : strcmp(x->where, y->where);
}

int rh_rule_runs_read(const json_t *answer, struct rh_rule_runs *ret_runs)
{
	const json_t       *items = json_object_get(answer, "items");
	struct rh_rule_runs runs = { .time_ns = rh_clock_ns(),
		                     .left_out = number_at(answer, "leftOut") };
	json_t             *item;
	size_t              i;

	runs.items = calloc(json_array_size(items) + 1, sizeof *runs.items);
	if (!runs.items)
		return RH_ENOMEM;
	json_array_foreach(items, i, item)
		runs.count += read_run(item, &runs.items[runs.count]);
	qsort(runs.items, runs.count, sizeof *runs.items, by_name);
	*ret_runs = runs;
	return RH_OK;
}

void rh_rule_runs_fini(struct rh_rule_runs *runs)
{
	free(runs->items);
	*runs = (struct rh_rule_runs){ .items = NULL };
}

struct rh_rule_run rh_rule_run_since(const struct rh_rule_runs *before,
                                     const struct rh_rule_run *now)
{
	const struct rh_rule_run *then = bsearch(now, before->items, before->count,
	                                         sizeof *before->items, by_name);
	struct rh_rule_run        since = *now;

	if (!then || then->revision != now->revision || then->calls > now->calls ||
	    then->ns > now->ns)
		return since;
	since.calls -= then->calls;
	since.ns -= then->ns;
	if (then->differences <= now->differences)
		since.differences -= then->differences;
	for (int kind = 0; kind < RH_FAILURES; kind++) {
		if (then->failures[kind] <= now->failures[kind])
			since.failures[kind] -= then->failures[kind];
	}
	return since;
}

const char *rh_rule_run_failures(const struct rh_rule_run *run, char *text, size_t cap)
{
	size_t used = 0;

	text[0] = 0;
	for (int kind = 0; kind < RH_FAILURES && used < cap; kind++) {
		if (run->failures[kind])
			used += (size_t)snprintf(text + used, cap - used, "%s%s %llu",
				used ? ", " : "", rh_rule_failure_name((enum rh_rule_failure)kind),
				(unsigned long long)run->failures[kind]);
	}
	return text;
}
