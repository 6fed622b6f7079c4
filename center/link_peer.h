/* link_peer - the link and its connections, as the files of the link see them.
 *
 *   NEW --hello 1--> AGENT          (anything unexpected: told why, and dropped)
 *    | \--hello----> SUPERVISOR
 *    |\---trace---> OBSERVER
 *    \---hello 2---> GREETED --subscribe--> SUBSCRIBED <--subscribe-+
 *                                                \--------<---------/
 *
 * link.c accepts, receives, drops and keeps time; link_walk.c finds peers and shows
 * them; link_peer.c understands what peers of either version say, link_subscriber.c
 * what those of RH_PUSH_VERSION say, and link_standing.c what follows from it,
 * link_news.c tells others of it, and observer.c those who look on; link_module.c sends
 * agents what they run, and link_runs.c hears how it does;
 * link_push.c builds views and plans and sends
 * them; link_feed.c sends what push.h makes for subscribers.
 *
 * Ownership   The link owns peers; a peer dies in the callback of its close.
 * Threads     One.
 * Invariants  K1  a peer is in push exactly while it is GREETED or SUBSCRIBED.
 *             K2  is_ready: it is in the list of the ready, once. */
#ifndef RH_CENTER_LINK_PEER_H
#define RH_CENTER_LINK_PEER_H

#include "link.h"
#include "parcel.h"
#include "push.h"

#include "../base/socket.h"
#include "../wire/limits.h"

#define RH_LINK_BUCKETS 1024u

enum rh_peer_state {
	RH_PEER_NEW, RH_PEER_AGENT, RH_PEER_SUPERVISOR, RH_PEER_GREETED,
	RH_PEER_SUBSCRIBED, RH_PEER_OBSERVER, RH_PEER_STATES
};

struct rh_link_conn {
	uv_poll_t                poll;
	struct rh_link          *link;
	struct rh_link_conn     *next;       /* of the same bucket               */
	enum rh_peer_state       state;
	uint32_t                 version;    /* that it said                     */
	int                      fd;
	int                      is_closing;
	pid_t                    pid;
	uid_t                    uid;
	uint64_t                 since_ms;
	uint64_t                 opened_ns;  /* or greeted                       */
	uint64_t                 stalled_ns; /* since when it reads nothing; 0   */
	unsigned                 index;      /* in the link's list               */
	/* AGENT, SUPERVISOR */
	int                      is_marked;  /* may be concerned by the change   */
	int                      is_wanted;  /* a newer parcel is to be sent     */
	struct rh_parcel         parcel;
	unsigned char            hash[RH_PARCEL_HASH_BYTES];
	uint64_t                 revision;
	/* GREETED, SUBSCRIBED */
	struct rh_subscriber     subscriber;
	struct rh_link_conn     *ready_next;
	int                      is_ready;
	int                      is_full;    /* its socket                       */
	int                      has_settled; /* something, on this connection   */
	uint64_t                 came_with;  /* revision of its first SUBSCRIBE  */
	uint64_t                 heard_ns;   /* when it was sent something last  */
	uint64_t                 asked_ns;   /* observed: it waits for an answer */
	uint64_t                 snapshot_bytes;
	uint32_t                 module_offset; /* from there on the agent wants ... */
	char                     module[65];    /* ... this one; "": none            */
	/* OBSERVER */
	uint32_t                 missed;     /* steps that it did not take       */
	/* any */
	struct rh_link_instance *instances;
	unsigned                 instance_count;
	char                     resource[RH_NAME_MAX + 1];
};

struct rh_link {
	struct rh_center    *center;
	uv_poll_t            listener;
	uv_timer_t           tick;
	uv_timer_t           plan_timer;
	uv_idle_t            idle;          /* runs while somebody is ready     */
	int                  listen_fd;
	int                  handles;       /* not yet closed, peers included   */
	int                  is_closing;
	int                  is_paused;     /* no descriptors: accepting stopped */
	int                  is_flushing;
	uint64_t             plan_took_ns;
	uint64_t             plan_made_ns;
	struct rh_link_conn *ready;
	struct rh_link_conn **ready_last;
	uint64_t             report_second; /* of the reports written           */
	unsigned             reports;
	unsigned             count;
	unsigned             observer_count;
	uint64_t             observed_ns;   /* end of the step told last        */
	struct rh_link_conn *observers[RH_LINK_OBSERVERS_MAX];
	struct rh_push       push;
	struct rh_link_conn *conns[RH_LINK_PEERS_MAX];
	struct rh_link_conn *buckets[RH_LINK_BUCKETS]; /* agents, by resource   */
	unsigned char        buffer[RH_FRAME_MAX];
};

/* ---- link.c ---- */

/* Ends the connection; why is NULL when the peer left by itself.  The memory goes
 * with the callback of the close. */
void rh_link_drop(struct rh_link_conn *conn, const char *why);

/* The callback of every connection's poll handle. */
void rh_link_ready(uv_poll_t *poll, int status, int events);

/* ---- link_walk.c ---- */

struct rh_link_conn **rh_link_bucket(struct rh_link *link, const char *resource);

/* The first agent of a resource, the one that came last; the next one; or NULL. */
struct rh_link_conn *rh_link_find(const struct rh_link *link, const char *resource);
struct rh_link_conn *rh_link_find_next(const struct rh_link_conn *conn);

/* ---- link_standing.c ---- */

/* By how many revisions a subscriber is behind in what concerns it. */
uint64_t rh_link_lag(const struct rh_link_conn *conn);

/* ---- link_news.c: what agents say, for those who follow the system ---- */

void rh_link_tell_result(struct rh_center *center, const struct rh_link_conn *conn,
                         const struct rh_item_key *key, const struct rh_result *result);

/* It settled what came after that revision. */
void rh_link_tell_settled(struct rh_center *center, const struct rh_link_conn *conn,
                          uint64_t after);

/* ---- link_peer.c, link_subscriber.c ---- */

/* Handles one frame.  0, or a negative code after which the peer is dropped; then
 * *diag says why. */
int rh_peer_handle(struct rh_center *center, struct rh_link_conn *conn,
                   const struct rh_frame *frame, struct rh_diag *diag);

typedef int rh_peer_handler(struct rh_center *center, struct rh_link_conn *conn,
                            const struct rh_frame *frame, struct rh_diag *diag);
rh_peer_handler rh_peer_subscribe;
rh_peer_handler rh_peer_credit;
rh_peer_handler rh_peer_result;
rh_peer_handler rh_peer_report;
rh_peer_handler rh_peer_module;

/* ---- link_runs.c ---- */

rh_peer_handler rh_peer_rule_stats;
rh_peer_handler rh_peer_rule_log;

/* ---- link_push.c ---- */

/* Sends a view or a plan that the peer does not have yet, as far as its socket takes
 * it. */
void rh_link_push(struct rh_link_conn *conn);

/* ---- link_module.c ---- */

/* Sends the part of a module that the peer wants: nothing else waits for it. */
void rh_link_send_module(struct rh_link_conn *conn);

/* ---- link_feed.c ---- */

/* Says WELCOME. */
void rh_link_welcome(struct rh_link_conn *conn);

/* Says GOAWAY, if the socket takes it; who is told does not come back for delay_ms. */
void rh_link_goaway(int fd, int code, const char *text, uint64_t delay_ms);

/* Puts the peer among those that are ready for frames, and out of them. */
void rh_link_enqueue(struct rh_link_conn *conn);
void rh_link_dequeue(struct rh_link_conn *conn);

/* As rh_push_wake; user is the link. */
void rh_link_wake(void *user, struct rh_subscriber *subscriber);

/* Lets all that are ready have a turn. */
void rh_link_flush(struct rh_link *link);

/* Time passed: heartbeats, and those that do not read. */
void rh_link_watch_over(struct rh_link_conn *conn, uint64_t now_ns);

#endif
