/* fifo - a cache rule: what came first goes, used or not. */
#include "queue.h"

int32_t rh_cache_hit(int32_t slot)
{
	(void)slot;
	return 0;
}

int32_t rh_cache_victim(int64_t key)
{
	(void)key;
	return queue_take(list_prev[HEAD]);
}
