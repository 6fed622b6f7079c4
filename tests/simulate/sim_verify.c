#include "sim_peer.h"
#include "sim_rules.h"
#include "truth.h"

/* When nothing is under way between them, the center knows of each item that there is
 * what the agent knows. */
static void verify_told(const struct peer *peer, const struct sim_agent *agent)
{
	const struct rh_subscriber *subscriber = &peer->subscriber;
	struct sim                 *sim = peer->center->sim;
	char                        text[RH_NAME_MAX * 2 + 8];

	for (unsigned i = 0; i < sim->truth->count; i++) {
		const struct truth_item *item = &sim->truth->items[i];
		const struct rh_result  *result;

		if (!item->is_there ||
		    !rh_item_concerns(&item->key, &subscriber->feed.resource))
			continue;
		result = rh_results_find(&subscriber->results, &subscriber->feed.resource,
		                         &item->key);
		if ((result ? result->state : RH_ITEM_ACTIVE) ==
		    (int)sim_rules_state(agent, &item->key))
			continue;
		sim_key_text(&item->key, text);
		sim_violation(sim, "the center takes %s at %s for %s", text, agent->name,
		              result ? rh_result_state_text(result) : "active");
	}
}

static void verify_agent(const struct peer *peer)
{
	struct sim *sim = peer->center->sim;

	for (unsigned i = 0; i < sim->shape.names; i++) {
		const struct sim_agent *agent = sim->agents[i];

		if (agent->wire == peer->wire && !agent->must_tell &&
		    agent->follow.revision == sim->truth->revision &&
		    peer->subscriber.feed.acked == sim->truth->revision &&
		    wire_is_quiet(peer->wire, WIRE_CENTER) &&
		    wire_is_quiet(peer->wire, WIRE_AGENT))
			verify_told(peer, agent);
	}
}

static void verify_peer(const struct peer *peer, unsigned *snapshots)
{
	const struct sim_center *center = peer->center;
	const struct rh_feed    *feed = &peer->subscriber.feed;
	struct sim              *sim = center->sim;

	if (peer->stage != STAGE_SUBSCRIBED)
		return;
	if (!peer->wire->is_liar) /* who may watch less */
		rh_feed_verify(feed, &center->push.ring);
	if (!peer->wire->is_liar)
		verify_agent(peer);
	*snapshots += peer->subscriber.has_snapshot;
	if (peer->subscriber.has_snapshot && feed->state != RH_FEED_SNAPSHOT)
		sim_violation(sim, "%s holds a snapshot that nobody sends",
		              feed->resource.text);
	if (!peer->is_ready && !peer->is_full && feed->credit > 0 &&
	    rh_push_is_behind(&center->push, &peer->subscriber))
		sim_violation(sim, "%s is behind, and nobody woke it",
		              feed->resource.text);
}

void sim_center_verify(struct sim_center *center)
{
	unsigned snapshots = 0;

	rh_delta_ring_verify(&center->push.ring);
	if (center->turns++ % 256 == 0)
		rh_watch_verify(&center->push.watches);
	for (unsigned i = 0; i < PEERS_MAX; i++) {
		if (center->peers[i])
			verify_peer(center->peers[i], &snapshots);
	}
	if (snapshots != center->push.snapshots ||
	    snapshots > center->sim->shape.snapshots)
		sim_violation(center->sim, "%u snapshots at once", snapshots);
}
