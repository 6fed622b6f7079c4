/* arena - where the bodies that do not fit a message lie, one for each direction.
 *
 * The sender allocates blocks and the receiver gives them back in the same order,
 * by counting them in a shared word.  Nothing else is shared: the sender remembers
 * in private memory where each block ends, so a lying receiver can only make it
 * overwrite what that receiver has not read yet.
 *
 * Ownership   The user's; at points into the mapping.
 * Threads     The sender's.
 * Invariants  A1  returned <= given <= returned + RH_ARENA_BLOCKS (wrapping).
 *             A2  freed <= tail <= freed + bytes; a block never wraps.
 *             A3  with no block in use the next one starts at offset 0, so that
 *                 an idle channel stays in the same few pages and cache lines.
 * Limits      RH_ARENA_BLOCKS blocks in use.
 *
 * Ordering, by pairs (R release, A acquire):
 *   P3  return: block read -> R released    with  give: A released */
#ifndef RH_PROTOCOLS_ARENA_H
#define RH_PROTOCOLS_ARENA_H

#include <stdatomic.h>
#include <stdint.h>

#define RH_ARENA_BLOCKS 128u
#define RH_ARENA_ALIGN  64u

_Static_assert((RH_ARENA_BLOCKS & (RH_ARENA_BLOCKS - 1)) == 0, "a ring");

/* The sender's private view; the fields are for arena.c only. */
struct rh_arena {
	unsigned char          *at;
	const _Atomic uint32_t *released;
	uint32_t                bytes;
	uint32_t                given;
	uint32_t                returned;
	uint64_t                tail;
	uint64_t                freed;
	uint64_t                ends[RH_ARENA_BLOCKS];
};

/* Over bytes of memory, a multiple of RH_ARENA_ALIGN; released is the receiver's. */
void rh_arena_init(struct rh_arena *arena, unsigned char *at, uint32_t bytes,
                   const _Atomic uint32_t *released);

/* Allocates len bytes and stores the offset.
 * RH_EAGAIN  no room now.
 * RH_EPROTO  the receiver's count is impossible. */
int rh_arena_give(struct rh_arena *arena, uint32_t len, uint32_t *ret_off);

/* Takes back the block given last, before the receiver hears of it. */
void rh_arena_undo(struct rh_arena *arena);

/* RH_OK when give would succeed now; allocates nothing.  Errors as give. */
int rh_arena_look(struct rh_arena *arena, uint32_t len);

/* The receiver's check of an offset it read: RH_OK when off and len stay inside. */
int rh_arena_within(uint32_t bytes, uint32_t off, uint32_t len);

#endif
