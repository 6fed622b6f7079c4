/* inlink - a link from the agent of a caller: it brings calls and bindings, and
 * takes our events.
 *
 * Replies     A reply that finds no room in the channel stays where it is (the
 *             page is hungry); one that cannot stay there is queued, and while
 *             such answers wait no more calls are taken.
 * Ownership   The agent's list; freed when the connection ended.  It owns its
 *             attachments, errands and answers.
 * Threads     The loop's.
 * Invariants  L1  agent->links is in order of serial.
 *             L2  events[i].in_use exactly while EVENT_DONE is awaited.
 * Limits      RH_LINKS_PER_AGENT links; RH_BACKLOG_CALLS calls and
 *             RH_BACKLOG_BYTES bytes wait for an instance, more stay in the
 *             channel; RH_PEERS_PER_AGENT attachments. */
#ifndef RH_AGENT_INLINK_H
#define RH_AGENT_INLINK_H

#include "channel.h"
#include "conn.h"
#include "edge.h"
#include "list.h"
#include "parcel.h"
#include "swap.h"
#include "task.h"

#include "../base/peer.h"

#define RH_LINKS_PER_AGENT 1024u
#define RH_BACKLOG_CALLS   256u
#define RH_BACKLOG_BYTES   (16u << 20)
#define RH_LINK_BUCKETS    64u

struct rh_agent;
struct rh_cpage;

struct rh_event_out {
	struct rh_cpage *page;       /* NULL: it is gone */
	uint32_t         generation; /* of the transit   */
	uint32_t         serial;
	uint8_t          slot;
	uint8_t          in_use;
};

struct rh_inlink {
	struct rh_list      in_agent;
	struct rh_agent    *agent;
	struct rh_conn     *conn;
	struct rh_channel  *channel;       /* NULL: none is open             */
	struct rh_channel  *next;          /* in place of it: inlink_swap.h  */
	enum rh_swapped_state swap;
	uint64_t            swap_id;
	uint64_t            swap_limit;    /* messages that channel brings   */
	uint64_t            unable;        /* a rule that one of both ends cannot obey: its
	                                      revision, or 0; it may be still to come to
	                                      us, or come once more               */
	uint64_t            unable_upto;   /* ... which the caller's agent still has */
	struct rh_diag      unable_why;
	uint64_t            serial;
	char                caller[RH_NAME_MAX + 1];
	uint64_t            judged_at;     /* agent->views then              */
	int                 verdict;
	struct rh_list      attachments[RH_LINK_BUCKETS];
	unsigned            attachment_count;
	struct rh_parcels   parcels;       /* of calls                       */
	struct rh_list      backlog;       /* errands                        */
	unsigned            backlog_calls;
	size_t              backlog_bytes;
	uint64_t            pass;          /* over the backlog               */
	struct rh_list      answers;       /* replies without a page         */
	struct rh_list      hungry;        /* wpages with a reply to send    */
	struct rh_list      bounds;
	uint32_t            event_serial;
	unsigned            event_count;
	struct rh_event_out events[RH_EVENTS_PER_LINK];
	uint32_t            choices_max;   /* instances it can be told of; 0: none */
	uint8_t             has_new_choices; /* it does not know of          */
	uint8_t             has_more_held; /* pages it may not know of       */
	uint8_t             is_closed;
	struct rh_task      task;          /* places errands                 */
	struct rh_task      end;
};

/* Takes over the connection of an admitted agent and answers its LINK by LINKED.
 * RH_ENOEDGE, RH_ELAYER, RH_EPENDING  as the view says of caller and resource;
 * RH_ENOSPC, RH_ENOMEM. */
int rh_inlink_open(struct rh_agent *agent, struct rh_conn *conn,
                   const struct rh_peer *peer, const char *caller,
                   struct rh_frame *frame, struct rh_diag *diag);

/* Joins the channel that a frame offers.  RH_EPROTO the frame is malformed; else as of
 * the protocol. */
int rh_inlink_accept(struct rh_inlink *link, struct rh_frame *frame,
                     struct rh_channel **ret_channel, uint64_t *ret_id,
                     struct rh_diag *diag);

/* The ops of a channel in use. */
extern const struct rh_channel_ops rh_inlink_channel_ops;

/* RH_OK when the caller may call us, by the view in force. */
int rh_inlink_judge(struct rh_agent *agent, const char *caller,
                    struct rh_diag *diag);

/* The same for the link's caller, remembered until the view changes; the words are
 * rh_inlink_judge's. */
int rh_inlink_verdict(struct rh_inlink *link);

/* Sends a reply, descriptors first; *fds_sent remembers that they went.  RH_EAGAIN
 * there is no room: rh_inlink_starve to be called back.  RH_ELOST nobody waits for
 * it any more. */
int rh_inlink_reply(struct rh_inlink *link, const struct rh_msg_head *head,
                    const void *body, const struct rh_fds *fds, uint8_t *fds_sent);

/* Sends a reply, or queues a copy; takes the descriptors, which may be NULL. */
void rh_inlink_answer(struct rh_inlink *link, const struct rh_msg_head *head,
                      const void *body, struct rh_fds *fds);

/* Answers a call that no instance ran. */
void rh_inlink_refuse(struct rh_inlink *link, const struct rh_msg_head *call,
                      int status, uint16_t flags, const char *text);

/* The reply in the page is to be sent when there is room. */
struct rh_wpage;
void rh_inlink_starve(struct rh_inlink *link, struct rh_wpage *page);

/* An instance, a page or a slot became free: errands may be placed. */
void rh_inlink_run(struct rh_inlink *link);
void rh_inlinks_run(struct rh_agent *agent);

/* Ends errands whose deadline has passed; asks the alarm for the next. */
void rh_inlinks_expire(struct rh_agent *agent, uint64_t now);

/* 1 when an event can be given to it now. */
int rh_inlink_takes_events(const struct rh_inlink *link);

void rh_inlink_close(struct rh_inlink *link);

#endif
