#include "edge_swap.h"

#include "agent.h"
#include "edge.h"
#include "result.h"
#include "rules.h"
#include "settle.h"

#include "../base/clock.h"
#include "../base/diag.h"
#include "../base/failpoint.h"
#include "../base/log.h"

#include <string.h>

static void step(struct rh_edge *edge, enum rh_swap_event event,
                 const struct rh_diag *why);

/* ---- the old channel, until it is empty --------------------------------- */

/* The callee's agent sent all of it, and we took all of it. */
static void look_whether_empty(struct rh_edge *edge)
{
	struct rh_edge_swap *swap = &edge->swap;

	if (swap->old && swap->is_limited && swap->old->taken == swap->limit)
		step(edge, RH_SWAP_DRAINED, NULL);
}

static int old_can_take(void *user)
{
	const struct rh_edge_swap *swap = &((struct rh_edge *)user)->swap;

	return !swap->is_limited || swap->old->taken < swap->limit;
}

static void on_old_message(void *user, const struct rh_msg_head *head, const void *body)
{
	rh_edge_channel_ops.message(user, head, body);
	look_whether_empty(user);
}

static void on_old_room(void *user)
{
	(void)user; /* nothing is sent by it any more */
}

/* Its other end closed it: everything was taken (P6 of the protocols), and DRAINED will
 * say whether that is as it should be. */
static void on_old_lost(void *user, int why)
{
	struct rh_edge *edge = user;

	if (why == RH_ELOST)
		edge->swap.is_over = 1;
	else
		rh_edge_channel_ops.lost(edge, why);
}

static const struct rh_channel_ops old_ops = {
	.can_take = old_can_take, .message = on_old_message, .room = on_old_room,
	.lost = on_old_lost,
};

/* ---- saying ------------------------------------------------------------- */

static void say(struct rh_edge *edge, uint8_t type, uint64_t messages)
{
	unsigned char           bytes[64];
	struct rh_record_writer writer;

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u64(&writer, RH_TAG_CALL, edge->swap.id);
	if (type == RH_FRAME_COMMIT)
		rh_record_put_u64(&writer, RH_TAG_MESSAGES, messages);
	rh_conn_send(edge->conn, type, edge->swap.id, &writer, NULL, 0);
}

/* The callee's agent rejects it too, under whatever revision up to PREV it has it. */
static void say_abort(struct rh_edge *edge, uint64_t revision, const struct rh_diag *why)
{
	unsigned char           bytes[112 + RH_DIAG_MAX];
	struct rh_record_writer writer;

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u64(&writer, RH_TAG_CALL, edge->swap.id);
	rh_record_put_u64(&writer, RH_TAG_REVISION, revision);
	rh_record_put_u64(&writer, RH_TAG_PREV, rh_results_settled(edge->agent));
	rh_record_put_i32(&writer, RH_TAG_CODE, why->code);
	rh_record_put_text(&writer, RH_TAG_TEXT, why->text);
	rh_conn_send(edge->conn, RH_FRAME_ABORT, edge->swap.id, &writer, NULL, 0);
	edge->swap.unable = revision;
}

static int send_prepare(struct rh_edge *edge, const struct rh_offer *offer)
{
	unsigned char           bytes[128 + RH_OFFER_BYTES_MAX];
	struct rh_record_writer writer;

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_text(&writer, RH_TAG_PROTOCOL, edge->swap.by);
	rh_record_put_u64(&writer, RH_TAG_CALL, edge->swap.id);
	rh_record_put_u64(&writer, RH_TAG_REVISION, edge->swap.revision);
	rh_record_put(&writer, RH_TAG_OFFER, offer->bytes, offer->len);
	return rh_conn_send(edge->conn, RH_FRAME_PREPARE, edge->swap.id, &writer,
	                    offer->fds, offer->fd_count);
}

/* ---- acting ------------------------------------------------------------- */

static int make_next(struct rh_edge *edge, struct rh_diag *why)
{
	struct rh_edge_swap      *swap = &edge->swap;
	const struct rh_protocol *protocol = rh_protocol_find(swap->by);
	struct rh_channel_config  config = {
		.system = edge->agent->view->system, .caller = edge->agent->resource,
		.callee = edge->spec.callee, .id = swap->id,
	};
	struct rh_framing         framing;
	struct rh_offer           offer;
	int                       r;

	if (!protocol || protocol->abi != RH_PROTOCOL_ABI)
		return rh_diag_set(why, RH_ENOSYS, "this agent does not know the protocol "
		                   "%s of the edge %s -> %s", swap->by, config.caller,
		                   config.callee);
	if (swap->by_id) {
		r = rh_carrier_frame(&edge->carrier, rh_edge_carrier_wanted(edge),
		                     RH_CODEC_CALLER, &framing, why);
		if (r < 0)
			return r;
		config.framing = &framing;
	}
	r = rh_channel_offer(edge->agent, protocol, &config, &offer, &swap->next, why);
	if (r < 0)
		return r;
	r = send_prepare(edge, &offer);
	rh_agent_close_offer(&offer);
	return r < 0 ? rh_diag_set(why, r, "the link is ending") : RH_OK;
}

static void prepare(struct rh_edge *edge)
{
	struct rh_edge_swap *swap = &edge->swap;
	struct rh_diag       why;

	strcpy(swap->by, rh_edge_channel_protocol(edge, &swap->by_id));
	swap->id = rh_agent_next_id(edge->agent);
	swap->revision = edge->spec.item;
	if (make_next(edge, &why) < 0) {
		step(edge, why.code == RH_ELOST ? RH_SWAP_LOST : RH_SWAP_UNABLE, &why);
		return;
	}
	rh_failpoint("swap-prepared");
	swap->deadline = rh_clock_ns() + RH_SWAP_PATIENCE_MS * RH_NS_PER_MS;
	rh_alarm_at(&edge->agent->alarm, swap->deadline);
}

static void drop_next(struct rh_edge *edge)
{
	rh_channel_close(edge->swap.next);
	edge->swap.next = NULL;
	edge->swap.deadline = 0;
}

/* W1, W2: from here on everything goes by the new one. */
static void commit(struct rh_edge *edge)
{
	struct rh_edge_swap *swap = &edge->swap;

	rh_failpoint("swap-ready");
	swap->deadline = 0;
	swap->is_limited = swap->is_over = 0;
	swap->old = edge->channel;
	swap->old->ops = &old_ops;
	edge->channel = swap->next;
	swap->next = NULL;
	strcpy(edge->carried_by, swap->by);
	edge->carried_id = swap->by_id;
	swap->waits_since = 0;
	say(edge, RH_FRAME_COMMIT, swap->old->submitted);
	rh_failpoint("swap-committed");
	rh_channel_start(edge->channel, &rh_edge_channel_ops, edge);
	rh_channel_resume(swap->old);
	rh_edge_run_events(edge);
	rh_edge_run(edge);
}

static void finish(struct rh_edge *edge)
{
	struct rh_edge_swap *swap = &edge->swap;

	rh_info("calls to %s go by %s instead of %s", edge->spec.callee,
	        edge->carried_by, swap->old->protocol->name);
	rh_failpoint("swap-empty");
	rh_channel_close(swap->old);
	swap->old = NULL;
	rh_failpoint("swap-finished");
	rh_channel_resume(edge->channel);
	rh_edge_carrier_swapped(edge);
	rh_settle_soon(edge->agent);
	rh_edge_swap_recall(edge);
	rh_edge_swap_review(edge); /* the rules may have changed meanwhile */
}

static void reject(struct rh_edge *edge, const struct rh_diag *why)
{
	uint64_t by_id = edge->swap.by_id;

	drop_next(edge);
	edge->swap.waits_since = 0;
	if (by_id) {
		rh_edge_carrier_refused(edge, by_id, why);
		return;
	}
	rh_rules_reject(edge->agent, edge->agent->resource, edge->spec.callee,
	                edge->spec.item, why);
}

/* The rule came again, with the same protocol, since PREPARE: the callee's agent rejected
 * the one before. */
static void reject_refused(struct rh_edge *edge, const struct rh_diag *why)
{
	edge->swap.unable = edge->swap.revision;
	if (edge->swap.revision != edge->spec.item)
		say_abort(edge, edge->spec.item, why);
	reject(edge, why);
}

/* Both agents get the rule by themselves: the other one may be behind, or ahead. */
static void try_later(struct rh_edge *edge)
{
	struct rh_edge_swap *swap = &edge->swap;
	uint64_t             now = rh_clock_ns();

	drop_next(edge);
	if (!swap->waits_since) {
		swap->waits_since = now;
		swap->again_ms = RH_SWAP_AGAIN_MS;
	}
	swap->again_at = now + swap->again_ms * RH_NS_PER_MS;
	if (swap->again_ms < RH_SWAP_AGAIN_MAX_MS)
		swap->again_ms *= 2;
	rh_alarm_at(&edge->agent->alarm, swap->again_at);
}

static void forget(struct rh_edge *edge)
{
	drop_next(edge);
	rh_channel_close(edge->swap.old);
	edge->swap.old = NULL;
}

static void step(struct rh_edge *edge, enum rh_swap_event event,
                 const struct rh_diag *why)
{
	switch (rh_swap_step(&edge->swap.state, event)) {
	case RH_SWAP_PREPARE:
		prepare(edge);
		break;
	case RH_SWAP_ABORT:
		say(edge, RH_FRAME_ABORT, 0);
		rh_failpoint("swap-aborted");
		drop_next(edge);
		break;
	case RH_SWAP_COMMIT:
		commit(edge);
		break;
	case RH_SWAP_GIVE_UP:
		say_abort(edge, edge->spec.item, why);
		reject(edge, why);
		break;
	case RH_SWAP_REJECT:
		reject_refused(edge, why);
		break;
	case RH_SWAP_FINISH:
		finish(edge);
		break;
	case RH_SWAP_FORGET:
		forget(edge);
		break;
	case RH_SWAP_TRY_LATER:
		try_later(edge);
		break;
	default: /* fits no state: nothing to do */
		break;
	}
}

/* ---- what happens ------------------------------------------------------- */

void rh_edge_swap_review(struct rh_edge *edge)
{
	struct rh_edge_swap *swap = &edge->swap;
	uint64_t             id;
	const char          *wanted = rh_edge_channel_protocol(edge, &id);

	if (edge->state != RH_OUTLINK_UP || edge->version < 2)
		return; /* an agent of version 1 is told by draining; edge_link.c */
	if (swap->state == RH_SWAP_PREPARING &&
	    (strcmp(swap->by, wanted) != 0 || swap->by_id != id))
		step(edge, RH_SWAP_UNWANT, NULL);
	if (swap->again_at && swap->by_id == id)
		return; /* it is not time yet */
	swap->again_at = 0;
	if (!rh_edge_is_as_wanted(edge))
		step(edge, RH_SWAP_WANT, NULL);
}

void rh_edge_swap_linked(struct rh_edge *edge)
{
	struct rh_diag why;
	uint64_t       revision = rh_result_rejected(edge->agent, edge->agent->resource,
	                                             edge->spec.callee, &why);

	if (edge->version >= 2 && revision)
		say_abort(edge, revision, &why);
}

void rh_edge_swap_recall(struct rh_edge *edge)
{
	const struct rh_edge_swap *swap = &edge->swap;
	struct rh_diag             why;

	if (swap->unable && swap->state == RH_SWAP_IDLE && edge->state == RH_OUTLINK_UP &&
	    rh_result_rejected(edge->agent, edge->agent->resource, edge->spec.callee,
	                       &why) == swap->unable)
		say_abort(edge, swap->unable, &why);
}

static int may_try_later(const struct rh_edge *edge, int code)
{
	const struct rh_edge_swap *swap = &edge->swap;

	return code == RH_EAGAIN && swap->by_id &&
	       (!swap->waits_since ||
	        rh_clock_ns() - swap->waits_since < RH_SWAP_WAIT_MS * RH_NS_PER_MS);
}

static int on_refused(struct rh_edge *edge, struct rh_frame *frame)
{
	struct rh_diag why = { .code = RH_EPROTO, .text = "no reason was given" };
	int32_t        code = RH_EPROTO;

	rh_record_i32(&frame->records, RH_TAG_CODE, &code);
	if (code < 0)
		why.code = code;
	rh_record_text(&frame->records, RH_TAG_TEXT, why.text, sizeof why.text);
	step(edge, may_try_later(edge, why.code) ? RH_SWAP_NOT_YET : RH_SWAP_REFUSED, &why);
	return RH_OK;
}

static int on_drained(struct rh_edge *edge, struct rh_frame *frame)
{
	struct rh_edge_swap *swap = &edge->swap;
	uint64_t             messages;

	if (rh_record_u64(&frame->records, RH_TAG_MESSAGES, &messages) < 0 ||
	    swap->state != RH_SWAP_COMMITTED || swap->is_limited ||
	    swap->old->taken > messages ||
	    (swap->is_over && swap->old->taken < messages))
		return RH_EPROTO;
	swap->limit = messages;
	swap->is_limited = 1;
	rh_channel_resume(swap->old);
	look_whether_empty(edge);
	return RH_OK;
}

int rh_edge_swap_frame(struct rh_edge *edge, struct rh_frame *frame)
{
	struct rh_edge_swap *swap = &edge->swap;

	if (swap->id == 0 || frame->request != swap->id)
		return frame->type == RH_FRAME_ERROR ? RH_ENOENT : RH_OK; /* an old one */
	switch (frame->type) {
	case RH_FRAME_READY:
		step(edge, RH_SWAP_READY, NULL);
		return RH_OK;
	case RH_FRAME_DRAINED:
		return on_drained(edge, frame);
	case RH_FRAME_ERROR:
	case RH_FRAME_ABORT:
		return on_refused(edge, frame);
	default:
		return RH_EPROTO;
	}
}

void rh_edge_swap_lost(struct rh_edge *edge)
{
	step(edge, RH_SWAP_LOST, NULL);
	edge->swap.id = edge->swap.unable = 0;
	edge->swap.again_at = edge->swap.waits_since = 0;
}

void rh_edge_swap_expire(struct rh_edge *edge, uint64_t now)
{
	struct rh_edge_swap *swap = &edge->swap;
	struct rh_diag       why;

	if (swap->again_at && swap->again_at > now) {
		rh_alarm_at(&edge->agent->alarm, swap->again_at);
	} else if (swap->again_at) {
		swap->again_at = 0;
		rh_edge_swap_review(edge);
	}
	if (swap->deadline == 0)
		return;
	if (swap->deadline > now) {
		rh_alarm_at(&edge->agent->alarm, swap->deadline);
		return;
	}
	rh_diag_set(&why, RH_ETIMEDOUT, "the agent of %s did not answer within %u ms "
	            "whether it can change to %s", edge->spec.callee,
	            RH_SWAP_PATIENCE_MS, swap->by);
	step(edge, RH_SWAP_LATE, &why);
}
