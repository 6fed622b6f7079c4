#include "rollout_drive.h"

#include "center.h"
#include "conditions.h"
#include "survey.h"
#include "when.h"

#include "../base/clock.h"
#include "../base/duration.h"
#include "../base/plural.h"
#include "../model/error.h"

#include <stdio.h>
#include <string.h>

#define MESSAGE_MAX 1100

/* ---- the plan ---- */

static json_t *steps_json(const struct rh_rollout_plan *plan)
{
	json_t *list = json_array();
	char    text[16];

	for (uint32_t i = 0; i < plan->step_count; i++) {
		const struct rh_rollout_step *step = &plan->steps[i];

		snprintf(text, sizeof text, "%u%%", step->value);
		json_array_append_new(list, step->is_percent
			? json_string(text) : json_integer((json_int_t)step->value));
	}
	return list;
}

/* Those that would change something now. */
static json_t *orders_json(const struct rh_rollout *rollout)
{
	static const char *const words[RH_ROLLOUT_ORDERS] = {
		[RH_ROLLOUT_PAUSE] = "pause", [RH_ROLLOUT_RESUME] = "resume",
		[RH_ROLLOUT_UNDO] = "undo",
	};
	json_t *list = json_array();

	for (int order = 0; order < RH_ROLLOUT_ORDERS; order++) {
		if (rh_rollout_takes(rollout, (enum rh_rollout_order)order))
			json_array_append_new(list, json_string(words[order]));
	}
	return list;
}

static json_t *edges_json(const struct rh_rollout_tally *tally)
{
	return json_pack("{s:I, s:I, s:I, s:I}", "total", (json_int_t)tally->total,
		"reached", (json_int_t)tally->reached, "settled",
		(json_int_t)tally->settled, "rejected", (json_int_t)tally->rejected);
}

static void set_time(json_t *json, const char *key, uint64_t ms)
{
	char text[RH_WHEN_TEXT_MAX];

	if (ms == 0)
		return;
	rh_when_text(ms, text);
	json_object_set_new(json, key, json_string(text));
}

static void set_number(json_t *json, const char *key, uint64_t value)
{
	if (value)
		json_object_set_new(json, key, json_integer((json_int_t)value));
}

/* ---- in one sentence ---- */

/* What the step waits for. */
static void word_wait(const struct rh_survey *survey, char *text, size_t cap)
{
	const struct rh_rollout *rollout = survey->rollout;
	uint64_t                 now = rh_clock_ns();
	uint64_t                 end = rollout->settled_ns + rollout->plan.wait_ns;
	char                     left[RH_DURATION_TEXT_MAX];

	if (survey->center->rollout_problem[0])
		snprintf(text, cap, "; it cannot go on, and tries again: %s",
		         survey->center->rollout_problem);
	else if (survey->tally.settled < survey->tally.reached)
		snprintf(text, cap, "; it waits: %s", survey->waits);
	else if (rollout->settled_ns && end > now)
		snprintf(text, cap, "; all is settled, and it goes on in %s",
		         rh_duration_text(end - now, left));
	else
		snprintf(text, cap, "; it goes on");
}

static void word_done(const struct rh_rollout *rollout, uint64_t total,
                      char text[MESSAGE_MAX])
{
	unsigned long long generation = rollout->generation;

	if (total == 0)
		snprintf(text, MESSAGE_MAX, "generation %llu is everywhere, but there is no edge "
		         "for it yet", generation);
	else if (total == 1)
		snprintf(text, MESSAGE_MAX, "generation %llu is at its one edge", generation);
	else
		snprintf(text, MESSAGE_MAX, "generation %llu is at all %llu edges", generation,
		         (unsigned long long)total);
}

static void word(const struct rh_survey *survey, char text[MESSAGE_MAX])
{
	const struct rh_rollout       *rollout = survey->rollout;
	const struct rh_rollout_tally *tally = &survey->tally;
	char                           more[RH_SURVEY_TEXT_MAX + 40] = "";
	char                           back[64] = "", step[RH_ROLLOUT_STEP_TEXT_MAX];

	if (rollout->state == RH_ROLLOUT_RUNNING)
		word_wait(survey, more, sizeof more);
	if (rollout->state >= RH_ROLLOUT_ROLLED_BACK && rollout->reach == 0)
		snprintf(back, sizeof back, ", there was no former generation: no edge has it");
	else if (rollout->failed == rollout->generation)
		snprintf(back, sizeof back, ", which changes nothing: it is as %llu was",
		         (unsigned long long)rollout->former);
	else if (rollout->state >= RH_ROLLOUT_ROLLED_BACK)
		snprintf(back, sizeof back, ", generation %llu is as %llu was",
		         (unsigned long long)rollout->generation,
		         (unsigned long long)rollout->former);
	if (rollout->state == RH_ROLLOUT_DONE)
		word_done(rollout, tally->total, text);
	else if (rollout->state >= RH_ROLLOUT_ROLLED_BACK)
		snprintf(text, MESSAGE_MAX, "generation %llu is %s%s%s%s",
		         (unsigned long long)rollout->failed,
		         rollout->state == RH_ROLLOUT_UNDONE ? "undone" : "rolled back",
		         back, rollout->reason[0] ? "; " : "", rollout->reason);
	else
		snprintf(text, MESSAGE_MAX, "%s %s: generation %llu is at %llu of "
		         "%llu edge%s%s%s%s", rh_rollout_state_text(rollout->state),
		         rh_rollout_step_text(rollout, step),
		         (unsigned long long)rollout->generation,
		         (unsigned long long)tally->reached,
		         (unsigned long long)tally->total, rh_plural(tally->total), more,
		         rollout->reason[0] ? "; " : "", rollout->reason);
}

/* ---- a rule on edges ---- */

static json_t *head_json(const struct rh_object *rule, const char *state)
{
	return json_pack("{s:s, s:I, s:I, s:s}", "rule", rule->name, "generation",
		(json_int_t)rule->generation, "revision", (json_int_t)rule->revision,
		"state", state);
}

static void add_staged(json_t *json, struct rh_survey *survey)
{
	const struct rh_rollout *rollout = survey->rollout;
	char                     message[MESSAGE_MAX];

	word(survey, message);
	json_object_set_new(json, "step", json_integer(rollout->step));
	json_object_set_new(json, "steps", steps_json(&rollout->plan));
	json_object_set_new(json, "orders", orders_json(rollout));
	json_object_set_new(json, "calls", json_integer((json_int_t)rollout->calls));
	json_object_set_new(json, "errors", json_integer((json_int_t)rollout->errors));
	json_object_set_new(json, "message", rh_json_text(message));
	set_number(json, "former", rollout->former);
	set_number(json, "failed", rollout->failed);
	set_time(json, "began", rollout->began_ms);
	set_time(json, "changed", rollout->changed_ms);
	if (rollout->reason[0])
		json_object_set_new(json, "reason", rh_json_text(rollout->reason));
}

static json_t *show_edges(const struct rh_center *center, const struct rh_object *rule,
                          const struct rh_rollout *rollout, int with_agents)
{
	struct rh_rollout everywhere = { .reach = RH_ROLLOUT_ALL };
	struct rh_survey  survey = { .center = center, .rollout = rollout };
	json_t           *json;
	char              text[96];

	if (!rollout) {
		snprintf(everywhere.rule, sizeof everywhere.rule, "%.63s", rule->name);
		rh_rollout_read_side(rule, &everywhere.now);
		survey.rollout = &everywhere;
	}
	survey.agents = with_agents ? json_array() : NULL;
	rh_survey_make(&survey);
	json = head_json(rule, rollout ? rh_rollout_state_text(rollout->state) : "unstaged");
	json_object_set_new(json, "edges", edges_json(&survey.tally));
	if (rollout) {
		add_staged(json, &survey);
	} else {
		snprintf(text, sizeof text, "everywhere at once: settled at %llu of %llu edge%s",
		         (unsigned long long)survey.tally.settled,
		         (unsigned long long)survey.tally.total,
		         rh_plural(survey.tally.total));
		json_object_set_new(json, "message", json_string(text));
	}
	if (survey.agents)
		json_object_set(json, "agents", survey.agents);
	rh_survey_fini(&survey);
	return json;
}

/* ---- any rule ---- */

/* Of a hierarchy or an exception the condition tells how far it is. */
static json_t *show_other(const struct rh_center *center, const struct rh_object *rule,
                          int with_agents)
{
	json_t *json = head_json(rule, "unstaged");
	json_t *conditions = rh_conditions(center, rule), *condition;
	size_t  i;

	json_array_foreach(conditions, i, condition) {
		json_t *agents = json_object_get(condition, "agents");

		json_object_set(json, "message", json_object_get(condition, "message"));
		if (agents && with_agents)
			json_object_set(json, "agents", agents);
	}
	json_decref(conditions);
	return json;
}

json_t *rh_rollout_show(const struct rh_center *center, const char *rule,
                        int with_agents)
{
	const struct rh_object *object = rh_catalog_find(&center->realm.catalog,
		RH_OBJECT_RULE, rule);
	struct rh_rollout_side side;

	if (!object)
		return NULL;
	rh_rollout_read_side(object, &side);
	return side.use[0] ? show_edges(center, object, rh_rollouts_find(
	                                &center->realm.rollouts, rule), with_agents)
	                   : show_other(center, object, with_agents);
}
