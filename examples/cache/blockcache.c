#include "blockcache.h"

#include "keep.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
#define NONE   UINT32_MAX

struct blockcache {
	pthread_mutex_t lock;
	int             fd;
	int             is_direct;
	uint64_t        blocks;
	uint64_t        reads, misses;
	uint32_t        slots;
	struct keep    *keep;
	unsigned char  *memory;   /* the slots, and one for what is not kept */
	uint32_t       *slot_of;  /* by block, or NONE    */
	uint64_t       *block_of; /* by slot              */
	uint32_t       *bytes_in; /* by slot              */
};

/* ---- opening ---- */

static int open_file(struct blockcache *cache, const char *path)
{
	struct stat status;

	cache->is_direct = 1;
	cache->fd = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
	if (cache->fd < 0 && errno == EINVAL) {
		cache->is_direct = 0;
		cache->fd = open(path, O_RDONLY | O_CLOEXEC);
		if (cache->fd >= 0)
			fprintf(stderr, "blockcache: %s: the file system knows no O_DIRECT, so "
			        "what is missed may come from the kernel's cache\n", path);
	}
	if (cache->fd < 0 || fstat(cache->fd, &status) < 0)
		return -1;
	if (!S_ISREG(status.st_mode)) {
		errno = EINVAL;
		return -1;
	}
	cache->blocks = ((uint64_t)status.st_size + BLOCKCACHE_BYTES - 1) / BLOCKCACHE_BYTES;
	return 0;
}

static int make_room(struct blockcache *cache, uint32_t slots)
{
	void *memory = mmap(NULL, ((size_t)slots + 1) * BLOCKCACHE_BYTES,
	                    PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	cache->slots = slots;
	cache->memory = memory == MAP_FAILED ? NULL : memory;
	cache->slot_of = malloc((cache->blocks + 1) * sizeof *cache->slot_of);
	cache->block_of = malloc(slots * sizeof *cache->block_of);
	cache->bytes_in = malloc(slots * sizeof *cache->bytes_in);
	cache->keep = keep_create(slots);
	if (!cache->memory || !cache->slot_of || !cache->block_of || !cache->bytes_in ||
	    !cache->keep) {
		errno = ENOMEM;
		return -1;
	}
	memset(cache->slot_of, 0xff, (cache->blocks + 1) * sizeof *cache->slot_of);
	return 0;
}

EXPORT struct blockcache *blockcache_open(const char *path, uint32_t slots)
{
	struct blockcache *cache;
	int                error;

	if (slots == 0 || slots > BLOCKCACHE_SLOTS_MAX) {
		errno = EINVAL;
		return NULL;
	}
	if (!(cache = calloc(1, sizeof *cache)))
		return NULL;
	pthread_mutex_init(&cache->lock, NULL);
	if (open_file(cache, path) == 0 && make_room(cache, slots) == 0)
		return cache;
	error = errno;
	blockcache_close(cache);
	errno = error;
	return NULL;
}

EXPORT void blockcache_close(struct blockcache *cache)
{
	if (!cache)
		return;
	if (cache->fd >= 0)
		close(cache->fd);
	if (cache->memory)
		munmap(cache->memory, ((size_t)cache->slots + 1) * BLOCKCACHE_BYTES);
	keep_destroy(cache->keep);
	free(cache->slot_of);
	free(cache->block_of);
	free(cache->bytes_in);
	pthread_mutex_destroy(&cache->lock);
	free(cache);
}

/* ---- reading, under the lock ---- */

static unsigned char *memory_of(const struct blockcache *cache, uint32_t slot)
{
	return cache->memory + (size_t)slot * BLOCKCACHE_BYTES;
}

static int fetch(struct blockcache *cache, uint64_t block, unsigned char *into)
{
	ssize_t n;

	do
		n = pread(cache->fd, into, BLOCKCACHE_BYTES, (off_t)(block * BLOCKCACHE_BYTES));
	while (n < 0 && errno == EINTR);
	return (int)n;
}

/* The slot it came into, or -1: it could not be read. */
static int64_t bring(struct blockcache *cache, uint64_t block)
{
	int      was_full, n;
	uint32_t slot = keep_place(cache->keep, block, &was_full);

	if (was_full)
		cache->slot_of[cache->block_of[slot]] = NONE;
	n = fetch(cache, block, memory_of(cache, slot));
	if (n < 0) {
		keep_remove(cache->keep, slot);
		return -1;
	}
	cache->slot_of[block] = slot;
	cache->block_of[slot] = block;
	cache->bytes_in[slot] = (uint32_t)n;
	return slot;
}

static int copy(const struct blockcache *cache, uint32_t slot, void *bytes)
{
	memcpy(bytes, memory_of(cache, slot), cache->bytes_in[slot]);
	return (int)cache->bytes_in[slot];
}

static int miss(struct blockcache *cache, uint64_t block, void *bytes)
{
	unsigned char *beside = memory_of(cache, cache->slots);
	int64_t        slot;
	int            n;

	cache->misses++;
	if (keep_admits(cache->keep, block)) {
		slot = bring(cache, block);
		return slot < 0 ? -1 : copy(cache, (uint32_t)slot, bytes);
	}
	n = fetch(cache, block, beside);
	if (n > 0)
		memcpy(bytes, beside, (size_t)n);
	return n;
}

static int read_block(struct blockcache *cache, uint64_t block, void *bytes)
{
	uint32_t slot = cache->slot_of[block];

	cache->reads++;
	if (slot == NONE)
		return miss(cache, block, bytes);
	keep_hit(cache->keep, slot);
	return copy(cache, slot, bytes);
}

EXPORT int blockcache_read(struct blockcache *cache, uint64_t block, void *bytes,
                           uint32_t room)
{
	int n;

	if (room < BLOCKCACHE_BYTES) {
		errno = EINVAL;
		return -1;
	}
	if (block >= cache->blocks)
		return 0;
	pthread_mutex_lock(&cache->lock);
	n = read_block(cache, block, bytes);
	pthread_mutex_unlock(&cache->lock);
	return n;
}

EXPORT int blockcache_stats(struct blockcache *cache, struct blockcache_stats *stats)
{
	memset(stats, 0, sizeof *stats);
	pthread_mutex_lock(&cache->lock);
	stats->reads = cache->reads;
	stats->misses = cache->misses;
	stats->blocks = cache->blocks;
	stats->slots = cache->slots;
	stats->is_direct = (uint32_t)cache->is_direct;
	keep_name(cache->keep, stats->rule, sizeof stats->rule);
	pthread_mutex_unlock(&cache->lock);
	return 0;
}
