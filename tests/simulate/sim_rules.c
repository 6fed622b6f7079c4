#include "sim_rules.h"

#include "sim_agent.h"
#include "truth.h"

#include "../../model/check.h"
#include "../../model/error.h"
#include "../../model/interface.h"

#include <stdlib.h>
#include <string.h>

#define STAGED_MS 3000u

static void key_of(const struct rh_item *item, char text[RH_NAME_MAX * 2 + 8])
{
	if (item->callee[0])
		sprintf(text, "edge/%s/%s", item->caller, item->callee);
	else
		sprintf(text, "resource/%s", item->caller);
}

/* The record SELF or EDGE_ITEM. */
static struct rh_record body_of(const struct rh_item *item)
{
	struct rh_record_reader records;
	struct rh_record        body;

	rh_record_read(&records, item->bytes, item->len);
	RH_CHECK(rh_record_find(&records, item->callee[0] ? RH_TAG_EDGE_ITEM :
	                        RH_TAG_SELF, &body) == RH_OK);
	return body;
}

static int protocol_of(const struct rh_item *item)
{
	struct rh_record        body = body_of(item);
	struct rh_record_reader records;
	char                    text[16];
	int                     i = 0;

	rh_record_read(&records, body.bytes, body.len);
	RH_CHECK(rh_record_text(&records, RH_TAG_PROTOCOL, text, sizeof text) == RH_OK);
	while (i < PROTOCOLS - 1 && strcmp(text, protocol_names[i]) != 0)
		i++;
	return i;
}

/* ---- fates -------------------------------------------------------------- */

static struct sim_fate *fate_of(struct sim_agent *agent, const struct rh_item *item)
{
	for (unsigned i = 0; i < agent->fate_count; i++) {
		if (rh_item_compare(agent->fates[i].item, item) == 0)
			return &agent->fates[i];
	}
	return NULL;
}

static void forget(struct sim_agent *agent, struct sim_fate *fate)
{
	rh_item_unref(fate->item);
	*fate = agent->fates[--agent->fate_count];
}

/* What is active needs no word unless something else was told of it. */
static void decide(struct sim_agent *agent, struct rh_item *item,
                   enum rh_item_state state)
{
	struct sim_fate *fate = fate_of(agent, item);

	agent->must_tell = 1;
	sim_counts[AGENT_STAGED] += state == RH_ITEM_STAGED;
	sim_counts[AGENT_REJECTED] += state == RH_ITEM_REJECTED;
	if (!fate && state == RH_ITEM_ACTIVE)
		return;
	if (!fate) {
		RH_CHECK(agent->fate_count < KEYS_MAX);
		fate = &agent->fates[agent->fate_count++];
		fate->item = NULL;
	}
	rh_item_ref(item);
	rh_item_unref(fate->item);
	*fate = (struct sim_fate){
		.item = item, .state = state,
		.due = agent->sim->now + sim_below(agent->sim, STAGED_MS),
	};
}

void sim_rules_retell(struct sim_agent *agent)
{
	for (unsigned i = 0; i < agent->fate_count; i++) {
		sim_counts[AGENT_KEPT_FATE] += (uint64_t)agent->fates[i].is_told;
		agent->fates[i].is_told = 0;
	}
}

/* ---- putting in force --------------------------------------------------- */

static void tell_put(struct sim_agent *agent, const struct rh_item *item, int is_gone,
                     uint64_t revision)
{
	char key[RH_NAME_MAX * 2 + 8], what[17] = "gone";

	key_of(item, key);
	if (!is_gone) {
		struct rh_record body = body_of(item);

		snprintf(what, sizeof what, "%016lx",
		         rh_fnv1a(RH_FNV_SEED, body.bytes, body.len));
	}
	sim_history(agent->sim, agent->name, "put", key, revision, what);
}

static void enforce(struct sim_agent *agent, struct rh_item *item)
{
	RH_CHECK(rh_items_put(&agent->force, item) == RH_OK);
	tell_put(agent, item, 0, item->revision);
}

static void remove_key(struct sim_agent *agent, const struct rh_item *item,
                       uint64_t revision)
{
	struct sim_fate *fate = fate_of(agent, item);

	tell_put(agent, item, 1, revision);
	if (fate)
		forget(agent, fate);
	rh_items_remove(&agent->force, item);
	rh_items_remove(&agent->known, item); /* last: item may be its own */
}

void sim_rules_apply(struct sim_agent *agent, struct rh_item *item)
{
	const struct rh_item *former;

	if (item->len == 0) {
		remove_key(agent, item, item->revision);
		return;
	}
	RH_CHECK(rh_items_put(&agent->known, item) == RH_OK);
	former = rh_items_find(&agent->force, item->caller, item->callee);
	int protocol = protocol_of(item);
	if (protocol == NO_PROTOCOL || protocol == (int)agent->cannot) {
		decide(agent, item, RH_ITEM_REJECTED);
	} else if (former && protocol != protocol_of(former)) {
		decide(agent, item, RH_ITEM_STAGED);
	} else {
		enforce(agent, item);
		decide(agent, item, RH_ITEM_ACTIVE);
	}
}

/* The same item that it has already, whatever became of it. */
static int is_known(const struct sim_agent *agent, const struct rh_item *item)
{
	const struct rh_item *known = rh_items_find(&agent->known, item->caller,
	                                            item->callee);

	return known && known->revision == item->revision && known->len == item->len &&
	       memcmp(known->bytes, item->bytes, item->len) == 0;
}

/* Takes away what is in the set and not in the held one. */
static void sweep(struct sim_agent *agent, struct rh_items *set)
{
	for (unsigned i = set->count; i-- > 0;) {
		struct rh_item *item = set->at[i];

		if (rh_items_find(&agent->held, item->caller, item->callee))
			continue;
		rh_item_ref(item);
		remove_key(agent, item, agent->follow.revision);
		rh_item_unref(item);
		if (i > set->count)
			i = set->count;
	}
}

void sim_rules_replace(struct sim_agent *agent)
{
	sweep(agent, &agent->known);
	sweep(agent, &agent->force);
	for (unsigned i = 0; i < agent->held.count; i++) {
		if (!is_known(agent, agent->held.at[i]))
			sim_rules_apply(agent, agent->held.at[i]);
	}
	sim_rules_retell(agent);
}

void sim_rules_turn(struct sim_agent *agent)
{
	for (unsigned i = 0; i < agent->fate_count; i++) {
		struct sim_fate *fate = &agent->fates[i];

		if (fate->state != RH_ITEM_STAGED || agent->sim->now < fate->due)
			continue;
		fate->is_told = 0;
		agent->must_tell = 1;
		if (sim_chance(agent->sim, 10)) {
			fate->state = RH_ITEM_REJECTED;
			continue;
		}
		fate->state = RH_ITEM_ACTIVE;
		enforce(agent, fate->item);
	}
}

/* ---- telling ------------------------------------------------------------ */

void sim_rules_put_results(struct sim_agent *agent, struct rh_record_writer *writer)
{
	for (unsigned i = 0; i < agent->fate_count; i++) {
		const struct sim_fate *fate = &agent->fates[i];
		size_t                 place;

		if (fate->is_told)
			continue;
		place = rh_record_open(writer, RH_TAG_RESULT_ITEM);
		rh_record_put_text(writer, RH_TAG_CALLER, fate->item->caller);
		if (fate->item->callee[0])
			rh_record_put_text(writer, RH_TAG_CALLEE, fate->item->callee);
		rh_record_put_u64(writer, RH_TAG_REVISION, fate->item->revision);
		rh_record_put_u32(writer, RH_TAG_STATE, (uint32_t)fate->state);
		rh_record_close(writer, place);
	}
}

void sim_rules_told(struct sim_agent *agent)
{
	char key[RH_NAME_MAX * 2 + 8], store[STORE_TEXT];

	for (unsigned i = agent->fate_count; i-- > 0;) {
		struct sim_fate *fate = &agent->fates[i];

		if (fate->is_told)
			continue;
		fate->is_told = 1;
		key_of(fate->item, key);
		sim_history(agent->sim, agent->name, "result", key, fate->item->revision,
		            fate->state == RH_ITEM_ACTIVE ? "active" :
		            fate->state == RH_ITEM_STAGED ? "staged" : "rejected");
		if (fate->state == RH_ITEM_ACTIVE)
			forget(agent, fate);
	}
	truth_store_text(agent->follow.store, store);
	sim_history(agent->sim, agent->name, "settled", store, agent->follow.revision,
	            "-");
}

enum rh_item_state sim_rules_state(const struct sim_agent *agent,
                                   const struct rh_item_key *key)
{
	for (unsigned i = 0; i < agent->fate_count; i++) {
		const struct sim_fate *fate = &agent->fates[i];

		if (strcmp(fate->item->caller, key->caller.text) == 0 &&
		    strcmp(fate->item->callee, key->callee.text) == 0)
			return fate->state;
	}
	return RH_ITEM_ACTIVE;
}

int sim_rules_are_quiet(const struct sim_agent *agent)
{
	for (unsigned i = 0; i < agent->fate_count; i++) {
		if (agent->fates[i].state == RH_ITEM_STAGED)
			return 0;
	}
	return 1;
}

/* ---- beginning and end of a process ------------------------------------- */

/* What the process cannot do any more was in force before it. */
void sim_rules_load(struct sim_agent *agent, const struct sim_cache *cache)
{
	for (unsigned i = 0; i < cache->items.count; i++)
		sim_rules_apply(agent, cache->items.at[i]);
}

void sim_rules_clear(struct sim_agent *agent)
{
	while (agent->fate_count > 0)
		forget(agent, &agent->fates[0]);
	rh_items_fini(&agent->known);
	rh_items_fini(&agent->force);
}

/* ---- the cache ---------------------------------------------------------- */

struct sim_cache *sim_cache_newest(struct sim_agent *agent)
{
	struct sim_cache *newest = NULL;

	for (unsigned i = 0; i < 2; i++) {
		struct sim_cache *cache = &agent->caches[i];

		if (cache->is_there && !cache->is_corrupt &&
		    (!newest || cache->number > newest->number))
			newest = cache;
	}
	return newest;
}

/* What is in force.  When something of what it has is not, the next process must be
 * told all of it again: it has nothing that a delta could continue. */
void sim_cache_save(struct sim_agent *agent)
{
	struct sim_cache *cache = &agent->caches[agent->generation % 2];
	int               is_all = 1;

	for (unsigned i = 0; i < agent->fate_count; i++)
		is_all &= agent->fates[i].state == RH_ITEM_ACTIVE;
	if (agent->follow.revision == 0)
		is_all = 0;
	rh_items_fini(&cache->items);
	RH_CHECK(rh_items_copy(&agent->force, &cache->items) == RH_OK);
	cache->is_there = 1;
	cache->is_corrupt = 0;
	cache->number = ++agent->generation;
	cache->revision = is_all ? agent->follow.revision : 0;
	memcpy(cache->store, agent->follow.store, sizeof cache->store);
}

void sim_agent_corrupt(struct sim_agent *agent)
{
	struct sim_cache *newest = sim_cache_newest(agent);

	if (newest)
		newest->is_corrupt = 1;
}

void sim_cache_clear(struct sim_agent *agent)
{
	for (unsigned i = 0; i < 2; i++)
		rh_items_fini(&agent->caches[i].items);
}
