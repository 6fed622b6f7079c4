/* stream - bytes in one direction: a ring in shared memory with one writer and one
 * reader, and the count of pieces that the bytes stand for.
 *
 * Invariants  B1  the writer publishes whole messages: the pieces counted in `sent` have
 *                 all their bytes before `tail`.
 *             B2  positions only grow; a byte lies at its position modulo the size.
 * Threads     One at each end.  What the other end wrote is hostile.
 *
 * Ordering, by pairs (R release, A acquire):
 *   P1  publish: bytes -> R tail -> seq_cst sent   with  look: seq_cst sent -> A tail
 *   P3  drop: bytes read -> seq_cst head           with  room: seq_cst head */
#ifndef RH_MODULE_STREAM_H
#define RH_MODULE_STREAM_H

#include "../../wire/limits.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define RH_STREAM_BYTES (16u << 20)

/* In the memory. */
struct rh_stream_way {
	_Atomic uint64_t tail;  /* writer */
	_Atomic uint64_t sent;  /* writer: pieces */
	char             reserved1[48];
	_Atomic uint64_t head;  /* reader */
	char             reserved2[56];
	unsigned char    bytes[RH_STREAM_BYTES];
};

_Static_assert(offsetof(struct rh_stream_way, bytes) == 128, "wire");
_Static_assert((RH_STREAM_BYTES & (RH_STREAM_BYTES - 1)) == 0, "a power of two");
_Static_assert(RH_STREAM_BYTES > 3 * RH_PAYLOAD_ARENA_MAX, "the longest message fits");

struct rh_stream_out {
	struct rh_stream_way *way;
	uint64_t              tail, sent;
};

struct rh_stream_in {
	struct rh_stream_way *way;
	uint64_t              head;
};

/* How many bytes can be written.  RH_EPROTO. */
int rh_stream_room(const struct rh_stream_out *out);

/* Writes behind what is published, at so many bytes from there; there is room. */
void rh_stream_write(struct rh_stream_out *out, uint32_t at, const void *bytes,
                     uint32_t len);

/* So many bytes, which are so many pieces more, can be read. */
void rh_stream_publish(struct rh_stream_out *out, uint32_t len, uint32_t pieces);

/* How many bytes can be read, of which *ret_sent pieces, at least, are a part or were
 * read before.  RH_EPROTO. */
int rh_stream_look(const struct rh_stream_in *in, uint64_t *ret_sent);

/* Copies the first bytes; they are there. */
void rh_stream_read(const struct rh_stream_in *in, void *into, uint32_t len);

/* The first bytes are done with. */
void rh_stream_drop(struct rh_stream_in *in, uint32_t len);

#endif
