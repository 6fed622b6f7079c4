/* mru - a cache rule: what was used last goes; good for scans that come again and are too long. */
#include "queue.h"

int32_t rh_cache_hit(int32_t slot)
{
	return queue_renew(slot);
}

int32_t rh_cache_victim(int64_t key)
{
	(void)key;
	return queue_take(list_next[HEAD]);
}
