#include "map.h"

#include "check.h"
#include "error.h"

#include <string.h>

#define WAYS    8u /* keys of a bucket: RH_ALIGN bytes */
#define NO_SLOT UINT32_MAX

size_t rh_aligned(size_t bytes)
{
	return (bytes + RH_ALIGN - 1) & ~(size_t)(RH_ALIGN - 1);
}

static uint32_t buckets_for(uint32_t capacity)
{
	return capacity / (WAYS / 2) + 1; /* M1 */
}

size_t rh_map_bytes(uint32_t capacity)
{
	size_t slots = (size_t)buckets_for(capacity) * WAYS;

	return slots * sizeof(uint64_t) + rh_aligned(slots * sizeof(uint32_t));
}

void rh_map_init(struct rh_map *map, uint32_t capacity, uint64_t seed, void *memory)
{
	uint32_t buckets = buckets_for(capacity);

	RH_CHECK(buckets < NO_SLOT / WAYS);
	RH_CHECK(buckets * (WAYS / 2) > capacity); /* M1 */
	*map = (struct rh_map){ .seed = seed, .buckets = buckets, .capacity = capacity };
	rh_map_rebase(map, memory);
	/* RH_MAP_NONE everywhere. */
	memset(map->keys, 0xff, (size_t)buckets * WAYS * sizeof map->keys[0]);
}

void rh_map_rebase(struct rh_map *map, void *memory)
{
	RH_CHECK((uintptr_t)memory % RH_ALIGN == 0);
	map->keys = memory;
	map->values = (uint32_t *)(map->keys + (size_t)map->buckets * WAYS);
}

/* Two rounds of multiply and fold spread keys that differ in any bits over all
 * of the upper half, which then picks a bucket without a division. */
static uint32_t home_of(const struct rh_map *map, uint64_t key)
{
	uint64_t hash = (key ^ map->seed) * 0x9e3779b97f4a7c15ull;

	hash = (hash ^ (hash >> 32)) * 0xd6e8feb86659fd93ull;
	return (uint32_t)(((hash >> 32) * map->buckets) >> 32);
}

static uint32_t after(const struct rh_map *map, uint32_t bucket)
{
	return bucket + 1 == map->buckets ? 0 : bucket + 1;
}

static int is_full(const struct rh_map *map, uint32_t bucket)
{
	return map->keys[bucket * WAYS + WAYS - 1] != RH_MAP_NONE; /* M3 */
}

/* A bit for every slot of the bucket that holds the key.  Spelled out, so that it
 * becomes eight comparisons and no jump. */
static uint32_t match(const uint64_t *keys, uint64_t key)
{
	return (uint32_t)(keys[0] == key) << 0 | (uint32_t)(keys[1] == key) << 1 |
	       (uint32_t)(keys[2] == key) << 2 | (uint32_t)(keys[3] == key) << 3 |
	       (uint32_t)(keys[4] == key) << 4 | (uint32_t)(keys[5] == key) << 5 |
	       (uint32_t)(keys[6] == key) << 6 | (uint32_t)(keys[7] == key) << 7;
}

/* The bucket that holds the key and a bit for its slot; or, without a bit, the
 * first bucket on its way that is not full. */
struct place {
	uint32_t bucket;
	uint32_t found;
};

static struct place seek(const struct rh_map *map, uint64_t key)
{
	uint32_t bucket = home_of(map, key);
	uint32_t found = match(map->keys + bucket * WAYS, key);

	/* One jump for both reasons to stop: seldom taken, so well foretold. */
	while (!(found | (uint32_t)!is_full(map, bucket))) {
		bucket = after(map, bucket);
		found = match(map->keys + bucket * WAYS, key);
	}
	return (struct place){ .bucket = bucket, .found = found };
}

static uint32_t first_of(uint32_t found)
{
	return (uint32_t)__builtin_ctz(found);
}

static uint32_t find(const struct rh_map *map, uint64_t key)
{
	struct place place = seek(map, key);

	if (place.found == 0 || key == RH_MAP_NONE)
		return NO_SLOT;
	return place.bucket * WAYS + first_of(place.found);
}

int rh_map_insert(struct rh_map *map, uint64_t key, uint32_t value)
{
	RH_CHECK(key != RH_MAP_NONE);
	RH_CHECK(map->used <= map->capacity); /* M1 */

	struct place place = seek(map, key);
	if (place.found != 0)
		return RH_EEXIST;
	if (map->used == map->capacity)
		return RH_ENOSPC;

	uint32_t empty = match(map->keys + place.bucket * WAYS, RH_MAP_NONE);
	RH_CHECK(empty != 0);
	uint32_t slot = place.bucket * WAYS + first_of(empty); /* M3 */
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

static void move(struct rh_map *map, uint32_t from, uint32_t to)
{
	map->keys[to] = map->keys[from];
	map->values[to] = map->values[from];
}

/* How many steps from one bucket on to another. */
static uint32_t distance(const struct rh_map *map, uint32_t from, uint32_t to)
{
	return to >= from ? to - from : to + map->buckets - from;
}

/* The slot of an entry of the bucket that may stand as far back as goal, that is
 * whose home is not behind goal; or NO_SLOT. */
static uint32_t movable(const struct rh_map *map, uint32_t bucket, uint32_t goal)
{
	for (uint32_t slot = bucket * WAYS; slot < (bucket + 1) * WAYS; slot++) {
		if (map->keys[slot] == RH_MAP_NONE)
			break; /* M3 */
		uint32_t home = home_of(map, map->keys[slot]);
		if (distance(map, home, bucket) >= distance(map, goal, bucket))
			return slot;
	}
	return NO_SLOT;
}

/* The slot of an entry that a full bucket with a hole in it must take back, lest
 * nobody finds it any more (M2); or NO_SLOT. */
static uint32_t find_stray(const struct rh_map *map, uint32_t holed)
{
	uint32_t bucket = holed;
	uint32_t stray;

	do {
		bucket = after(map, bucket);
		stray = movable(map, bucket, holed);
	} while (stray == NO_SLOT && is_full(map, bucket)); /* ends by M1 */
	return stray;
}

/* Fills the hole from behind, as long as its bucket was full (M2); then from the
 * end of the bucket (M3). */
static void close_gap(struct rh_map *map, uint32_t hole)
{
	uint32_t bucket = hole / WAYS;

	while (is_full(map, bucket)) {
		uint32_t stray = find_stray(map, bucket);

		if (stray == NO_SLOT)
			break;
		move(map, stray, hole);
		hole = stray;
		bucket = hole / WAYS;
	}

	uint32_t last = bucket * WAYS + WAYS - 1;
	while (map->keys[last] == RH_MAP_NONE)
		last--;
	move(map, last, hole);
	map->keys[last] = RH_MAP_NONE;
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
	return (seek(map, key).found != 0) & (key != RH_MAP_NONE);
}

int rh_map_find(const struct rh_map *map, uint64_t key, uint32_t *ret_value)
{
	uint32_t slot = find(map, key);

	if (slot == NO_SLOT)
		return RH_ENOENT;
	*ret_value = map->values[slot];
	return RH_OK;
}

/* Every entry is found from its home (M2), and buckets have no gaps (M3). */
static uint32_t verify_bucket(const struct rh_map *map, uint32_t bucket)
{
	uint32_t used = 0;

	for (uint32_t slot = bucket * WAYS; slot < (bucket + 1) * WAYS; slot++) {
		if (map->keys[slot] == RH_MAP_NONE)
			continue;
		RH_CHECK(slot == bucket * WAYS + used); /* M3 */
		RH_CHECK(find(map, map->keys[slot]) == slot); /* M2 */
		used++;
	}
	return used;
}

void rh_map_verify(const struct rh_map *map)
{
	uint32_t used = 0;

	RH_CHECK(map->used <= map->capacity); /* M1 */
	RH_CHECK(map->capacity < map->buckets * (WAYS / 2));
	for (uint32_t bucket = 0; bucket < map->buckets; bucket++)
		used += verify_bucket(map, bucket);
	RH_CHECK(used == map->used);
}
