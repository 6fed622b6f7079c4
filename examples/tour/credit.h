/* credit - link flow control by credits, the same for both ends of a link.
 *
 * Each end tells the other how many frames it may send in all, in a control frame.
 * A sender that has used up its limit waits; so a receiver that is slow, or stopped,
 * never has to drop.  A limit is cumulative: a later one replaces an earlier one.
 *
 * An end is known by its epoch, a number it picks when it starts.  When the other end
 * turns out to have a new epoch both counts begin again.
 *
 * Ownership   struct credit is the caller's memory; there is nothing to undo.
 * Threads     One at a time; the caller locks.
 * Invariants  K1  sent <= limit, but for the moment after a new epoch
 *             K2  received <= posted, when the other end keeps to its limit
 *             K3  what the other end may send and we have not received is never more
 *                 than window: so many frames fit what the kernel queues for us */
#ifndef TOUR_CREDIT_H
#define TOUR_CREDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CREDIT_FRAME_BYTES 60u
#define CREDIT_ETHERTYPE   0x88b5u /* IEEE 802: local experimental */

/* What credit_read asks of the caller. */
enum {
	CREDIT_NONE   = 0,
	CREDIT_ANSWER = 1 << 0, /* the other end does not know us yet: tell it */
	CREDIT_MORE   = 1 << 1, /* the limit rose: waiting senders may go on   */
};

struct credit {
	uint32_t epoch;
	uint32_t partner_epoch;
	uint64_t sent;
	uint64_t limit;
	uint64_t received;
	uint64_t posted; /* room made so far                  */
	uint64_t window; /* K3                                */
	uint64_t told;   /* the limit that was told last      */
};

#define CREDIT_UNBOUNDED (UINT64_MAX / 2) /* posted by who only needs a window */

void credit_init(struct credit *credit, uint32_t epoch, uint64_t posted,
                 uint64_t window);

/* Adds room for count frames. */
void credit_post(struct credit *credit, uint64_t count);

/* Counts a frame that was received; false when it had no credit. */
bool credit_receive(struct credit *credit);

/* Whether the limit rose so much that it is time to tell the other end. */
bool credit_is_due(const struct credit *credit);

/* Takes the right to send one frame; false when there is none. */
bool credit_take(struct credit *credit);

/* Gives a right back that was taken for a frame that could not be sent. */
void credit_untake(struct credit *credit);

/* Writes the control frame of CREDIT_FRAME_BYTES that tells the present room. */
void credit_write(struct credit *credit, const uint8_t to[6], const uint8_t from[6],
                  uint8_t *frame);

bool credit_is_control(const uint8_t *frame, size_t len);

/* Takes in a control frame; returns CREDIT_* bits. */
int credit_read(struct credit *credit, const uint8_t *frame, size_t len);

#endif
