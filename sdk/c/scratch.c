/* scratch - memory of one call in the callee. */
#include "marshal.h"

#include <stdlib.h>

struct rh_chunk {
	struct rh_chunk *next;
	size_t           cap;
	size_t           used;
	_Alignas(16) unsigned char bytes[];
};

#define CHUNK_MIN 16384u

void *rh_scratch_take(struct rh_scratch *scratch, size_t bytes)
{
	size_t           need = (bytes + 15) & ~(size_t)15;
	struct rh_chunk *chunk = scratch->chunks;

	if (bytes > RH_PAYLOAD_MAX)
		return NULL;
	if (!chunk || chunk->cap - chunk->used < need) {
		size_t cap = need > CHUNK_MIN ? need : CHUNK_MIN;

		if (scratch->total + cap > 4u * RH_PAYLOAD_MAX)
			return NULL;
		chunk = malloc(sizeof *chunk + cap);
		if (!chunk)
			return NULL;
		*chunk = (struct rh_chunk){ .next = scratch->chunks, .cap = cap };
		scratch->chunks = chunk;
		scratch->total += cap;
	}
	void *at = chunk->bytes + chunk->used;
	chunk->used += need;
	return at;
}

/* Keeps one chunk of the usual size, so that a call allocates nothing. */
void rh_scratch_reset(struct rh_scratch *scratch)
{
	while (scratch->chunks && (scratch->chunks->next ||
	                           scratch->chunks->cap > CHUNK_MIN)) {
		struct rh_chunk *chunk = scratch->chunks;

		scratch->chunks = chunk->next;
		scratch->total -= chunk->cap;
		free(chunk);
	}
	if (scratch->chunks)
		scratch->chunks->used = 0;
}

void rh_scratch_fini(struct rh_scratch *scratch)
{
	rh_scratch_reset(scratch);
	free(scratch->chunks);
	*scratch = (struct rh_scratch){ 0 };
}
