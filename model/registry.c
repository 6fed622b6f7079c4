#include "registry.h"

#include "change.h"
#include "check.h"
#include "entry.h"
#include "error.h"
#include "spec.h"

#include <string.h>

_Static_assert(sizeof(size_t) == 8, "sizes of tables are counted in 64 bits");

static int is_valid(const struct rh_limits *limits)
{
	return limits->resources > 0 && limits->resources <= RH_RESOURCES_MAX &&
	       limits->edges > 0 && limits->edges <= RH_EDGES_MAX &&
	       limits->instances > 0 && limits->instances <= RH_INSTANCES_MAX &&
	       limits->exceptions > 0 && limits->exceptions <= RH_EXCEPTIONS_MAX;
}

/* Where the parts stand in the one block of memory. */
struct places {
	char  *resources;
	char  *stamps;
	char  *names;
	char  *matrix;
	char  *instances;
	char  *exceptions;
	size_t bytes;
};

static char *take(struct places *places, char *memory, size_t bytes)
{
	char *place = memory ? memory + places->bytes : NULL;

	places->bytes += rh_aligned(bytes);
	return place;
}

/* memory may be NULL, to learn the bytes alone. */
static struct places places_in(char *memory, const struct rh_limits *limits)
{
	uint32_t      n = limits->resources;
	struct places p = { .bytes = 0 };

	p.resources = take(&p, memory, n * sizeof(struct rh_resource));
	p.stamps = take(&p, memory, n * sizeof(struct rh_stamp));
	p.names = take(&p, memory, rh_map_bytes(n));
	p.matrix = take(&p, memory, rh_matrix_bytes(n, limits->edges));
	p.instances = take(&p, memory, rh_instance_bytes(n, limits->instances));
	p.exceptions = take(&p, memory, rh_exception_bytes(limits->exceptions));
	return p;
}

size_t rh_registry_bytes(const struct rh_limits *limits)
{
	return is_valid(limits) ? places_in(NULL, limits).bytes : 0;
}

int rh_registry_init(struct rh_registry *registry, const struct rh_limits *limits,
                     void *memory, size_t bytes)
{
	RH_CHECK((uintptr_t)memory % RH_ALIGN == 0);
	if (!is_valid(limits))
		return RH_EINVAL;
	if (bytes < rh_registry_bytes(limits))
		return RH_ENOSPC;

	struct places places = places_in(memory, limits);
	*registry = (struct rh_registry){
		.limits = *limits,
		.resources = (void *)places.resources,
		.stamps = (void *)places.stamps,
		.free_first = RH_NO_RESOURCE,
	};
	rh_hierarchy_init(&registry->hierarchy, 0);
	for (int type = 0; type < RH_TYPES; type++) {
		registry->sets[type].first = RH_NO_RESOURCE;
		registry->sets[type].last = RH_NO_RESOURCE;
	}
	rh_map_init(&registry->names, limits->resources, limits->seed, places.names);
	rh_matrix_init(&registry->matrix, limits->resources, limits->edges,
	               limits->seed, places.matrix);
	rh_instance_init(&registry->instances, limits->resources, limits->instances,
	                 limits->seed, places.instances);
	rh_exception_init(&registry->exceptions, limits->exceptions, limits->seed,
	                  places.exceptions);
	return RH_OK;
}

int rh_registry_copy(struct rh_registry *copy, const struct rh_registry *other,
                     void *memory, size_t bytes)
{
	size_t size = rh_registry_bytes(&other->limits);

	RH_CHECK((uintptr_t)memory % RH_ALIGN == 0);
	if (bytes < size)
		return RH_ENOSPC;

	struct places places = places_in(memory, &other->limits);
	memcpy(memory, other->resources, size); /* the block begins with them */
	*copy = *other;
	copy->resources = (void *)places.resources;
	copy->stamps = (void *)places.stamps;
	rh_map_rebase(&copy->names, places.names);
	rh_matrix_rebase(&copy->matrix, places.matrix);
	rh_instance_rebase(&copy->instances, places.instances);
	rh_exception_rebase(&copy->exceptions, places.exceptions);
	return RH_OK;
}

int rh_registry_check(const struct rh_registry *registry, const struct rh_spec *spec,
                      uint64_t now_ms, struct rh_verdict *ret_verdict)
{
	return rh_spec_check(registry, spec, now_ms, ret_verdict);
}

static void remember_lines(struct rh_registry *registry, uint32_t index,
                           uint64_t now_ms)
{
	const struct rh_matrix *matrix = &registry->matrix;
	uint32_t                i = rh_matrix_row_first(matrix, index);

	for (; i != RH_NO_EDGE; i = rh_matrix_row_next(matrix, i))
		rh_change_remember(registry, i, now_ms);
	i = rh_matrix_column_first(matrix, index);
	for (; i != RH_NO_EDGE; i = rh_matrix_column_next(matrix, i))
		rh_change_remember(registry, i, now_ms);
}

static void report_lines(struct rh_registry *registry, uint32_t index,
                         const struct rh_moment *at)
{
	const struct rh_matrix *matrix = &registry->matrix;
	uint32_t                i = rh_matrix_row_first(matrix, index);

	for (; i != RH_NO_EDGE; i = rh_matrix_row_next(matrix, i))
		(void)rh_change_report(registry, i, at);
	i = rh_matrix_column_first(matrix, index);
	for (; i != RH_NO_EDGE; i = rh_matrix_column_next(matrix, i))
		(void)rh_change_report(registry, i, at);
}

static void keep_edges(struct rh_registry *registry, uint32_t index,
                       const struct rh_spec *spec)
{
	for (uint32_t i = 0; i < spec->reference_count; i++) {
		uint32_t callee = rh_entry_find(registry, &spec->references[i]);
		uint32_t edge = rh_matrix_find(&registry->matrix, index, callee);

		if (edge != RH_NO_EDGE)
			rh_change_keep(registry, edge);
	}
}

static void drop_edges(struct rh_registry *registry, uint32_t index,
                       const struct rh_moment *at)
{
	struct rh_matrix *matrix = &registry->matrix;
	uint32_t          i = rh_matrix_row_first(matrix, index);

	while (i != RH_NO_EDGE) {
		uint32_t edge = i;
		uint32_t callee = rh_matrix_edge(matrix, edge)->callee;

		i = rh_matrix_row_next(matrix, edge);
		if (rh_change_is_kept(registry, edge))
			continue;
		rh_change_report_drop(registry, edge, at);
		int result = rh_matrix_remove(matrix, index, callee);
		RH_CHECK(result == RH_OK);
		rh_entry_drop(registry, callee);
	}
}

static void add_edges(struct rh_registry *registry, uint32_t index,
                      const struct rh_spec *spec)
{
	for (uint32_t i = 0; i < spec->reference_count; i++) {
		uint32_t callee = rh_entry_take(registry, &spec->references[i]);
		uint32_t edge;
		int result = rh_matrix_insert(&registry->matrix, index, callee, &edge);

		RH_CHECK(result == RH_OK || result == RH_EEXIST); /* rh_spec_check, R5 */
	}
}

/* The spec has been checked: from here on nothing can fail. */
static uint32_t perform(struct rh_registry *registry, const struct rh_spec *spec,
                        const struct rh_moment *at)
{
	uint32_t index = rh_entry_take(registry, &spec->name);

	remember_lines(registry, index, at->now_ms);
	keep_edges(registry, index, spec);
	drop_edges(registry, index, at);
	rh_entry_register(registry, index, spec->type, spec->privilege);
	add_edges(registry, index, spec);
	report_lines(registry, index, at);
	return index;
}

int rh_registry_register(struct rh_registry *registry, const struct rh_spec *spec,
                         const struct rh_moment *at, struct rh_id *ret_id,
                         struct rh_verdict *ret_verdict)
{
	int result = rh_spec_check(registry, spec, at->now_ms, ret_verdict);

	if (result != RH_OK)
		return result;
	uint32_t index = perform(registry, spec, at);
	if (ret_id)
		*ret_id = rh_entry_id(registry, index);
	return RH_OK;
}

int rh_registry_load(struct rh_registry *registry, const struct rh_spec *spec,
                     const struct rh_moment *at, struct rh_id *ret_id)
{
	int result = rh_spec_check_load(registry, spec, at->now_ms);

	if (result != RH_OK)
		return result;
	uint32_t index = perform(registry, spec, at);
	if (ret_id)
		*ret_id = rh_entry_id(registry, index);
	return RH_OK;
}

/* The index of a registered resource's id, or RH_NO_RESOURCE. */
static uint32_t registered(const struct rh_registry *registry, struct rh_id id)
{
	uint32_t index = rh_entry_index(registry, id);

	if (index == RH_NO_RESOURCE)
		return RH_NO_RESOURCE;
	if (registry->resources[index].state != RH_ENTRY_REGISTERED)
		return RH_NO_RESOURCE;
	return index;
}

int rh_registry_delete(struct rh_registry *registry, struct rh_id id,
                       const struct rh_moment *at)
{
	uint32_t index = registered(registry, id);

	if (index == RH_NO_RESOURCE)
		return RH_ENOENT;
	remember_lines(registry, index, at->now_ms);
	drop_edges(registry, index, at);
	(void)rh_instance_remove_all(&registry->instances, index, RH_ANY_NODE,
	                             NULL, NULL);
	rh_entry_unregister(registry, index);
	report_lines(registry, index, at);
	rh_entry_drop(registry, index);
	return RH_OK;
}

int rh_registry_find(const struct rh_registry *registry, const struct rh_name *name,
                     struct rh_id *ret_id)
{
	uint32_t index = rh_entry_find(registry, name);

	if (index == RH_NO_RESOURCE)
		return RH_ENOENT;
	if (registry->resources[index].state != RH_ENTRY_REGISTERED)
		return RH_ENOENT;
	*ret_id = rh_entry_id(registry, index);
	return RH_OK;
}

int rh_registry_find_named(const struct rh_registry *registry,
                           const struct rh_name *name, struct rh_id *ret_id)
{
	uint32_t index = rh_entry_find(registry, name);

	if (index == RH_NO_RESOURCE)
		return RH_ENOENT;
	*ret_id = rh_entry_id(registry, index);
	return RH_OK;
}

const struct rh_resource *rh_registry_get(const struct rh_registry *registry,
                                          struct rh_id id)
{
	uint32_t index = rh_entry_index(registry, id);

	return index == RH_NO_RESOURCE ? NULL : &registry->resources[index];
}

uint32_t rh_registry_count(const struct rh_registry *registry, int type)
{
	uint32_t count = 0;

	for (int i = 0; i < RH_TYPES; i++) {
		if (type == i || type == RH_TYPES)
			count += registry->sets[i].count;
	}
	return count;
}

const struct rh_hierarchy *rh_registry_hierarchy(const struct rh_registry *registry)
{
	return &registry->hierarchy;
}

int rh_registry_observe(struct rh_registry *registry, struct rh_id caller,
                        struct rh_id callee, uint64_t calls)
{
	uint32_t from = rh_entry_index(registry, caller);
	uint32_t to = rh_entry_index(registry, callee);
	uint32_t edge;

	if (from == RH_NO_RESOURCE || to == RH_NO_RESOURCE)
		return RH_ENOENT;
	edge = rh_matrix_find(&registry->matrix, from, to);
	if (edge == RH_NO_EDGE)
		return RH_ENOEDGE;
	rh_matrix_observe(&registry->matrix, edge, calls);
	return RH_OK;
}

int rh_registry_lease(struct rh_registry *registry, struct rh_id id,
                      const struct rh_instance *instance)
{
	struct rh_instance lease = *instance;

	lease.resource = registered(registry, id);
	if (lease.resource == RH_NO_RESOURCE)
		return RH_ENOENT;
	return rh_instance_add(&registry->instances, &lease);
}

struct rh_instance_table *rh_registry_instances(struct rh_registry *registry)
{
	return &registry->instances;
}

void rh_registry_verify(const struct rh_registry *registry)
{
	rh_entry_verify(registry); /* R1, R3, R6 */
	rh_map_verify(&registry->names);
	rh_map_verify(&registry->instances.index);
	rh_map_verify(&registry->exceptions.index);
	rh_matrix_verify(&registry->matrix);
	for (uint32_t i = 0; i < registry->limits.resources; i++) {
		if (i < registry->high &&
		    registry->resources[i].state == RH_ENTRY_REGISTERED)
			continue;
		RH_CHECK(rh_matrix_row_len(&registry->matrix, i) == 0); /* R2 */
	}
	for (uint32_t i = 0; i < registry->high; i++)
		RH_CHECK(!rh_matrix_test(&registry->matrix, i, i)); /* R5 */
}
