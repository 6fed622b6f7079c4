/* arc - a cache rule that finds out by itself whether what was used lately or what was
 * used often is worth keeping (Megiddo and Modha, 2003).
 *
 * LATE has what was used once, OFTEN what was used again; LATE_GONE and OFTEN_GONE are
 * ghosts, the keys of what went from each.  A miss whose key is a ghost shows which of
 * the two is too small, and moves the target of LATE. */
#include <rhodes/hook/cache.h>

#define SLOTS      RH_CACHE_SLOTS_MAX
#define GHOSTS     SLOTS /* nodes SLOTS to 2 * SLOTS - 1 */
#define LATE       (2 * SLOTS)
#define OFTEN      (LATE + 1)
#define LATE_GONE  (LATE + 2)
#define OFTEN_GONE (LATE + 3)
#define UNUSED     (LATE + 4) /* ghosts without a key */
#define LIST_NODES (LATE + 5)
#include "list.h"

#define BUCKETS 131072u
#define NONE    UINT32_MAX

RH_RULE(cache);

static uint64_t key_of[2 * SLOTS];   /* of slots and ghosts */
static uint8_t  list_of[2 * SLOTS];  /* head - LATE */
static uint32_t buckets[BUCKETS];    /* ghosts by key */
static uint32_t chain[2 * SLOTS];
static uint32_t len[5];
static uint32_t capacity, target;    /* of LATE */
static uint64_t expected;            /* the key that a victim was asked for */
static uint32_t is_expected, comes_to;

/* ---- lists with their lengths ---- */

static void put(uint32_t head, uint32_t node)
{
	list_put(head, node);
	list_of[node] = (uint8_t)(head - LATE);
	len[head - LATE]++;
}

static void take(uint32_t node)
{
	len[list_of[node]]--;
	list_take(node);
}

static uint32_t length(uint32_t head)
{
	return len[head - LATE];
}

/* ---- ghosts by key ---- */

static uint32_t *bucket_of(uint64_t key)
{
	key *= 0x9e3779b97f4a7c15u;
	return &buckets[key >> 47];
}

static uint32_t find_ghost(uint64_t key)
{
	uint32_t ghost = *bucket_of(key);

	while (ghost != NONE && key_of[ghost] != key)
		ghost = chain[ghost];
	return ghost;
}

static void forget_ghost(uint32_t ghost)
{
	uint32_t *at = bucket_of(key_of[ghost]);

	while (*at != ghost)
		at = &chain[*at];
	*at = chain[ghost];
	take(ghost);
	put(UNUSED, ghost);
}

static void remember(uint32_t head, uint64_t key)
{
	uint32_t ghost, *at = bucket_of(key);

	if (length(UNUSED) == 0)
		forget_ghost(length(LATE_GONE) ? list_prev[LATE_GONE] : list_prev[OFTEN_GONE]);
	ghost = list_next[UNUSED];
	take(ghost);
	key_of[ghost] = key;
	chain[ghost] = *at;
	*at = ghost;
	put(head, ghost);
}

/* ---- what the paper calls REPLACE, and its cases II to IV ---- */

static uint32_t larger(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

/* Where the key comes to, and the target that follows from it. */
static void expect(uint64_t key)
{
	uint32_t ghost = find_ghost(key), step;

	expected = key;
	is_expected = 1;
	comes_to = LATE;
	if (ghost == NONE)
		return;
	comes_to = OFTEN;
	if (list_of[ghost] == LATE_GONE - LATE) {
		step = larger(length(OFTEN_GONE) / length(LATE_GONE), 1);
		target = capacity - target < step ? capacity : target + step;
	} else {
		step = larger(length(LATE_GONE) / length(OFTEN_GONE), 1);
		target = target < step ? 0 : target - step;
	}
	forget_ghost(ghost);
}

static uint32_t evict(uint32_t from, uint32_t gone)
{
	uint32_t slot = list_prev[from];

	take(slot);
	if (gone != NONE)
		remember(gone, key_of[slot]);
	return slot;
}

static uint32_t replace(int was_often_gone)
{
	uint32_t late = length(LATE);

	if (late && (late > target || (was_often_gone && late == target) || !length(OFTEN)))
		return evict(LATE, LATE_GONE);
	return evict(OFTEN, OFTEN_GONE);
}

int32_t rh_cache_victim(int64_t key)
{
	uint32_t ghost = find_ghost((uint64_t)key);
	int      was_often_gone = ghost != NONE && list_of[ghost] == OFTEN_GONE - LATE;

	if (length(LATE) + length(OFTEN) == 0)
		return -1; /* nothing is in the cache */
	expect((uint64_t)key);
	if (comes_to == OFTEN)
		return (int32_t)replace(was_often_gone);
	if (length(LATE) + length(LATE_GONE) >= capacity) {
		if (!length(LATE_GONE))
			return (int32_t)evict(LATE, NONE);
		forget_ghost(list_prev[LATE_GONE]);
	} else if (length(LATE_GONE) + length(OFTEN_GONE) >= capacity) {
		forget_ghost(list_prev[OFTEN_GONE]);
	}
	return (int32_t)replace(0);
}

int32_t rh_cache_insert(int32_t slot, int64_t key)
{
	if (!is_expected || expected != (uint64_t)key)
		expect((uint64_t)key);
	is_expected = 0;
	key_of[slot] = (uint64_t)key;
	put(comes_to, (uint32_t)slot);
	return 0;
}

int32_t rh_cache_hit(int32_t slot)
{
	take((uint32_t)slot);
	put(OFTEN, (uint32_t)slot);
	return 0;
}

int32_t rh_cache_remove(int32_t slot)
{
	take((uint32_t)slot);
	return 0;
}

int32_t rh_cache_begin(int32_t slots)
{
	if (slots < 1 || (uint32_t)slots > SLOTS)
		return 1;
	capacity = (uint32_t)slots;
	target = is_expected = 0;
	for (uint32_t head = LATE; head <= UNUSED; head++) {
		list_begin(head);
		len[head - LATE] = 0;
	}
	for (uint32_t i = 0; i < BUCKETS; i++)
		buckets[i] = NONE;
	for (uint32_t i = 0; i < capacity; i++) {
		list_begin(i);
		put(UNUSED, GHOSTS + i);
	}
	return 0;
}
