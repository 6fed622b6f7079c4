#include "chronicle.h"

#include "agent.h"
#include "item.h"

#include "../base/log.h"
#include "../model/interface.h"
#include "../wire/frame.h"

#include <stdio.h>

static int is_on(void)
{
	return rh_log_is(RH_LEVEL_DEBUG);
}

static void say(const struct rh_agent *agent, const char *event, const char *subject,
                uint64_t revision, const char *detail)
{
	rh_debug("history %s %s %s %llu %s", agent->resource, event, subject,
	         (unsigned long long)revision, detail);
}

/* "-" when there is none: the agent has heard of no store yet. */
static void store_text(const struct rh_agent *agent, char text[2 * RH_STORE_ID_LEN + 1])
{
	const unsigned char *store = agent->follow.store;
	unsigned             any = 0;

	for (unsigned i = 0; i < RH_STORE_ID_LEN; i++) {
		snprintf(text + 2 * i, 3, "%02x", store[i]);
		any |= store[i];
	}
	if (!any)
		snprintf(text, 2, "-");
}

static void key_text(const char *caller, const char *callee, char *text, size_t cap)
{
	if (callee[0])
		snprintf(text, cap, "edge/%s/%s", caller, callee);
	else
		snprintf(text, cap, "resource/%s", caller);
}

void rh_chronicle_start(const struct rh_agent *agent)
{
	char store[2 * RH_STORE_ID_LEN + 1];

	if (!is_on())
		return;
	store_text(agent, store);
	say(agent, "start", store, agent->follow.revision, "-");
}

void rh_chronicle_end(const struct rh_agent *agent)
{
	if (is_on())
		say(agent, "end", "-", 0, "-");
}

void rh_chronicle_taken(const struct rh_agent *agent, uint8_t type, uint64_t before)
{
	char store[2 * RH_STORE_ID_LEN + 1], prev[24];

	if (!is_on())
		return;
	store_text(agent, store);
	snprintf(prev, sizeof prev, "%llu", (unsigned long long)before);
	say(agent, type == RH_FRAME_SNAP_END ? "snapshot" : type == RH_FRAME_DELTA ? "delta"
	    : "bookmark", store, agent->follow.revision,
	    type == RH_FRAME_SNAP_END ? "-" : prev);
}

void rh_chronicle_put(const struct rh_agent *agent, struct rh_item *item)
{
	uint16_t tag = item->callee[0] ? RH_TAG_EDGE_ITEM : RH_TAG_SELF;
	struct rh_record_reader reader;
	struct rh_record        body;
	char                    key[2 * RH_NAME_MAX + 16], what[17];

	if (!is_on() || item->is_noted)
		return;
	item->is_noted = 1;
	rh_record_read(&reader, item->bytes, item->len);
	if (rh_record_find(&reader, tag, &body) < 0)
		return;
	key_text(item->caller, item->callee, key, sizeof key);
	snprintf(what, sizeof what, "%016llx",
	         (unsigned long long)rh_fnv1a(RH_FNV_SEED, body.bytes, body.len));
	say(agent, "put", key, item->revision, what);
}

void rh_chronicle_gone(const struct rh_agent *agent, const struct rh_item *item)
{
	char key[2 * RH_NAME_MAX + 16];

	if (!is_on())
		return;
	key_text(item->caller, item->callee, key, sizeof key);
	say(agent, "put", key, agent->follow.revision, "gone");
}

void rh_chronicle_result(const struct rh_agent *agent, const char *caller,
                       const char *callee, uint64_t revision, int state)
{
	const char *word = state == RH_ITEM_ACTIVE ? "active"
	                 : state == RH_ITEM_REJECTED ? "rejected" : "staged";
	char        key[2 * RH_NAME_MAX + 16];

	if (!is_on())
		return;
	key_text(caller, callee, key, sizeof key);
	say(agent, "result", key, revision, word);
}

void rh_chronicle_settled(const struct rh_agent *agent, uint64_t revision)
{
	char store[2 * RH_STORE_ID_LEN + 1];

	if (!is_on())
		return;
	store_text(agent, store);
	say(agent, "settled", store, revision, "-");
}
