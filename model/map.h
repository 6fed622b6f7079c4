/* map - from a 64-bit key to a 32-bit value, in memory the caller gives.
 *
 * Keys stand in buckets of eight, each one line of the cache, and are compared
 * without a branch: a test reads one line (another when the bucket is full, one
 * time in twenty) and the processor has nothing to guess wrong.  Removal moves
 * others back and leaves no tombstones, so the map does not age.  It has twice
 * the slots that it may fill: 24 bytes an entry.
 *
 * Ownership   The caller owns the map and its memory and frees both; there is
 *             nothing to undo.
 * Threads     One writer; nobody may read meanwhile.
 * Invariants  M1  used <= capacity, and capacity is below half the slots: less
 *                 than half of the buckets are full.
 *             M2  from an entry's home to the bucket before its own, every bucket
 *                 is full.
 *             M3  a bucket fills from its first slot, without gaps.
 * Limits      The key RH_MAP_NONE may not be used: it marks an empty slot. */
#ifndef RH_MODEL_MAP_H
#define RH_MODEL_MAP_H

#include <stddef.h>
#include <stdint.h>

#define RH_MAP_NONE UINT64_MAX

/* Open layout, so that a kernel can place it; the fields are for map.c only. */
struct rh_map {
	uint64_t *keys;
	uint32_t *values;
	uint64_t  seed;
	uint32_t  buckets;
	uint32_t  capacity;
	uint32_t  used;
};

/* What the memory of every table of the model is aligned to: a line of the cache. */
#define RH_ALIGN 64u

/* bytes, made a multiple of RH_ALIGN. */
size_t rh_aligned(size_t bytes);

/* Bytes of memory a map of that capacity needs, a multiple of RH_ALIGN. */
size_t rh_map_bytes(uint32_t capacity);

/* Makes an empty map.  memory is aligned to RH_ALIGN and has rh_map_bytes; seed is
 * any number: a random one keeps keys chosen by an enemy apart. */
void rh_map_init(struct rh_map *map, uint32_t capacity, uint64_t seed,
                 void *memory);

/* The map's memory was copied to another place: use the copy. */
void rh_map_rebase(struct rh_map *map, void *memory);

/* RH_EEXIST  the key is there; it keeps its value.
 * RH_ENOSPC  the map is full. */
int rh_map_insert(struct rh_map *map, uint64_t key, uint32_t value);

/* Gives the key another value.
 * RH_ENOENT  the key is not there. */
int rh_map_set(struct rh_map *map, uint64_t key, uint32_t value);

/* RH_ENOENT  the key is not there. */
int rh_map_remove(struct rh_map *map, uint64_t key);

/* 1 when the key is there, else 0. */
int rh_map_has(const struct rh_map *map, uint64_t key);

/* RH_ENOENT  the key is not there; *ret_value is untouched. */
int rh_map_find(const struct rh_map *map, uint64_t key, uint32_t *ret_value);

/* Checks M1 to M3 over the whole map, in O(its size): for tests. */
void rh_map_verify(const struct rh_map *map);

#endif
