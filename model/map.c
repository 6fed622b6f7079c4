#include "map.h"

#include "check.h"
#include "error.h"

#include <string.h>

#define NO_SLOT UINT32_MAX

static uint32_t slots_for(uint32_t capacity)
{
	return capacity + capacity / 2 + 1; /* M1 */
}

size_t rh_map_bytes(uint32_t capacity)
{
	size_t slots = slots_for(capacity);
	size_t bytes = slots * (sizeof(uint64_t) + sizeof(uint32_t));

	return (bytes + 7) & ~(size_t)7;
}

void rh_map_init(struct rh_map *map, uint32_t capacity, uint64_t seed, void *memory)
{
	uint32_t slots = slots_for(capacity);

	RH_CHECK(slots > capacity && slots < NO_SLOT); /* M1 */
	*map = (struct rh_map){ .seed = seed, .slots = slots, .capacity = capacity };
	rh_map_rebase(map, memory);
	memset(map->keys, 0xff, slots * sizeof map->keys[0]); /* RH_MAP_NONE */
}

void rh_map_rebase(struct rh_map *map, void *memory)
{
	RH_CHECK((uintptr_t)memory % 8 == 0);
	map->keys = memory;
	map->values = (uint32_t *)(map->keys + map->slots);
}

/* Two rounds of multiply and fold spread keys that differ in any bits over all
 * of the upper half, which then picks a slot without a division. */
static uint32_t home_of(const struct rh_map *map, uint64_t key)
{
	uint64_t hash = (key ^ map->seed) * 0x9e3779b97f4a7c15ull;

	hash = (hash ^ (hash >> 32)) * 0xd6e8feb86659fd93ull;
	return (uint32_t)(((hash >> 32) * map->slots) >> 32);
}

static uint32_t after(const struct rh_map *map, uint32_t slot)
{
	return slot + 1 == map->slots ? 0 : slot + 1;
}

/* The slot of the key, or the empty one where its probe ends. */
static uint32_t probe(const struct rh_map *map, uint64_t key)
{
	uint32_t slot = home_of(map, key);

	while (map->keys[slot] != key && map->keys[slot] != RH_MAP_NONE)
		slot = after(map, slot);
	return slot;
}

static uint32_t find(const struct rh_map *map, uint64_t key)
{
	if (key == RH_MAP_NONE)
		return NO_SLOT;

	uint32_t slot = probe(map, key);
	return map->keys[slot] == key ? slot : NO_SLOT;
}

int rh_map_insert(struct rh_map *map, uint64_t key, uint32_t value)
{
	RH_CHECK(key != RH_MAP_NONE);
	RH_CHECK(map->used <= map->capacity); /* M1 */

	uint32_t slot = probe(map, key);
	if (map->keys[slot] == key)
		return RH_EEXIST;
	if (map->used == map->capacity)
		return RH_ENOSPC;
	map->keys[slot] = key;
	map->values[slot] = value;
	map->used++;
	return RH_OK;
}

int rh_map_set(struct rh_map *map, uint64_t key, uint32_t value)
{
	uint32_t slot = find(map, key);

	if (slot == NO_SLOT)
		return RH_ENOENT;
	map->values[slot] = value;
	return RH_OK;
}

/* How many steps from one slot on to another. */
static uint32_t distance(const struct rh_map *map, uint32_t from, uint32_t to)
{
	return to >= from ? to - from : to + map->slots - from;
}

/* Empties a slot and moves back into it what may stand no further from its home
 * than the hole does (M2), until the run of full slots ends. */
static void close_gap(struct rh_map *map, uint32_t hole)
{
	uint32_t slot = after(map, hole);

	while (map->keys[slot] != RH_MAP_NONE) {
		uint32_t home = home_of(map, map->keys[slot]);

		if (distance(map, home, slot) >= distance(map, hole, slot)) {
			map->keys[hole] = map->keys[slot];
			map->values[hole] = map->values[slot];
			hole = slot;
		}
		slot = after(map, slot);
	}
	map->keys[hole] = RH_MAP_NONE;
}

int rh_map_remove(struct rh_map *map, uint64_t key)
{
	uint32_t slot = find(map, key);

	if (slot == NO_SLOT)
		return RH_ENOENT;
	RH_CHECK(map->used > 0);
	close_gap(map, slot);
	map->used--;
	return RH_OK;
}

int rh_map_has(const struct rh_map *map, uint64_t key)
{
	return find(map, key) != NO_SLOT;
}

int rh_map_find(const struct rh_map *map, uint64_t key, uint32_t *ret_value)
{
	uint32_t slot = find(map, key);

	if (slot == NO_SLOT)
		return RH_ENOENT;
	*ret_value = map->values[slot];
	return RH_OK;
}
