/* feed - what the center sends to one subscriber, decided without any I/O.
 *
 *            subscribe: behind the ring          begun
 *   NEW ------------------------------> WANTED ---------> SNAPSHOT
 *    |  subscribe: within the ring        ^ ^ aborted, outdate | | ended
 *    +-----------> LIVE                   | +------------------+ |
 *                   |  ^ outdate, fell off|                      |
 *                   |  +------------------|----------------------+
 *                   +---------------------+
 *
 * The caller asks rh_feed_next what to send, sends it, and tells the feed what it
 * sent.  A feed has no queue, only a cursor: the number of the first delta in the
 * ring that may concern it.  It has credit, in bytes of payload of the frames that are
 * told here (SNAP_*, DELTA, BOOKMARK), which the subscriber grants; without credit
 * nothing is sent, and the feed costs nothing but itself.
 *
 * While a snapshot at revision R is sent, changes go on: the cursor stands at the
 * first delta above R, so after the snapshot the feed goes on with deltas.
 *
 * Ownership   The caller's, a plain value.
 * Threads     One.
 * Invariants  F1  sent and acked never fall, and acked <= sent.
 *             F2  in LIVE, every delta that concerns the resource with a revision above
 *                 sent has a number at or above cursor; but for those of the cursor's
 *                 own revision, of which parts were sent (or the cursor fell off).
 *             F3  a delta is sent with prev == the former sent: no gap but by a
 *                 snapshot. */
#ifndef RH_MODEL_FEED_H
#define RH_MODEL_FEED_H

#include "delta.h"
#include "name.h"

#include <stdint.h>

#define RH_FEED_IDLE       UINT64_MAX    /* cursor: nothing in the ring concerns it */
#define RH_FEED_CREDIT_MAX (1ll << 40)   /* bytes; more is granted in vain          */

enum rh_feed_state { RH_FEED_NEW, RH_FEED_WANTED, RH_FEED_SNAPSHOT, RH_FEED_LIVE,
                     RH_FEED_STATES };

enum rh_feed_action {
	RH_FEED_NOTHING,     /* up to date, or no credit                       */
	RH_FEED_BEGIN,       /* a snapshot, as soon as there is room for one   */
	RH_FEED_CONTINUE,    /* the snapshot goes on                           */
	RH_FEED_DELTA,       /* deltas from cursor on                          */
	RH_FEED_BOOKMARK,    /* nothing for it; the revision may have moved on */
};

struct rh_feed {
	struct rh_name resource;
	uint8_t        state;    /* enum rh_feed_state                         */
	uint8_t        is_new;   /* nothing was sent since it subscribed       */
	uint64_t       cursor;   /* number of a delta, or RH_FEED_IDLE         */
	uint64_t       sent;     /* revision that the subscriber will be at    */
	uint64_t       acked;    /* ... and said to have settled               */
	uint64_t       snapshot; /* revision of the one under way              */
	int64_t        credit;   /* bytes; below 0 after a large frame         */
};

/* What a SUBSCRIBE says, and what the center knows about it. */
struct rh_feed_ask {
	int      is_same_store;
	uint64_t have;     /* the subscriber's revision; 0: it wants a snapshot */
	uint64_t head;     /* of the store; who has more is not of this store   */
	uint64_t missed;   /* the last revision at which something that concerns
	                      it changed without being put into the ring        */
	uint64_t credit;   /* bytes, on top of what it granted before           */
};

void rh_feed_init(struct rh_feed *feed, const struct rh_name *resource);

/* The subscriber asks.  Again in any state: it asks anew, with have 0, after a gap;
 * a snapshot under way is given up. */
void rh_feed_subscribe(struct rh_feed *feed, const struct rh_delta_ring *ring,
                       const struct rh_feed_ask *ask);

/* Delta number concerns it (a watch matched).  More than once is harmless. */
void rh_feed_notify(struct rh_feed *feed, uint64_t number);

/* What it was sent is not all: it needs a snapshot; one under way is given up. */
void rh_feed_outdate(struct rh_feed *feed);

void rh_feed_credit(struct rh_feed *feed, uint64_t bytes);

/* What to send next.  head is the store's revision; a bookmark is wanted only when
 * is_due (time for a heartbeat): then also when the revision did not move on.  One that
 * subscribed and has missed nothing gets a bookmark at once: it is to know. */
enum rh_feed_action rh_feed_next(struct rh_feed *feed,
                                 const struct rh_delta_ring *ring, uint64_t head,
                                 int is_due);

/* What was sent.  revision is that of the snapshot, at or above all that was sent. */
void rh_feed_begun(struct rh_feed *feed, const struct rh_delta_ring *ring,
                   uint64_t revision, uint32_t bytes);
void rh_feed_continued(struct rh_feed *feed, uint32_t bytes);
void rh_feed_ended(struct rh_feed *feed, uint32_t bytes);      /* SNAP_END          */
void rh_feed_aborted(struct rh_feed *feed);                    /* snapshot given up */

/* Deltas up to and without number next were looked at, and those that concern it
 * sent.  revision is what the last frame with LAST 1 made the subscriber's; while
 * there was none (nothing concerned it, or the parts of a delta go on) it is still
 * feed->sent, and the next frame has the same prev. */
void rh_feed_delivered(struct rh_feed *feed, const struct rh_delta_ring *ring,
                       uint64_t next, uint64_t revision, uint32_t bytes);
void rh_feed_bookmarked(struct rh_feed *feed, uint64_t revision, uint32_t bytes);

/* The subscriber says that everything up to revision is settled: active, or
 * reported as rejected.  Until a snapshot is in, one of another store says 0.
 * RH_EPROTO  it was never sent that, or it falls back. */
int rh_feed_ack(struct rh_feed *feed, uint64_t revision);

/* Checks F1 and F2 in O(ring), of a subscriber that watches all that concerns its
 * resource: for tests. */
void rh_feed_verify(const struct rh_feed *feed, const struct rh_delta_ring *ring);

#endif
