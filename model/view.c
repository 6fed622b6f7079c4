#include "view.h"

#include "change.h"
#include "check.h"
#include "entry.h"
#include "error.h"
#include "judge.h"

static void show(const struct rh_registry *registry, uint32_t edge, uint64_t now_ms,
                 rh_edge_visit *visit, void *user)
{
	struct rh_edge_report report;
	int                   outcome = rh_judge_edge(registry, edge, now_ms);

	rh_change_fill(registry, edge, outcome, outcome, &report);
	visit(user, &report);
}

static int show_row(const struct rh_registry *registry, uint32_t caller,
                    uint64_t now_ms, rh_edge_visit *visit, void *user)
{
	uint32_t i = rh_matrix_row_first(&registry->matrix, caller);
	int      count = 0;

	for (; i != RH_NO_EDGE; i = rh_matrix_row_next(&registry->matrix, i)) {
		show(registry, i, now_ms, visit, user);
		count++;
	}
	return count;
}

int rh_view_row(const struct rh_registry *registry, struct rh_id caller,
                uint64_t now_ms, rh_edge_visit *visit, void *user)
{
	uint32_t index = rh_entry_index(registry, caller);

	if (index == RH_NO_RESOURCE)
		return 0;
	return show_row(registry, index, now_ms, visit, user);
}

int rh_view_column(const struct rh_registry *registry, struct rh_id callee,
                   uint64_t now_ms, rh_edge_visit *visit, void *user)
{
	uint32_t index = rh_entry_index(registry, callee);
	int      count = 0;

	if (index == RH_NO_RESOURCE)
		return 0;
	uint32_t i = rh_matrix_column_first(&registry->matrix, index);
	for (; i != RH_NO_EDGE; i = rh_matrix_column_next(&registry->matrix, i)) {
		show(registry, i, now_ms, visit, user);
		count++;
	}
	return count;
}

/* The first of O, and the one after index; RH_NO_RESOURCE at the end. */
static uint32_t first_from(const struct rh_registry *registry, int type)
{
	for (; type < RH_TYPES; type++) {
		if (registry->sets[type].count > 0)
			return registry->sets[type].first;
	}
	return RH_NO_RESOURCE;
}

static uint32_t next_of(const struct rh_registry *registry, uint32_t index)
{
	const struct rh_resource *resource = &registry->resources[index];

	RH_CHECK(resource->state == RH_ENTRY_REGISTERED); /* R1 */
	if (resource->set_next != RH_NO_RESOURCE)
		return resource->set_next;
	return first_from(registry, resource->type + 1);
}

int rh_view_edges(const struct rh_registry *registry, uint64_t now_ms,
                  rh_edge_visit *visit, void *user)
{
	uint32_t i = first_from(registry, 0);
	int      count = 0;

	for (; i != RH_NO_RESOURCE; i = next_of(registry, i))
		count += show_row(registry, i, now_ms, visit, user);
	return count;
}

int rh_view_order(const struct rh_registry *registry, struct rh_id *ids, uint32_t cap)
{
	uint32_t i = first_from(registry, 0);
	uint32_t count = 0;

	for (; i != RH_NO_RESOURCE; i = next_of(registry, i)) {
		if (count == cap)
			return RH_ENOSPC;
		ids[count++] = rh_entry_id(registry, i);
	}
	return (int)count;
}

uint64_t rh_view_cell(const struct rh_registry *registry, int plane,
                      struct rh_id caller, struct rh_id callee, uint64_t now_ms)
{
	uint32_t from = rh_entry_index(registry, caller);
	uint32_t to = rh_entry_index(registry, callee);
	uint32_t edge = rh_matrix_find(&registry->matrix, from, to);

	if (edge == RH_NO_EDGE)
		return 0;
	switch (plane) {
	case RH_PLANE_DECLARED:
		return 1;
	case RH_PLANE_ALLOWED:
		return rh_judge_edge(registry, edge, now_ms) == RH_OUTCOME_ALLOWED;
	case RH_PLANE_OBSERVED:
		return rh_matrix_edge(&registry->matrix, edge)->observed;
	default:
		return 0;
	}
}

int rh_view_rows(const struct rh_registry *registry, struct rh_rows *rows,
                 rh_row_visit *visit, void *user)
{
	if (rows->plane < 0 || rows->plane >= RH_PLANES)
		return RH_EINVAL;

	int count = rh_view_order(registry, rows->order, rows->cap);
	if (count < 0)
		return count;
	for (int i = 0; i < count; i++) {
		for (int j = 0; j < count; j++)
			rows->cells[j] = rh_view_cell(registry, rows->plane,
			                              rows->order[i], rows->order[j],
			                              rows->now_ms);
		visit(user, rows, (uint32_t)i, (uint32_t)count);
	}
	return count;
}
