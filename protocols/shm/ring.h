/* ring - one direction of a channel in shared memory: one sender, one receiver.
 *
 * A slot holds a head and a body of up to RH_RING_INLINE_MAX bytes; the body of a
 * longer message lies in the arena behind the ring and the slot holds its offset.
 * The receiver lends bodies in place, one at a time.
 *
 * The memory is hostile: an index, an offset or a length is read once, checked, and
 * the copy used.  A corrupt ring is RH_EPROTO.
 *
 * Ownership   The memory is the user's and outlives both ends.
 * Threads     One for each end.
 * Invariants  G1  sender: tail - head <= RH_RING_SLOTS (wrapping).
 *             G2  receiver: it looks at slots [head, tail) only, and tail - head
 *                 <= RH_RING_SLOTS.
 *             G3  each index is written by one end, from its private copy.
 *
 * Ordering, by pairs (R release, A acquire, SC sequentially consistent):
 *   P1  put: slot, block -> R tail             with  take: A tail
 *   P2  drop: body read -> R head              with  put:  A head
 *   P3  drop: block read -> R released         with  give: A released (arena.h)
 *   P4  put: SC tail, then nap; drop: SC head, released, then nap (doorbell.h)
 *       look, has_room: SC loads after the nap began */
#ifndef RH_SHM_RING_H
#define RH_SHM_RING_H

#include "../arena.h"

#include "../../wire/msg.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define RH_RING_SLOTS      128u
#define RH_RING_SLOT_BYTES 512u
#define RH_RING_INLINE_MAX (RH_RING_SLOT_BYTES - 64u)

struct rh_ring_slot {
	struct rh_msg_head head;
	union {
		uint32_t      offset; /* in the arena, for a longer body */
		unsigned char body[RH_RING_INLINE_MAX];
	};
};

/* Lines are apart so that a side that polls does not slow the writer of another. */
struct rh_ring_memory {
	_Atomic uint32_t    tail;       /* sender: messages put              */
	char                reserved1[60];
	_Atomic uint32_t    head;       /* receiver: messages done with      */
	_Atomic uint32_t    released;   /* receiver: arena blocks done with  */
	char                reserved2[56];
	struct rh_ring_slot slots[RH_RING_SLOTS];
	unsigned char       arena[RH_ARENA_BYTES];
};

_Static_assert(sizeof(struct rh_ring_slot) == RH_RING_SLOT_BYTES, "wire");
_Static_assert(offsetof(struct rh_ring_memory, head) == 64, "wire");
_Static_assert(offsetof(struct rh_ring_memory, slots) == 128, "wire");
_Static_assert((RH_RING_SLOTS & (RH_RING_SLOTS - 1)) == 0, "a ring");
_Static_assert(RH_ARENA_BLOCKS >= RH_RING_SLOTS, "slots run out first");

struct rh_ring_out {
	struct rh_ring_memory *memory;
	uint32_t               tail;
	uint32_t               head;     /* as last seen */
	struct rh_arena        arena;
};

struct rh_ring_in {
	struct rh_ring_memory *memory;
	uint32_t               head;
	uint32_t               tail;     /* as last seen */
	uint32_t               released;
	int                    is_lent;
	int                    has_block; /* the lent body lies in the arena */
};

void rh_ring_out_init(struct rh_ring_out *out, struct rh_ring_memory *memory);
void rh_ring_in_init(struct rh_ring_in *in, struct rh_ring_memory *memory);

/* Puts a message; ring the receiver's bell afterwards.
 * RH_EAGAIN    no room now.
 * RH_EMSGSIZE  head->len is over RH_PAYLOAD_ARENA_MAX.
 * RH_EPROTO    the receiver's indices are impossible. */
int rh_ring_put(struct rh_ring_out *out, const struct rh_msg_head *head,
                const void *body);

/* 1 when a message of len bytes would fit, else 0 or RH_EPROTO. */
int rh_ring_has_room(struct rh_ring_out *out, uint32_t len);

/* 1 when a message waits, else 0; RH_EPROTO when the index is impossible. */
int rh_ring_look(struct rh_ring_in *in);

/* 1 with a private copy of the next head, checked, and its body, lent.
 * RH_EAGAIN nothing there.  RH_EPROTO the sender wrote nonsense. */
int rh_ring_take(struct rh_ring_in *in, struct rh_msg_head *ret_head,
                 const void **ret_body);

/* Ends the lending and frees the slot; ring the sender's bell afterwards. */
void rh_ring_drop(struct rh_ring_in *in);

#endif
