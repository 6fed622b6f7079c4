#include "push_stage.h"

#include "../../base/diag.h"
#include "../../center/item.h"
#include "../../model/error.h"
#include "../../wire/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

uint64_t seed;

unsigned any(unsigned below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(seed >> 33) % below;
}

/* ---- the stage ---- */

static void on_touch(void *user, const struct rh_item_key *key)
{
	rh_push_touch(user, key);
}

static void on_untouch(void *user)
{
	rh_push_untouch(user);
}

static void on_wake(void *user, struct rh_subscriber *sub)
{
	(void)user;
	((struct agent *)(void *)sub)->is_woken = 1; /* its first member */
}

struct stage *open_stage(void **state, struct rh_push_sizes sizes)
{
	struct stage *stage = calloc(1, sizeof *stage);

	assert_non_null(stage);
	stage->fixture = *state;
	struct rh_center *center = &stage->fixture->center;
	assert_int_equal(rh_push_init(&stage->push, center, &sizes), RH_OK);
	stage->push.wake = on_wake;
	center->realm.touch = on_touch;
	center->realm.untouch = on_untouch;
	center->realm.touch_user = &stage->push;
	return stage;
}

void free_items(struct item *items, size_t *count)
{
	for (size_t i = 0; i < *count; i++)
		free(items[i].bytes);
	*count = 0;
}

void close_stage(struct stage *stage)
{
	for (size_t i = 0; i < stage->agent_count; i++) {
		struct agent *agent = stage->agents[i];

		if (agent->is_connected)
			rh_push_leave(&stage->push, &agent->sub);
		free_items(agent->items, &agent->item_count);
		free_items(agent->held, &agent->held_count);
		free(agent);
	}
	stage->fixture->center.realm.touch = NULL;
	stage->fixture->center.realm.untouch = NULL;
	rh_watch_verify(&stage->push.watches);
	assert_int_equal(stage->push.snapshots, 0);
	assert_int_equal(stage->push.watches.used, 0);
	rh_push_fini(&stage->push);
	free(stage);
}

int publish(struct stage *stage)
{
	int err = commit(&stage->fixture->center);

	if (err == RH_OK)
		rh_push_publish(&stage->push);
	return err;
}

/* ---- an agent ---- */

int subscribe(struct stage *stage, struct agent *agent, uint64_t credit,
              const char *const *prefixes, struct rh_diag *diag)
{
	unsigned char           bytes[2048];
	struct rh_record_writer writer;
	struct rh_record_reader reader;
	struct rh_feed_ask      ask = {
		.is_same_store = 1, .have = rh_follow_have(&agent->follow),
		.credit = credit,
	};

	rh_record_begin(&writer, bytes, sizeof bytes);
	for (; *prefixes; prefixes++)
		rh_record_put_text(&writer, RH_TAG_PREFIX, *prefixes);
	rh_record_read(&reader, bytes, writer.used);
	return rh_push_subscribe(&stage->push, &agent->sub, &reader, &ask, diag);
}

void subscribe_all(struct stage *stage, struct agent *agent, uint64_t credit)
{
	char        self[80], out[80], in[80];
	const char *prefixes[] = { self, out, in, NULL };

	sprintf(self, "resource/%s", agent->name.text);
	sprintf(out, "out/%s/", agent->name.text);
	sprintf(in, "in/%s/", agent->name.text);
	assert_int_equal(subscribe(stage, agent, credit, prefixes, NULL), RH_OK);
}

static const unsigned char store[RH_STORE_ID_LEN] = "the only store";

void connect_agent(struct stage *stage, struct agent *agent)
{
	assert_int_equal(rh_push_join(&stage->push, &agent->sub, &agent->name), RH_OK);
	assert_true(rh_follow_joined(&agent->follow, store) >= 0);
	agent->is_connected = 1;
}

void disconnect_agent(struct stage *stage, struct agent *agent)
{
	rh_push_leave(&stage->push, &agent->sub);
	rh_follow_lost(&agent->follow);
	free_items(agent->held, &agent->held_count);
	agent->is_connected = 0;
}

struct agent *new_agent(struct stage *stage, const char *name, uint64_t window)
{
	struct agent *agent = calloc(1, sizeof *agent);

	assert_non_null(agent);
	assert_int_equal(rh_name_init(&agent->name, name, strlen(name)), RH_OK);
	rh_follow_init(&agent->follow, NULL, 0, window);
	stage->agents[stage->agent_count++] = agent;
	connect_agent(stage, agent);
	subscribe_all(stage, agent, window);
	return agent;
}

static void read_item(struct agent *agent, const struct rh_record *record)
{
	struct rh_record_reader reader;
	struct rh_record        body;
	struct item             item = { .len = 0 };
	char                    text[RH_NAME_MAX + 1];

	rh_record_read(&reader, record->bytes, record->len);
	assert_int_equal(rh_record_text(&reader, RH_TAG_CALLER, text, sizeof text), RH_OK);
	assert_int_equal(rh_name_init(&item.key.caller, text, strlen(text)), RH_OK);
	if (rh_record_text(&reader, RH_TAG_CALLEE, text, sizeof text) == RH_OK)
		assert_int_equal(rh_name_init(&item.key.callee, text, strlen(text)), RH_OK);
	assert_int_equal(rh_record_u64(&reader, RH_TAG_REVISION, &item.revision), RH_OK);
	assert_true(rh_item_concerns(&item.key, &agent->name));
	if (rh_record_find(&reader, item.key.callee.len ? RH_TAG_EDGE_ITEM : RH_TAG_SELF,
	                   &body) == RH_OK) {
		item.len = body.len;
		item.bytes = malloc(body.len);
		assert_non_null(item.bytes);
		memcpy(item.bytes, body.bytes, body.len);
	}
	assert_true(agent->held_count < ITEMS_MAX);
	agent->held[agent->held_count++] = item;
	agent->items_heard++;
}

static void hold(struct agent *agent, const struct rh_record_reader *records)
{
	struct rh_record_reader reader = *records;
	struct rh_record        record;
	uint64_t                prev = 0, revision = 0;

	rh_record_u64(records, RH_TAG_PREV, &prev);
	rh_record_u64(records, RH_TAG_REVISION, &revision);
	reader.at = 0;
	while (rh_record_next(&reader, &record) > 0) {
		if (record.tag != RH_TAG_ITEM)
			continue;
		read_item(agent, &record);
		assert_in_range(agent->held[agent->held_count - 1].revision, prev + 1,
		                revision);
	}
}

struct item *find_item(struct agent *agent, const struct rh_item_key *key)
{
	for (size_t i = 0; i < agent->item_count; i++) {
		if (rh_name_equal(&agent->items[i].key.caller, &key->caller) &&
		    rh_name_equal(&agent->items[i].key.callee, &key->callee))
			return &agent->items[i];
	}
	return NULL;
}

static void put_in_force(struct agent *agent)
{
	for (size_t i = 0; i < agent->held_count; i++) {
		struct item *item = find_item(agent, &agent->held[i].key);

		if (item) {
			assert_true(item->revision <= agent->held[i].revision);
			free(item->bytes);
			*item = agent->items[--agent->item_count];
		}
		if (agent->held[i].len) {
			assert_true(agent->item_count < ITEMS_MAX);
			agent->items[agent->item_count++] = agent->held[i];
		} else {
			free(agent->held[i].bytes);
		}
	}
	agent->held_count = 0;
}

static int decide(struct agent *agent, uint8_t type,
                  const struct rh_record_reader *records)
{
	uint64_t revision = 0, prev = 0;
	uint32_t is_last = 1;

	assert_int_equal(rh_record_u64(records, RH_TAG_REVISION, &revision), RH_OK);
	rh_record_u64(records, RH_TAG_PREV, &prev);
	rh_record_u32(records, RH_TAG_LAST, &is_last);
	agent->parts += !is_last;
	switch (type) {
	case RH_FRAME_SNAP_BEGIN: return rh_follow_begin(&agent->follow, revision);
	case RH_FRAME_SNAP_ITEM:  return rh_follow_item(&agent->follow, revision);
	case RH_FRAME_SNAP_END:   return rh_follow_end(&agent->follow, revision);
	case RH_FRAME_BOOKMARK:   return rh_follow_bookmark(&agent->follow, prev, revision);
	default:                  return rh_follow_delta(&agent->follow, prev, revision,
	                                                 (int)is_last);
	}
}

static void receive(struct agent *agent, uint8_t type,
                    const struct rh_record_reader *records)
{
	int action = decide(agent, type, records);

	agent->frames[type]++;
	if ((action == RH_FOLLOW_IGNORE && type != RH_FRAME_BOOKMARK) ||
	    action == RH_FOLLOW_RESYNC)
		fail_msg("frame %u in state %u: action %d", type, agent->follow.state, action);
	assert_true(action >= 0);
	if (type == RH_FRAME_SNAP_BEGIN)
		free_items(agent->held, &agent->held_count);
	hold(agent, records);
	if (action == RH_FOLLOW_REPLACE)
		free_items(agent->items, &agent->item_count);
	if (action == RH_FOLLOW_REPLACE || action == RH_FOLLOW_APPLY)
		put_in_force(agent);
	rh_follow_verify(&agent->follow);
}

/* Lets up to so many frames through; returns how many there were. */
unsigned pump(struct stage *stage, struct agent *agent, unsigned frames,
                     int is_due)
{
	struct rh_push_frame    frame;
	struct rh_record_reader reader;
	unsigned                done = 0;

	agent->is_woken = 0;
	while (done < frames &&
	       rh_push_make(&stage->push, &agent->sub, is_due, &frame) == 1) {
		assert_true(frame.writer.used <= RH_FRAME_MAX -
		            sizeof(struct rh_frame_head));
		rh_record_read(&reader, frame.writer.bytes, frame.writer.used);
		receive(agent, frame.type, &reader);
		rh_push_sent(&stage->push, &agent->sub, &frame);
		uint64_t grant = rh_follow_received(&agent->follow,
		                                    (uint32_t)frame.writer.used);
		if (grant)
			rh_feed_credit(&agent->sub.feed, grant);
		if (agent->sub.target == 0) /* not between the parts of a delta */
			rh_feed_verify(&agent->sub.feed, &stage->push.ring);
		is_due = 0;
		done++;
	}
	return done;
}

void pump_all(struct stage *stage)
{
	for (unsigned done = 1; done > 0;) {
		done = 0;
		rh_push_let_begin(&stage->push);
		for (size_t i = 0; i < stage->agent_count; i++)
			done += stage->agents[i]->is_connected
			      ? pump(stage, stage->agents[i], 1000, 0) : 0;
	}
}

/* What the agent has of the item is what the realm says of it. */
void assert_item(struct stage *stage, struct agent *agent,
                        const struct rh_item_key *key, size_t *count)
{
	static unsigned char    bytes[RH_ITEM_BYTES_MAX];
	struct rh_item_encoder  encoder;
	struct rh_record_writer writer;
	struct item            *item = find_item(agent, key);

	rh_item_encoder_init(&encoder, &stage->fixture->center);
	rh_record_begin(&writer, bytes, sizeof bytes);
	int is_there = rh_item_body(&encoder, key, &writer);
	rh_item_encoder_fini(&encoder);
	assert_true(is_there >= 0);
	if (is_there && !item)
		fail_msg("%s lacks %s %s", agent->name.text, key->caller.text,
		         key->callee.text);
	if (!is_there && item)
		fail_msg("%s still has %s %s", agent->name.text, key->caller.text,
		         key->callee.text);
	if (!is_there)
		return;
	assert_int_equal(item->len, writer.used - 8);
	assert_memory_equal(item->bytes, bytes + 8, item->len);
	assert_true(item->revision <= stage->push.head);
	(*count)++;
}
