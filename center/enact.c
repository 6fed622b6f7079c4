#include "enact.h"

#include "revocation.h"
#include "when.h"

#include "../model/check.h"
#include "../model/error.h"
#include "../model/judge.h"
#include "../model/rule.h"
#include "../model/view.h"

#include <stdio.h>
#include <string.h>

/* Names that stand in a stored object were checked when it came in. */
static void name_of(struct rh_name *ret_name, const char *text, int is_rule)
{
	size_t len = strlen(text);
	int    err = is_rule ? rh_name_init_rule(ret_name, text, len)
	                     : rh_name_init(ret_name, text, len);

	RH_CHECK(err == RH_OK);
}

static const char *text_at(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static const char *edge_end(const json_t *rule, size_t i)
{
	return json_string_value(json_array_get(json_object_get(rule, "edge"), i));
}

/* A new edge starts its counts anew, whoever had the number before; and who may not be
 * called any more is revoked. */
static void on_outcome(void *user, const struct rh_edge_report *report)
{
	struct rh_realm *realm = user;

	if (report->before == RH_OUTCOME_NONE)
		realm->counts[report->edge] = (struct rh_edge_count){ 0 };
	if (realm->revocations)
		rh_revocation_note(realm->revocations, &(struct rh_item_key){
			.caller = rh_registry_get(&realm->registry, report->caller)->name,
			.callee = rh_registry_get(&realm->registry, report->callee)->name,
		}, report->before, report->after);
}

static struct rh_moment moment(struct rh_realm *realm)
{
	return (struct rh_moment){
		.now_ms = rh_when_now(), .visit = on_outcome, .user = realm,
	};
}

void rh_enact_spec(struct rh_realm *realm, const char *name, const json_t *spec,
                   struct rh_spec *ret_spec)
{
	const char *type = text_at(spec, "type");
	const char *privilege = text_at(spec, "privilege");
	json_t     *references = json_object_get(spec, "reference");
	size_t      count = json_array_size(references);

	RH_CHECK(count <= RH_REFERENCES_MAX);
	*ret_spec = (struct rh_spec){
		.type = (uint8_t)rh_type_parse(type, strlen(type)),
		.privilege = RH_PRIVILEGE_USER,
		.reference_count = (uint32_t)count,
		.references = realm->references,
	};
	if (privilege)
		ret_spec->privilege = (uint8_t)rh_privilege_parse(privilege,
		                                                  strlen(privilege));
	name_of(&ret_spec->name, name, 0);
	for (size_t i = 0; i < count; i++)
		name_of(&realm->references[i],
		        json_string_value(json_array_get(references, i)), 0);
}

static int enact_resource(struct rh_realm *realm, const struct rh_object *object,
                          const json_t *spec, struct rh_problem *problem)
{
	struct rh_spec   wanted;
	struct rh_moment at = moment(realm);

	rh_enact_spec(realm, object->name, spec, &wanted);
	int err = rh_registry_load(&realm->registry, &wanted, &at, NULL);
	if (err)
		rh_problem_set(problem, err, "%s cannot be registered: %s (the limits are "
			"%u resources, %u references)", object->name,
			err == RH_ENOSPC ? "the registry is full" : rh_error_text(err),
			RH_CENTER_RESOURCES, RH_CENTER_EDGES);
	return err;
}

static int enact_hierarchy(struct rh_realm *realm, const json_t *pairs,
                           uint64_t revision)
{
	struct rh_hierarchy hierarchy;
	struct rh_moment    at = moment(realm);

	rh_hierarchy_clear(&hierarchy, revision);
	for (size_t i = 0; i < json_array_size(pairs); i++) {
		json_t     *pair = json_array_get(pairs, i);
		const char *caller = json_string_value(json_array_get(pair, 0));
		const char *callee = json_string_value(json_array_get(pair, 1));

		rh_hierarchy_set(&hierarchy, rh_type_parse(caller, strlen(caller)),
		                 rh_type_parse(callee, strlen(callee)), 1);
	}
	int err = rh_rule_put_hierarchy(&realm->registry, &hierarchy, &at);
	return err < 0 ? err : RH_OK;
}

static int enact_exception(struct rh_realm *realm, const struct rh_object *object,
                           const json_t *rule, int is_expired)
{
	const char              *reason = text_at(rule, "reason");
	const char              *expires = text_at(rule, "expires");
	struct rh_moment         at = moment(realm);
	struct rh_exception_spec spec = {
		.revision = object->revision, .reason = reason,
		.reason_len = strlen(reason),
	};

	name_of(&spec.rule, object->name, 1);
	name_of(&spec.caller, edge_end(rule, 0), 0);
	name_of(&spec.callee, edge_end(rule, 1), 0);
	if (expires)
		rh_when_parse(expires, &spec.expires_ms);
	if (is_expired) /* also when the clock was set back since */
		spec.expires_ms = 1;
	int err = rh_rule_put_exception(&realm->registry, &spec, &at);
	return err < 0 ? err : RH_OK;
}

/* ---- protocols, limits and code ---- */

static struct rh_protocols *table(struct rh_realm *realm,
                                  const struct rh_rollout_side *side)
{
	return (struct rh_protocols *)(uintptr_t)rh_realm_table(realm, side);
}

static int put_entry(struct rh_realm *realm, const char *name,
                        const struct rh_rollout_side *side, uint64_t reach,
                        int is_former)
{
	struct rh_protocol_rule entry = {
		.revision = side->revision, .reach = reach,
		.is_former = (uint8_t)is_former,
	};

	snprintf(entry.rule, sizeof entry.rule, "%.63s", name);
	memcpy(entry.caller, side->caller, sizeof entry.caller);
	memcpy(entry.callee, side->callee, sizeof entry.callee);
	memcpy(entry.use, side->use, sizeof entry.use);
	entry.code = side->code;
	return rh_protocols_put(table(realm, side), &entry);
}

/* The new one for the edges that it reached, the former one for the others. */
static int enact_on_edges(struct rh_realm *realm, const struct rh_object *object)
{
	const struct rh_rollout *rollout = rh_rollouts_find(&realm->rollouts,
	                                                    object->name);
	uint64_t                 reach = rollout ? rollout->reach : RH_ROLLOUT_ALL;
	struct rh_rollout_side   side;

	rh_rollout_read_side(object, &side);
	int err = put_entry(realm, object->name, &side, reach, 0);
	if (err || !rollout || !rollout->before.use[0])
		return err;
	err = put_entry(realm, object->name, &rollout->before, reach, 1);
	if (err)
		rh_protocols_remove(table(realm, &side), side.caller, side.callee,
		                    object->name);
	return err;
}

static void retract_from_edges(struct rh_realm *realm, const struct rh_object *object)
{
	const struct rh_rollout *rollout = rh_rollouts_find(&realm->rollouts,
	                                                    object->name);
	struct rh_rollout_side   side;

	rh_rollout_read_side(object, &side);
	rh_protocols_remove(table(realm, &side), side.caller, side.callee,
	                    object->name);
	if (rollout && rollout->before.use[0])
		rh_protocols_remove(table(realm, &rollout->before),
		                    rollout->before.caller, rollout->before.callee,
		                    object->name);
}

void rh_enact_reach(struct rh_realm *realm, const struct rh_rollout *rollout)
{
	const struct rh_rollout_side *sides[] = { &rollout->now, &rollout->before };

	for (int i = 0; i < 2; i++)
		rh_protocols_reach(table(realm, sides[i]), sides[i]->caller,
		                   sides[i]->callee, rollout->rule, rollout->reach);
}

/* What becomes of the roll-out of a rule that is put. */
static int enact_rollout(struct rh_realm *realm, const struct rh_object *object,
                         const struct rh_object *old)
{
	struct rh_rollout next;

	if (!realm->is_at_once &&
	    rh_rollout_begin(object, old,
	                     rh_rollouts_find(&realm->rollouts, object->name), &next))
		return rh_rollouts_put(&realm->rollouts, &next);
	rh_rollouts_remove(&realm->rollouts, object->name);
	return RH_OK;
}

/* A record of the store knows neither what the rule says nor its plan; one that is not
 * of this generation is none. */
static void complete_rollout(struct rh_realm *realm, const struct rh_object *object)
{
	struct rh_rollout *rollout = rh_rollouts_find(&realm->rollouts, object->name);

	if (!rollout)
		return;
	int is_staged = rh_rollout_read_plan(object, &rollout->plan);
	rh_rollout_read_side(object, &rollout->now);
	if (rollout->generation != object->generation || !rollout->now.use[0] ||
	    (!is_staged && rollout->reach != RH_ROLLOUT_ALL))
		rh_rollouts_remove(&realm->rollouts, object->name);
}

/* The rule of another name that holds the edge, or the resource; only asked to word a
 * refusal. */
static const char *holder(const struct rh_realm *realm, const char *name,
                          const json_t *wanted, const char *what)
{
	const char              *where = json_object_get(wanted, "edge") ? "edge" : "resource";
	size_t                   count;
	const char              *found = "unknown";
	struct rh_object *const *at = rh_catalog_after(&realm->catalog, RH_OBJECT_RULE,
	                                               NULL, &count);

	for (size_t i = 0; i < count; i++) {
		json_t *stored = rh_object_parse(at[i]);
		json_t *rule = json_object_get(json_object_get(stored, "spec"), what);

		if (rule && strcmp(at[i]->name, name) != 0 &&
		    json_equal(json_object_get(rule, where), json_object_get(wanted, where)))
			found = at[i]->name;
		json_decref(stored);
	}
	return found;
}

/* The key under which the spec says what it says. */
static const char *what_of(const json_t *spec)
{
	return json_object_iter_key(json_object_iter((json_t *)(uintptr_t)spec));
}

static int is_on_edges(const json_t *spec)
{
	return json_object_get(spec, "protocol") || json_object_get(spec, "limits") ||
	       json_object_get(spec, "code") || json_object_get(spec, "sched");
}

/* Agents obey it; nothing here depends on it. */
static int is_for_agents(const json_t *spec)
{
	return json_object_get(spec, "stale") != NULL;
}

static int enact_rule(struct rh_realm *realm, const struct rh_object *object,
                      const json_t *stored, struct rh_problem *problem)
{
	const json_t *spec = json_object_get(stored, "spec");
	const json_t *exception = json_object_get(spec, "exception");
	const char   *what = what_of(spec);
	int           err;

	if (is_on_edges(spec))
		err = enact_on_edges(realm, object);
	else if (exception)
		err = enact_exception(realm, object, exception,
		                      json_object_get(stored, "expired") != NULL);
	else if (is_for_agents(spec))
		err = RH_OK;
	else
		err = enact_hierarchy(realm, json_object_get(json_object_get(spec,
		                      "hierarchy"), "allow"), object->revision);
	const json_t *rule = json_object_get(spec, what);
	if (err == RH_EEXIST && json_object_get(rule, "resource"))
		rh_problem_set(problem, err, "rule %s: another rule (%s) schedules %s: change or "
			"delete that one", object->name, holder(realm, object->name, rule, what),
			json_string_value(json_object_get(rule, "resource")));
	else if (err == RH_EEXIST)
		rh_problem_set(problem, err, "rule %s: another rule (%s) holds %s -> %s",
			object->name, holder(realm, object->name, rule, what),
			edge_end(rule, 0), edge_end(rule, 1)); /* of code rh_code_check found it */
	else if (err)
		rh_problem_set(problem, err, "rule %s: %s", object->name,
		               rh_error_text(err));
	return err;
}

static void retract_rule(struct rh_realm *realm, const struct rh_object *object,
                         const json_t *spec)
{
	const json_t    *exception = json_object_get(spec, "exception");
	struct rh_moment at = moment(realm);
	struct rh_name   caller, callee;

	if (is_on_edges(spec)) {
		retract_from_edges(realm, object);
	} else if (exception) {
		name_of(&caller, edge_end(exception, 0), 0);
		name_of(&callee, edge_end(exception, 1), 0);
		rh_rule_remove_exception(&realm->registry, &caller, &callee, &at);
	} else if (!is_for_agents(spec)) {
		struct rh_hierarchy hierarchy;

		rh_hierarchy_init(&hierarchy, 0);
		rh_rule_put_hierarchy(&realm->registry, &hierarchy, &at);
	}
}

static void retract_resource(struct rh_realm *realm, const char *name)
{
	struct rh_moment at = moment(realm);
	struct rh_id     id;

	RH_CHECK(rh_realm_find(realm, name, &id) == RH_OK); /* L1 */
	rh_registry_delete(&realm->registry, id, &at);
}

void rh_enact_retract(struct rh_realm *realm, const struct rh_object *object)
{
	if (object->kind == RH_OBJECT_RESOURCE) {
		retract_resource(realm, object->name);
	} else if (object->kind == RH_OBJECT_RULE) {
		json_t *stored = rh_object_parse(object);

		retract_rule(realm, object, json_object_get(stored, "spec"));
		json_decref(stored);
	}
}

static void put_back(struct rh_realm *realm, const struct rh_object *old,
                     const struct rh_rollout *was, const char *name)
{
	struct rh_problem ignored;
	int               before = realm->is_settled;

	if (was->rule[0])
		RH_CHECK(rh_rollouts_put(&realm->rollouts, was) == RH_OK);
	else
		rh_rollouts_remove(&realm->rollouts, name);
	realm->is_settled = 1;
	if (old)
		RH_CHECK(rh_enact(realm, old, NULL, &ignored) == RH_OK);
	realm->is_settled = before;
}

static int replace_rule(struct rh_realm *realm, const struct rh_object *object,
                        const json_t *stored, const struct rh_object *old,
                        struct rh_problem *problem)
{
	const struct rh_rollout *found = rh_rollouts_find(&realm->rollouts, object->name);
	struct rh_rollout        was = found ? *found : (struct rh_rollout){ .rule = "" };
	int                      err = RH_OK;

	if (old)
		rh_enact_retract(realm, old);
	if (realm->is_settled)
		complete_rollout(realm, object);
	else
		err = enact_rollout(realm, object, old);
	if (err)
		rh_problem_set(problem, err, "rule %s: %s", object->name,
		               rh_error_text(err));
	else
		err = enact_rule(realm, object, stored, problem);
	if (err)
		put_back(realm, old, &was, object->name);
	return err;
}

int rh_enact(struct rh_realm *realm, const struct rh_object *object,
             const struct rh_object *old, struct rh_problem *problem)
{
	int err = RH_OK;

	if (object->kind != RH_OBJECT_RESOURCE && object->kind != RH_OBJECT_RULE)
		return RH_OK;
	json_t *stored = rh_object_parse(object);
	RH_CHECK(stored); /* O2 */
	if (object->kind == RH_OBJECT_RESOURCE) {
		err = enact_resource(realm, object, json_object_get(stored, "spec"),
		                     problem);
	} else {
		err = replace_rule(realm, object, stored, old, problem);
	}
	json_decref(stored);
	return err;
}
