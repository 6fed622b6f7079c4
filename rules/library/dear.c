/* dear - a cache rule of a program that knows its data: the first blocks of its file (an
 * index) stay as long as anything else is there; of the others, and of them when they are
 * alone, what was used last goes.  As the joins and the searches of P. Cao et al. (1994)
 * tell the kernel.
 *
 * params  index  how many blocks are dear (0) */
#include <rhodes/hook/cache.h>

#define LIST_NODES (RH_CACHE_SLOTS_MAX + 2)
#include "list.h"

enum { OTHERS = RH_CACHE_SLOTS_MAX, DEAR };

RH_RULE(cache);

static uint64_t index_blocks;
static uint8_t  is_dear[RH_CACHE_SLOTS_MAX];

int32_t rh_init(void)
{
	index_blocks = RH_PARAM_NUMBER("index", 0);
	return 0;
}

int32_t rh_cache_begin(int32_t capacity)
{
	if (capacity < 1 || (uint32_t)capacity > RH_CACHE_SLOTS_MAX)
		return 1;
	list_begin(OTHERS);
	list_begin(DEAR);
	for (uint32_t slot = 0; slot < (uint32_t)capacity; slot++)
		list_begin(slot);
	return 0;
}

static void put(int32_t slot)
{
	list_put(is_dear[slot] ? DEAR : OTHERS, (uint32_t)slot);
}

int32_t rh_cache_hit(int32_t slot)
{
	list_take((uint32_t)slot);
	put(slot);
	return 0;
}

int32_t rh_cache_victim(int64_t key)
{
	uint32_t slot = list_next[OTHERS] != OTHERS ? list_next[OTHERS] : list_next[DEAR];

	(void)key;
	if (slot >= RH_CACHE_SLOTS_MAX)
		return -1; /* nothing is in the cache */
	list_take(slot);
	return (int32_t)slot;
}

int32_t rh_cache_insert(int32_t slot, int64_t key)
{
	is_dear[slot] = (uint64_t)key < index_blocks;
	put(slot);
	return 0;
}

int32_t rh_cache_remove(int32_t slot)
{
	list_take((uint32_t)slot);
	return 0;
}
