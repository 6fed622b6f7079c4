#include "survey.h"

#include "center.h"
#include "enact.h"
#include "link.h"
#include "push.h"
#include "results.h"

#include "../model/check.h"
#include "../model/error.h"
#include "../wire/frame.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int is_its(const struct rh_protocol_rule *entry, const struct rh_rollout *rollout,
                  int is_former)
{
	return entry && entry->is_former == is_former &&
	       strcmp(entry->rule, rollout->rule) == 0;
}

int rh_survey_concerns(const struct rh_center *center, const struct rh_rollout *rollout,
                       const char *caller, const char *callee)
{
	const struct rh_realm     *realm = &center->realm;
	const struct rh_protocols *now = rh_realm_table(realm, &rollout->now);
	const struct rh_protocols *before = rh_realm_table(realm, &rollout->before);

	return is_its(rh_protocols_find_if(now, caller, callee, rollout->rule,
	                                   RH_ROLLOUT_ALL), rollout, 0) ||
	       is_its(rh_protocols_find_if(before, caller, callee, rollout->rule, 0),
	              rollout, 1);
}

/* ---- an edge at an agent ---- */

/* Where an edge is not settled, or was rejected, in words; the first of each is kept. */
static void say(char *text, const char *agent, const struct rh_item_key *key,
                const struct rh_link_standing *standing)
{
	const struct rh_result *result = standing->result;

	if (text[0])
		return;
	snprintf(text, RH_SURVEY_TEXT_MAX, "%s%s%s is %s at the agent of %s%s%s%s%s",
	         key->caller.text, key->callee.len ? " -> " : "",
	         key->callee.len ? key->callee.text : "", standing->state, agent,
	         result && result->code ? ": " : "",
	         result && result->code ? rh_error_name(result->code) : "",
	         result && result->text[0] ? ": " : "",
	         result && result->text[0] ? result->text : "");
}

static void list(struct rh_survey *survey, const char *agent,
                 const struct rh_item_key *key, const struct rh_link_standing *standing)
{
	const struct rh_result *result = standing->result;
	const struct rh_push   *push = survey->center->push;

	if (!survey->agents || json_array_size(survey->agents) >= RH_SURVEY_PLACES_MAX)
		return;
	json_t *json = json_pack("{s:s, s:s, s:I}", "agent", agent, "state",
		standing->state, "revision", (json_int_t)(result ? result->revision
		             : push ? rh_push_item_revision(push, key) : 0));
	if (key->callee.len)
		json_object_set_new(json, "edge", json_pack("[s, s]", key->caller.text,
		                                            key->callee.text));
	if (result && result->code)
		json_object_set_new(json, "code",
		                    json_string(rh_error_name(result->code)));
	if (result && result->text[0])
		json_object_set_new(json, "text", rh_json_text(result->text));
	/* Those that are not in force stand in front. */
	if (standing->is_active)
		json_array_append_new(survey->agents, json);
	else
		json_array_insert_new(survey->agents, 0, json);
}

enum place_state { ACTIVE, REJECTED, UNSETTLED };

static enum place_state look_at_place(struct rh_survey *survey, const char *agent,
                                      const struct rh_item_key *key)
{
	const struct rh_center *center = survey->center;
	struct rh_link_standing standing = { .state = "active", .is_active = 1 };

	if (center->link)
		rh_link_standing(center->link, agent, key,
		                 rh_push_item_revision(center->push, key), &standing);
	list(survey, agent, key, &standing);
	if (standing.is_active)
		return ACTIVE;
	if (standing.result && standing.result->state == RH_ITEM_REJECTED) {
		say(survey->rejected, agent, key, &standing);
		return REJECTED;
	}
	say(survey->waits, agent, key, &standing);
	return UNSETTLED;
}

/* ---- edges ---- */

static void note_place(struct rh_survey *survey, uint64_t place)
{
	if (!survey->wants_places || survey->is_short)
		return;
	if (survey->count == survey->cap) {
		size_t    cap = survey->cap ? survey->cap * 2 : 64;
		uint64_t *more = realloc(survey->places, cap * sizeof *more);

		if (!more) {
			survey->is_short = 1;
			return;
		}
		survey->places = more;
		survey->cap = cap;
	}
	survey->places[survey->count++] = place;
}

static void count_reached(struct rh_survey *survey, const struct rh_item_key *key,
                          int is_registered)
{
	struct rh_rollout_tally *tally = &survey->tally;
	enum place_state         at[2] = { ACTIVE, ACTIVE };

	at[0] = look_at_place(survey, key->caller.text, key);
	if (is_registered)
		at[1] = look_at_place(survey, key->callee.text, key);
	int is_settled = at[0] != UNSETTLED && at[1] != UNSETTLED;
	tally->reached++;
	tally->settled += is_settled != 0;
	if (at[0] != REJECTED && at[1] != REJECTED)
		return;
	tally->rejected++;
	if (survey->on_rejected)
		survey->on_rejected(survey->user, key);
}

static void look_at(struct rh_survey *survey, const struct rh_edge_report *report)
{
	const struct rh_rollout  *rollout = survey->rollout;
	const struct rh_registry *registry = &survey->center->realm.registry;
	const struct rh_resource *callee = rh_registry_get(registry, report->callee);
	struct rh_item_key        key = {
		.caller = rh_registry_get(registry, report->caller)->name,
		.callee = callee->name,
	};
	struct rh_name rule;

	if (!rh_survey_concerns(survey->center, rollout, key.caller.text,
	                        key.callee.text))
		return;
	RH_CHECK(rh_name_init_rule(&rule, rollout->rule, strlen(rollout->rule)) == RH_OK);
	uint64_t place = rh_rollout_place(&rule, &key.caller, &key.callee);
	survey->tally.total++;
	note_place(survey, place);
	if (place <= rollout->reach)
		count_reached(survey, &key, callee->state == RH_ENTRY_REGISTERED);
}

static void visit_now(void *user, const struct rh_edge_report *report)
{
	look_at(user, report);
}

/* The edges of the former one that are not among those of the new one. */
static void visit_before(void *user, const struct rh_edge_report *report)
{
	struct rh_survey         *survey = user;
	const struct rh_registry *registry = &survey->center->realm.registry;

	if (!rh_protocols_match(survey->rollout->now.caller, survey->rollout->now.callee,
	                        rh_registry_get(registry, report->caller)->name.text,
	                        rh_registry_get(registry, report->callee)->name.text))
		look_at(survey, report);
}

/* What runs in the processes of a resource has one place. */
static void look_at_resource(struct rh_survey *survey, const char *name)
{
	struct rh_item_key key = { .callee = { .len = 0 } };
	struct rh_name     rule;

	RH_CHECK(rh_name_init(&key.caller, name, strlen(name)) == RH_OK);
	RH_CHECK(rh_name_init_rule(&rule, survey->rollout->rule,
	                           strlen(survey->rollout->rule)) == RH_OK);
	uint64_t place = rh_rollout_place(&rule, &key.caller, &key.callee);
	survey->tally.total++;
	note_place(survey, place);
	if (place <= survey->rollout->reach)
		count_reached(survey, &key, 0);
}

void rh_survey_make(struct rh_survey *survey)
{
	const struct rh_rollout *rollout = survey->rollout;
	const struct rh_realm   *realm = &survey->center->realm;
	struct rh_id             id;

	if (rh_protocols_is_own(rollout->now.callee)) {
		if (rh_realm_find(realm, rollout->now.caller, &id) == RH_OK)
			look_at_resource(survey, rollout->now.caller);
		return;
	}
	rh_enact_walk(realm, rollout->now.caller, rollout->now.callee, visit_now, survey);
	if (rollout->before.use[0])
		rh_enact_walk(realm, rollout->before.caller, rollout->before.callee,
		              visit_before, survey);
	survey->tally.calls = rollout->calls;
	survey->tally.errors = rollout->errors;
}

void rh_survey_fini(struct rh_survey *survey)
{
	free(survey->places);
	json_decref(survey->agents);
	survey->places = NULL;
	survey->agents = NULL;
}

static int by_place(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

int rh_survey_reach(struct rh_survey *survey, uint64_t upto, uint64_t *ret_reach)
{
	if (survey->is_short)
		return RH_ENOMEM;
	if (upto >= survey->count) {
		*ret_reach = RH_ROLLOUT_ALL; /* and those that come later */
		return RH_OK;
	}
	if (upto == 0) {
		*ret_reach = 0;
		return RH_OK;
	}
	qsort(survey->places, survey->count, sizeof *survey->places, by_place);
	*ret_reach = survey->places[upto - 1];
	return RH_OK;
}
