/* feed - what the center sends to one subscriber, decided without any I/O.
 *
 *            subscribe: behind the ring          begun
 *   NEW ------------------------------> WANTED ---------> SNAPSHOT
 *    |  subscribe: within the ring         ^                 | ended
 *    +-----------> LIVE <------------------|-----------------+
 *                   |  cursor fell off     |
 *                   +----------------------+
 *
 * The caller asks rh_feed_next what to send, sends it, and tells the feed what it
 * sent.  A feed has no queue, only a cursor: the number of the first delta in the
 * ring that may concern it.  It has credit, in bytes of payload, which the subscriber
 * grants; without credit nothing is sent, and the feed costs nothing but itself.
 *
 * While a snapshot at revision R is sent, changes go on: the cursor stands at the
 * first delta above R, so after the snapshot the feed goes on with deltas.
 *
 * Ownership   The caller's, a plain value.
 * Threads     One.
 * Invariants  F1  sent never falls.
 *             F2  in LIVE, every delta that concerns the resource with a revision above
 *                 sent has a number at or above cursor.
 *             F3  a delta is sent with prev == the former sent: no gap but by a
 *                 snapshot. */
#ifndef RH_MODEL_FEED_H
#define RH_MODEL_FEED_H

#include "delta.h"
#include "name.h"

#include <stdint.h>

#define RH_FEED_IDLE UINT64_MAX /* cursor: nothing in the ring concerns it */

enum rh_feed_state { RH_FEED_NEW, RH_FEED_WANTED, RH_FEED_SNAPSHOT, RH_FEED_LIVE,
                     RH_FEED_STATES };

enum rh_feed_action {
	RH_FEED_NOTHING,     /* up to date, or no credit                       */
	RH_FEED_BEGIN,       /* a snapshot, as soon as there is room for one   */
	RH_FEED_CONTINUE,    /* the snapshot goes on                           */
	RH_FEED_DELTA,       /* deltas from cursor on                          */
	RH_FEED_BOOKMARK,    /* nothing for it, but the revision moved on      */
};

struct rh_feed {
	struct rh_name resource;
	uint8_t        state;    /* enum rh_feed_state                         */
	uint64_t       cursor;   /* number of a delta, or RH_FEED_IDLE         */
	uint64_t       sent;     /* revision that the subscriber will be at    */
	uint64_t       acked;    /* ... and said to be at                      */
	uint64_t       snapshot; /* revision of the one under way              */
	int64_t        credit;   /* bytes; below 0 after a large frame         */
};

void rh_feed_init(struct rh_feed *feed, const struct rh_name *resource);

/* The subscriber is at revision have of this store (is_same_store) and grants
 * credit.  missed is the last revision at which something that concerns it changed
 * without being put into the ring.  Again in any state: it asks anew after a gap. */
void rh_feed_subscribe(struct rh_feed *feed, const struct rh_delta_ring *ring,
                       int is_same_store, uint64_t have, uint64_t missed,
                       uint64_t credit);

/* Delta number concerns it (a watch matched). */
void rh_feed_notify(struct rh_feed *feed, uint64_t number);

/* All it knows is out of date (the ring was raised past it): WANTED. */
void rh_feed_outdate(struct rh_feed *feed);

void rh_feed_credit(struct rh_feed *feed, uint64_t bytes);

/* What to send next.  head is the store's revision; a bookmark is wanted only when
 * is_due (time for a heartbeat). */
enum rh_feed_action rh_feed_next(struct rh_feed *feed,
                                 const struct rh_delta_ring *ring, uint64_t head,
                                 int is_due);

/* What was sent. */
void rh_feed_begun(struct rh_feed *feed, const struct rh_delta_ring *ring,
                   uint64_t revision, uint32_t bytes);
void rh_feed_continued(struct rh_feed *feed, uint32_t bytes);
void rh_feed_ended(struct rh_feed *feed, uint32_t bytes);      /* SNAP_END          */
void rh_feed_aborted(struct rh_feed *feed);                    /* snapshot given up */
/* Deltas up to and without number next were looked at, those that concern it sent,
 * all of the revisions up to revision. */
void rh_feed_delivered(struct rh_feed *feed, const struct rh_delta_ring *ring,
                       uint64_t next, uint64_t revision, uint32_t bytes);
void rh_feed_bookmarked(struct rh_feed *feed, uint64_t revision, uint32_t bytes);

/* The subscriber says that everything up to revision is settled: active, or
 * reported as rejected.
 * RH_EPROTO  it was never sent that, or it falls back. */
int rh_feed_ack(struct rh_feed *feed, uint64_t revision);

#endif
