#include "entry.h"

#include "check.h"
#include "error.h"

#include <string.h>

/* The map cannot hold one of the 2^64 hashes; its names share another's list. */
static uint64_t key_of(const struct rh_name *name)
{
	return name->hash == RH_MAP_NONE ? 0 : name->hash;
}

static struct rh_resource *at(const struct rh_registry *registry, uint32_t index)
{
	RH_CHECK(index < registry->high);
	return &registry->resources[index];
}

uint32_t rh_entry_find(const struct rh_registry *registry,
                       const struct rh_name *name)
{
	uint32_t index;

	if (rh_map_find(&registry->names, key_of(name), &index) != RH_OK)
		return RH_NO_RESOURCE;
	while (index != RH_NO_RESOURCE && !rh_name_equal(&at(registry, index)->name, name))
		index = at(registry, index)->alike;
	return index;
}

uint32_t rh_entry_index(const struct rh_registry *registry, struct rh_id id)
{
	if (id.index >= registry->high)
		return RH_NO_RESOURCE;
	if (registry->stamps[id.index].generation != id.generation)
		return RH_NO_RESOURCE;
	if (registry->resources[id.index].state == RH_ENTRY_FREE)
		return RH_NO_RESOURCE;
	return id.index;
}

struct rh_id rh_entry_id(const struct rh_registry *registry, uint32_t index)
{
	const struct rh_resource *resource = at(registry, index);

	RH_CHECK(resource->state != RH_ENTRY_FREE);
	return (struct rh_id){ .index = index, .generation = resource->generation };
}

uint32_t rh_entry_room(const struct rh_registry *registry)
{
	return registry->limits.resources - registry->used;
}

static void set_type(struct rh_registry *registry, uint32_t index, int type)
{
	at(registry, index)->type = (uint8_t)type;
	registry->stamps[index].type = (uint32_t)type; /* R6 */
}

static void next_generation(struct rh_registry *registry, uint32_t index)
{
	struct rh_resource *resource = at(registry, index);

	if (++resource->generation == 0)
		resource->generation = 1;
	registry->stamps[index].generation = resource->generation; /* R6 */
}

static uint32_t take_free(struct rh_registry *registry)
{
	uint32_t index = registry->free_first;

	RH_CHECK(registry->used < registry->limits.resources);
	registry->used++;
	if (index != RH_NO_RESOURCE) {
		registry->free_first = at(registry, index)->set_next;
		return index;
	}
	index = registry->high++;
	registry->resources[index] = (struct rh_resource){ .generation = 1 };
	registry->stamps[index] = (struct rh_stamp){ .generation = 1 };
	return index;
}

/* Entries with one hash form a list; the map leads to its head. */
static void link_name(struct rh_registry *registry, uint32_t index)
{
	struct rh_resource *resource = at(registry, index);
	uint64_t            key = key_of(&resource->name);
	int                 result;

	resource->alike = RH_NO_RESOURCE;
	if (rh_map_find(&registry->names, key, &resource->alike) == RH_OK)
		result = rh_map_set(&registry->names, key, index);
	else
		result = rh_map_insert(&registry->names, key, index);
	RH_CHECK(result == RH_OK); /* the map is as large as the registry */
}

static void unlink_name(struct rh_registry *registry, uint32_t index)
{
	uint64_t key = key_of(&at(registry, index)->name);
	uint32_t next = at(registry, index)->alike;
	uint32_t i = RH_NO_RESOURCE;
	int      result = rh_map_find(&registry->names, key, &i);

	RH_CHECK(result == RH_OK);
	if (i == index && next == RH_NO_RESOURCE) {
		result = rh_map_remove(&registry->names, key);
	} else if (i == index) {
		result = rh_map_set(&registry->names, key, next);
	} else {
		while (at(registry, i)->alike != index)
			i = at(registry, i)->alike;
		at(registry, i)->alike = next;
	}
	RH_CHECK(result == RH_OK);
}

uint32_t rh_entry_take(struct rh_registry *registry, const struct rh_name *name)
{
	uint32_t index = rh_entry_find(registry, name);

	if (index != RH_NO_RESOURCE)
		return index;
	index = take_free(registry);

	struct rh_resource *resource = at(registry, index);
	resource->name = *name;
	resource->state = RH_ENTRY_NAMED;
	resource->pins = 0;
	set_type(registry, index, RH_TYPES);
	link_name(registry, index);
	return index;
}

void rh_entry_drop(struct rh_registry *registry, uint32_t index)
{
	struct rh_resource *resource = at(registry, index);

	if (resource->state != RH_ENTRY_NAMED || resource->pins > 0)
		return;
	if (rh_matrix_column_len(&registry->matrix, index) > 0)
		return;
	RH_CHECK(rh_matrix_row_len(&registry->matrix, index) == 0); /* R2 */

	unlink_name(registry, index);
	next_generation(registry, index); /* R4 */
	resource->state = RH_ENTRY_FREE;
	resource->set_next = registry->free_first;
	registry->free_first = index;
	registry->used--;
}

void rh_entry_pin(struct rh_registry *registry, uint32_t index)
{
	at(registry, index)->pins++;
}

void rh_entry_unpin(struct rh_registry *registry, uint32_t index)
{
	RH_CHECK(at(registry, index)->pins > 0);
	at(registry, index)->pins--;
	rh_entry_drop(registry, index);
}

static void link_set(struct rh_registry *registry, uint32_t index)
{
	struct rh_resource *resource = at(registry, index);
	struct rh_set      *set = &registry->sets[resource->type];

	resource->set_prev = set->last;
	resource->set_next = RH_NO_RESOURCE;
	if (set->last == RH_NO_RESOURCE)
		set->first = index;
	else
		at(registry, set->last)->set_next = index;
	set->last = index;
	set->count++;
}

static void unlink_set(struct rh_registry *registry, uint32_t index)
{
	const struct rh_resource *resource = at(registry, index);
	struct rh_set            *set = &registry->sets[resource->type];

	if (resource->set_prev == RH_NO_RESOURCE)
		set->first = resource->set_next;
	else
		at(registry, resource->set_prev)->set_next = resource->set_next;
	if (resource->set_next == RH_NO_RESOURCE)
		set->last = resource->set_prev;
	else
		at(registry, resource->set_next)->set_prev = resource->set_prev;
	set->count--;
}

void rh_entry_register(struct rh_registry *registry, uint32_t index, int type,
                       int privilege)
{
	struct rh_resource *resource = at(registry, index);

	RH_CHECK(type >= 0 && type < RH_TYPES);
	RH_CHECK(resource->state != RH_ENTRY_FREE);
	resource->privilege = (uint8_t)privilege;
	if (resource->state == RH_ENTRY_REGISTERED) {
		if (resource->type == type)
			return;
		unlink_set(registry, index);
	}
	resource->state = RH_ENTRY_REGISTERED;
	set_type(registry, index, type);
	link_set(registry, index); /* R1 */
}

void rh_entry_unregister(struct rh_registry *registry, uint32_t index)
{
	struct rh_resource *resource = at(registry, index);

	RH_CHECK(resource->state == RH_ENTRY_REGISTERED);
	unlink_set(registry, index); /* R1 */
	resource->state = RH_ENTRY_NAMED;
	resource->privilege = RH_PRIVILEGE_USER;
	set_type(registry, index, RH_TYPES);
	next_generation(registry, index); /* R4 */
}

static void verify_entry(const struct rh_registry *registry, uint32_t index)
{
	const struct rh_resource *resource = at(registry, index);
	const struct rh_stamp    *stamp = &registry->stamps[index];

	RH_CHECK(stamp->generation == resource->generation); /* R6 */
	RH_CHECK(resource->generation != 0);
	if (resource->state == RH_ENTRY_FREE)
		return;
	RH_CHECK(stamp->type == resource->type); /* R6 */
	RH_CHECK(rh_entry_find(registry, &resource->name) == index);
	RH_CHECK((resource->state == RH_ENTRY_REGISTERED) == (resource->type < RH_TYPES));
	RH_CHECK(resource->state == RH_ENTRY_REGISTERED || resource->pins > 0 ||
	         rh_matrix_column_len(&registry->matrix, index) > 0); /* R3 */
}

static uint32_t verify_set(const struct rh_registry *registry, int type)
{
	uint32_t prev = RH_NO_RESOURCE;
	uint32_t count = 0;
	uint32_t i = registry->sets[type].first;

	for (; i != RH_NO_RESOURCE; i = at(registry, i)->set_next) {
		RH_CHECK(at(registry, i)->state == RH_ENTRY_REGISTERED);
		RH_CHECK(at(registry, i)->type == type); /* R1 */
		RH_CHECK(at(registry, i)->set_prev == prev);
		prev = i;
		count++;
	}
	RH_CHECK(registry->sets[type].last == prev);
	RH_CHECK(registry->sets[type].count == count);
	return count;
}

void rh_entry_verify(const struct rh_registry *registry)
{
	uint32_t used = 0;
	uint32_t registered = 0;
	uint32_t in_sets = 0;

	for (uint32_t i = 0; i < registry->high; i++) {
		verify_entry(registry, i);
		used += at(registry, i)->state != RH_ENTRY_FREE;
		registered += at(registry, i)->state == RH_ENTRY_REGISTERED;
	}
	for (int type = 0; type < RH_TYPES; type++)
		in_sets += verify_set(registry, type);
	RH_CHECK(used == registry->used);
	RH_CHECK(registered == in_sets); /* R1 */
}
