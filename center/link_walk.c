#include "link_peer.h"

#include "center.h"

#include "../base/clock.h"

#include <string.h>

struct rh_link_conn **rh_link_bucket(struct rh_link *link, const char *resource)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (const char *c = resource; *c; c++)
		hash = (hash ^ (unsigned char)*c) * 0x100000001b3u;
	return &link->buckets[hash % RH_LINK_BUCKETS];
}

struct rh_link_conn *rh_link_find(const struct rh_link *link, const char *resource)
{
	struct rh_link_conn *conn = *rh_link_bucket((struct rh_link *)(uintptr_t)link,
	                                            resource);

	while (conn && strcmp(conn->resource, resource) != 0)
		conn = conn->next;
	return conn;
}

struct rh_link_conn *rh_link_find_next(const struct rh_link_conn *conn)
{
	const char          *resource = conn->resource;
	struct rh_link_conn *next = conn->next;

	while (next && strcmp(next->resource, resource) != 0)
		next = next->next;
	return next;
}

unsigned rh_link_instances(const struct rh_link *link, const char *resource)
{
	unsigned count = 0;

	for (struct rh_link_conn *conn = link ? rh_link_find(link, resource) : NULL; conn;
	     conn = rh_link_find_next(conn))
		count += conn->instance_count;
	return count;
}

/* From where the agent has what it goes by, as far as the center can tell. */
static const char *source_of(const struct rh_link_conn *conn)
{
	if (conn->has_settled)
		return "live";
	return conn->came_with > 0 ? "cache" : "none";
}

static void show_subscriber(const struct rh_link_conn *conn, struct rh_link_peer *peer)
{
	const struct rh_subscriber *subscriber = &conn->subscriber;

	peer->revision = subscriber->feed.sent;
	peer->pending = subscriber->snapshot.len - subscriber->snapshot.sent;
	peer->results = &subscriber->results;
	peer->settled = subscriber->feed.acked;
	peer->lag = rh_link_lag(conn);
	peer->source = source_of(conn);
}

static void show(const struct rh_link_conn *conn, rh_link_visit *visit, void *user)
{
	struct rh_link_peer peer = {
		.resource = conn->resource,
		.is_supervisor = conn->state == RH_PEER_SUPERVISOR,
		.version = conn->version,
		.pid = conn->pid, .uid = conn->uid, .since_ms = conn->since_ms,
		.revision = conn->revision,
		.pending = conn->parcel.len - conn->parcel.sent,
		.stalled_ns = conn->stalled_ns ? rh_clock_ns() - conn->stalled_ns : 0,
		.instances = conn->instances, .instance_count = conn->instance_count,
	};

	if (conn->state == RH_PEER_GREETED || conn->state == RH_PEER_SUBSCRIBED)
		show_subscriber(conn, &peer);
	visit(user, &peer);
}

int rh_link_walk(const struct rh_link *link, const char *resource,
                 rh_link_visit *visit, void *user)
{
	int count = 0;

	if (!link)
		return 0;
	if (resource) {
		for (struct rh_link_conn *conn = rh_link_find(link, resource); conn;
		     conn = rh_link_find_next(conn), count++)
			show(conn, visit, user);
		return count;
	}
	for (unsigned i = 0; i < link->count; i++) {
		if (link->conns[i]->state == RH_PEER_NEW ||
		    link->conns[i]->state == RH_PEER_OBSERVER)
			continue;
		show(link->conns[i], visit, user);
		count++;
	}
	return count;
}
