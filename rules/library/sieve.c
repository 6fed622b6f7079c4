/* sieve - a cache rule: what came first and was not used since it was last looked at
 * goes.  A hand walks from the oldest to the newest and passes over what was used. */
#include <rhodes/hook/cache.h>

#define LIST_NODES (RH_CACHE_SLOTS_MAX + 1)
#include "list.h"

#define HEAD RH_CACHE_SLOTS_MAX

RH_RULE(cache);

static uint8_t  is_used[RH_CACHE_SLOTS_MAX];
static uint32_t hand;

int32_t rh_cache_begin(int32_t capacity)
{
	if (capacity < 1 || (uint32_t)capacity > RH_CACHE_SLOTS_MAX)
		return 1;
	list_begin(HEAD);
	for (uint32_t slot = 0; slot < (uint32_t)capacity; slot++) {
		list_begin(slot);
		is_used[slot] = 0;
	}
	hand = HEAD;
	return 0;
}

int32_t rh_cache_hit(int32_t slot)
{
	is_used[slot] = 1;
	return 0;
}

static void drop(uint32_t slot)
{
	if (hand == slot)
		hand = list_prev[slot];
	list_take(slot);
	is_used[slot] = 0;
}

int32_t rh_cache_victim(int64_t key)
{
	uint32_t slot = hand;

	(void)key;
	if (list_prev[HEAD] == HEAD)
		return -1; /* nothing is in the cache */
	for (;; slot = list_prev[slot]) {
		if (slot == HEAD)
			slot = list_prev[HEAD];
		if (!is_used[slot])
			break;
		is_used[slot] = 0;
	}
	hand = slot;
	drop(slot);
	return (int32_t)slot;
}

int32_t rh_cache_insert(int32_t slot, int64_t key)
{
	(void)key;
	is_used[slot] = 0;
	list_put(HEAD, (uint32_t)slot);
	return 0;
}

int32_t rh_cache_remove(int32_t slot)
{
	drop((uint32_t)slot);
	return 0;
}
