#include "spec.h"

#include "entry.h"
#include "error.h"
#include "judge.h"

static int check_fields(const struct rh_spec *spec)
{
	if (spec->name.len == 0 || spec->type >= RH_TYPES)
		return RH_EINVAL;
	if (spec->privilege >= RH_PRIVILEGES)
		return RH_EINVAL;
	if (spec->reference_count > RH_REFERENCES_MAX)
		return RH_EINVAL;
	for (uint32_t i = 0; i < spec->reference_count; i++) {
		if (spec->references[i].len == 0)
			return RH_EINVAL;
	}
	return RH_OK;
}

/* How much a verdict has to tell of a registration that succeeds. */
static int weight(const struct rh_verdict *verdict)
{
	if (verdict->reason == RH_REASON_EXCEPTION)
		return 2;
	return verdict->outcome == RH_OUTCOME_PENDING;
}

/* Judges all references.  may_refuse: a reference that is refused stays, and the
 * resource is not refused for it. */
static int judge_all(const struct rh_registry *registry, const struct rh_spec *spec,
                     uint64_t now_ms, int may_refuse, struct rh_verdict *ret_verdict)
{
	struct rh_verdict verdict;
	struct rh_verdict most = {
		.caller = spec->name, .caller_type = spec->type,
		.callee_type = RH_TYPES, .outcome = RH_OUTCOME_ALLOWED,
	};

	for (uint32_t i = 0; i < spec->reference_count; i++) {
		int result = rh_judge_reference(registry, spec, i, now_ms, &verdict);

		if (result == RH_EINVAL || (result == RH_ELAYER && !may_refuse)) {
			if (ret_verdict)
				*ret_verdict = verdict;
			return result;
		}
		if (weight(&verdict) > weight(&most))
			most = verdict;
	}
	if (ret_verdict)
		*ret_verdict = most;
	return RH_OK;
}

static int is_referenced(const struct rh_spec *spec, const struct rh_name *name)
{
	for (uint32_t i = 0; i < spec->reference_count; i++) {
		if (rh_name_equal(&spec->references[i], name))
			return 1;
	}
	return 0;
}

/* How many entries the edges that the spec drops leave without a use. */
static uint32_t count_freed(const struct rh_registry *registry,
                            const struct rh_spec *spec, uint32_t index)
{
	const struct rh_matrix *matrix = &registry->matrix;
	uint32_t                freed = 0;
	uint32_t                i = rh_matrix_row_first(matrix, index);

	for (; i != RH_NO_EDGE; i = rh_matrix_row_next(matrix, i)) {
		uint32_t                  callee = rh_matrix_edge(matrix, i)->callee;
		const struct rh_resource *resource = &registry->resources[callee];

		freed += resource->state == RH_ENTRY_NAMED && resource->pins == 0 &&
		         rh_matrix_column_len(matrix, callee) == 1 &&
		         !is_referenced(spec, &resource->name);
	}
	return freed;
}

/* Whether all names and edges of the spec fit once the old ones are dropped. */
static int check_room(const struct rh_registry *registry, const struct rh_spec *spec)
{
	const struct rh_matrix *matrix = &registry->matrix;
	uint32_t                index = rh_entry_find(registry, &spec->name);
	uint32_t                names = index == RH_NO_RESOURCE;
	uint32_t                names_room = rh_entry_room(registry);
	uint32_t                edges_room = matrix->edge_capacity - matrix->used;

	for (uint32_t i = 0; i < spec->reference_count; i++)
		names += rh_entry_find(registry, &spec->references[i]) == RH_NO_RESOURCE;
	if (index != RH_NO_RESOURCE) {
		names_room += count_freed(registry, spec, index);
		edges_room += rh_matrix_row_len(matrix, index);
	}
	if (names > names_room || spec->reference_count > edges_room)
		return RH_ENOSPC;
	return RH_OK;
}

static int check_all(const struct rh_registry *registry, const struct rh_spec *spec,
                     uint64_t now_ms, int may_refuse, struct rh_verdict *ret_verdict)
{
	int result = check_fields(spec);

	if (result == RH_OK)
		result = judge_all(registry, spec, now_ms, may_refuse, ret_verdict);
	if (result == RH_OK)
		result = check_room(registry, spec);
	return result;
}

int rh_spec_check(const struct rh_registry *registry, const struct rh_spec *spec,
                  uint64_t now_ms, struct rh_verdict *ret_verdict)
{
	return check_all(registry, spec, now_ms, 0, ret_verdict);
}

int rh_spec_check_load(const struct rh_registry *registry,
                       const struct rh_spec *spec, uint64_t now_ms)
{
	return check_all(registry, spec, now_ms, 1, NULL);
}
