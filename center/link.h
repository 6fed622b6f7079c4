/* link - the center's connections to agents and to the supervisor.
 *
 * A peer of RH_PUSH_VERSION says HELLO, is welcomed, subscribes, and gets a snapshot
 * or the changes since the revision that it has (push.h); it says what became of them.
 * A peer of version 1 says HELLO and gets the whole view of its resource (a supervisor:
 * the plan), and again whenever that changed for it.
 *
 * A peer has no queue: a subscriber is a cursor, of views and plans one is on its way
 * and a mark says that a newer one is wanted.  So a slow peer costs only itself; when
 * it reads nothing for long it is disconnected.  A peer that breaks the format or
 * speaks for another resource is told and disconnected.  Instances are leases: they
 * end with the connection.
 *
 * Ownership   The link owns its peers and its listener.
 * Threads     One, the loop's.
 * Limits      RH_LINK_* of limits.h. */
#ifndef RH_CENTER_LINK_H
#define RH_CENTER_LINK_H

#include "limits.h"

#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

struct rh_center;
struct rh_diag;
struct rh_item_key;
struct rh_link;
struct rh_result;
struct rh_results;
struct rh_push_sizes;

struct rh_link_instance {
	uint64_t id;
	uint32_t pid;
};

/* What others may see of a peer; borrowed until the visit returns. */
struct rh_link_peer {
	const char                    *resource;  /* "" for a supervisor       */
	int                            is_supervisor;
	uint32_t                       version;   /* of HELLO                  */
	pid_t                          pid;
	uid_t                          uid;
	uint64_t                       since_ms;
	uint64_t                       revision;  /* sent last                 */
	uint64_t                       pending;   /* bytes not yet sent        */
	uint64_t                       stalled_ns; /* how long it reads nothing */
	const struct rh_link_instance *instances;
	unsigned                       instance_count;
	/* of RH_PUSH_VERSION; results is NULL for others */
	const struct rh_results       *results;
	uint64_t                       settled;
	uint64_t                       lag;       /* revisions; 0: up to date  */
	const char                    *source;    /* "live", "cache", "none"   */
};

/* How far an item is at an agent. */
struct rh_link_standing {
	const char             *state;     /* "active", "pending", "unreachable", or
	                                      as rh_result_state_text             */
	int                     is_active;
	const struct rh_result *result;    /* what the agent said, or NULL;
	                                      borrowed for this turn              */
};

typedef void rh_link_visit(void *user, const struct rh_link_peer *peer);

/* Listens on path and becomes center->link, its push center->push.
 * RH_EIO, RH_EMSGSIZE, RH_ENOMEM. */
int rh_link_open(struct rh_center *center, uv_loop_t *loop, const char *path,
                 const struct rh_push_sizes *sizes, struct rh_diag *diag);

/* Closes every connection; the memory goes when the loop has run once more. */
void rh_link_close(struct rh_center *center);

/* Sends what changed to those it concerns.  NULL is accepted. */
void rh_link_publish(struct rh_link *link);

/* How many instances of a resource are up.  NULL is accepted. */
unsigned rh_link_instances(const struct rh_link *link, const char *resource);

/* Visits every peer that said hello, or those of one resource; returns how many.
 * A NULL link has none. */
int rh_link_walk(const struct rh_link *link, const char *resource,
                 rh_link_visit *visit, void *user);

/* How far the item is, as of revision, at the agent of that resource which came last.
 * Of a peer of version 1, which says nothing, what it was sent counts. */
void rh_link_standing(const struct rh_link *link, const char *agent,
                      const struct rh_item_key *key, uint64_t revision,
                      struct rh_link_standing *ret_standing);

/* 1 when every item up to that revision is active at it, 0 when one may not be.
 * RH_EDETACHED  it is not connected. */
int rh_link_is_active(const struct rh_link *link, const char *agent, uint64_t revision);

#endif
