#include "conditions.h"

#include "enact.h"
#include "item.h"
#include "link.h"
#include "places.h"
#include "push.h"
#include "rollout_drive.h"
#include "sentence.h"
#include "when.h"

#include "../base/plural.h"
#include "../model/check.h"
#include "../model/error.h"
#include "../model/judge.h"
#include "../model/view.h"

#include <stdio.h>
#include <string.h>

static void add(json_t *list, const char *type, int status, const char *reason,
                const char *message)
{
	json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:o}", "type", type,
		"status", status ? "True" : "False", "reason", reason,
		"message", rh_json_text(message)));
}

static void add_registered(json_t *list, const struct rh_object *object)
{
	char text[64];

	snprintf(text, sizeof text, "registered at revision %llu",
	         (unsigned long long)object->revision);
	add(list, "Registered", 1, "Registered", text);
}

/* ---- the edges of a resource ---- */

struct edges {
	const struct rh_center *center;
	json_t                 *list;
	uint64_t                now;
	unsigned                pending;
	unsigned                refused;
	unsigned                revoked;  /* of those who call it */
};

/* Calls still pass while it is being revoked. */
static void add_refused(struct edges *edges, const struct rh_verdict *verdict,
                        const char *text)
{
	const struct rh_revocation *revocation = rh_revocation_find(
		&edges->center->revocations, &verdict->caller, &verdict->callee);
	char until[RH_WHEN_TEXT_MAX], more[RH_SENTENCE_MAX + 64];

	if (!revocation) {
		add(edges->list, "EdgeRefused", 1, "ELAYER", text);
		return;
	}
	rh_when_text(revocation->deadline_ms, until);
	snprintf(more, sizeof more, "%s; calls still pass until %s", text, until);
	add(edges->list, "EdgeRevoking", 1, "ELAYER", more);
}

static void explain(struct edges *edges, const struct rh_name *caller,
                    const struct rh_name *callee, int is_pending)
{
	const struct rh_registry *registry = &edges->center->realm.registry;
	struct rh_verdict         verdict;
	char                      text[RH_SENTENCE_MAX];

	rh_judge_pair(registry, caller, callee, edges->now, &verdict);
	rh_sentence_verdict(&verdict, &registry->hierarchy, text, sizeof text);
	if (is_pending)
		add(edges->list, "Pending", 1, "ReferenceUnknown", text);
	else
		add_refused(edges, &verdict, text);
	json_t *last = json_array_get(edges->list, json_array_size(edges->list) - 1);
	json_object_set_new(last, "edge", json_pack("[s, s]", verdict.caller.text,
	                                            verdict.callee.text));
}

static void add_edge(void *user, const struct rh_edge_report *report)
{
	struct edges             *edges = user;
	const struct rh_registry *registry = &edges->center->realm.registry;
	int                       is_pending = report->after == RH_OUTCOME_PENDING;
	unsigned *count = is_pending ? &edges->pending : &edges->refused;

	if (report->after != RH_OUTCOME_ALLOWED && ++*count <= RH_CONDITIONS_MAX)
		explain(edges, &rh_registry_get(registry, report->caller)->name,
		        &rh_registry_get(registry, report->callee)->name, is_pending);
}

/* Both ends see that an edge is being revoked; that it is refused is its caller's. */
static void add_revoking(struct edges *edges, const char *callee)
{
	const struct rh_revocations *all = &edges->center->revocations;

	for (size_t i = 0; i < all->count; i++) {
		const struct rh_item_key *key = &all->at[i].key;

		if (strcmp(key->callee.text, callee) == 0 &&
		    ++edges->revoked <= RH_CONDITIONS_MAX)
			explain(edges, &key->caller, &key->callee, 0);
	}
}

static void add_more(json_t *list, const char *type, unsigned count)
{
	char text[64];

	if (count <= RH_CONDITIONS_MAX)
		return;
	snprintf(text, sizeof text, "and %u more", count - RH_CONDITIONS_MAX);
	add(list, type, 1, "More", text);
}

static void add_edges(json_t *list, const struct rh_center *center,
                      const struct rh_object *object)
{
	struct edges edges = { .center = center, .list = list, .now = rh_when_now() };
	struct rh_id id;

	if (rh_realm_find(&center->realm, object->name, &id) != RH_OK)
		return;
	rh_view_row(&center->realm.registry, id, edges.now, add_edge, &edges);
	add_revoking(&edges, object->name);
	add_more(list, "Pending", edges.pending);
	add_more(list, "EdgeRefused", edges.refused);
	add_more(list, "EdgeRevoking", edges.revoked);
}

/* ---- the rest of a resource ---- */

static void add_ready(json_t *list, const struct rh_center *center,
                      const struct rh_object *object)
{
	unsigned count = rh_link_instances(center->link, object->name);
	char     text[64];

	snprintf(text, sizeof text, "%u instance%s", count, rh_plural(count));
	add(list, "Ready", count > 0, count ? "InstanceUp" : "NoInstance",
	    count ? text : "no instance is up");
}

static void add_interface(json_t *list, const struct rh_center *center,
                          const char *name)
{
	char text[128];

	if (!name || rh_catalog_find(&center->realm.catalog, RH_OBJECT_INTERFACE, name))
		return;
	snprintf(text, sizeof text, "interface %s is not registered", name);
	add(list, "Pending", 1, "InterfaceUnknown", text);
}

static void add_privilege(json_t *list, const char *privilege)
{
	if (privilege && strcmp(privilege, "kernel") == 0)
		add(list, "PrivilegeUnrealised", 1, "UserSpace", "privilege kernel is not "
		    "realised here: instances run as processes of their own");
}

/* Is what the resource's agent goes by what is stored here? */
static void add_active(json_t *list, const struct rh_center *center,
                       const struct rh_object *object)
{
	struct rh_places places;
	struct rh_id     id;

	if (!center->link || rh_realm_find(&center->realm, object->name, &id) != RH_OK)
		return;
	rh_places_init(&places, center);
	rh_places_add_resource(&places, id);
	json_array_append_new(list, rh_places_condition(&places, "in force"));
	rh_places_fini(&places);
}

static void of_resource(json_t *list, const struct rh_center *center,
                        const struct rh_object *object, const json_t *spec)
{
	add_registered(list, object);
	add_ready(list, center, object);
	add_interface(list, center,
	              json_string_value(json_object_get(spec, "interface")));
	add_privilege(list, json_string_value(json_object_get(spec, "privilege")));
	add_active(list, center, object);
	add_edges(list, center, object);
}

/* ---- other kinds ---- */

static void of_interface(json_t *list, const struct rh_center *center,
                         const struct rh_object *object, const json_t *spec)
{
	json_t     *modules = json_object_get(spec, "modules"), *sha256;
	const char *what;
	char        text[128];

	add_registered(list, object);
	json_object_foreach(modules, what, sha256) {
		if (rh_catalog_find(&center->realm.catalog, RH_OBJECT_MODULE,
		                    json_string_value(sha256)))
			continue;
		snprintf(text, sizeof text, "module %s (%s) is not here",
		         json_string_value(sha256), what);
		add(list, "Pending", 1, "ModuleUnknown", text);
	}
}

/* One edge of an exception, or of a protocol that is everywhere at once. */
static void add_one_place(struct rh_places *places, const struct rh_object *object,
                          const json_t *edge)
{
	struct rh_item_key key = rh_item_key_of(json_string_value(json_array_get(edge, 0)),
	                                        json_string_value(json_array_get(edge, 1)));
	struct rh_verdict  verdict;

	rh_judge_pair(&places->center->realm.registry, &key.caller, &key.callee, 0,
	              &verdict);
	if (verdict.is_declared)
		rh_places_add_edge(places, &key.caller, &key.callee, object->revision);
}

struct pattern {
	struct rh_places             *places;
	const struct rh_object       *object;
	const struct rh_rollout_side *side;
};

/* The edges for which it is in force, each as of when it came to it. */
static void add_if_its(void *user, const struct rh_edge_report *report)
{
	const struct pattern          *pattern = user;
	const struct rh_center        *center = pattern->places->center;
	const struct rh_registry      *registry = &center->realm.registry;
	const struct rh_protocol_rule *found;
	struct rh_item_key             key = {
		.caller = rh_registry_get(registry, report->caller)->name,
		.callee = rh_registry_get(registry, report->callee)->name,
	};

	found = rh_protocols_find(rh_realm_table(&center->realm, pattern->side),
	                          key.caller.text, key.callee.text);
	if (found && !found->is_former && strcmp(found->rule, pattern->object->name) == 0)
		rh_places_add_edge(pattern->places, &key.caller, &key.callee,
		                   rh_push_item_revision(center->push, &key));
}

/* Every resource at its own agent. */
static void add_resources(struct rh_places *places, uint64_t revision)
{
	size_t                   count;
	struct rh_object *const *at = rh_catalog_after(&places->center->realm.catalog,
		RH_OBJECT_RESOURCE, NULL, &count);

	for (size_t i = 0; i < count; i++) {
		struct rh_item_key key = rh_item_key_of(at[i]->name, NULL);

		rh_places_add(places, at[i]->name, &key, revision);
	}
}

/* A resource that is not registered has no agent that could run it. */
static void add_at_resource(struct rh_places *places, const struct rh_object *object,
                            const char *name)
{
	struct rh_item_key key = rh_item_key_of(name, NULL);
	struct rh_id       id;

	if (rh_realm_find(&places->center->realm, name, &id) == RH_OK)
		rh_places_add(places, name, &key, object->revision);
}

/* Where the edges, or for a hierarchy every edge, must be for the rule to be active. */
static void add_rule_places(struct rh_places *places, const struct rh_object *object,
                            const json_t *spec)
{
	const struct rh_realm *realm = &places->center->realm;
	const json_t          *exception = json_object_get(spec, "exception");
	static const char *const words[] = { "protocol", "limits", "sched", "code" };
	struct rh_rollout_side side;
	struct pattern         pattern = { places, object, &side };

	rh_rollout_read_side(object, &side);
	if (json_object_get(spec, "stale"))
		add_resources(places, object->revision);
	else if (exception)
		add_one_place(places, object, json_object_get(exception, "edge"));
	else if (rh_protocols_is_own(side.callee))
		add_at_resource(places, object, side.caller);
	else if (!side.use[0])
		rh_places_add_all(places, object->revision);
	else if (rh_rollouts_find(&realm->rollouts, object->name) ||
	         strcmp(side.caller, RH_PROTOCOL_ANY) == 0 ||
	         strcmp(side.callee, RH_PROTOCOL_ANY) == 0)
		rh_enact_walk(realm, side.caller, side.callee, add_if_its, &pattern);
	else
		add_one_place(places, object, json_object_get(json_object_get(spec,
		              side.code ? words[RH_TABLE_HOOKS] : words[side.table]), "edge"));
}

/* How far a rule is that comes step by step. */
static void add_rollout(json_t *list, const struct rh_center *center,
                        const struct rh_object *object)
{
	const struct rh_rollout *rollout = rh_rollouts_find(&center->realm.rollouts,
	                                                    object->name);

	if (!rollout)
		return;
	json_t     *shown = rh_rollout_show(center, object->name, 0);
	const char *state = rh_rollout_state_text(rollout->state);
	add(list, "RollingOut", rh_rollout_is_open(rollout), state,
	    json_string_value(json_object_get(shown, "message")));
	json_decref(shown);
}

static void of_rule(json_t *list, const struct rh_center *center,
                    const struct rh_object *object, const json_t *stored)
{
	struct rh_places places;
	char             text[64];

	if (json_object_get(stored, "expired")) {
		add(list, "Active", 0, "Expired", "the exception has expired");
		return;
	}
	snprintf(text, sizeof text, "in force since revision %llu",
	         (unsigned long long)object->revision);
	if (!center->link) {
		add(list, "Active", 1, "InForce", text);
		add_rollout(list, center, object);
		return;
	}
	rh_places_init(&places, center);
	add_rule_places(&places, object, json_object_get(stored, "spec"));
	if (places.active < places.total)
		snprintf(text, sizeof text, "put at revision %llu, in force",
		         (unsigned long long)object->revision);
	json_array_append_new(list, rh_places_condition(&places, text));
	rh_places_fini(&places);
	add_rollout(list, center, object);
}

void rh_conditions_rejected(const struct rh_center *center,
                            const struct rh_object *object, rh_places_visit *visit,
                            void *user)
{
	struct rh_places places;
	struct rh_id     id;

	if (!center->link)
		return;
	rh_places_init(&places, center);
	places.on_rejected = visit;
	places.user = user;
	if (object->kind == RH_OBJECT_RULE) {
		json_t *stored = rh_object_parse(object);

		if (!json_object_get(stored, "expired"))
			add_rule_places(&places, object, json_object_get(stored, "spec"));
		json_decref(stored);
	} else if (object->kind == RH_OBJECT_RESOURCE &&
	           rh_realm_find(&center->realm, object->name, &id) == RH_OK) {
		rh_places_add_resource(&places, id);
	}
	rh_places_fini(&places);
}

json_t *rh_conditions(const struct rh_center *center,
                      const struct rh_object *object)
{
	json_t *list = json_array();
	json_t *stored = rh_object_parse(object);
	json_t *spec = json_object_get(stored, "spec");

	switch (object->kind) {
	case RH_OBJECT_RESOURCE:
		of_resource(list, center, object, spec);
		break;
	case RH_OBJECT_INTERFACE:
		of_interface(list, center, object, spec);
		break;
	case RH_OBJECT_RULE:
		of_rule(list, center, object, stored);
		break;
	case RH_OBJECT_MODULE:
		add_registered(list, object);
		break;
	case RH_OBJECT_KINDS:
		break;
	}
	json_decref(stored);
	return list;
}
