#include "instance.h"

#include "check.h"
#include "error.h"

size_t rh_instance_bytes(uint32_t resources, uint32_t capacity)
{
	return rh_aligned(capacity * sizeof(struct rh_instance)) +
	       rh_aligned(resources * sizeof(struct rh_instance_list)) +
	       rh_map_bytes(capacity);
}

/* Returns the place of the map. */
static void *lay_out(struct rh_instance_table *table, void *memory)
{
	char *at = memory;

	RH_CHECK((uintptr_t)memory % RH_ALIGN == 0);
	table->slots = (void *)at;
	at += rh_aligned(table->capacity * sizeof(struct rh_instance));
	table->lists = (void *)at;
	return at + rh_aligned(table->list_count * sizeof(struct rh_instance_list));
}

void rh_instance_init(struct rh_instance_table *table, uint32_t resources,
                      uint32_t capacity, uint64_t seed, void *memory)
{
	*table = (struct rh_instance_table){
		.list_count = resources, .capacity = capacity,
		.free_first = RH_NO_INSTANCE,
	};
	rh_map_init(&table->index, capacity, seed, lay_out(table, memory));

	for (uint32_t i = 0; i < resources; i++) {
		table->lists[i] = (struct rh_instance_list){
			.first = RH_NO_INSTANCE, .last = RH_NO_INSTANCE,
		};
	}
}

void rh_instance_rebase(struct rh_instance_table *table, void *memory)
{
	rh_map_rebase(&table->index, lay_out(table, memory));
}

static uint32_t take_free(struct rh_instance_table *table)
{
	uint32_t slot = table->free_first;

	RH_CHECK(table->used < table->capacity); /* I1 */
	if (slot == RH_NO_INSTANCE)
		slot = table->high++;
	else
		table->free_first = table->slots[slot].next;
	table->used++;
	return slot;
}

static void link_last(struct rh_instance_table *table, uint32_t slot)
{
	struct rh_instance      *instance = &table->slots[slot];
	struct rh_instance_list *list = &table->lists[instance->resource];

	instance->prev = list->last;
	instance->next = RH_NO_INSTANCE;
	if (list->last == RH_NO_INSTANCE)
		list->first = slot;
	else
		table->slots[list->last].next = slot;
	list->last = slot;
	list->count[instance->role]++;
}

static void unlink_slot(struct rh_instance_table *table, uint32_t slot)
{
	const struct rh_instance *instance = &table->slots[slot];
	struct rh_instance_list  *list = &table->lists[instance->resource];

	if (instance->prev == RH_NO_INSTANCE)
		list->first = instance->next;
	else
		table->slots[instance->prev].next = instance->next;
	if (instance->next == RH_NO_INSTANCE)
		list->last = instance->prev;
	else
		table->slots[instance->next].prev = instance->prev;
	RH_CHECK(list->count[instance->role] > 0);
	list->count[instance->role]--;
}

int rh_instance_add(struct rh_instance_table *table,
                    const struct rh_instance *instance)
{
	if (instance->id == RH_MAP_NONE || instance->role >= RH_LEASES)
		return RH_EINVAL;
	if (instance->resource >= table->list_count)
		return RH_EINVAL;
	if (rh_map_has(&table->index, instance->id))
		return RH_EEXIST;
	if (table->used == table->capacity)
		return RH_ENOSPC;

	uint32_t slot = take_free(table);
	table->slots[slot] = *instance;
	link_last(table, slot);
	int result = rh_map_insert(&table->index, instance->id, slot);
	RH_CHECK(result == RH_OK); /* I2: the map is as large as the table */
	return RH_OK;
}

static void remove_slot(struct rh_instance_table *table, uint32_t slot)
{
	int result = rh_map_remove(&table->index, table->slots[slot].id);

	RH_CHECK(result == RH_OK); /* I2 */
	unlink_slot(table, slot);
	table->slots[slot].next = table->free_first;
	table->free_first = slot;
	table->used--;
}

int rh_instance_remove(struct rh_instance_table *table, uint64_t id)
{
	uint32_t slot;

	if (rh_map_find(&table->index, id, &slot) != RH_OK)
		return RH_ENOENT;
	remove_slot(table, slot);
	return RH_OK;
}

int rh_instance_remove_all(struct rh_instance_table *table, uint32_t resource,
                           uint32_t node, rh_instance_visit *visit, void *user)
{
	uint32_t slot;
	int      count = 0;

	RH_CHECK(resource < table->list_count);
	slot = table->lists[resource].first;
	while (slot != RH_NO_INSTANCE) {
		const struct rh_instance *instance = &table->slots[slot];
		uint32_t                  here = slot;

		slot = instance->next;
		if (node != RH_ANY_NODE && instance->node != node)
			continue;
		if (visit)
			visit(user, instance);
		remove_slot(table, here);
		count++;
	}
	return count;
}

const struct rh_instance *rh_instance_find(const struct rh_instance_table *table,
                                           uint64_t id)
{
	uint32_t slot;

	if (rh_map_find(&table->index, id, &slot) != RH_OK)
		return NULL;
	return &table->slots[slot];
}

int rh_instance_walk(const struct rh_instance_table *table, uint32_t resource,
                     rh_instance_visit *visit, void *user)
{
	int count = 0;

	RH_CHECK(resource < table->list_count);
	uint32_t slot = table->lists[resource].first;
	for (; slot != RH_NO_INSTANCE; slot = table->slots[slot].next) {
		visit(user, &table->slots[slot]);
		count++;
	}
	return count;
}

uint32_t rh_instance_count(const struct rh_instance_table *table, uint32_t resource,
                           int role)
{
	if (resource >= table->list_count || role < 0 || role >= RH_LEASES)
		return 0;
	return table->lists[resource].count[role];
}
