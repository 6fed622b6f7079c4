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

static int enact_protocol(struct rh_realm *realm, const struct rh_object *object,
                          const json_t *rule)
{
	struct rh_protocol_rule entry = { .revision = object->revision };

	snprintf(entry.rule, sizeof entry.rule, "%.63s", object->name);
	snprintf(entry.caller, sizeof entry.caller, "%s", edge_end(rule, 0));
	snprintf(entry.callee, sizeof entry.callee, "%s", edge_end(rule, 1));
	snprintf(entry.use, sizeof entry.use, "%s", text_at(rule, "use"));
	return rh_protocols_put(&realm->protocols, &entry);
}

/* The rule of another name that holds the edge; only asked to word a refusal. */
static const char *holder(const struct rh_realm *realm, const char *name,
                          const json_t *edge, const char *what)
{
	size_t                   count;
	const char              *found = "unknown";
	struct rh_object *const *at = rh_catalog_after(&realm->catalog, RH_OBJECT_RULE,
	                                               NULL, &count);

	for (size_t i = 0; i < count; i++) {
		json_t *stored = rh_object_parse(at[i]);
		json_t *rule = json_object_get(json_object_get(stored, "spec"), what);

		if (rule && strcmp(at[i]->name, name) != 0 &&
		    json_equal(json_object_get(rule, "edge"), edge))
			found = at[i]->name;
		json_decref(stored);
	}
	return found;
}

static int enact_rule(struct rh_realm *realm, const struct rh_object *object,
                      const json_t *stored, struct rh_problem *problem)
{
	const json_t *spec = json_object_get(stored, "spec");
	const json_t *protocol = json_object_get(spec, "protocol");
	const json_t *exception = json_object_get(spec, "exception");
	int           err;

	if (protocol)
		err = enact_protocol(realm, object, protocol);
	else if (exception)
		err = enact_exception(realm, object, exception,
		                      json_object_get(stored, "expired") != NULL);
	else
		err = enact_hierarchy(realm, json_object_get(json_object_get(spec,
		                      "hierarchy"), "allow"), object->revision);
	const json_t *rule = protocol ? protocol : exception;
	if (err == RH_EEXIST)
		rh_problem_set(problem, err, "rule %s: another rule (%s) holds %s -> %s",
			object->name, holder(realm, object->name,
			json_object_get(rule, "edge"), protocol ? "protocol" : "exception"),
			edge_end(rule, 0), edge_end(rule, 1));
	else if (err)
		rh_problem_set(problem, err, "rule %s: %s", object->name,
		               rh_error_text(err));
	return err;
}

static void retract_rule(struct rh_realm *realm, const json_t *spec)
{
	const json_t    *protocol = json_object_get(spec, "protocol");
	const json_t    *exception = json_object_get(spec, "exception");
	struct rh_moment at = moment(realm);
	struct rh_name   caller, callee;

	if (protocol) {
		rh_protocols_remove(&realm->protocols, edge_end(protocol, 0),
		                    edge_end(protocol, 1));
	} else if (exception) {
		name_of(&caller, edge_end(exception, 0), 0);
		name_of(&callee, edge_end(exception, 1), 0);
		rh_rule_remove_exception(&realm->registry, &caller, &callee, &at);
	} else {
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

		retract_rule(realm, json_object_get(stored, "spec"));
		json_decref(stored);
	}
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
		if (old)
			rh_enact_retract(realm, old);
		err = enact_rule(realm, object, stored, problem);
		if (err && old)
			RH_CHECK(rh_enact(realm, old, NULL, problem) == RH_OK);
	}
	json_decref(stored);
	return err;
}

/* ---- whom a change concerns ---- */

static void touch_edge(const struct rh_realm *realm, const char *caller,
                       const char *callee)
{
	struct rh_item_key key = { .caller = { .len = 0 } };

	name_of(&key.caller, caller, 0);
	if (callee)
		name_of(&key.callee, callee, 0);
	realm->touch(realm->touch_user, &key);
}

static void touch_reported(void *user, const struct rh_edge_report *report)
{
	const struct rh_realm *realm = user;
	struct rh_item_key     key = {
		.caller = rh_registry_get(&realm->registry, report->caller)->name,
		.callee = rh_registry_get(&realm->registry, report->callee)->name,
	};

	realm->touch(realm->touch_user, &key);
}

static int has(const json_t *list, const char *text)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		if (strcmp(json_string_value(json_array_get(list, i)), text) == 0)
			return 1;
	}
	return 0;
}

/* The references of one spec that the other lacks. */
static void touch_references(const struct rh_realm *realm, const char *name,
                             const json_t *spec, const json_t *other)
{
	const json_t *mine = json_object_get(spec, "reference");
	const json_t *theirs = json_object_get(other, "reference");

	for (size_t i = 0; i < json_array_size(mine); i++) {
		const char *callee = json_string_value(json_array_get(mine, i));

		if (!has(theirs, callee))
			touch_edge(realm, name, callee);
	}
}

static int differs(const json_t *a, const json_t *b, const char *key)
{
	const json_t *x = json_object_get(a, key), *y = json_object_get(b, key);

	return x != y && !json_equal(x, y);
}

/* Its type is in every edge that touches it; its interface and context are in those
 * that lead to it; a specification that is not there has no type. */
static void touch_resource(const struct rh_realm *realm, const char *name,
                           const json_t *old, const json_t *now)
{
	int          is_other = differs(old, now, "type");
	struct rh_id id;

	touch_edge(realm, name, NULL);
	touch_references(realm, name, old, is_other ? NULL : now);
	touch_references(realm, name, now, is_other ? NULL : old);
	if ((is_other || differs(old, now, "interface") || differs(old, now, "context")) &&
	    rh_realm_find(realm, name, &id) == RH_OK)
		rh_view_column(&realm->registry, id, 0, touch_reported,
		               (void *)(uintptr_t)realm);
}

/* An edge that is not declared is no item: nobody has it. */
static void touch_declared(const struct rh_realm *realm, const char *caller,
                           const char *callee)
{
	struct rh_name    from, to;
	struct rh_verdict verdict;

	name_of(&from, caller, 0);
	name_of(&to, callee, 0);
	rh_judge_pair(&realm->registry, &from, &to, 0, &verdict);
	if (verdict.is_declared)
		touch_edge(realm, caller, callee);
}

static void touch_rule(const struct rh_realm *realm, const json_t *spec)
{
	const json_t *rule = json_object_get(spec, "protocol");

	if (!rule)
		rule = json_object_get(spec, "exception");
	if (rule)
		touch_declared(realm, edge_end(rule, 0), edge_end(rule, 1));
	else
		realm->touch(realm->touch_user, NULL);
}

void rh_enact_touch(const struct rh_realm *realm, const struct rh_object *old,
                    const struct rh_object *now)
{
	const struct rh_object *either = now ? now : old;

	if (!realm->touch ||
	    (either->kind != RH_OBJECT_RESOURCE && either->kind != RH_OBJECT_RULE))
		return;
	json_t       *before = old ? rh_object_parse(old) : NULL;
	json_t       *after = now ? rh_object_parse(now) : NULL;
	const json_t *was = json_object_get(before, "spec");
	const json_t *is = json_object_get(after, "spec");

	if (either->kind == RH_OBJECT_RESOURCE) {
		touch_resource(realm, either->name, was, is);
	} else {
		if (was)
			touch_rule(realm, was);
		if (is)
			touch_rule(realm, is);
	}
	json_decref(before);
	json_decref(after);
}
