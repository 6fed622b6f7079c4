#include "inlink_swap.h"

#include "agent.h"
#include "inlink.h"
#include "result.h"
#include "rules.h"
#include "settle.h"

#include "../base/diag.h"
#include "../base/failpoint.h"
#include "../base/log.h"

static int say(struct rh_inlink *link, uint8_t type, uint64_t messages)
{
	unsigned char           bytes[64];
	struct rh_record_writer writer;

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u64(&writer, RH_TAG_CALL, link->swap_id);
	if (type == RH_FRAME_DRAINED)
		rh_record_put_u64(&writer, RH_TAG_MESSAGES, messages);
	return rh_conn_send(link->conn, type, link->swap_id, &writer, NULL, 0);
}

static void drop_next(struct rh_inlink *link)
{
	rh_channel_close(link->next);
	link->next = NULL;
}

/* ---- acting ------------------------------------------------------------- */

/* What we sent by the old one is still taken from there by the caller's agent; replies
 * and events that wait for room go by the new one. */
static void switch_over(struct rh_inlink *link)
{
	struct rh_channel *old = link->channel;

	rh_failpoint("swapped-empty");
	link->channel = link->next;
	link->next = NULL;
	say(link, RH_FRAME_DRAINED, old ? old->submitted : 0);
	rh_failpoint("swapped-drained");
	rh_info("%s calls by %s instead of %s", link->caller,
	        link->channel->protocol->name, old ? old->protocol->name : "nothing");
	rh_channel_close(old);
	rh_channel_start(link->channel, &rh_inlink_channel_ops, link);
	rh_inlink_channel_ops.room(link);
	rh_settle_soon(link->agent);
}

static void step(struct rh_inlink *link, enum rh_swapped_event event)
{
	switch (rh_swapped_step(&link->swap, event)) {
	case RH_SWAPPED_DRAIN:
		if (link->channel)
			rh_channel_resume(link->channel);
		break;
	case RH_SWAPPED_DROP:
		drop_next(link);
		break;
	case RH_SWAPPED_SWITCH:
		switch_over(link);
		break;
	default: /* accepting is done by whoever has the frame */
		break;
	}
}

static void look_whether_empty(struct rh_inlink *link)
{
	if (link->swap == RH_SWAPPED_DRAINING &&
	    (link->channel ? link->channel->taken : 0) == link->swap_limit)
		step(link, RH_SWAPPED_DRAINED);
}

/* ---- what happens ------------------------------------------------------- */

static struct rh_item *item_of(const struct rh_inlink *link)
{
	return rh_items_find(&link->agent->items, link->caller, link->agent->resource);
}

/* A center that began anew sends an item that did not change under another revision, to
 * one end or the other.  It is the same one when there is a revision as of which both have
 * it.  What is in force is not what was rejected: that is staged. */
static int is_unable(const struct rh_inlink *link, const struct rh_item *item)
{
	return item->revision == link->unable ||
	       ((item->former || item->has_none) && item->revision <= link->unable_upto &&
	        link->unable <= rh_results_settled(link->agent));
}

static void reject_unable(struct rh_inlink *link)
{
	const struct rh_item *item = link->unable ? item_of(link) : NULL;
	struct rh_diag        unused;

	if (item && is_unable(link, item) &&
	    rh_result_rejected(link->agent, link->caller, link->agent->resource,
	                       &unused) != item->revision)
		rh_rules_reject(link->agent, link->caller, link->agent->resource,
		                item->revision, &link->unable_why);
}

/* The rule of that revision cannot be obeyed by one of both ends.  The caller's agent may
 * have it before us, and a center that began anew sends it to us again, while the caller's
 * agent keeps to what it said: so it is remembered as long as the link stands. */
static void reject(struct rh_inlink *link, uint64_t revision, uint64_t upto,
                   const struct rh_diag *why)
{
	link->unable = revision;
	link->unable_upto = upto;
	link->unable_why = *why;
	reject_unable(link);
}

/* Both ends keep what they had, and both say so. */
static int refuse(struct rh_inlink *link, struct rh_frame *frame,
                  const struct rh_diag *why)
{
	uint64_t revision;

	if (why->code != RH_EAGAIN &&
	    rh_record_u64(&frame->records, RH_TAG_REVISION, &revision) == RH_OK)
		reject(link, revision, revision, why);
	return rh_conn_error(link->conn, frame->request, why->code, "%s", why->text);
}

static int on_prepare(struct rh_inlink *link, struct rh_frame *frame)
{
	enum rh_swapped_state state = link->swap;
	struct rh_diag        why = { .text = "no reason was given" };
	int                   r;

	if (rh_swapped_step(&state, RH_SWAPPED_PREPARE) < 0)
		return RH_EPROTO;
	r = rh_inlink_accept(link, frame, &link->next, &link->swap_id, &why);
	if (r == RH_EPROTO)
		return r;
	if (r < 0)
		return refuse(link, frame, &why);
	link->swap_id = frame->request;
	step(link, RH_SWAPPED_PREPARE); /* W3 */
	rh_failpoint("swapped-accepted");
	r = say(link, RH_FRAME_READY, 0);
	rh_failpoint("swapped-readied");
	return r == RH_ELOST ? RH_ELOST : RH_OK;
}

static int on_commit(struct rh_inlink *link, struct rh_frame *frame)
{
	uint64_t messages, taken = link->channel ? link->channel->taken : 0;

	if (rh_record_u64(&frame->records, RH_TAG_MESSAGES, &messages) < 0 ||
	    link->swap != RH_SWAPPED_PREPARED || frame->request != link->swap_id ||
	    messages < taken)
		return RH_EPROTO;
	link->swap_limit = messages;
	step(link, RH_SWAPPED_COMMIT);
	rh_failpoint("swapped-draining");
	look_whether_empty(link);
	return RH_OK;
}

/* Without a reason the caller's agent only has changed its mind. */
static int on_abort(struct rh_inlink *link, const struct rh_frame *frame)
{
	char           text[RH_DIAG_MAX];
	struct rh_diag why;
	uint64_t       revision, upto = 0;
	int32_t        code;

	if (frame->request == link->swap_id)
		rh_failpoint("swapped-aborted");
	step(link, RH_SWAPPED_ABORT);
	if (rh_record_i32(&frame->records, RH_TAG_CODE, &code) == RH_OK && code < 0 &&
	    rh_record_text(&frame->records, RH_TAG_TEXT, text, sizeof text) == RH_OK &&
	    rh_record_u64(&frame->records, RH_TAG_REVISION, &revision) == RH_OK) {
		rh_diag_set(&why, code, "the agent of %s: %s", link->caller, text);
		rh_record_u64(&frame->records, RH_TAG_PREV, &upto); /* older agents: none */
		reject(link, revision, upto, &why);
	}
	return RH_OK;
}

void rh_inlinks_swap_recall(struct rh_agent *agent)
{
	RH_LIST_EACH(node, &agent->links)
		reject_unable(RH_CONTAINER(node, struct rh_inlink, in_agent));
}

int rh_inlink_swap_frame(struct rh_inlink *link, struct rh_frame *frame)
{
	switch (frame->type) {
	case RH_FRAME_PREPARE:
		return on_prepare(link, frame);
	case RH_FRAME_COMMIT:
		return on_commit(link, frame);
	case RH_FRAME_ABORT:
		return on_abort(link, frame);
	default:
		return RH_EPROTO;
	}
}

int rh_inlink_swap_takes(const struct rh_inlink *link)
{
	return link->swap != RH_SWAPPED_DRAINING || !link->channel ||
	       link->channel->taken < link->swap_limit;
}

void rh_inlink_swap_took(struct rh_inlink *link)
{
	look_whether_empty(link);
}

void rh_inlink_swap_lost(struct rh_inlink *link)
{
	step(link, RH_SWAPPED_LOST);
}
