#include "link_peer.h"

#include "center.h"

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

static void show(const struct rh_link_conn *conn, rh_link_visit *visit, void *user)
{
	int is_subscriber = conn->state == RH_PEER_GREETED ||
	                    conn->state == RH_PEER_SUBSCRIBED;

	visit(user, &(struct rh_link_peer){
		.resource = conn->resource,
		.is_supervisor = conn->state == RH_PEER_SUPERVISOR,
		.pid = conn->pid, .uid = conn->uid, .since_ms = conn->since_ms,
		.revision = is_subscriber ? conn->subscriber.feed.sent : conn->revision,
		.pending = is_subscriber
		         ? conn->subscriber.snapshot.len - conn->subscriber.snapshot.sent
		         : conn->parcel.len - conn->parcel.sent,
		.instances = conn->instances, .instance_count = conn->instance_count,
	});
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
		if (link->conns[i]->state == RH_PEER_NEW)
			continue;
		show(link->conns[i], visit, user);
		count++;
	}
	return count;
}
