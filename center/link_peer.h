/* link_peer - one connection of the link, and what its peer said.
 *
 *   NEW --hello--> AGENT | SUPERVISOR      (anything unexpected: dropped)
 *
 * Used by link.c (who accepts, publishes, drops) and link_peer.c (who reads).
 *
 * Ownership   The link owns peers; a peer dies in the callback of its close.
 * Threads     One. */
#ifndef RH_CENTER_LINK_PEER_H
#define RH_CENTER_LINK_PEER_H

#include "link.h"
#include "parcel.h"

#include "../base/socket.h"
#include "../wire/limits.h"

enum rh_peer_state { RH_PEER_NEW, RH_PEER_AGENT, RH_PEER_SUPERVISOR };

struct rh_link_conn {
	uv_poll_t               poll;
	struct rh_link         *link;
	struct rh_link_conn    *next;        /* of the same bucket; or closing   */
	enum rh_peer_state      state;
	int                     fd;
	int                     is_marked;   /* may be concerned by the change   */
	int                     is_wanted;   /* a newer parcel is to be sent     */
	int                     is_closing;
	pid_t                   pid;
	uid_t                   uid;
	uint64_t                since_ms;
	uint64_t                stalled_ns;  /* since when it reads nothing; 0   */
	uint64_t                opened_ns;
	struct rh_parcel        parcel;
	unsigned char           hash[RH_PARCEL_HASH_BYTES];
	uint64_t                revision;
	struct rh_link_instance *instances;
	unsigned                instance_count;
	unsigned                index;       /* in the link's list               */
	char                    resource[RH_NAME_MAX + 1];
};

/* Handles one frame.  0, or a negative code after which the peer is dropped; then
 * *diag says why. */
int rh_peer_handle(struct rh_center *center, struct rh_link_conn *conn,
                   const struct rh_frame *frame, struct rh_diag *diag);

#endif
