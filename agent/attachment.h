/* attachment - a remote process behind an inlink, and its lanes.
 *
 * All its calls go to one instance, which keeps its objects, as long as that one
 * lives.  Each lane (a thread of the caller) has a page of its own to that
 * instance, so that one thread's long call does not hold up another's.
 *
 * Ownership   The link's; it owns its lanes, and they their pages.
 * Threads     The loop's.
 * Invariants  A1  introduced counts PEER minus PEER_GONE; it ends at 0.
 *             A2  instance->load counts this attachment while instance is set. */
#ifndef RH_AGENT_ATTACHMENT_H
#define RH_AGENT_ATTACHMENT_H

#include "context.h"
#include "list.h"

#include <sys/types.h>

struct rh_agent;
struct rh_inlink;
struct rh_instance;
struct rh_page_add;

#define RH_LANE_NOT_REFUSED UINT64_MAX

struct rh_lane {
	struct rh_list        in_attachment;
	struct rh_attachment *attachment;
	uint16_t              number;
	uint64_t              refused_at; /* instance->dropped when it had no page
	                                     for this lane, which then shares
	                                     those of others; else NOT_REFUSED */
	uint32_t              refused_by; /* its id: another may have one      */
	unsigned              waiting;    /* errands                           */
	uint64_t              blocked_in; /* pass over the backlog             */
	struct rh_list        wpages;
};

struct rh_attachment {
	struct rh_list      in_link;
	struct rh_inlink   *link;
	uint64_t            id;
	uid_t               uid;
	unsigned            gid_count;
	gid_t              *gids;
	int                 pidfd;
	unsigned            introduced;
	struct rh_contexts  contexts;
	struct rh_instance *instance;
	struct rh_list      lanes;
};

/* A PEER frame.  RH_EPROTO malformed; RH_ENOSPC, RH_ENOMEM. */
int rh_attachment_introduce(struct rh_inlink *link, struct rh_frame *frame);

/* NULL when nobody introduced it. */
struct rh_attachment *rh_attachment_find(struct rh_inlink *link, uint64_t id);

/* A PEER_GONE frame: the callee is told to free what it owned. */
void rh_attachment_gone(struct rh_inlink *link, uint64_t id);

/* The link is gone: the callee keeps what it owned, for the process may come back
 * through another agent. */
void rh_attachment_close(struct rh_attachment *attachment);

/* The instance that it sticks to, chosen now if it has none, so that it is the one that
 * has its bound pages and its objects; NULL when none is up. */
struct rh_instance *rh_attachment_instance(struct rh_attachment *attachment);

/* The lane of that number, made when there is none; NULL without memory. */
struct rh_lane *rh_attachment_lane(struct rh_attachment *attachment,
                                   uint16_t number);

/* The instance has no page for the lane, until it gives one up. */
void rh_lane_refuse(struct rh_lane *lane, const struct rh_instance *instance);
int  rh_lane_is_refused(const struct rh_lane *lane, const struct rh_instance *instance);

/* Fills what PAGE_ADD says of the attachment. */
void rh_attachment_describe(const struct rh_attachment *attachment,
                            struct rh_page_add *add);

/* The instance is gone: nobody sticks to it any more. */
void rh_attachments_unstick(struct rh_agent *agent, struct rh_instance *instance);

#endif
