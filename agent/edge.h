/* edge - a reference of our resource: who may be called, over what, and the way
 * there.
 *
 *   edge.c        what the center says of it; opening by name; judging
 *   edge_link.c   the link to the callee's agent and the channel in it
 *   edge_swap.c   the change of that channel
 *   edge_call.c   calls out, replies back
 *   edge_filter.c the rule of code that sees them
 *   edge_transform.c ... that changes what they carry
 *   edge_carrier.c ... that carries them
 *   edge_event.c  events from the callee, to the inboxes
 *
 * Life         An edge that was declared once keeps its index and its memory while
 *              the agent lives; one that was removed answers RH_EREVOKED.
 * A new rule   A verdict counts for the next call or page.  A new protocol counts
 *              for pages handed out from then on; pages of the former kind are
 *              retired (RH_PAGE_RETIRED), and a channel in use is swapped
 *              while calls pass (swap.h).
 * Lost link    A call that was sent is RH_ELOST; one that was not waits for the
 *              link to come back, at most until its deadline.
 * Threads      The loop's.
 * Invariants   G1  pages[i], when not NULL, has index i.
 *              G2  a call is submitted only when the channel is up and nothing
 *                  waits on the connection, so what it needs arrived before it.
 * Limits       RH_EDGES_PER_AGENT edges; RH_EVENTS_PER_LINK events held. */
#ifndef RH_AGENT_EDGE_H
#define RH_AGENT_EDGE_H

#include "channel.h"
#include "choices.h"
#include "conn.h"
#include "edge_carrier.h"
#include "edge_filter.h"
#include "edge_swap.h"
#include "edge_transform.h"
#include "list.h"
#include "outlink.h"
#include "parcel.h"
#include "view.h"

#include <uv.h>

#define RH_EVENTS_PER_LINK 64u
#define RH_PARCELS_PER_LINK 256u

struct rh_agent;
struct rh_cpage;
struct rh_counters_edge;
struct rh_process;

struct rh_edge {
	struct rh_agent         *agent;
	uint32_t                 index;
	struct rh_view_edge      spec;       /* env is the view's, in force      */
	uint8_t                  is_declared;
	struct rh_counters_edge *counters;

	enum rh_outlink_state    state;
	struct rh_conn          *conn;
	struct rh_channel       *channel;
	char                     carried_by[RH_PROTOCOL_MAX + 1]; /* the channel's */
	uint64_t                 carried_id; /* ... of the rule that is it, or 0  */
	uint64_t                 serial;     /* of the link, another each time   */
	struct rh_parcels        parcels;    /* of replies                       */
	uv_timer_t               retry;
	unsigned                 backoff_ms;
	struct rh_diag           why;        /* last failure; code 0: none       */
	uint8_t                  is_refused; /* the offer failed: why says how   */
	uint8_t                  is_draining; /* calls wait, as the callee's agent
	                                         knows no better way to change   */
	uint32_t                 version;    /* of the link, as the other end says */
	struct rh_choices        choices;    /* of the callee's instances        */
	struct rh_edge_swap      swap;
	struct rh_edge_filter    filter;
	struct rh_edge_transform transform;
	struct rh_carrier        carrier;

	struct rh_cpage        **pages;      /* G1 */
	unsigned                 page_room;
	unsigned                 page_count;
	struct rh_list           waiting;    /* pages                            */
	unsigned                 in_flight;
	uint32_t                 generation;
	struct rh_list           uses;
	struct rh_list           bindings;
	struct rh_list           inboxes;
	struct rh_list           events;     /* not placed everywhere yet        */
	unsigned                 event_count;
	struct rh_task           task;       /* runs the waiting pages           */
};

/* Brings the edges in line with the view in force.  RH_ENOMEM, RH_ENOSPC: some
 * are missing. */
int rh_edges_apply(struct rh_agent *agent);

/* Hangs up for good; leave.h.  The processes are gone already. */
void rh_edges_leave(struct rh_agent *agent);
void rh_edges_free(struct rh_agent *agent);

/* Verdicts changed by themselves, by the time. */
void rh_edges_review(struct rh_agent *agent);

/* The declared edge to a callee, by its name or by the name of an interface that
 * an allowed one offers.  RH_ENOEDGE, RH_EREVOKED; RH_EINVAL two offer it; else as
 * rh_edge_judge. */
int rh_edge_find(struct rh_agent *agent, const char *callee, const char *interface,
                 struct rh_edge **ret_edge, struct rh_diag *diag);

/* The edge to a callee that is or was declared, or NULL. */
struct rh_edge *rh_edge_known(struct rh_agent *agent, const char *callee);

/* RH_OK when calls may pass; RH_ELAYER, RH_EPENDING, RH_EREVOKED, ... with the
 * reason: the pair, the rule and its revision. */
int rh_edge_judge(const struct rh_edge *edge, struct rh_diag *diag);

/* 1 when pages of this edge are shared by caller and callee. */
int rh_edge_binds(const struct rh_edge *edge);

/* ---- edge_link.c */

void rh_edge_link_init(struct rh_edge *edge);

/* Hangs up and does not dial again. */
void rh_edge_link_leave(struct rh_edge *edge);

/* Somebody needs the link now. */
void rh_edge_link_want(struct rh_edge *edge);

/* The socket of the callee's agent appeared: dial at once. */
void rh_edge_link_appeared(struct rh_agent *agent, const char *callee);

/* After a change of the rules: opens, replaces or leaves the channel. */
void rh_edge_link_review(struct rh_edge *edge);

/* Which protocol the channel of an edge has when its rule names that one: bind leaves
 * the channel to events. */
const char *rh_channel_protocol(const char *protocol);

/* The same for what the rules of the edge name now; a rule that carries calls is of the
 * protocol RH_CARRIER_PROTOCOL, and *ret_id says which, else it is 0. */
const char *rh_edge_channel_protocol(const struct rh_edge *edge, uint64_t *ret_id);

/* 1 when the channel is by what the rules name now. */
int rh_edge_is_as_wanted(const struct rh_edge *edge);

/* The ops of a channel in use. */
extern const struct rh_channel_ops rh_edge_channel_ops;

/* Something that was under way ended: replaces the channel if that waited for it. */
void rh_edge_link_drained(struct rh_edge *edge);

/* ---- edge_call.c */

/* Sends the page's held call on.  RH_OK it went, or was finished with an error;
 * RH_EAGAIN it must wait. */
int rh_edge_forward(struct rh_edge *edge, struct rh_cpage *page);

/* 1 when a call taken now could be sent on or refused. */
int rh_edge_is_ready(const struct rh_edge *edge);

void rh_edge_wait(struct rh_edge *edge, struct rh_cpage *page);

/* Lets waiting pages try again, soon. */
void rh_edge_run(struct rh_edge *edge);

/* The link broke: what was sent is lost. */
void rh_edge_fail(struct rh_edge *edge);

void rh_edge_reply(struct rh_edge *edge, const struct rh_msg_head *head,
                   const void *body);

/* The length of a payload in a memfd is the memfd's.  RH_EPROTO when the first of
 * the descriptors is none, or it is over RH_PAYLOAD_MAX. */
int rh_memfd_len(const struct rh_fds *fds, uint32_t *ret_len);

/* Index for a new page.  RH_ENOMEM, RH_ENOSPC. */
int  rh_edge_add_page(struct rh_edge *edge, struct rh_cpage *page);
void rh_edge_remove_page(struct rh_edge *edge, struct rh_cpage *page);

/* ---- edge_event.c */

void rh_edge_event(struct rh_edge *edge, const struct rh_msg_head *event,
                   const void *body);

/* Goes on with events that could not be placed, or not answered. */
void rh_edge_run_events(struct rh_edge *edge);

/* The link broke: nobody waits for the answers any more. */
void rh_edge_drop_events(struct rh_edge *edge);

#endif
