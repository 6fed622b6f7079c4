#include "effects.h"

#include "center.h"
#include "codetext.h"
#include "survey.h"

#include "../model/error.h"
#include "../model/judge.h"
#include "../model/view.h"
#include "../rules/hook.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As items are judged (item.c): what ends by the clock is not asked. */
#define NOW_MS 1u

/* ---- which edges ---- */

static void add(struct rh_effects *effects, const struct rh_item_key *key)
{
	if (effects->count == effects->cap && effects->cap < RH_EFFECTS_MAX) {
		size_t cap = effects->cap ? effects->cap * 2 : 64;
		struct rh_effect *more;

		cap = cap < RH_EFFECTS_MAX ? cap : RH_EFFECTS_MAX;
		more = realloc(effects->at, cap * sizeof *more);
		if (more) {
			effects->at = more;
			effects->cap = cap;
		}
	}
	if (effects->count < effects->cap)
		effects->at[effects->count++] = (struct rh_effect){ .key = *key };
	else
		effects->has_more = 1;
}

static void add_reported(void *user, const struct rh_edge_report *report)
{
	struct rh_effects        *effects = user;
	const struct rh_registry *registry = &effects->center->realm.registry;

	add(effects, &(struct rh_item_key){
		.caller = rh_registry_get(registry, report->caller)->name,
		.callee = rh_registry_get(registry, report->callee)->name,
	});
}

static void note(void *user, const struct rh_item_key *key)
{
	struct rh_effects *effects = user;

	if (!key)
		rh_view_edges(&effects->center->realm.registry, 0, add_reported, effects);
	else if (key->callee.len > 0)
		add(effects, key);
}

void rh_effects_begin(struct rh_effects *effects, struct rh_center *center)
{
	struct rh_realm *realm = &center->realm;

	*effects = (struct rh_effects){
		.center = center, .mark = rh_realm_mark(realm), .is_noting = 1,
		.touch = realm->touch, .untouch = realm->untouch,
		.touch_user = realm->touch_user,
	};
	realm->touch = note;
	realm->untouch = NULL;
	realm->touch_user = effects;
}

static void stop_noting(struct rh_effects *effects)
{
	struct rh_realm *realm = &effects->center->realm;

	realm->touch = effects->touch;
	realm->untouch = effects->untouch;
	realm->touch_user = effects->touch_user;
	effects->is_noting = 0;
}

static int by_key(const void *a, const void *b)
{
	const struct rh_effect *x = a, *y = b;
	int order = strcmp(x->key.caller.text, y->key.caller.text);

	return order ? order : strcmp(x->key.callee.text, y->key.callee.text);
}

/* A change touches the same edge more than once. */
static void tidy(struct rh_effects *effects)
{
	size_t kept = 0;

	if (effects->count < 2)
		return;
	qsort(effects->at, effects->count, sizeof *effects->at, by_key);
	for (size_t i = 1; i < effects->count; i++) {
		if (by_key(&effects->at[kept], &effects->at[i]) != 0)
			effects->at[++kept] = effects->at[i];
	}
	effects->count = kept + 1;
}

/* ---- roll-outs that begin ---- */

static int add_reaches(struct rh_effects *effects, const struct rh_rollout *rollout)
{
	struct rh_survey survey = {
		.center = effects->center, .rollout = rollout, .wants_places = 1,
	};
	struct rh_effect_rollout *one = &effects->rollouts[effects->rollout_count];
	int                       err = RH_OK;

	one->rollout = rollout;
	rh_survey_make(&survey);
	for (uint32_t i = 0; i < rollout->plan.step_count && !err; i++) {
		uint64_t upto = rh_rollout_upto(&rollout->plan.steps[i],
		                                survey.tally.total);

		err = rh_survey_reach(&survey, upto, &one->reach[i]);
	}
	rh_survey_fini(&survey);
	effects->rollout_count += !err;
	return err;
}

static int add_rollout(void *user, const char *rule, const struct rh_object *old,
                       const struct rh_object *now)
{
	struct rh_effects        *effects = user;
	const struct rh_rollout  *rollout = rh_rollouts_find(
		&effects->center->realm.rollouts, rule);
	struct rh_effect_rollout *more;

	(void)old;
	if (!now || !rollout || rollout->state != RH_ROLLOUT_RUNNING)
		return RH_OK;
	more = realloc(effects->rollouts, (effects->rollout_count + 1) * sizeof *more);
	if (!more)
		return RH_ENOMEM;
	effects->rollouts = more;
	return add_reaches(effects, rollout);
}

/* ---- how they are ---- */

/* 1: there is code that sees the calls. */
static int set_code(const struct rh_realm *realm, const struct rh_item_key *key,
                    const char *rule, struct rh_effect_side *side)
{
	const char *caller = key->caller.text, *callee = key->callee.text;
	int         sees_calls = 0;

	for (unsigned i = 0; i < rh_hook_count; i++) {
		const struct rh_protocols     *table = &realm->hooks[i];
		const struct rh_protocol_rule *found = rule
			? rh_protocols_find_if(table, caller, callee, rule, RH_ROLLOUT_ALL)
			: rh_protocols_find(table, caller, callee);

		side->code[i] = found ? found->code : NULL;
		if (found && rh_hook_at(&rh_hooks[i]) == RH_AT_CALL)
			sees_calls = 1;
	}
	return sees_calls;
}

/* What is in force where that rule, if any, has reached every edge. */
static void set_rules(const struct rh_realm *realm, const struct rh_item_key *key,
                      const char *rule, struct rh_effect_side *side)
{
	const struct rh_protocol_rule *protocol, *limit;
	const char                    *caller = key->caller.text;
	const char                    *callee = key->callee.text;

	protocol = rule ? rh_protocols_find_if(&realm->protocols, caller, callee, rule,
	                                       RH_ROLLOUT_ALL)
	                : rh_protocols_find(&realm->protocols, caller, callee);
	limit = rule ? rh_protocols_find_if(&realm->limits, caller, callee, rule,
	                                    RH_ROLLOUT_ALL)
	             : rh_protocols_find(&realm->limits, caller, callee);
	int has_code = set_code(realm, key, rule, side);
	snprintf(side->use, sizeof side->use, "%s", rh_protocol_use(protocol, limit,
	                                                            has_code));
	snprintf(side->calls, sizeof side->calls, "%s", limit ? limit->use : "");
	snprintf(side->rule, sizeof side->rule, "%s", protocol ? protocol->rule : "");
}

static void look(const struct rh_effects *effects, const struct rh_item_key *key,
                 struct rh_effect_side *ret_side)
{
	const struct rh_realm *realm = &effects->center->realm;
	struct rh_verdict      verdict;

	rh_judge_pair(&realm->registry, &key->caller, &key->callee, NOW_MS, &verdict);
	ret_side->verdict = verdict.is_declared ? rh_verdict_error(&verdict) : RH_ENOEDGE;
	set_rules(realm, key, NULL, ret_side);
}

static uint32_t step_of(const struct rh_effect_rollout *one,
                        const struct rh_item_key *key)
{
	struct rh_name rule;
	uint32_t       step = 0;

	(void)rh_name_init_rule(&rule, one->rollout->rule, strlen(one->rollout->rule));
	uint64_t place = rh_rollout_place(&rule, &key->caller, &key->callee);
	while (step + 1 < one->rollout->plan.step_count && place > one->reach[step])
		step++;
	return step + 1;
}

/* What an edge gets when the roll-outs that begin are done. */
static void look_ahead(const struct rh_effects *effects, struct rh_effect *effect)
{
	const struct rh_realm    *realm = &effects->center->realm;
	const struct rh_item_key *key = &effect->key;

	for (size_t i = 0; i < effects->rollout_count; i++) {
		const struct rh_effect_rollout *one = &effects->rollouts[i];

		if (!rh_survey_concerns(effects->center, one->rollout, key->caller.text,
		                        key->callee.text))
			continue;
		effect->step = step_of(one, key);
		set_rules(realm, key, one->rollout->rule, &effect->after);
	}
}

int rh_effects_after(struct rh_effects *effects)
{
	struct rh_realm *realm = &effects->center->realm;

	tidy(effects);
	int err = rh_realm_changed_rules(realm, effects->mark, add_rollout, effects);
	for (size_t i = 0; i < effects->count && !err; i++) {
		look(effects, &effects->at[i].key, &effects->at[i].after);
		look_ahead(effects, &effects->at[i]);
	}
	effects->rollout_count = 0; /* they go with the change */
	return err;
}

void rh_effects_before(struct rh_effects *effects)
{
	stop_noting(effects);
	for (size_t i = 0; i < effects->count; i++)
		look(effects, &effects->at[i].key, &effects->at[i].before);
}

/* ---- telling ---- */

static void add_code(json_t *json, const struct rh_code_text *text)
{
	json_t *list = json_object_get(json, "code");

	if (!list)
		json_object_set_new(json, "code", list = json_array());
	json_array_append_new(list, json_pack("{s:O, s:O}",
		"hook", json_object_get(text->code, "hook"),
		"module", json_object_get(text->code, "module")));
}

static json_t *side_json(const struct rh_effect_side *side)
{
	int     is_there = side->verdict != RH_ENOEDGE;
	json_t *json = json_pack("{s:b, s:s}", "declared", is_there, "verdict",
		side->verdict == RH_OK ? "OK" : rh_error_name(side->verdict));

	if (is_there)
		json_object_set_new(json, "protocol", json_string(side->use));
	if (is_there && side->calls[0])
		json_object_set_new(json, "calls",
		                    json_integer(strtol(side->calls, NULL, 10)));
	if (is_there && side->rule[0])
		json_object_set_new(json, "rule", json_string(side->rule));
	for (unsigned i = 0; is_there && i < rh_hook_count; i++) {
		if (side->code[i])
			add_code(json, side->code[i]);
	}
	return json;
}

static int differs(const struct rh_effect *effect)
{
	const struct rh_effect_side *before = &effect->before, *after = &effect->after;

	return before->verdict != after->verdict ||
	       (after->verdict != RH_ENOEDGE &&
	        (strcmp(before->use, after->use) != 0 ||
	         strcmp(before->calls, after->calls) != 0 ||
	         memcmp(before->code, after->code, sizeof before->code) != 0));
}

json_t *rh_effects_json(const struct rh_effects *effects)
{
	json_t *list = json_array();

	for (size_t i = 0; i < effects->count; i++) {
		const struct rh_effect *effect = &effects->at[i];

		if (!differs(effect))
			continue;
		json_t *json = json_pack("{s:[s, s], s:o, s:o}", "edge",
			effect->key.caller.text, effect->key.callee.text,
			"before", side_json(&effect->before),
			"after", side_json(&effect->after));
		if (effect->step)
			json_object_set_new(json, "step",
			                    json_integer((json_int_t)effect->step));
		json_array_append_new(list, json);
	}
	return list;
}

void rh_effects_fini(struct rh_effects *effects)
{
	if (effects->is_noting)
		stop_noting(effects);
	free(effects->at);
	free(effects->rollouts);
	effects->at = NULL;
	effects->rollouts = NULL;
}
