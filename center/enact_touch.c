#include "enact.h"

#include "../model/check.h"
#include "../model/error.h"
#include "../model/judge.h"
#include "../model/view.h"

#include <string.h>

static void name_of(struct rh_name *ret_name, const char *text, int is_rule)
{
	size_t len = strlen(text);
	int    err = is_rule ? rh_name_init_rule(ret_name, text, len)
	                     : rh_name_init(ret_name, text, len);

	RH_CHECK(err == RH_OK);
}

static const char *edge_end(const json_t *rule, size_t i)
{
	return json_string_value(json_array_get(json_object_get(rule, "edge"), i));
}

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

static int is_any(const char *name)
{
	return strcmp(name, RH_PROTOCOL_ANY) == 0;
}

static void walk_one(const struct rh_realm *realm, const char *name, int is_caller,
                     rh_edge_visit *visit, void *user)
{
	struct rh_name parsed;
	struct rh_id   id;

	name_of(&parsed, name, 0);
	if (rh_registry_find_named(&realm->registry, &parsed, &id) != RH_OK)
		return;
	if (is_caller)
		rh_view_row(&realm->registry, id, 0, visit, user);
	else
		rh_view_column(&realm->registry, id, 0, visit, user);
}

/* One edge as a walk over the row of its caller shows it. */
struct one {
	const struct rh_realm *realm;
	const char            *callee;
	rh_edge_visit         *visit;
	void                  *user;
};

static void visit_one(void *user, const struct rh_edge_report *report)
{
	const struct one *one = user;

	if (strcmp(rh_registry_get(&one->realm->registry, report->callee)->name.text,
	           one->callee) == 0)
		one->visit(one->user, report);
}

void rh_enact_walk(const struct rh_realm *realm, const char *caller, const char *callee,
                   rh_edge_visit *visit, void *user)
{
	struct one one = { realm, callee, visit, user };

	if (is_any(caller) && is_any(callee))
		rh_view_edges(&realm->registry, 0, visit, user);
	else if (is_any(callee))
		walk_one(realm, caller, 1, visit, user);
	else if (is_any(caller))
		walk_one(realm, callee, 0, visit, user);
	else
		walk_one(realm, caller, 1, visit_one, &one);
}

/* A pattern is every edge that matches: of all edges nobody is asked one by one. */
static void touch_pattern(const struct rh_realm *realm, const char *caller,
                          const char *callee)
{
	if (!is_any(caller) && !is_any(callee))
		touch_declared(realm, caller, callee);
	else if (is_any(caller) && is_any(callee))
		realm->touch(realm->touch_user, NULL);
	else
		rh_enact_walk(realm, caller, callee, touch_reported,
		              (void *)(uintptr_t)realm);
}

/* One that is not registered is no item: nobody has it. */
static void touch_resource_named(const struct rh_realm *realm, const char *name)
{
	struct rh_name parsed;
	struct rh_id   id;

	name_of(&parsed, name, 0);
	if (rh_registry_find(&realm->registry, &parsed, &id) == RH_OK)
		touch_edge(realm, name, NULL);
}

/* Every resource, without its edges. */
static void touch_resources(const struct rh_realm *realm)
{
	size_t                   count;
	struct rh_object *const *at = rh_catalog_after(&realm->catalog,
		RH_OBJECT_RESOURCE, NULL, &count);

	for (size_t i = 0; i < count; i++)
		touch_edge(realm, at[i]->name, NULL);
}

static void touch_rule(const struct rh_realm *realm, const json_t *spec)
{
	const json_t *rule = json_object_get(spec, "protocol");

	if (!rule)
		rule = json_object_get(spec, "limits");
	if (!rule)
		rule = json_object_get(spec, "code");
	if (!rule)
		rule = json_object_get(spec, "sched");
	if (!rule)
		rule = json_object_get(spec, "exception");
	if (rule && json_object_get(rule, "resource"))
		touch_resource_named(realm, json_string_value(json_object_get(rule,
		                                                       "resource")));
	else if (rule)
		touch_pattern(realm, edge_end(rule, 0), edge_end(rule, 1));
	else if (json_object_get(spec, "stale"))
		touch_resources(realm);
	else
		realm->touch(realm->touch_user, NULL);
}

/* The edges between two reaches. */
struct between {
	const struct rh_realm *realm;
	struct rh_name         rule;
	uint64_t               from;
	uint64_t               upto;
};

static void touch_between(void *user, const struct rh_edge_report *report)
{
	const struct between     *between = user;
	const struct rh_registry *registry = &between->realm->registry;
	uint64_t place = rh_rollout_place(&between->rule,
		&rh_registry_get(registry, report->caller)->name,
		&rh_registry_get(registry, report->callee)->name);

	if (place > between->from && place <= between->upto)
		touch_reported((void *)(uintptr_t)between->realm, report);
}

void rh_enact_touch_rollout(const struct rh_realm *realm,
                            const struct rh_rollout *rollout, uint64_t was)
{
	struct between between = {
		.realm = realm,
		.from = rollout->reach < was ? rollout->reach : was,
		.upto = rollout->reach < was ? was : rollout->reach,
	};

	if (!realm->touch || between.from == between.upto)
		return;
	if (rh_protocols_is_own(rollout->now.callee)) {
		touch_resource_named(realm, rollout->now.caller);
		if (rollout->before.use[0])
			touch_resource_named(realm, rollout->before.caller);
		return;
	}
	name_of(&between.rule, rollout->rule, 1);
	rh_enact_walk(realm, rollout->now.caller, rollout->now.callee, touch_between,
	              &between);
	if (rollout->before.use[0])
		rh_enact_walk(realm, rollout->before.caller, rollout->before.callee,
		              touch_between, &between);
}

void rh_enact_touch(const struct rh_realm *realm, const struct rh_object *old,
                    const struct rh_object *now, const struct rh_rollout *rollout)
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
		if (rollout && rollout->before.use[0] &&
		    rh_protocols_is_own(rollout->before.callee))
			touch_resource_named(realm, rollout->before.caller);
		else if (rollout && rollout->before.use[0])
			touch_pattern(realm, rollout->before.caller,
			              rollout->before.callee);
	}
	json_decref(before);
	json_decref(after);
}
