/* @NAME@ - a cache: which slot is emptied for what is to come. */
#include <rhodes/hook/cache.h>

RH_RULE(cache);

static int32_t slots, next;

int32_t rh_cache_begin(int32_t capacity)
{
	slots = capacity;
	next = 0;
	return 0;
}

int32_t rh_cache_hit(int32_t slot)
{
	(void)slot;
	return 0;
}

int32_t rh_cache_victim(int64_t key)
{
	int32_t slot = next;

	(void)key;
	next = next + 1 < slots ? next + 1 : 0;
	return slot;
}

int32_t rh_cache_insert(int32_t slot, int64_t key)
{
	(void)slot;
	(void)key;
	return 0;
}

int32_t rh_cache_remove(int32_t slot)
{
	(void)slot;
	return 0;
}
