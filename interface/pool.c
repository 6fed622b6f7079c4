#include "pool.h"

#include "../model/check.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES ((size_t)64 << 10)

struct rh_pool_block {
	struct rh_pool_block *next;
	size_t                used;
	size_t                capacity;
	alignas(max_align_t) unsigned char bytes[];
};

void rh_pool_init(struct rh_pool *pool)
{
	*pool = (struct rh_pool){ 0 };
}

void rh_pool_fini(struct rh_pool *pool)
{
	while (pool->blocks) {
		struct rh_pool_block *block = pool->blocks;

		pool->blocks = block->next;
		free(block);
	}
	pool->bytes = 0;
}

static struct rh_pool_block *add_block(struct rh_pool *pool, size_t need)
{
	size_t capacity = need > BLOCK_BYTES ? need : BLOCK_BYTES;

	if (capacity > RH_POOL_MAX - pool->bytes)
		return NULL;
	struct rh_pool_block *block = calloc(1, sizeof *block + capacity);
	if (!block)
		return NULL;
	block->capacity = capacity;
	block->next = pool->blocks;
	pool->blocks = block;
	pool->bytes += capacity;
	return block;
}

void *rh_pool_take(struct rh_pool *pool, size_t count, size_t size)
{
	size_t need;

	if (__builtin_mul_overflow(count, size, &need) || need > RH_POOL_MAX)
		return NULL;
	need = (need + alignof(max_align_t)) & ~(alignof(max_align_t) - 1);

	struct rh_pool_block *block = pool->blocks;
	if (!block || block->capacity - block->used < need)
		block = add_block(pool, need);
	if (!block)
		return NULL;
	void *taken = block->bytes + block->used;
	block->used += need;
	RH_CHECK(block->used <= block->capacity);
	return taken;
}

char *rh_pool_copy(struct rh_pool *pool, const char *text, size_t len)
{
	char *copy = rh_pool_take(pool, len + 1, 1);

	if (copy)
		memcpy(copy, text, len);
	return copy;
}

char *rh_pool_print(struct rh_pool *pool, const char *format, ...)
{
	va_list args, again;

	va_start(args, format);
	va_copy(again, args);
	int len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	char *text = len < 0 ? NULL : rh_pool_take(pool, (size_t)len + 1, 1);
	if (text)
		vsnprintf(text, (size_t)len + 1, format, again);
	va_end(again);
	return text;
}

void *rh_pool_grow(struct rh_pool *pool, void *array, size_t used, size_t size)
{
	if (used & (used - 1))
		return array;
	void *larger = rh_pool_take(pool, used ? used * 2 : 1, size);
	if (larger && used)
		memcpy(larger, array, used * size);
	return larger;
}
