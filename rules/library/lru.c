/* lru - a cache rule: what was not used for the longest time goes. */
#include "queue.h"

int32_t rh_cache_hit(int32_t slot)
{
	return queue_renew(slot);
}

int32_t rh_cache_victim(int64_t key)
{
	(void)key;
	return queue_take(list_prev[HEAD]);
}
