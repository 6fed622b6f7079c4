/* queue - all slots of a cache in one list, for the rules of this folder that choose by
 * when a slot was put to the front; each says itself what a hit does, and from which end
 * it takes. */
#ifndef RHODES_LIBRARY_QUEUE_H
#define RHODES_LIBRARY_QUEUE_H

#include <rhodes/hook/cache.h>

#define LIST_NODES (RH_CACHE_SLOTS_MAX + 1)
#include "list.h"

#define HEAD RH_CACHE_SLOTS_MAX

RH_RULE(cache);

int32_t rh_cache_begin(int32_t capacity)
{
	if (capacity < 1 || (uint32_t)capacity > RH_CACHE_SLOTS_MAX)
		return 1;
	list_begin(HEAD);
	for (uint32_t slot = 0; slot < (uint32_t)capacity; slot++)
		list_begin(slot);
	return 0;
}

/* What was used goes to the front. */
static inline int32_t queue_renew(int32_t slot)
{
	list_take((uint32_t)slot);
	list_put(HEAD, (uint32_t)slot);
	return 0;
}

/* The victim: list_next[HEAD], the front, or list_prev[HEAD], the back. */
static inline int32_t queue_take(uint32_t slot)
{
	if (slot == HEAD)
		return -1; /* nothing is in the cache */
	list_take(slot);
	return (int32_t)slot;
}

int32_t rh_cache_insert(int32_t slot, int64_t key)
{
	(void)key;
	list_put(HEAD, (uint32_t)slot);
	return 0;
}

int32_t rh_cache_remove(int32_t slot)
{
	list_take((uint32_t)slot);
	return 0;
}

#endif
