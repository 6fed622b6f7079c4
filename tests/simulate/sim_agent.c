#include "sim_agent.h"

#include "sim_center.h"
#include "sim_rules.h"
#include "truth.h"

#include "../../model/check.h"
#include "../../model/error.h"
#include "../../wire/frame.h"

#include <stdlib.h>
#include <string.h>

#define FRAMES_A_TURN  4
#define LOST_TYPE      255u
#define BACKOFF_MS     200u
#define BACKOFF_MAX_MS 5000u
#define FRAME_PAYLOAD  (RH_FRAME_MAX - sizeof(struct rh_frame_head))

static unsigned char payload[FRAME_PAYLOAD];

/* ---- the connection ----------------------------------------------------- */

/* As wire_send: 0, or it cannot be sent now. */
static int tell(struct sim_agent *agent, uint8_t type,
                const struct rh_record_writer *writer)
{
	return wire_send(agent->sim, agent->wire, WIRE_AGENT, type, writer);
}

static void drop_held(struct sim_agent *agent)
{
	rh_items_fini(&agent->held);
	for (unsigned i = 0; i < agent->change_count; i++)
		rh_item_unref(agent->changes[i]);
	agent->change_count = 0;
}

static void hang_up(struct sim_agent *agent, int cut)
{
	if (!agent->wire)
		return;
	wire_close(agent->sim, agent->wire, WIRE_AGENT, cut);
	agent->wire = NULL;
	drop_held(agent);
	agent->owed = 0;
	sim_rules_retell(agent);
	rh_follow_lost(&agent->follow);
	agent->retry_at = agent->sim->now + agent->backoff +
	                  sim_below(agent->sim, agent->backoff);
	agent->backoff = agent->backoff * 2 < BACKOFF_MAX_MS ? agent->backoff * 2
	                                                     : BACKOFF_MAX_MS;
}

static void dial(struct sim_agent *agent)
{
	struct rh_record_writer writer;

	agent->wire = sim_center_dial(agent->sim->center);
	if (!agent->wire) {
		agent->retry_at = agent->sim->now + agent->backoff;
		return;
	}
	sim_note(agent->sim, "%s dials", agent->name);
	rh_record_begin(&writer, payload, sizeof payload);
	rh_record_put_u32(&writer, RH_TAG_VERSION, RH_PUSH_VERSION);
	rh_record_put_u32(&writer, RH_TAG_ROLE, RH_ROLE_AGENT);
	rh_record_put_text(&writer, RH_TAG_RESOURCE, agent->name);
	RH_CHECK(tell(agent, RH_FRAME_HELLO, &writer) == 0);
	agent->is_granted = 0;
}

static int subscribe(struct sim_agent *agent)
{
	static const char *const roots[][2] = { { "resource/", "" }, { "out/", "/" },
	                                        { "in/", "/" } };
	const struct rh_follow  *follow = &agent->follow;
	uint64_t                 grant = agent->is_granted ? 0 : follow->window;
	struct rh_record_writer  writer;
	char                     prefix[RH_NAME_MAX + 16];

	rh_record_begin(&writer, payload, sizeof payload);
	for (unsigned i = 0; i < 3; i++) {
		snprintf(prefix, sizeof prefix, "%s%s%s", roots[i][0], agent->name,
		         roots[i][1]);
		rh_record_put_text(&writer, RH_TAG_PREFIX, prefix);
	}
	rh_record_put(&writer, RH_TAG_STORE, follow->store, sizeof follow->store);
	rh_record_put_u64(&writer, RH_TAG_REVISION, rh_follow_have(follow));
	rh_record_put_u64(&writer, RH_TAG_BYTES, grant);
	int sent = tell(agent, RH_FRAME_SUBSCRIBE, &writer);
	if (sent == 0) {
		agent->is_granted = 1;
		agent->wire->granted += grant;
		sim_note(agent->sim, "%s subscribes, has %lu", agent->name,
		         rh_follow_have(follow));
	}
	return sent == 0 ? RH_OK : RH_ELOST;
}

/* ---- what comes over it: RH_OK, or the connection ends ------------------- */

static int hold_items(struct sim_agent *agent, const struct rh_record_reader *records,
                      int is_snapshot)
{
	struct rh_record_reader reader = *records;
	struct rh_record        record;
	struct rh_diag          diag;

	while (rh_record_next(&reader, &record) > 0) {
		struct rh_item *item;

		if (record.tag != RH_TAG_ITEM)
			continue;
		int err = rh_item_read(&record, agent->name, &item, &diag);
		if (err) {
			sim_violation(agent->sim, "%s is sent what it cannot read: %s",
			              agent->name, diag.text);
			return err;
		}
		if (is_snapshot) {
			RH_CHECK(rh_items_put(&agent->held, item) == RH_OK);
			rh_item_unref(item);
		} else {
			RH_CHECK(agent->change_count < CHANGES_MAX);
			agent->changes[agent->change_count++] = item;
		}
	}
	return RH_OK;
}

static void tell_taken(struct sim_agent *agent, const char *event, uint64_t prev)
{
	char store[STORE_TEXT], number[24] = "-";

	truth_store_text(agent->follow.store, store);
	if (strcmp(event, "snapshot") != 0)
		snprintf(number, sizeof number, "%lu", prev);
	sim_history(agent->sim, agent->name, event, store, agent->follow.revision,
	            number);
}

static int put_in_force(struct sim_agent *agent, int action, uint64_t prev)
{
	if (agent->is_starving && action != RH_FOLLOW_NOTE) {
		agent->is_starving = 0;
		sim_note(agent->sim, "%s has no memory", agent->name);
		sim_counts[AGENT_FORGOT]++;
		rh_follow_forget(&agent->follow);
		return RH_ENOMEM;
	}
	if (action == RH_FOLLOW_REPLACE) {
		tell_taken(agent, "snapshot", 0);
		sim_rules_replace(agent);
	} else if (action == RH_FOLLOW_APPLY) {
		tell_taken(agent, "delta", prev);
		for (unsigned i = 0; i < agent->change_count; i++)
			sim_rules_apply(agent, agent->changes[i]);
	} else {
		tell_taken(agent, "bookmark", prev);
	}
	agent->must_tell = 1;
	drop_held(agent);
	return RH_OK;
}

static int decide(struct rh_follow *follow, uint8_t type, uint64_t prev,
                  uint64_t revision, uint32_t is_last)
{
	switch (type) {
	case RH_FRAME_SNAP_BEGIN:
		return rh_follow_begin(follow, revision);
	case RH_FRAME_SNAP_ITEM:
		return rh_follow_item(follow, revision);
	case RH_FRAME_SNAP_END:
		return rh_follow_end(follow, revision);
	case RH_FRAME_DELTA:
		return rh_follow_delta(follow, prev, revision, (int)is_last);
	default:
		return rh_follow_bookmark(follow, prev, revision);
	}
}

/* Without a fault that loses frames, the center or the follower is wrong. */
static void blame(struct sim_agent *agent, const char *what, uint8_t type, uint64_t prev,
                  uint64_t revision)
{
	if (!agent->sim->is_lossy)
		sim_violation(agent->sim, "%s at %lu %s: frame %u of %lu after %lu",
		              agent->name, agent->follow.revision, what, type, revision,
		              prev);
}

/* What follow.h said to do with the frame. */
static int perform(struct sim_agent *agent, int action, uint8_t type, uint64_t prev,
                   const struct rh_record_reader *records)
{
	int is_snapshot = type == RH_FRAME_SNAP_ITEM;
	int err = RH_OK;

	if (action == RH_FOLLOW_IGNORE)
		return RH_OK;
	if (action == RH_FOLLOW_RESYNC) {
		sim_counts[AGENT_RESYNCED]++;
		drop_held(agent);
		return subscribe(agent);
	}
	if (type == RH_FRAME_SNAP_BEGIN)
		drop_held(agent);
	if (is_snapshot || type == RH_FRAME_DELTA)
		err = hold_items(agent, records, is_snapshot);
	if (err || action == RH_FOLLOW_HOLD)
		return err;
	return put_in_force(agent, action, prev);
}

static int on_push(struct sim_agent *agent, uint8_t type,
                   const struct rh_record_reader *records)
{
	uint64_t prev = 0, revision = 0;
	uint32_t is_last = 1;

	RH_CHECK(rh_record_u64(records, RH_TAG_REVISION, &revision) == RH_OK);
	(void)rh_record_u64(records, RH_TAG_PREV, &prev);
	(void)rh_record_u32(records, RH_TAG_LAST, &is_last);
	int action = decide(&agent->follow, type, prev, revision, is_last);
	sim_note(agent->sim, "%s hears %u of %lu after %lu: %d", agent->name, type,
	         revision, prev, action);
	if (action == RH_FOLLOW_RESYNC || action < 0)
		blame(agent, action < 0 ? "refuses" : "has a gap", type, prev, revision);
	return action < 0 ? action : perform(agent, action, type, prev, records);
}

static int on_welcome(struct sim_agent *agent, const struct rh_record_reader *records)
{
	struct rh_record store;

	RH_CHECK(rh_record_find(records, RH_TAG_STORE, &store) == RH_OK);
	RH_CHECK(store.len == RH_STORE_ID_LEN);
	if (rh_follow_joined(&agent->follow, store.bytes) < 0)
		return RH_EPROTO;
	agent->backoff = BACKOFF_MS;
	sim_counts[AGENT_CONTINUED] += agent->follow.state == RH_FOLLOW_JOINED;
	sim_counts[AGENT_FOREIGN_STORE] += agent->follow.revision > 0 &&
	                                   agent->follow.state == RH_FOLLOW_ASKED;
	return subscribe(agent);
}

static int on_frame(struct sim_agent *agent, const struct wire_frame *frame)
{
	struct rh_frame_head    head;
	struct rh_record_reader records;

	memcpy(&head, frame->bytes, sizeof head);
	rh_record_read(&records, frame->bytes + sizeof head, head.payload_len);
	if (head.type == RH_FRAME_WELCOME)
		return on_welcome(agent, &records);
	int err = head.type == LOST_TYPE ? RH_OK : on_push(agent, head.type, &records);
	agent->wire->received += head.payload_len;
	agent->owed += rh_follow_received(&agent->follow, head.payload_len);
	return err;
}

static void listen(struct sim_agent *agent)
{
	struct wire_frame *frame;

	for (int i = 0; i < FRAMES_A_TURN && agent->wire; i++) {
		int more = wire_read(agent->sim, agent->wire, WIRE_AGENT, &frame);

		if (more == 0)
			return;
		if (more < 0) {
			hang_up(agent, 0);
			return;
		}
		int err = on_frame(agent, frame);
		free(frame);
		if (err)
			hang_up(agent, 1);
	}
}

/* ---- what it tells ------------------------------------------------------ */

static void grant(struct sim_agent *agent)
{
	struct rh_record_writer writer;

	if (!agent->wire || agent->owed == 0)
		return;
	rh_record_begin(&writer, payload, sizeof payload);
	rh_record_put_u64(&writer, RH_TAG_BYTES, agent->owed);
	/* Granted before it is sent: it may be read at once. */
	agent->wire->granted += agent->owed;
	if (agent->wire->granted - agent->wire->received > agent->follow.window)
		sim_violation(agent->sim, "%s grants more than its window", agent->name);
	if (tell(agent, RH_FRAME_CREDIT, &writer) == 0)
		agent->owed = 0;
	else
		agent->wire->granted -= agent->owed;
}

static void tell_results(struct sim_agent *agent)
{
	struct rh_record_writer writer;

	/* Of another store, or of none, there is nothing to tell. */
	if (!agent->wire || !agent->must_tell || agent->follow.state != RH_FOLLOW_LIVE)
		return;
	rh_record_begin(&writer, payload, sizeof payload);
	rh_record_put_u64(&writer, RH_TAG_REVISION, agent->follow.revision);
	sim_rules_put_results(agent, &writer);
	if (tell(agent, RH_FRAME_RESULT, &writer) != 0)
		return;
	agent->must_tell = 0;
	sim_rules_told(agent);
}

/* ---- the process -------------------------------------------------------- */

/* From the newest generation that is whole. */
static void start(struct sim_agent *agent)
{
	const struct sim_cache *cache = sim_cache_newest(agent);
	struct sim             *sim = agent->sim;
	char                    store[STORE_TEXT] = "-";

	agent->is_up = 1;
	agent->backoff = BACKOFF_MS;
	agent->retry_at = sim->now;
	agent->cannot = sim_chance(sim, 15) ? sim_below(sim, NO_PROTOCOL) : NO_PROTOCOL;
	rh_follow_init(&agent->follow, cache ? cache->store : NULL,
	               cache ? cache->revision : 0, sim->shape.window);
	if (cache) {
		truth_store_text(cache->store, store);
		sim_counts[AGENT_FROM_CACHE] += cache->revision > 0;
		sim_counts[AGENT_FROM_PART_OF_CACHE] += cache->revision == 0;
	}
	sim_counts[AGENT_CORRUPT_CACHE] += agent->caches[0].is_corrupt ||
	                                   agent->caches[1].is_corrupt;
	sim_history(sim, agent->name, "start", store, agent->follow.revision, "-");
	if (cache)
		sim_rules_load(agent, cache);
}

void sim_agent_kill(struct sim_agent *agent)
{
	if (!agent->is_up)
		return;
	sim_note(agent->sim, "%s is killed", agent->name);
	hang_up(agent, 1);
	sim_rules_clear(agent);
	agent->is_up = 0;
	agent->must_tell = 0;
	agent->is_starving = 0;
	agent->stopped_until = 0;
	agent->start_at = agent->sim->now + sim_below(agent->sim, 3000);
}

void sim_agent_stop(struct sim_agent *agent, uint64_t ms)
{
	sim_note(agent->sim, "%s stops for %lu ms", agent->name, ms);
	agent->stopped_until = agent->sim->now + ms;
}

void sim_agent_wake(struct sim_agent *agent)
{
	agent->stopped_until = 0;
}

void sim_agent_starve(struct sim_agent *agent)
{
	agent->is_starving = 1;
}

/* A frame that says nothing any more, of those whose loss is seen by what follows. */
void sim_agent_lose(struct sim_agent *agent)
{
	struct wire_frame      *frame = NULL;
	struct rh_frame_head    head;
	struct rh_record_reader records;
	uint32_t                is_last = 1;

	if (agent->wire)
		frame = agent->wire->pipes[WIRE_CENTER].first;
	for (uint32_t i = sim_below(agent->sim, 4); frame && i > 0; i--)
		frame = frame->next;
	if (!frame || frame->len < sizeof head)
		return;
	memcpy(&head, frame->bytes, sizeof head);
	rh_record_read(&records, frame->bytes + sizeof head, frame->len - sizeof head);
	(void)rh_record_u32(&records, RH_TAG_LAST, &is_last);
	if ((head.type != RH_FRAME_SNAP_END && head.type != RH_FRAME_DELTA &&
	     head.type != RH_FRAME_BOOKMARK) || !is_last)
		return;
	head.type = LOST_TYPE;
	memcpy(frame->bytes, &head, sizeof head);
	sim_counts[LOST_FRAME]++;
}

void sim_agent_cut(struct sim_agent *agent)
{
	hang_up(agent, 1);
}

struct sim_agent *sim_agent_create(struct sim *sim, unsigned number)
{
	struct sim_agent *agent = calloc(1, sizeof *agent);

	if (!agent)
		abort();
	agent->sim = sim;
	strcpy(agent->name, sim_names[number]);
	return agent;
}

void sim_agent_destroy(struct sim_agent *agent)
{
	sim_agent_kill(agent);
	sim_cache_clear(agent);
	free(agent);
}

void sim_agent_turn(struct sim_agent *agent)
{
	struct sim *sim = agent->sim;

	if (sim->now < agent->stopped_until)
		return;
	if (!agent->is_up && sim->now >= agent->start_at)
		start(agent);
	if (!agent->is_up)
		return;
	if (!agent->wire && sim->now >= agent->retry_at)
		dial(agent);
	listen(agent);
	sim_rules_turn(agent);
	grant(agent);
	tell_results(agent);
	if (sim_chance(sim, 5))
		sim_cache_save(agent);
}

int sim_agent_is_quiet(const struct sim_agent *agent)
{
	return agent->is_up && agent->wire && wire_is_quiet(agent->wire, WIRE_AGENT) &&
	       agent->follow.state == RH_FOLLOW_LIVE &&
	       !agent->must_tell && agent->owed == 0 && sim_rules_are_quiet(agent);
}
