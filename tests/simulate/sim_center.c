#include "sim_center.h"

#include "sim_peer.h"
#include "truth.h"

#include "../../center/item.h"
#include "../../model/check.h"
#include "../../model/error.h"
#include "../../wire/frame.h"

#include <stdlib.h>
#include <string.h>

#define FRAMES_A_TURN 4

/* ---- the process -------------------------------------------------------- */

static void wake(void *user, struct rh_subscriber *subscriber)
{
	struct peer *peer = (struct peer *)(void *)((char *)subscriber -
	                                            offsetof(struct peer, subscriber));

	RH_CHECK(peer->center == user);
	peer->is_ready = 1;
}

struct sim_center *sim_center_create(struct sim *sim)
{
	struct sim_center *center = calloc(1, sizeof *center);

	if (!center)
		abort();
	center->sim = sim;
	return center;
}

void sim_center_start(struct sim_center *center)
{
	struct sim          *sim = center->sim;
	struct rh_push_sizes sizes = { .deltas = sim->shape.deltas,
	                               .bytes = sim->shape.ring_bytes,
	                               .snapshots = sim->shape.snapshots };
	char                 store[STORE_TEXT];

	RH_CHECK(!center->is_up);
	RH_CHECK(rh_push_init(&center->push, sim->truth->center, &sizes) == RH_OK);
	center->push.wake = wake;
	center->push.wake_user = center;
	center->is_up = 1;
	truth_store_text(sim->truth->store, store);
	sim_history(sim, "center", "store", store, sim->truth->revision, "-");
}

static void drop(struct peer *peer, int cut)
{
	struct sim_center *center = peer->center;

	for (unsigned i = 0; i < PEERS_MAX; i++) {
		if (center->peers[i] == peer)
			center->peers[i] = NULL;
	}
	if (peer->stage != STAGE_HELLO)
		rh_push_leave(&center->push, &peer->subscriber);
	wire_close(center->sim, peer->wire, WIRE_CENTER, cut);
	free(peer);
}

static void count_push(const struct rh_push_counts *counts)
{
	sim_counts[DID_SAME] += counts->same;
	sim_counts[DID_RAISE] += counts->raised;
	sim_counts[GAVE_UP_SNAPSHOT] += counts->given_up;
}

void sim_center_kill(struct sim_center *center)
{
	RH_CHECK(center->is_up);
	for (unsigned i = 0; i < PEERS_MAX; i++) {
		if (center->peers[i])
			drop(center->peers[i], 1);
	}
	count_push(&center->push.counts);
	rh_push_fini(&center->push);
	center->is_up = 0;
}

void sim_center_destroy(struct sim_center *center)
{
	if (center->is_up)
		sim_center_kill(center);
	free(center);
}

int sim_center_is_up(const struct sim_center *center)
{
	return center->is_up;
}

struct wire *sim_center_dial(struct sim_center *center)
{
	for (unsigned i = 0; i < PEERS_MAX && center->is_up; i++) {
		struct peer *peer;

		if (center->peers[i])
			continue;
		peer = calloc(1, sizeof *peer);
		if (!peer)
			abort();
		peer->center = center;
		peer->wire = wire_open(center->sim->shape.pipe_bytes);
		peer->heard_at = peer->told_at = center->sim->now;
		center->peers[i] = peer;
		return peer->wire;
	}
	return NULL;
}

void sim_center_cut(struct sim_center *center)
{
	struct peer *peer = center->peers[sim_below(center->sim, PEERS_MAX)];

	if (center->is_up && peer)
		drop(peer, 1);
}

void sim_center_change(struct sim_center *center)
{
	if (center->is_up)
		truth_change(center->sim->truth, &center->push);
}

/* ---- what agents say: RH_OK, or the peer is dropped --------------------- */

static int tell(struct peer *peer, uint8_t type, const struct rh_record_writer *writer)
{
	return wire_send(peer->center->sim, peer->wire, WIRE_CENTER, type, writer);
}

static int on_hello(struct peer *peer, const struct rh_record_reader *records)
{
	struct sim_center      *center = peer->center;
	const struct truth     *truth = center->sim->truth;
	unsigned char           bytes[128];
	struct rh_record_writer writer;
	struct rh_name          resource;
	char                    text[RH_NAME_MAX + 1];

	if (peer->stage != STAGE_HELLO ||
	    rh_record_text(records, RH_TAG_RESOURCE, text, sizeof text) != RH_OK ||
	    rh_name_init(&resource, text, strlen(text)) != RH_OK)
		return RH_EPROTO;
	if (rh_push_join(&center->push, &peer->subscriber, &resource) != RH_OK)
		return RH_ENOSPC;
	peer->stage = STAGE_JOINED;
	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u32(&writer, RH_TAG_VERSION, RH_PUSH_VERSION);
	rh_record_put(&writer, RH_TAG_STORE, truth->store, sizeof truth->store);
	rh_record_put_u64(&writer, RH_TAG_REVISION, truth->revision);
	return tell(peer, RH_FRAME_WELCOME, &writer) == 0 ? RH_OK : RH_ELOST;
}

static int on_subscribe(struct peer *peer, const struct rh_record_reader *records)
{
	const struct truth *truth = peer->center->sim->truth;
	struct rh_feed_ask  ask = { .have = 0 };
	struct rh_record    store;
	struct rh_diag      diag;

	if (peer->stage == STAGE_HELLO ||
	    rh_record_u64(records, RH_TAG_REVISION, &ask.have) != RH_OK ||
	    rh_record_u64(records, RH_TAG_BYTES, &ask.credit) != RH_OK ||
	    rh_record_find(records, RH_TAG_STORE, &store) != RH_OK ||
	    store.len != sizeof truth->store)
		return RH_EPROTO;
	ask.is_same_store = memcmp(store.bytes, truth->store, store.len) == 0;
	peer->stage = STAGE_SUBSCRIBED;
	peer->is_ready = 1;
	return rh_push_subscribe(&peer->center->push, &peer->subscriber, records, &ask,
	                         &diag);
}

static int on_credit(struct peer *peer, const struct rh_record_reader *records)
{
	uint64_t bytes;

	if (peer->stage != STAGE_SUBSCRIBED ||
	    rh_record_u64(records, RH_TAG_BYTES, &bytes) != RH_OK)
		return RH_EPROTO;
	rh_feed_credit(&peer->subscriber.feed, bytes);
	peer->is_ready = 1;
	return RH_OK;
}

static int read_result(struct peer *peer, const struct rh_record *record)
{
	struct rh_record_reader reader;
	struct rh_result        result = { .code = 0 };
	char                    caller[RH_NAME_MAX + 1], callee[RH_NAME_MAX + 1] = "";
	uint32_t                state;

	rh_record_read(&reader, record->bytes, record->len);
	(void)rh_record_text(&reader, RH_TAG_CALLEE, callee, sizeof callee);
	if (rh_record_text(&reader, RH_TAG_CALLER, caller, sizeof caller) != RH_OK ||
	    rh_record_u64(&reader, RH_TAG_REVISION, &result.revision) != RH_OK ||
	    rh_record_u32(&reader, RH_TAG_STATE, &state) != RH_OK ||
	    result.revision > peer->subscriber.feed.sent)
		return RH_EPROTO;
	struct rh_item_key key = rh_item_key_of(caller, callee[0] ? callee : NULL);
	result.state = (uint8_t)state;
	if (rh_push_is_latest(&peer->center->push, &peer->subscriber, &key,
	                      peer->subscriber.feed.acked))
		rh_results_put(&peer->subscriber.results,
		               &peer->subscriber.feed.resource, &key, &result);
	return RH_OK;
}

static int read_results(struct peer *peer, const struct rh_record_reader *records)
{
	struct rh_record_reader reader = *records;
	struct rh_record        record;
	int                     err = RH_OK;

	while (!err && rh_record_next(&reader, &record) > 0) {
		if (record.tag == RH_TAG_RESULT_ITEM)
			err = read_result(peer, &record);
	}
	return err;
}

static int on_result(struct peer *peer, const struct rh_record_reader *records)
{
	uint64_t revision;

	if (peer->stage != STAGE_SUBSCRIBED ||
	    rh_record_u64(records, RH_TAG_REVISION, &revision) != RH_OK)
		return RH_EPROTO;
	int err = rh_feed_ack(&peer->subscriber.feed, revision);
	return err ? err : read_results(peer, records);
}

static int on_frame(struct peer *peer, const struct wire_frame *frame)
{
	struct rh_frame_head    head;
	struct rh_record_reader records;

	memcpy(&head, frame->bytes, sizeof head);
	rh_record_read(&records, frame->bytes + sizeof head, head.payload_len);
	switch (head.type) {
	case RH_FRAME_HELLO:
		return on_hello(peer, &records);
	case RH_FRAME_SUBSCRIBE:
		return on_subscribe(peer, &records);
	case RH_FRAME_CREDIT:
		return on_credit(peer, &records);
	case RH_FRAME_RESULT:
		return on_result(peer, &records);
	default:
		return RH_EPROTO;
	}
}

/* 0 when the peer is gone. */
static int listen(struct peer *peer)
{
	struct sim        *sim = peer->center->sim;
	struct wire_frame *frame;
	int                more = 0;

	for (int i = 0; i < FRAMES_A_TURN; i++) {
		more = wire_read(sim, peer->wire, WIRE_CENTER, &frame);
		if (more <= 0)
			break;
		peer->heard_at = sim->now;
		int err = on_frame(peer, frame);
		free(frame);
		if (err == RH_OK)
			continue;
		if (err != RH_ELOST && !peer->wire->is_liar)
			sim_violation(sim, "the center drops %s: %d",
			              peer->subscriber.feed.resource.text, err);
		more = -1;
		break;
	}
	if (more < 0)
		drop(peer, sim_chance(sim, 50));
	return more >= 0;
}

/* ---- what agents are told ----------------------------------------------- */

static void count_frame(const struct rh_push_frame *frame)
{
	static const enum sim_count counts[] = {
		[RH_FRAME_SNAP_BEGIN - RH_FRAME_SNAP_BEGIN] = SENT_SNAPSHOT,
		[RH_FRAME_SNAP_ITEM - RH_FRAME_SNAP_BEGIN] = SENT_SNAPSHOT_ITEM,
		[RH_FRAME_SNAP_END - RH_FRAME_SNAP_BEGIN] = SENT_SNAPSHOT_END,
		[RH_FRAME_DELTA - RH_FRAME_SNAP_BEGIN] = SENT_DELTA,
		[RH_FRAME_BOOKMARK - RH_FRAME_SNAP_BEGIN] = SENT_BOOKMARK,
	};

	sim_counts[counts[frame->type - RH_FRAME_SNAP_BEGIN]]++;
	sim_counts[SENT_PART] += frame->target != 0;
}

static void count_waiting(const struct peer *peer)
{
	const struct rh_feed *feed = &peer->subscriber.feed;

	sim_counts[WAITED_FOR_SNAPSHOT] += peer->subscriber.is_waiting;
	sim_counts[NO_CREDIT] += feed->credit <= 0 && rh_push_is_behind(
		&peer->center->push, &peer->subscriber);
}

/* 0 when the peer is gone. */
static int speak(struct peer *peer)
{
	struct sim_center   *center = peer->center;
	struct sim          *sim = center->sim;
	struct rh_push_frame frame;

	for (int i = 0; i < FRAMES_A_TURN && peer->is_ready; i++) {
		int is_due = sim->now - peer->told_at >= BOOKMARK_MS;
		int made = rh_push_make(&center->push, &peer->subscriber, is_due, &frame);

		RH_CHECK(made >= 0);
		peer->is_ready = made;
		if (!made) {
			count_waiting(peer);
			return 1;
		}
		int sent = tell(peer, frame.type, &frame.writer);
		if (sent < 0) {
			rh_push_unsent(&center->push, &peer->subscriber, &frame);
			peer->is_full = 1;
			sim_counts[FULL_SOCKET] += sent == -1;
			peer->is_ready = 0;
			if (sent == -2)
				drop(peer, 1);
			return sent != -2;
		}
		if (peer->wire->spent >= peer->wire->granted)
			sim_violation(sim, "%s is sent more than it granted",
			              peer->subscriber.feed.resource.text);
		peer->wire->spent += frame.writer.used;
		peer->told_at = sim->now;
		count_frame(&frame);
		rh_push_sent(&center->push, &peer->subscriber, &frame);
	}
	return 1;
}

static int has_room(const struct peer *peer)
{
	return peer->wire->pipes[WIRE_CENTER].bytes < peer->wire->cap / 2;
}

/* Who reads nothing loses its snapshot, then its connection.  0 when it is gone. */
static int watch_time(struct peer *peer)
{
	struct sim_center *center = peer->center;
	uint64_t           now = center->sim->now;

	if (peer->is_full && has_room(peer)) {
		peer->is_full = 0;
		peer->is_ready = 1;
		peer->heard_at = now;
	}
	if (peer->stage == STAGE_SUBSCRIBED && now - peer->told_at >= BOOKMARK_MS)
		peer->is_ready |= !peer->is_full;
	if (!peer->is_full && peer->subscriber.feed.credit > 0)
		peer->heard_at = now; /* nothing is asked of it */
	if (now - peer->heard_at >= STALL_MS && peer->stage != STAGE_HELLO)
		rh_push_give_up(&center->push, &peer->subscriber);
	if (now - peer->heard_at < AWAY_MS)
		return 1;
	sim_counts[SENT_AWAY]++;
	drop(peer, 0); /* GOAWAY would not be read either */
	return 0;
}

void sim_center_turn(struct sim_center *center)
{
	unsigned first = sim_below(center->sim, PEERS_MAX);

	for (unsigned i = 0; i < PEERS_MAX && center->is_up; i++) {
		struct peer *peer = center->peers[(first + i) % PEERS_MAX];

		if (peer && listen(peer) && watch_time(peer))
			speak(peer);
	}
	if (!center->is_up)
		return;
	rh_push_let_begin(&center->push);
	sim_center_verify(center);
}

int sim_center_is_quiet(const struct sim_center *center)
{
	for (unsigned i = 0; i < PEERS_MAX; i++) {
		const struct peer    *peer = center->peers[i];
		const struct rh_feed *feed = peer ? &peer->subscriber.feed : NULL;

		if (!peer || peer->wire->is_liar)
			continue;
		if (peer->stage != STAGE_SUBSCRIBED || feed->state != RH_FEED_LIVE ||
		    feed->cursor != RH_FEED_IDLE || feed->acked != feed->sent ||
		    feed->sent != center->push.head ||
		    !wire_is_quiet(peer->wire, WIRE_CENTER) ||
		    !wire_is_quiet(peer->wire, WIRE_AGENT))
			return 0;
	}
	return center->is_up;
}
