#include "handlers.h"

#include "../center.h"
#include "../history.h"
#include "../rollout_drive.h"

#include "../../model/error.h"

static void refuse_unknown(struct rh_request *request)
{
	struct rh_problem problem;

	rh_problem_set(&problem, RH_ENOENT, "there is no Rule named %s", request->name);
	rh_problem_object(&problem, "Rule", request->name);
	rh_reply_problem(&request->reply, &problem);
}

/* ---- reading ---- */

/* Those that come step by step, or did. */
void rh_api_rollouts(struct rh_center *center, struct rh_request *request)
{
	const struct rh_rollouts *rollouts = &center->realm.rollouts;
	json_t                   *items = json_array();

	for (size_t i = 0; i < rollouts->count; i++)
		json_array_append_new(items, rh_rollout_show(center,
			rollouts->at[i]->rule, 0));
	rh_reply_json(&request->reply, 200, json_pack("{s:I, s:o}", "revision",
		(json_int_t)rh_center_revision(center), "items", items));
}

void rh_api_rollout(struct rh_center *center, struct rh_request *request)
{
	json_t *json = rh_rollout_show(center, request->name, 1);

	if (json)
		rh_reply_json(&request->reply, 200, json);
	else
		refuse_unknown(request);
}

static json_t *generation_json(const json_t *stored, uint64_t generation,
                               uint64_t revision)
{
	json_t *labels = json_object_get(stored, "labels");
	json_t *json = json_pack("{s:I, s:I, s:O}", "generation", (json_int_t)generation,
		"revision", (json_int_t)revision, "spec", json_object_get(stored, "spec"));

	if (labels)
		json_object_set(json, "labels", labels);
	return json;
}

void rh_api_history(struct rh_center *center, struct rh_request *request)
{
	const struct rh_object *rule = rh_catalog_find(&center->realm.catalog,
		RH_OBJECT_RULE, request->name);
	json_t *items = json_array(), *former, *one;
	size_t  i;

	if (!rule) {
		json_decref(items);
		refuse_unknown(request);
		return;
	}
	json_t *stored = rh_object_parse(rule);
	json_array_append_new(items, generation_json(stored, rule->generation,
	                                             rule->revision));
	json_decref(stored);
	former = rh_history_list(center, rule->name);
	json_array_foreach(former, i, one)
		json_array_append_new(items, generation_json(one,
			(uint64_t)json_integer_value(json_object_get(one, "generation")),
			(uint64_t)json_integer_value(json_object_get(one, "revision"))));
	json_decref(former);
	rh_reply_json(&request->reply, 200, json_pack("{s:s, s:o}", "rule", rule->name,
	                                              "items", items));
}

/* ---- orders ---- */

static void obey(struct rh_center *center, struct rh_request *request,
                 enum rh_rollout_order order, uint64_t generation)
{
	static const char *const verbs[RH_ROLLOUT_ORDERS] = {
		[RH_ROLLOUT_PAUSE] = "pause", [RH_ROLLOUT_RESUME] = "resume",
		[RH_ROLLOUT_UNDO] = "undo",
	};
	struct rh_change_options options = {
		.client = request->client, .verb = verbs[order],
		.expected = RH_CHANGE_ANY,
	};
	struct rh_problem problem;

	if (rh_rollout_order(center, request->name, order, generation, &options, &problem))
		rh_reply_problem(&request->reply, &problem);
	else
		rh_reply_json(&request->reply, 200,
		              rh_rollout_show(center, request->name, 0));
}

void rh_api_rollout_pause(struct rh_center *center, struct rh_request *request)
{
	obey(center, request, RH_ROLLOUT_PAUSE, 0);
}

void rh_api_rollout_resume(struct rh_center *center, struct rh_request *request)
{
	obey(center, request, RH_ROLLOUT_RESUME, 0);
}

void rh_api_rollout_undo(struct rh_center *center, struct rh_request *request)
{
	uint64_t          generation = 0;
	struct rh_problem problem;

	if (rh_request_number(request, "to", INT64_MAX, &generation, &problem))
		rh_reply_problem(&request->reply, &problem);
	else
		obey(center, request, RH_ROLLOUT_UNDO, generation);
}
