#include "feed.h"

#include "check.h"
#include "error.h"

enum event {
	BEHIND,      /* subscribes, and the ring does not reach back far enough  */
	WITHIN,      /* subscribes, and the ring knows all that it has not       */
	OUTDATED,    /* what it was sent is not all, or its cursor fell off      */
	BEGUN, CONTINUED, ENDED, ABORTED, DELIVERED, BOOKMARKED,
	EVENTS
};

enum { NEW = RH_FEED_NEW, WANTED = RH_FEED_WANTED, SNAPSHOT = RH_FEED_SNAPSHOT,
       LIVE = RH_FEED_LIVE, NONE = RH_FEED_STATES };

/* What comes after; NONE: the caller sent what it was not told to send. */
static const uint8_t next_state[RH_FEED_STATES][EVENTS] = {
	/*             BEHIND  WITHIN OUTDATED BEGUN     CONTINUED ENDED ABORTED
	               DELIVERED BOOKMARKED */
	[NEW]      = { WANTED, LIVE,  NEW,     NONE,     NONE,     NONE, NONE,
	               NONE,     NONE },
	[WANTED]   = { WANTED, LIVE,  WANTED,  SNAPSHOT, NONE,     NONE, NONE,
	               NONE,     NONE },
	[SNAPSHOT] = { WANTED, LIVE,  WANTED,  NONE,     SNAPSHOT, LIVE, WANTED,
	               NONE,     NONE },
	[LIVE]     = { WANTED, LIVE,  WANTED,  NONE,     NONE,     NONE, NONE,
	               LIVE,     LIVE },
};

static void step(struct rh_feed *feed, enum event event)
{
	RH_CHECK(feed->state < RH_FEED_STATES);
	RH_CHECK(next_state[feed->state][event] != NONE);
	feed->state = next_state[feed->state][event];
}

void rh_feed_init(struct rh_feed *feed, const struct rh_name *resource)
{
	*feed = (struct rh_feed){ .resource = *resource, .cursor = RH_FEED_IDLE };
}

/* number, or that nothing is there. */
static uint64_t cursor_at(const struct rh_delta_ring *ring, uint64_t number)
{
	return number < ring->end ? number : RH_FEED_IDLE;
}

static void give(struct rh_feed *feed, uint64_t bytes)
{
	int64_t room = RH_FEED_CREDIT_MAX - feed->credit;

	feed->credit += bytes < (uint64_t)room ? (int64_t)bytes : room;
}

static void spend(struct rh_feed *feed, uint32_t bytes)
{
	if (bytes > 0)
		feed->is_new = 0;
	feed->credit -= bytes;
}

/* Does it continue what it has, and does the ring know all that came after? */
static int is_within(const struct rh_feed *feed, const struct rh_delta_ring *ring,
                     const struct rh_feed_ask *ask, uint64_t *ret_number)
{
	return ask->is_same_store && ask->have != 0 && ask->have <= ask->head &&
	       ask->have >= ask->missed && ask->have >= feed->sent && /* F1 */
	       rh_delta_seek(ring, ask->have, ret_number) == RH_OK;
}

void rh_feed_subscribe(struct rh_feed *feed, const struct rh_delta_ring *ring,
                       const struct rh_feed_ask *ask)
{
	uint64_t number = ring->end;
	int      is_continued = is_within(feed, ring, ask, &number);

	if (ask->is_same_store && ask->have <= ask->head && ask->have > feed->sent)
		feed->sent = ask->have; /* also the one that takes a snapshot acks that */
	give(feed, ask->credit);
	step(feed, is_continued ? WITHIN : BEHIND);
	feed->is_new = 1;
	feed->cursor = is_continued ? cursor_at(ring, number) : RH_FEED_IDLE;
}

void rh_feed_notify(struct rh_feed *feed, uint64_t number)
{
	if (feed->state != RH_FEED_SNAPSHOT && feed->state != RH_FEED_LIVE)
		return; /* a snapshot will show it */
	if (feed->cursor == RH_FEED_IDLE)
		feed->cursor = number;
	RH_CHECK(feed->cursor <= number); /* F2 */
}

void rh_feed_outdate(struct rh_feed *feed)
{
	step(feed, OUTDATED);
	feed->cursor = RH_FEED_IDLE;
}

void rh_feed_credit(struct rh_feed *feed, uint64_t bytes)
{
	give(feed, bytes);
}

static int is_off(const struct rh_feed *feed, const struct rh_delta_ring *ring)
{
	return feed->sent < ring->raised ||
	       (feed->cursor != RH_FEED_IDLE && feed->cursor < ring->first);
}

enum rh_feed_action rh_feed_next(struct rh_feed *feed, const struct rh_delta_ring *ring,
                                 uint64_t head, int is_due)
{
	RH_CHECK(feed->sent <= head);
	if (feed->state == RH_FEED_LIVE && is_off(feed, ring))
		rh_feed_outdate(feed);
	if (feed->state == RH_FEED_NEW || feed->credit <= 0)
		return RH_FEED_NOTHING;
	if (feed->state == RH_FEED_WANTED)
		return RH_FEED_BEGIN;
	if (feed->state == RH_FEED_SNAPSHOT)
		return RH_FEED_CONTINUE;
	if (feed->cursor != RH_FEED_IDLE)
		return RH_FEED_DELTA;
	return is_due || feed->is_new ? RH_FEED_BOOKMARK : RH_FEED_NOTHING;
}

void rh_feed_begun(struct rh_feed *feed, const struct rh_delta_ring *ring,
                   uint64_t revision, uint32_t bytes)
{
	uint64_t number;

	RH_CHECK(revision >= feed->sent); /* F1 */
	int result = rh_delta_seek(ring, revision, &number);
	RH_CHECK(result == RH_OK); /* F2: what comes after it is in the ring */
	step(feed, BEGUN);
	feed->snapshot = revision;
	feed->cursor = cursor_at(ring, number);
	spend(feed, bytes);
}

void rh_feed_continued(struct rh_feed *feed, uint32_t bytes)
{
	step(feed, CONTINUED);
	spend(feed, bytes);
}

void rh_feed_ended(struct rh_feed *feed, uint32_t bytes)
{
	step(feed, ENDED);
	RH_CHECK(feed->snapshot >= feed->sent); /* F1 */
	feed->sent = feed->snapshot;
	spend(feed, bytes);
}

void rh_feed_aborted(struct rh_feed *feed)
{
	step(feed, ABORTED);
	feed->cursor = RH_FEED_IDLE;
}

void rh_feed_delivered(struct rh_feed *feed, const struct rh_delta_ring *ring,
                       uint64_t next, uint64_t revision, uint32_t bytes)
{
	const struct rh_delta *left = rh_delta_get(ring, next);

	step(feed, DELIVERED);
	RH_CHECK(revision >= feed->sent); /* F1 */
	RH_CHECK(next <= ring->end);
	RH_CHECK(left == NULL || left->revision > revision); /* F2 */
	RH_CHECK(bytes > 0 || revision == feed->sent); /* F3 */
	feed->sent = revision;
	feed->cursor = cursor_at(ring, next);
	spend(feed, bytes);
}

void rh_feed_bookmarked(struct rh_feed *feed, uint64_t revision, uint32_t bytes)
{
	step(feed, BOOKMARKED);
	RH_CHECK(feed->cursor == RH_FEED_IDLE); /* F2 */
	RH_CHECK(revision >= feed->sent); /* F1 */
	feed->sent = revision;
	spend(feed, bytes);
}

int rh_feed_ack(struct rh_feed *feed, uint64_t revision)
{
	if (revision > feed->sent || revision < feed->acked)
		return RH_EPROTO;
	feed->acked = revision;
	return RH_OK;
}

/* Every delta that it was not sent is still before it. */
static void verify_cursor(const struct rh_feed *feed, const struct rh_delta_ring *ring)
{
	const struct rh_delta *at = rh_delta_get(ring, feed->cursor);

	for (uint64_t i = ring->first; i < ring->end; i++) {
		const struct rh_delta *delta = rh_delta_get(ring, i);

		if (delta->revision <= feed->sent || i >= feed->cursor ||
		    !rh_item_concerns(&delta->key, &feed->resource))
			continue;
		RH_CHECK(at != NULL && delta->revision == at->revision); /* F2: a part */
	}
}

void rh_feed_verify(const struct rh_feed *feed, const struct rh_delta_ring *ring)
{
	RH_CHECK(feed->state < RH_FEED_STATES);
	RH_CHECK(feed->acked <= feed->sent); /* F1 */
	RH_CHECK(feed->credit <= RH_FEED_CREDIT_MAX);
	RH_CHECK(feed->cursor == RH_FEED_IDLE || feed->cursor < ring->end);
	if (feed->state == RH_FEED_NEW || feed->state == RH_FEED_WANTED)
		RH_CHECK(feed->cursor == RH_FEED_IDLE);
	if (feed->state == RH_FEED_LIVE && !is_off(feed, ring))
		verify_cursor(feed, ring);
}
