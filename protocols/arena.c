#include "arena.h"

#include "../model/check.h"
#include "../model/error.h"

static void check_arena(const struct rh_arena *arena)
{
	RH_CHECK(arena->given - arena->returned <= RH_ARENA_BLOCKS); /* A1 */
	RH_CHECK(arena->freed <= arena->tail);                       /* A2 */
	RH_CHECK(arena->tail - arena->freed <= arena->bytes);        /* A2 */
}

void rh_arena_init(struct rh_arena *arena, unsigned char *at, uint32_t bytes,
                   const _Atomic uint32_t *released)
{
	RH_CHECK(bytes % RH_ARENA_ALIGN == 0);
	*arena = (struct rh_arena){ .at = at, .bytes = bytes, .released = released };
}

/* Learns what the receiver gave back. */
static int collect(struct rh_arena *arena)
{
	/* P3, P4 */
	uint32_t released = atomic_load_explicit(arena->released, memory_order_seq_cst);

	if (released - arena->returned > arena->given - arena->returned)
		return RH_EPROTO;
	if (released != arena->returned) {
		arena->freed = arena->ends[(released - 1) % RH_ARENA_BLOCKS];
		arena->returned = released;
	}
	if (arena->returned == arena->given)
		arena->tail = arena->freed = 0; /* A3 */
	return RH_OK;
}

/* Where a block of len bytes would start; RH_EAGAIN when there is no room. */
static int place(const struct rh_arena *arena, uint32_t len, uint64_t *ret_start,
                 uint64_t *ret_end)
{
	uint64_t need = ((uint64_t)len + RH_ARENA_ALIGN - 1) & ~(uint64_t)(RH_ARENA_ALIGN - 1);
	uint64_t start = arena->tail;

	if (start % arena->bytes + need > arena->bytes)
		start += arena->bytes - start % arena->bytes;
	if (arena->given - arena->returned == RH_ARENA_BLOCKS ||
	    start + need - arena->freed > arena->bytes)
		return RH_EAGAIN;
	*ret_start = start;
	*ret_end = start + need;
	return RH_OK;
}

int rh_arena_look(struct rh_arena *arena, uint32_t len)
{
	uint64_t start = 0, end = 0;
	int      r = collect(arena);

	return r < 0 ? r : place(arena, len, &start, &end);
}

int rh_arena_give(struct rh_arena *arena, uint32_t len, uint32_t *ret_off)
{
	uint64_t start = 0, end = 0;
	int      r;

	check_arena(arena);
	r = collect(arena);
	if (r == RH_OK)
		r = place(arena, len, &start, &end);
	if (r < 0)
		return r;
	arena->ends[arena->given++ % RH_ARENA_BLOCKS] = end;
	arena->tail = end;
	*ret_off = (uint32_t)(start % arena->bytes);
	check_arena(arena);
	return RH_OK;
}

void rh_arena_undo(struct rh_arena *arena)
{
	RH_CHECK(arena->given != arena->returned);
	arena->given--;
	/* The gap that a block left at the end of the arena goes as well. */
	arena->tail = arena->given == arena->returned ? arena->freed :
	              arena->ends[(arena->given - 1) % RH_ARENA_BLOCKS];
	check_arena(arena);
}

int rh_arena_within(uint32_t bytes, uint32_t off, uint32_t len)
{
	return off <= bytes && len <= bytes - off ? RH_OK : RH_EPROTO;
}
