/* blockcache - the interface of a service that reads blocks of files through a cache of
 * fixed size.  What the cache throws out is said by a rule of hook `cache`, with the key
 * `blocks`, which may change at any moment.
 *
 * Threads  Any.
 * Errors   NULL or -1 with errno. */
#ifndef BLOCKCACHE_H
#define BLOCKCACHE_H

#include <stdint.h>

#define BLOCKCACHE_BYTES     8192u  /* of a block */
#define BLOCKCACHE_SLOTS_MAX 65536u

struct blockcache;

struct blockcache_stats {
	uint64_t reads;
	uint64_t misses;    /* of them: the device was asked */
	uint64_t blocks;    /* of the file */
	uint32_t slots;     /* of the cache */
	uint32_t is_direct; /* 0: the file system knows no O_DIRECT, and the kernel's
	                       cache is behind this one */
	char     rule[64];  /* in force now; "": none */
};

/* Opens a file with an empty cache of that many blocks.
 * EINVAL  slots is 0 or more than BLOCKCACHE_SLOTS_MAX, or it is no regular file. */
struct blockcache *blockcache_open(const char *path, uint32_t slots);

/* Reads a block; returns its bytes, fewer at the end of the file, 0 behind it.
 * EINVAL  room is less than BLOCKCACHE_BYTES. */
int blockcache_read(struct blockcache *cache, uint64_t block, void *bytes, uint32_t room);

int blockcache_stats(struct blockcache *cache, struct blockcache_stats *stats);

void blockcache_close(struct blockcache *cache);

#endif
