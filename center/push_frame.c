#include "push.h"

#include "center.h"
#include "item.h"

#include "../model/check.h"
#include "../model/error.h"
#include "../wire/frame.h"

#include <string.h>

#define PAYLOAD_MAX (RH_FRAME_MAX - sizeof(struct rh_frame_head))

/* PREV, REVISION and LAST stand before the items, and are known after them. */
#define DELTA_HEAD  (16u + 16u + 12u)

static unsigned char payload[PAYLOAD_MAX];

static void begin(struct rh_push_frame *frame, enum rh_frame_type type)
{
	*frame = (struct rh_push_frame){ .type = (uint8_t)type };
	rh_record_begin(&frame->writer, payload, sizeof payload);
}

/* ---- snapshots ---- */

static void wait_for_room(struct rh_push *push, struct rh_subscriber *subscriber)
{
	if (subscriber->is_waiting)
		return;
	subscriber->is_waiting = 1;
	subscriber->next = NULL;
	*push->waiting_last = subscriber;
	push->waiting_last = &subscriber->next;
}

static void let_next(struct rh_push *push)
{
	struct rh_subscriber *next = push->waiting;

	if (!next || push->snapshots >= push->sizes.snapshots)
		return;
	push->waiting = next->next;
	if (!push->waiting)
		push->waiting_last = &push->waiting;
	next->is_waiting = 0;
	if (push->wake)
		push->wake(push->wake_user, next);
}

static void release_snapshot(struct rh_push *push, struct rh_subscriber *subscriber)
{
	if (!subscriber->has_snapshot)
		return;
	rh_parcel_fini(&subscriber->snapshot);
	subscriber->has_snapshot = 0;
	RH_CHECK(push->snapshots > 0); /* U2 */
	push->snapshots--;
	let_next(push);
}

/* Who waits has its turn before one that comes now. */
static int make_begin(struct rh_push *push, struct rh_subscriber *subscriber,
                      struct rh_push_frame *frame)
{
	if (subscriber->is_waiting)
		return 0;
	if (push->snapshots >= push->sizes.snapshots) {
		wait_for_room(push, subscriber);
		return 0;
	}
	int err = rh_parcel_snapshot(&subscriber->snapshot, push, subscriber);
	if (err)
		return err;
	subscriber->has_snapshot = 1;
	push->snapshots++; /* U2 */
	begin(frame, RH_FRAME_SNAP_BEGIN);
	frame->revision = push->head;
	rh_record_put_u64(&frame->writer, RH_TAG_REVISION, push->head);
	return 1;
}

static int make_continue(const struct rh_subscriber *subscriber,
                         struct rh_push_frame *frame)
{
	const unsigned char *part;
	size_t               len = rh_parcel_next(&subscriber->snapshot, &part);

	if (len == 0) {
		begin(frame, RH_FRAME_SNAP_END);
		rh_record_put_u64(&frame->writer, RH_TAG_REVISION,
		                  subscriber->feed.snapshot);
		return 1;
	}
	*frame = (struct rh_push_frame){
		.type = RH_FRAME_SNAP_ITEM,
		.writer = { .bytes = (unsigned char *)(uintptr_t)part, .cap = len,
		            .used = len },
	};
	return 1;
}

/* One that was let and does not begin after all leaves its place to the next. */
void rh_push_let_begin(struct rh_push *push)
{
	for (unsigned i = push->snapshots; i < push->sizes.snapshots && push->waiting; i++)
		let_next(push);
}

void rh_push_give_up(struct rh_push *push, struct rh_subscriber *subscriber)
{
	if (subscriber->feed.state == RH_FEED_SNAPSHOT) {
		rh_feed_aborted(&subscriber->feed);
		push->counts.given_up++;
	}
	release_snapshot(push, subscriber);
}

/* ---- deltas ---- */

/* How far the deltas of a frame go. */
struct gathering {
	uint64_t next;       /* number of the first delta not looked at        */
	uint64_t revision;   /* of the items put last; 0: none yet             */
	uint64_t full_next;  /* as they were when the items of a revision and  */
	uint64_t full;       /* ... all before it were in the frame; 0: never  */
	size_t   full_used;
	int      is_full;    /* the frame: the delta at next did not fit       */
};

/* 1 when it was put, 0 when it does not fit. */
static int put_delta(const struct rh_push *push, struct rh_record_writer *writer,
                     const struct rh_delta *delta)
{
	size_t used = writer->used, place = rh_record_open(writer, RH_TAG_ITEM);

	if (delta->len == 0) {
		rh_item_wrap(writer, &delta->key, delta->revision, NULL, 0);
	} else if (!writer->failed && writer->cap - writer->used >= delta->len) {
		memcpy(writer->bytes + writer->used,
		       rh_delta_bytes(&push->ring, delta), delta->len);
		writer->used += delta->len;
	} else {
		writer->failed = 1;
	}
	rh_record_close(writer, place);
	if (!writer->failed)
		return 1;
	writer->failed = 0;
	writer->used = used;
	return 0;
}

static void gather(const struct rh_push *push, const struct rh_subscriber *subscriber,
                   struct rh_record_writer *writer, struct gathering *at)
{
	const struct rh_delta *delta;

	*at = (struct gathering){ .next = subscriber->feed.cursor };
	for (; (delta = rh_delta_get(&push->ring, at->next)); at->next++) {
		if (subscriber->target && delta->revision > subscriber->target)
			return;
		if (delta->revision <= subscriber->feed.sent ||
		    !rh_push_watches(push, subscriber, &delta->key))
			continue;
		if (at->revision && delta->revision != at->revision) {
			at->full = at->revision;
			at->full_next = at->next;
			at->full_used = writer->used;
		}
		if (!put_delta(push, writer, delta)) {
			at->is_full = 1;
			return;
		}
		at->revision = delta->revision;
	}
}

static void put_delta_head(const struct rh_subscriber *subscriber, uint64_t revision,
                           int is_last)
{
	struct rh_record_writer head;

	rh_record_begin(&head, payload, DELTA_HEAD);
	rh_record_put_u64(&head, RH_TAG_PREV, subscriber->feed.sent);
	rh_record_put_u64(&head, RH_TAG_REVISION, revision);
	rh_record_put_u32(&head, RH_TAG_LAST, (uint32_t)is_last);
	RH_CHECK(rh_record_end(&head) == (int)DELTA_HEAD);
}

/* As many revisions as fit; of one that does not fit a frame, a part. */
static int make_delta(struct rh_push *push, struct rh_subscriber *subscriber,
                      struct rh_push_frame *frame)
{
	struct gathering at;
	uint64_t         revision = subscriber->target ? subscriber->target : push->head;
	int              is_last = 1;

	begin(frame, RH_FRAME_DELTA);
	frame->writer.used = DELTA_HEAD;
	gather(push, subscriber, &frame->writer, &at);
	if (!at.is_full && !at.revision && !subscriber->target) {
		rh_feed_delivered(&subscriber->feed, &push->ring, at.next,
		                  subscriber->feed.sent, 0); /* none concerns it */
		return 0;
	}
	if (at.is_full && at.full) { /* all but the revision that does not fit */
		frame->writer.used = at.full_used;
		at.next = at.full_next;
		revision = at.full;
	} else if (at.is_full) {
		RH_CHECK(at.revision); /* any item fits an empty frame */
		revision = at.revision;
		is_last = 0;
	}
	put_delta_head(subscriber, revision, is_last);
	frame->next = at.next;
	frame->revision = is_last ? revision : subscriber->feed.sent;
	frame->target = is_last ? 0 : revision;
	return 1;
}

/* ---- any ---- */

static int make_bookmark(struct rh_push *push, struct rh_subscriber *subscriber,
                         struct rh_push_frame *frame)
{
	begin(frame, RH_FRAME_BOOKMARK);
	frame->revision = push->head;
	rh_record_put_u64(&frame->writer, RH_TAG_PREV, subscriber->feed.sent);
	rh_record_put_u64(&frame->writer, RH_TAG_REVISION, push->head);
	return 1;
}

int rh_push_make(struct rh_push *push, struct rh_subscriber *subscriber, int is_due,
                 struct rh_push_frame *ret_frame)
{
	struct rh_feed *feed = &subscriber->feed;
	int             made = 0;

	for (;;) {
		switch (rh_feed_next(feed, &push->ring, push->head, is_due)) {
		case RH_FEED_NOTHING:
			return 0;
		case RH_FEED_BEGIN:
			subscriber->target = 0;
			return make_begin(push, subscriber, ret_frame);
		case RH_FEED_CONTINUE:
			return make_continue(subscriber, ret_frame);
		case RH_FEED_BOOKMARK:
			return make_bookmark(push, subscriber, ret_frame);
		case RH_FEED_DELTA:
			made = make_delta(push, subscriber, ret_frame);
			if (made)
				return made;
		}
	}
}

/* What was said of the items that are sent anew is said of former ones. */
static void forget_results(const struct rh_push *push, struct rh_subscriber *subscriber,
                           uint64_t next)
{
	const struct rh_delta *delta;

	for (uint64_t i = subscriber->feed.cursor;
	     i < next && subscriber->results.count > 0; i++) {
		delta = rh_delta_get(&push->ring, i);
		if (delta && rh_push_watches(push, subscriber, &delta->key))
			rh_results_forget(&subscriber->results,
			                  &subscriber->feed.resource, &delta->key);
	}
}

void rh_push_sent(struct rh_push *push, struct rh_subscriber *subscriber,
                  const struct rh_push_frame *frame)
{
	struct rh_feed *feed = &subscriber->feed;
	uint32_t        bytes = (uint32_t)frame->writer.used;

	switch (frame->type) {
	case RH_FRAME_SNAP_BEGIN:
		rh_feed_begun(feed, &push->ring, frame->revision, bytes);
		push->counts.snapshots++;
		break;
	case RH_FRAME_SNAP_ITEM:
		rh_feed_continued(feed, bytes);
		rh_parcel_advance(&subscriber->snapshot);
		break;
	case RH_FRAME_SNAP_END:
		rh_feed_ended(feed, bytes);
		rh_results_clear(&subscriber->results);
		subscriber->whole = feed->sent;
		subscriber->is_unsaid = 1;
		release_snapshot(push, subscriber);
		break;
	case RH_FRAME_DELTA:
		forget_results(push, subscriber, frame->next);
		rh_feed_delivered(feed, &push->ring, frame->next, frame->revision, bytes);
		subscriber->target = frame->target;
		push->counts.deltas++;
		break;
	default:
		RH_CHECK(frame->type == RH_FRAME_BOOKMARK);
		rh_feed_bookmarked(feed, frame->revision, bytes);
	}
}

/* A snapshot that is not begun would grow old. */
void rh_push_unsent(struct rh_push *push, struct rh_subscriber *subscriber,
                    const struct rh_push_frame *frame)
{
	if (frame->type == RH_FRAME_SNAP_BEGIN)
		release_snapshot(push, subscriber);
}

int rh_push_is_behind(const struct rh_push *push,
                      const struct rh_subscriber *subscriber)
{
	const struct rh_feed *feed = &subscriber->feed;

	(void)push;
	return feed->state == RH_FEED_SNAPSHOT ||
	       (feed->state == RH_FEED_WANTED && !subscriber->is_waiting) ||
	       (feed->state == RH_FEED_LIVE && feed->cursor != RH_FEED_IDLE);
}
