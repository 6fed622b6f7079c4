/* map - from a 64-bit key to a 32-bit value, in memory the caller gives.
 *
 * Open addressing with linear probing over an array of keys alone, so that a
 * test reads one or two lines of cache; removal shifts back and leaves no
 * tombstones, so the map does not age.  It is made a third larger than what it
 * may hold: 18 bytes an entry.
 *
 * Ownership   The caller owns the map and its memory and frees both; there is
 *             nothing to undo.
 * Threads     One writer; nobody may read meanwhile.
 * Invariants  M1  used <= capacity, and capacity < slots: a probe ends.
 *             M2  between an entry's home and its slot no slot is empty.
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
	uint32_t  slots;
	uint32_t  capacity;
	uint32_t  used;
};

/* Bytes of memory a map of that capacity needs, a multiple of 8. */
size_t rh_map_bytes(uint32_t capacity);

/* Makes an empty map.  memory is aligned to 8 and has rh_map_bytes(capacity);
 * seed is any number: a random one keeps keys chosen by an enemy apart. */
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

#endif
