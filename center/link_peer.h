/* link_peer - the link and its connections, as the files of the link see them.
 *
 *   NEW --hello--> AGENT | SUPERVISOR      (anything unexpected: dropped)
 *
 * link.c accepts, receives, drops and keeps time; link_peer.c understands what peers
 * say; link_push.c builds views and plans and sends them.
 *
 * Ownership   The link owns peers; a peer dies in the callback of its close.
 * Threads     One. */
#ifndef RH_CENTER_LINK_PEER_H
#define RH_CENTER_LINK_PEER_H

#include "link.h"
#include "parcel.h"

#include "../base/socket.h"
#include "../wire/limits.h"

#define RH_LINK_BUCKETS 1024u

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

struct rh_link {
	struct rh_center    *center;
	uv_poll_t            listener;
	uv_timer_t           tick;
	uv_timer_t           plan_timer;
	int                  listen_fd;
	int                  handles;       /* not yet closed, peers included   */
	int                  is_closing;
	int                  is_paused;     /* no descriptors: accepting stopped */
	uint64_t             plan_took_ns;
	uint64_t             plan_made_ns;
	unsigned             count;
	struct rh_link_conn *conns[RH_LINK_PEERS_MAX];
	struct rh_link_conn *buckets[RH_LINK_BUCKETS]; /* agents, by resource           */
	unsigned char        buffer[RH_FRAME_MAX];
};

/* Handles one frame.  0, or a negative code after which the peer is dropped; then
 * *diag says why. */
int rh_peer_handle(struct rh_center *center, struct rh_link_conn *conn,
                   const struct rh_frame *frame, struct rh_diag *diag);

/* Sends what the peer does not have yet, as far as its socket takes it. */
void rh_link_push(struct rh_link_conn *conn);

/* Ends the connection; why is NULL when the peer left by itself.  The memory goes
 * with the callback of the close. */
void rh_link_drop(struct rh_link_conn *conn, const char *why);

/* The callback of every connection's poll handle. */
void rh_link_ready(uv_poll_t *poll, int status, int events);

#endif
