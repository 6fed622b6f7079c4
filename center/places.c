#include "places.h"

#include "center.h"
#include "item.h"
#include "link.h"
#include "push.h"
#include "results.h"

#include "../model/check.h"
#include "../model/error.h"
#include "../model/view.h"
#include "../wire/frame.h"

#include <stdio.h>
#include <string.h>

void rh_places_init(struct rh_places *places, const struct rh_center *center)
{
	*places = (struct rh_places){ .center = center, .agents = json_array() };
}

void rh_places_fini(struct rh_places *places)
{
	json_decref(places->agents);
	places->agents = NULL;
}

/* ---- one place ---- */

static void name_place(struct rh_places *places, const char *agent,
                       const struct rh_item_key *key,
                       const struct rh_link_standing *standing)
{
	const struct rh_result *result = standing->result;

	if (json_array_size(places->agents) >= RH_CONDITIONS_MAX)
		return;
	json_t *json = json_pack("{s:s, s:s}", "agent", agent, "state", standing->state);
	if (key && key->callee.len)
		json_object_set_new(json, "edge", json_pack("[s, s]", key->caller.text,
		                                            key->callee.text));
	if (result)
		json_object_set_new(json, "revision",
		                    json_integer((json_int_t)result->revision));
	if (result && result->code)
		json_object_set_new(json, "code",
		                    json_string(rh_error_name(result->code)));
	if (result && result->text[0])
		json_object_set_new(json, "text", rh_json_text(result->text));
	json_array_append_new(places->agents, json);
}

/* What was rejected is a later change: the agent stayed with an item that has this one. */
static int is_before_it(const struct rh_link_standing *standing, uint64_t revision)
{
	return standing->result && standing->result->state == RH_ITEM_REJECTED &&
	       standing->result->former >= revision;
}

void rh_places_add(struct rh_places *places, const char *agent,
                   const struct rh_item_key *key, uint64_t revision)
{
	struct rh_link_standing standing;

	rh_link_standing(places->center->link, agent, key, revision, &standing);
	if (is_before_it(&standing, revision))
		standing = (struct rh_link_standing){ .state = "active", .is_active = 1 };
	places->total++;
	places->active += standing.is_active != 0;
	places->partial += standing.is_active && standing.result;
	if (standing.is_active && !standing.result)
		return;
	if (standing.result && standing.result->state == RH_ITEM_REJECTED) {
		places->rejected++;
		if (places->on_rejected)
			places->on_rejected(places->user, agent, key);
	}
	places->unreachable += strcmp(standing.state, "unreachable") == 0;
	name_place(places, agent, key, &standing);
}

/* All places of an agent that is not there, or has all it was told. */
static int add_many(struct rh_places *places, const char *agent, uint64_t count,
                    uint64_t revision)
{
	static const struct rh_link_standing away = { .state = "unreachable" };
	int is_active = rh_link_is_active(places->center->link, agent, revision);

	if (count == 0)
		return 1;
	if (is_active == 0)
		return 0;
	places->total += count;
	if (is_active > 0) {
		places->active += count;
	} else {
		places->unreachable += count;
		name_place(places, agent, NULL, &away);
	}
	return 1;
}

/* ---- many ---- */

static int is_registered(const struct rh_places *places, const struct rh_name *name)
{
	struct rh_id id;

	return rh_registry_find(&places->center->realm.registry, name, &id) == RH_OK;
}

void rh_places_add_edge(struct rh_places *places, const struct rh_name *caller,
                        const struct rh_name *callee, uint64_t revision)
{
	struct rh_item_key key = { .caller = *caller, .callee = *callee };

	rh_places_add(places, caller->text, &key, revision);
	if (is_registered(places, callee))
		rh_places_add(places, callee->text, &key, revision);
}

struct walk {
	struct rh_places *places;
	const char       *agent;     /* NULL: that of the callee       */
	uint64_t          revision;  /* 0: that of each item           */
};

static void add_reported(void *user, const struct rh_edge_report *report)
{
	const struct walk         *walk = user;
	const struct rh_center    *center = walk->places->center;
	const struct rh_registry  *registry = &center->realm.registry;
	const struct rh_resource  *callee = rh_registry_get(registry, report->callee);
	struct rh_item_key         key = {
		.caller = rh_registry_get(registry, report->caller)->name,
		.callee = callee->name,
	};
	uint64_t revision = walk->revision ? walk->revision
	                                   : rh_push_item_revision(center->push, &key);

	if (walk->agent)
		rh_places_add(walk->places, walk->agent, &key, revision);
	else if (callee->state == RH_ENTRY_REGISTERED)
		rh_places_add(walk->places, key.callee.text, &key, revision);
}

/* The edges of a resource at its own agent; revision 0: each as of its own. */
static void add_own(struct rh_places *places, struct rh_id id, uint64_t revision)
{
	const struct rh_registry *registry = &places->center->realm.registry;
	struct walk walk = {
		places, rh_registry_get(registry, id)->name.text, revision,
	};

	rh_view_row(registry, id, 0, add_reported, &walk);
	rh_view_column(registry, id, 0, add_reported, &walk);
}

static uint64_t edges_of(const struct rh_registry *registry, struct rh_id id)
{
	return (uint64_t)rh_matrix_row_len(&registry->matrix, id.index) +
	       rh_matrix_column_len(&registry->matrix, id.index);
}

void rh_places_add_all(struct rh_places *places, uint64_t revision)
{
	const struct rh_realm   *realm = &places->center->realm;
	size_t                   count;
	struct rh_object *const *at = rh_catalog_after(&realm->catalog,
		RH_OBJECT_RESOURCE, NULL, &count);
	struct rh_id             id;

	for (size_t i = 0; i < count; i++) {
		RH_CHECK(rh_realm_find(realm, at[i]->name, &id) == RH_OK);
		if (!add_many(places, at[i]->name, edges_of(&realm->registry, id),
		              revision))
			add_own(places, id, revision);
	}
}

void rh_places_add_resource(struct rh_places *places, struct rh_id id)
{
	const struct rh_center   *center = places->center;
	const struct rh_registry *registry = &center->realm.registry;
	const struct rh_name     *name = &rh_registry_get(registry, id)->name;
	struct rh_item_key        key = { .caller = *name };
	struct walk               row = { places, NULL, 0 };

	if (!add_many(places, name->text, 1 + edges_of(registry, id),
	              center->push->head)) {
		rh_places_add(places, name->text, &key,
		              rh_push_item_revision(center->push, &key));
		add_own(places, id, 0);
	}
	rh_view_row(registry, id, 0, add_reported, &row);
}

/* ---- the condition ---- */

static const char *reason_of(const struct rh_places *places)
{
	if (places->active == places->total)
		return places->partial ? "Partial" : "InForce";
	if (places->rejected)
		return "Rejected";
	return places->unreachable ? "Unreachable" : "Pending";
}

/* "net_driver rejected net_driver -> nic: ENOSYS: no such protocol" */
static void tell_first(const struct rh_places *places, char *text, size_t cap)
{
	const json_t *first = NULL, *agent;
	size_t        i;

	json_array_foreach(places->agents, i, agent) {
		const char *state = json_string_value(json_object_get(agent, "state"));

		if (!first || strcmp(state, "rejected") == 0)
			first = agent;
		if (strcmp(state, "rejected") == 0)
			break;
	}
	const char *code = json_string_value(json_object_get(first, "code"));
	const char *why = json_string_value(json_object_get(first, "text"));
	snprintf(text, cap, "; %s: %s%s%s%s%.127s",
	         json_string_value(json_object_get(first, "agent")),
	         json_string_value(json_object_get(first, "state")),
	         code ? ": " : "", code ? code : "", why ? ": " : "", why ? why : "");
}

json_t *rh_places_condition(struct rh_places *places, const char *what)
{
	int  is_all = places->active == places->total;
	char first[384] = "";

	if (!is_all || places->partial)
		tell_first(places, first, sizeof first);
	if (places->total == 0)
		snprintf(places->text, sizeof places->text, "%s; nobody has it yet", what);
	else
		snprintf(places->text, sizeof places->text, "%s in %llu of %llu places%s",
		         what, (unsigned long long)places->active,
		         (unsigned long long)places->total, first);
	json_t *json = json_pack("{s:s, s:s, s:s, s:o, s:I, s:I}", "type", "Active",
		"status", is_all ? "True" : "False", "reason", reason_of(places),
		"message", rh_json_text(places->text),
		"active", (json_int_t)places->active, "total", (json_int_t)places->total);
	if (!is_all || places->partial)
		json_object_set(json, "agents", places->agents);
	return json;
}
