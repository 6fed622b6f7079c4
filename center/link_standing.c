#include "link_peer.h"

#include "../model/error.h"
#include "../wire/frame.h"

/* Nothing that it was sent waits for its word, and nothing waits to be sent. */
static int is_settled(const struct rh_link_conn *conn)
{
	const struct rh_feed *feed = &conn->subscriber.feed;

	return !conn->subscriber.is_unsaid && feed->state == RH_FEED_LIVE &&
	       feed->cursor == RH_FEED_IDLE && feed->acked == feed->sent;
}

/* A peer of version 1 says nothing: what it was sent is taken for what it has. */
static int is_sent(const struct rh_link_conn *conn)
{
	return conn->revision > 0 && !conn->is_wanted &&
	       conn->parcel.sent == conn->parcel.len;
}

static int has_revision(const struct rh_link_conn *conn, uint64_t revision)
{
	if (conn->state == RH_PEER_AGENT)
		return is_sent(conn);
	return conn->has_settled && !conn->subscriber.is_unsaid &&
	       (is_settled(conn) || conn->subscriber.feed.acked >= revision);
}

/* A newer item is still to be sent: what was said is of the former one. */
static int is_on_its_way(const struct rh_link_conn *conn, uint64_t revision)
{
	const struct rh_feed *feed = &conn->subscriber.feed;

	return feed->cursor != RH_FEED_IDLE && feed->sent < revision;
}

void rh_link_standing(const struct rh_link *link, const char *agent,
                      const struct rh_item_key *key, uint64_t revision,
                      struct rh_link_standing *ret_standing)
{
	const struct rh_link_conn *conn = rh_link_find(link, agent);
	const struct rh_subscriber *subscriber = conn ? &conn->subscriber : NULL;
	struct rh_link_standing    standing = { .state = "unreachable" };

	if (conn && conn->state != RH_PEER_AGENT && !is_on_its_way(conn, revision))
		standing.result = rh_results_find(&subscriber->results,
		                                  &subscriber->feed.resource, key);
	if (standing.result) {
		standing.state = rh_result_state_text(standing.result);
		standing.is_active = standing.result->state == RH_ITEM_ACTIVE;
	} else if (conn && has_revision(conn, revision) && !subscriber->results.more) {
		standing.is_active = 1;
		standing.state = "active";
	} else if (conn) {
		standing.state = "pending";
	}
	*ret_standing = standing;
}

int rh_link_is_active(const struct rh_link *link, const char *agent, uint64_t revision)
{
	const struct rh_link_conn *conn = rh_link_find(link, agent);

	if (!conn)
		return RH_EDETACHED;
	return has_revision(conn, revision) && conn->subscriber.results.count == 0 &&
	       conn->subscriber.results.more == 0;
}

uint64_t rh_link_lag(const struct rh_link_conn *conn)
{
	const struct rh_feed *feed = &conn->subscriber.feed;

	return is_settled(conn) ? 0 : conn->link->push.head - feed->acked;
}
