#include "arena.h"

#include <stdlib.h>

struct rh_js_chunk {
	struct rh_js_chunk *next;
	_Alignas(16) unsigned char bytes[];
};

void rh_js_arena_init(struct rh_js_arena *arena)
{
	arena->used = 0;
	arena->chunks = NULL;
}

void *rh_js_arena_take(struct rh_js_arena *arena, size_t bytes)
{
	size_t              room = sizeof arena->bytes - arena->used;
	struct rh_js_chunk *chunk;

	if (bytes <= room) {
		void *at = arena->bytes + arena->used;

		/* The whole is a multiple of 16, and so is what is used. */
		arena->used += (bytes + 15) & ~(size_t)15;
		return at;
	}
	if (!(chunk = malloc(sizeof *chunk + bytes)))
		return NULL;
	chunk->next = arena->chunks;
	arena->chunks = chunk;
	return chunk->bytes;
}

void rh_js_arena_fini(struct rh_js_arena *arena)
{
	while (arena->chunks) {
		struct rh_js_chunk *next = arena->chunks->next;

		free(arena->chunks);
		arena->chunks = next;
	}
	arena->used = 0;
}
