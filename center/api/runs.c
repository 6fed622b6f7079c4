#include "handlers.h"

#include "../center.h"
#include "../when.h"

#include "../../model/error.h"

/* ---- runs ---- */

static json_t *failures_json(const struct rh_run *run)
{
	json_t *failures = json_object();

	for (int kind = 0; kind < RH_FAILURES; kind++)
		json_object_set_new(failures,
			rh_rule_failure_name((enum rh_rule_failure)kind),
			json_integer((json_int_t)run->failures[kind]));
	return failures;
}

static json_t *run_json(const struct rh_run *run)
{
	char    told_at[RH_WHEN_TEXT_MAX];
	json_t *json;

	rh_when_text(run->told_ms, told_at);
	json = json_pack("{s:s, s:s, s:I, s:s, s:I, s:I, s:o, s:I, s:I, s:I, s:s}",
		"agent", run->key.agent, "rule", run->key.rule,
		"revision", (json_int_t)run->revision,
		"state", run->is_away ? "away" : "running",
		"calls", (json_int_t)run->calls, "ns", (json_int_t)run->ns,
		"failures", failures_json(run), "instances", (json_int_t)run->instances,
		"linesDropped", (json_int_t)run->lines_dropped,
		"differences", (json_int_t)run->differences, "toldAt", told_at);
	if (run->key.callee[0])
		json_object_set_new(json, "edge", json_pack("[s, s]", run->key.caller,
		                                            run->key.callee));
	else
		json_object_set_new(json, "resource", json_string(run->key.caller));
	return json;
}

struct collection {
	const struct rh_center *center;
	json_t                 *items;
	unsigned                left_out;
};

/* Of a rule that was deleted agents may not have told the end yet. */
static void collect_run(void *user, const struct rh_run *run)
{
	struct collection *collection = user;

	if (!rh_catalog_find(&collection->center->realm.catalog, RH_OBJECT_RULE,
	                     run->key.rule))
		return;
	if (json_array_size(collection->items) == RH_LIST_MAX)
		collection->left_out++;
	else
		json_array_append_new(collection->items, run_json(run));
}

static int find_rule(struct rh_center *center, struct rh_request *request)
{
	struct rh_problem problem;

	if (rh_catalog_find(&center->realm.catalog, RH_OBJECT_RULE, request->name))
		return 1;
	rh_problem_set(&problem, RH_ENOENT, "there is no Rule named %s", request->name);
	rh_problem_object(&problem, "Rule", request->name);
	rh_reply_problem(&request->reply, &problem);
	return 0;
}

static void reply_runs(struct rh_center *center, struct rh_request *request,
                       const char *rule)
{
	struct collection collection = { .center = center, .items = json_array() };

	rh_runs_each(&center->runs, rule, collect_run, &collection);
	rh_reply_json(&request->reply, 200, json_pack("{s:o, s:I}", "items",
		collection.items, "leftOut", (json_int_t)collection.left_out +
		(json_int_t)(rule ? 0 : center->runs.left_out)));
}

void rh_api_runs(struct rh_center *center, struct rh_request *request)
{
	reply_runs(center, request, NULL);
}

void rh_api_runs_of(struct rh_center *center, struct rh_request *request)
{
	if (find_rule(center, request))
		reply_runs(center, request, request->name);
}

/* ---- lines ---- */

static void collect_line(void *user, const struct rh_said *line)
{
	char time[RH_WHEN_TEXT_MAX];

	rh_when_text(line->time_ms, time);
	json_array_append_new(user, json_pack("{s:I, s:s, s:s, s:s}", "number",
		(json_int_t)line->number, "time", time, "agent", line->agent, "text",
		line->text));
}

void rh_api_lines(struct rh_center *center, struct rh_request *request)
{
	uint64_t          after = 0, limit = RH_LINES_MAX;
	struct rh_problem problem;
	json_t           *items;

	if (rh_request_number(request, "after", INT64_MAX, &after, &problem) ||
	    rh_request_number(request, "limit", RH_LINES_MAX, &limit, &problem)) {
		rh_reply_problem(&request->reply, &problem);
		return;
	}
	if (!find_rule(center, request))
		return;
	items = json_array();
	uint64_t missed = rh_lines_each(&center->lines, request->name, after, limit,
	                                collect_line, items);
	char started[RH_WHEN_TEXT_MAX]; /* another center counts lines from 1 again */
	rh_when_text(center->started_ms, started);
	rh_reply_json(&request->reply, 200, json_pack("{s:o, s:I, s:s}", "items", items,
	              "missed", (json_int_t)missed, "startedAt", started));
}
