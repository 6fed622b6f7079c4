/* side - what each side of a channel in shared memory keeps besides its rings: its
 * naps and doorbells, whether the other side closed, and counts for describe.
 *
 * Ownership   A side owns its two descriptors; the memory is the user's.
 * Threads     One.
 * Invariants  S1  the line of a side is written by that side alone.
 *             S2  is_broken stays: what was corrupt once is not trusted again.
 *
 * Ordering, by pairs (R release, A acquire):
 *   P6  close: the last message -> R closed    with  closed: A closed, then look
 *       for messages once more */
#ifndef RH_PROTOCOLS_SIDE_H
#define RH_PROTOCOLS_SIDE_H

#include "doorbell.h"
#include "protocol.h"

#include <stddef.h>

struct rh_side_line {
	_Atomic uint64_t asleep; /* nap: waits for something to poll */
	_Atomic uint64_t hungry; /* nap: waits for room              */
	_Atomic uint32_t closed;
	char             reserved[44];
};

_Static_assert(sizeof(struct rh_side_line) == 64, "one line");

struct rh_side {
	struct rh_side_line       *mine;
	const struct rh_side_line *theirs;
	struct rh_nap              asleep;
	struct rh_nap              hungry;
	struct rh_doorbell         data; /* rings when the other is asleep */
	struct rh_doorbell         room; /* rings when the other is hungry */
	int                        bell; /* what this side waits for       */
	int                        their_bell;
	int                        is_broken;
	uint32_t                   wanted; /* bytes of the submit refused last */
	uint64_t                   submitted;
	uint64_t                   polled;
	uint64_t                   full;
};

/* Takes both descriptors.  lines[which] is this side's. */
void rh_side_init(struct rh_side *side, struct rh_side_line lines[2], int which,
                  int bells[2]);

/* Called first in every poll, and in every arm, for not every user polls between two
 * naps: ends the naps and drains the bell. */
void rh_side_wake(struct rh_side *side);

/* 1 when the other side has closed; look for messages once more after it.  P6 */
int rh_side_is_alone(const struct rh_side *side);

/* Counts the outcome of a submit and remembers EPROTO; returns it. */
int rh_side_submitted(struct rh_side *side, int r, uint32_t len);

/* Counts the outcome of a poll and remembers EPROTO; returns it. */
int rh_side_polled(struct rh_side *side, int r);

void rh_side_describe(const struct rh_side *side, struct rh_description *ret);

/* Says that this side is gone, rings and closes the descriptors. */
void rh_side_close(struct rh_side *side);

#endif
