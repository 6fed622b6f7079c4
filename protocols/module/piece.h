/* piece - a part of a message, as a framing carries it: a number and a sum, so that
 * what was lost, changed, invented or sent twice is known, and up to
 * RH_PIECE_MAX bytes.  The first piece of a message begins with its head.
 *
 * Threads  Pure functions. */
#ifndef RH_MODULE_PIECE_H
#define RH_MODULE_PIECE_H

#include "framing.h"

#include "../../wire/msg.h"

struct rh_piece {
	uint32_t      number; /* of this direction, from 0 on */
	uint32_t      sum;    /* of the bytes */
	unsigned char bytes[];
};

#define RH_PIECE_MAX   (RH_FRAMING_MESSAGE_MAX - (uint32_t)sizeof(struct rh_piece))
#define RH_PIECES_MAX  ((RH_PAYLOAD_ARENA_MAX + 64u) / RH_PIECE_MAX + 1)

_Static_assert(sizeof(struct rh_msg_head) <= RH_PIECE_MAX, "a head is not cut");

/* Not for keys: an accident is seen, a forger is not. */
uint32_t rh_piece_sum(const void *bytes, uint32_t len);

/* How many pieces len bytes are, and how many bytes the last one has. */
uint32_t rh_piece_count(uint32_t len, uint32_t *ret_last);

#endif
