#include "handlers.h"

#include "../center.h"
#include "../when.h"

#include "../../model/error.h"
#include "../../model/view.h"

#include <stdlib.h>

/* ---- planes, for systems that can be printed ---- */

static void add_row(void *user, const struct rh_rows *rows, uint32_t i,
                    uint32_t count)
{
	json_t *row = json_array();

	(void)i;
	for (uint32_t j = 0; j < count; j++)
		json_array_append_new(row, json_integer((json_int_t)rows->cells[j]));
	json_array_append_new(user, row);
}

static json_t *plane_json(const struct rh_center *center, int plane, uint64_t now,
                          struct rh_id *order, uint64_t *cells)
{
	json_t        *rows_json = json_array();
	struct rh_rows rows = {
		.plane = plane, .cap = RH_MATRIX_ROWS_MAX, .now_ms = now,
		.order = order, .cells = cells,
	};

	rh_view_rows(&center->realm.registry, &rows, add_row, rows_json);
	return rows_json;
}

static json_t *order_json(const struct rh_center *center, const struct rh_id *order,
                          int count)
{
	json_t *list = json_array();

	for (int i = 0; i < count; i++) {
		const struct rh_resource *resource =
			rh_registry_get(&center->realm.registry, order[i]);
		char set[2] = { rh_type_set(resource->type), '\0' };

		json_array_append_new(list, json_pack("{s:s, s:s, s:s}",
			"name", resource->name.text, "type", rh_type_text(resource->type),
			"set", set));
	}
	return list;
}

static void add_planes(json_t *json, const struct rh_center *center, uint64_t now)
{
	static struct rh_id order[RH_MATRIX_ROWS_MAX];
	static uint64_t     cells[RH_MATRIX_ROWS_MAX];
	int count = rh_view_order(&center->realm.registry, order, RH_MATRIX_ROWS_MAX);

	if (count < 0)
		return; /* too many to print: the edges say it */
	json_object_set_new(json, "order", order_json(center, order, count));
	json_object_set_new(json, "planes", json_pack("{s:o, s:o, s:o}",
		"declared", plane_json(center, RH_PLANE_DECLARED, now, order, cells),
		"allowed", plane_json(center, RH_PLANE_ALLOWED, now, order, cells),
		"observed", plane_json(center, RH_PLANE_OBSERVED, now, order, cells)));
}

/* ---- edges, for all ---- */

struct lister {
	const struct rh_center *center;
	json_t                 *list;
	uint64_t                skip;
	uint64_t                limit;
	uint64_t                seen;
};

static void add_edge(void *user, const struct rh_edge_report *report)
{
	struct lister            *lister = user;
	const struct rh_realm    *realm = &lister->center->realm;
	const struct rh_resource *caller, *callee;

	if (lister->seen++ < lister->skip ||
	    lister->seen > lister->skip + lister->limit)
		return;
	caller = rh_registry_get(&realm->registry, report->caller);
	callee = rh_registry_get(&realm->registry, report->callee);
	json_array_append_new(lister->list, json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I}",
		"caller", caller->name.text, "callee", callee->name.text,
		"outcome", rh_outcome_text(report->after),
		"protocol", rh_realm_use(realm, caller->name.text, callee->name.text),
		"observed", (json_int_t)report->observed,
		"errors", (json_int_t)realm->counts[report->edge].errors,
		"bytes", (json_int_t)realm->counts[report->edge].bytes));
}

/* Pairs that a rule of eBPF saw and no reference declares. */
static json_t *undeclared_json(const struct rh_center *center)
{
	const struct rh_seen  *seen = &center->seen;
	const struct rh_realm *realm = &center->realm;
	json_t                *list = json_array();

	for (unsigned i = 0; i < seen->count; i++) {
		const struct rh_seen_pair *pair = &seen->pairs[i];
		struct rh_id               from, to;

		if (rh_realm_find(realm, pair->caller, &from) != RH_OK ||
		    rh_realm_find(realm, pair->callee, &to) != RH_OK ||
		    rh_matrix_test(&realm->registry.matrix, from.index, to.index))
			continue; /* one went, or it was declared meanwhile */
		json_array_append_new(list, json_pack("{s:s, s:s, s:I}", "caller", pair->caller,
			"callee", pair->callee, "calls", (json_int_t)pair->calls));
	}
	return list;
}

static void add_observer(json_t *json, const struct rh_center *center, uint64_t now)
{
	json_t *observer = rh_lookout_json(&center->lookout, now);

	if (observer)
		json_object_set_new(json, "observer", observer);
}

void rh_api_matrix(struct rh_center *center, struct rh_request *request)
{
	struct rh_problem problem;
	struct lister lister = { .center = center, .limit = RH_LIST_DEFAULT };
	uint64_t      now = rh_when_now();

	if (rh_request_number(request, "limit", RH_LIST_MAX, &lister.limit, &problem) ||
	    rh_request_number(request, "continue", RH_EDGES_MAX, &lister.skip,
	                      &problem)) {
		rh_reply_problem(&request->reply, &problem);
		return;
	}
	lister.list = json_array();
	rh_view_edges(&center->realm.registry, now, add_edge, &lister);
	json_t *json = json_pack("{s:I, s:o}",
		"revision", (json_int_t)rh_center_revision(center), "edges", lister.list);
	if (lister.seen > lister.skip + lister.limit)
		json_object_set_new(json, "continue",
			json_integer((json_int_t)(lister.skip + lister.limit)));
	if (lister.skip == 0) {
		json_object_set_new(json, "undeclared", undeclared_json(center));
		add_observer(json, center, now);
		add_planes(json, center, now);
	}
	rh_reply_json(&request->reply, 200, json);
}
