#include "edge.h"

#include "agent.h"
#include "binding.h"
#include "dial.h"
#include "happening.h"
#include "held.h"
#include "leave.h"
#include "settle.h"

#include "../base/clock.h"
#include "../base/diag.h"
#include "../base/log.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BACKOFF_FIRST_MS 50u
#define BACKOFF_MAX_MS   2000u
#define EVENT_PROTOCOL   "shm" /* events of an edge whose calls are bound */

static void step(struct rh_edge *edge, enum rh_outlink_event event);
static void dial(struct rh_edge *edge);

/* ---- the channel -------------------------------------------------------- */

/* Replies and events always find a place; but first comes what the former channel
 * still brings (W2). */
static int can_take(void *user)
{
	return ((const struct rh_edge *)user)->swap.old == NULL;
}

static void on_message(void *user, const struct rh_msg_head *head, const void *body)
{
	struct rh_edge *edge = user;

	if (head->kind == RH_MSG_REPLY)
		rh_edge_reply(edge, head, body);
	else if (head->kind == RH_MSG_EVENT)
		rh_edge_event(edge, head, body);
	else
		rh_agent_malformed(edge->agent);
}

static void on_room(void *user)
{
	rh_edge_run_events(user);
	rh_edge_run(user);
}

static void on_channel_lost(void *user, int why)
{
	struct rh_edge *edge = user;

	rh_diag_set(&edge->why, RH_ELOST, "the %s channel to %s broke: %s",
	            edge->carried_by, edge->spec.callee, why == RH_ERULE ?
	            edge->carrier.why.text : rh_error_text(why));
	if (why == RH_ERULE)
		rh_edge_carrier_failed(edge);
	step(edge, RH_OUTLINK_LOST);
}

const struct rh_channel_ops rh_edge_channel_ops = {
	.can_take = can_take, .message = on_message, .room = on_room,
	.lost = on_channel_lost,
};

const char *rh_channel_protocol(const char *protocol)
{
	return strcmp(protocol, "bind") == 0 ? EVENT_PROTOCOL : protocol;
}

const char *rh_edge_channel_protocol(const struct rh_edge *edge, uint64_t *ret_id)
{
	const struct rh_code *carrier = rh_edge_carrier_wanted(edge);

	*ret_id = carrier ? rh_carrier_id(carrier) : 0;
	return carrier ? RH_CARRIER_PROTOCOL : rh_channel_protocol(edge->spec.protocol);
}

int rh_edge_is_as_wanted(const struct rh_edge *edge)
{
	uint64_t id;

	return strcmp(edge->carried_by, rh_edge_channel_protocol(edge, &id)) == 0 &&
	       edge->carried_id == id;
}

static int needs_channel(const struct rh_edge *edge)
{
	struct rh_diag diag;

	if (rh_edge_judge(edge, &diag) < 0)
		return 0;
	return edge->page_count > 0 || !rh_list_empty(&edge->inboxes);
}

static void close_channel(struct rh_edge *edge)
{
	rh_channel_close(edge->channel);
	edge->channel = NULL;
}

static int send_offer(struct rh_edge *edge, const struct rh_offer *offer, uint64_t id)
{
	unsigned char           bytes[64 + RH_OFFER_BYTES_MAX];
	struct rh_record_writer writer;

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_text(&writer, RH_TAG_PROTOCOL, edge->carried_by);
	rh_record_put_u64(&writer, RH_TAG_CALL, id);
	rh_record_put(&writer, RH_TAG_OFFER, offer->bytes, offer->len);
	return rh_conn_send(edge->conn, RH_FRAME_CHANNEL, edge->serial, &writer,
	                    offer->fds, offer->fd_count);
}

static int make_offer(struct rh_edge *edge)
{
	const struct rh_protocol *protocol = rh_protocol_find(edge->carried_by);
	struct rh_channel_config  config = {
		.system = edge->agent->view->system, .caller = edge->agent->resource,
		.callee = edge->spec.callee, .id = rh_agent_next_id(edge->agent),
	};
	struct rh_offer           offer;
	int                       r;

	if (!protocol || protocol->abi != RH_PROTOCOL_ABI)
		return rh_diag_set(&edge->why, RH_ENOSYS, "this agent does not know the "
		                   "protocol %s of the edge %s -> %s", edge->carried_by,
		                   config.caller, config.callee);
	r = rh_channel_offer(edge->agent, protocol, &config, &offer, &edge->channel,
	                     &edge->why);
	if (r < 0)
		return r;
	r = send_offer(edge, &offer, config.id);
	rh_agent_close_offer(&offer);
	return r;
}

static void retry_later(struct rh_edge *edge);

/* Calls are told why at once, until another attempt goes well. */
static void offer_failed(struct rh_edge *edge)
{
	if (!edge->is_refused)
		rh_warn("no %s channel to %s: %s", edge->carried_by, edge->spec.callee,
		        edge->why.text);
	close_channel(edge);
	edge->is_refused = 1;
	retry_later(edge);
	rh_edge_run(edge);
}

static void offer(struct rh_edge *edge)
{
	if (edge->state != RH_OUTLINK_BARE || !needs_channel(edge))
		return;
	snprintf(edge->carried_by, sizeof edge->carried_by, "%s",
	         rh_channel_protocol(edge->spec.protocol));
	edge->carried_id = 0; /* a rule follows by a swap, which can be refused */
	switch (make_offer(edge)) {
	case RH_OK:
		step(edge, RH_OUTLINK_OFFERED);
		break;
	case RH_ELOST: /* the link is ending */
		close_channel(edge);
		break;
	default:
		offer_failed(edge);
	}
}

/* ---- the connection ----------------------------------------------------- */

static void drop_link(struct rh_edge *edge)
{
	rh_edge_swap_lost(edge);
	rh_conn_close(edge->conn);
	edge->conn = NULL;
	close_channel(edge);
	rh_edge_carrier_lost(edge);
	rh_parcels_fini(&edge->parcels);
	edge->serial = rh_agent_next_id(edge->agent);
	edge->is_draining = 0;
	edge->is_refused = 0;
	edge->version = 0;
	rh_choices_lost(&edge->choices);
	rh_bindings_lost(edge);
	rh_settle_soon(edge->agent);
	retry_later(edge);
}

static void greet(struct rh_edge *edge)
{
	unsigned char           bytes[128];
	struct rh_record_writer writer;

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u32(&writer, RH_TAG_VERSION, RH_WIRE_VERSION);
	rh_record_put_text(&writer, RH_TAG_RESOURCE, edge->agent->resource);
	if (RH_LINK_VERSION >= 3)
		rh_record_put_u32(&writer, RH_TAG_COUNT, RH_CHOICES_MAX);
	rh_conn_send(edge->conn, RH_FRAME_LINK, edge->serial, &writer, NULL, 0);
}

static void settle(struct rh_edge *edge)
{
	rh_bindings_ask(edge);
	if (edge->is_refused)
		return; /* a channel again when it is time for it */
	edge->backoff_ms = BACKOFF_FIRST_MS;
	offer(edge);
}

static void perform(struct rh_edge *edge, enum rh_outlink_action action)
{
	switch (action) {
	case RH_OUTLINK_GREET:
		greet(edge);
		break;
	case RH_OUTLINK_AWAIT:
		break;
	case RH_OUTLINK_SETTLE:
		settle(edge);
		break;
	case RH_OUTLINK_DELAY:
		offer_failed(edge);
		break;
	case RH_OUTLINK_SERVE:
		edge->why.code = 0;
		edge->is_refused = 0;
		edge->backoff_ms = BACKOFF_FIRST_MS;
		rh_counter_add(&edge->counters->waiting, -edge->counters->waiting);
		rh_channel_start(edge->channel, &rh_edge_channel_ops, edge);
		rh_happening_tell(edge->agent, "edge.up", edge->spec.callee, "%s",
		                  edge->carried_by);
		rh_edge_run(edge);
		rh_settle_soon(edge->agent);
		rh_edge_swap_linked(edge);
		rh_edge_link_review(edge); /* another rule came meanwhile */
		break;
	case RH_OUTLINK_REOPEN:
		close_channel(edge);
		settle(edge);
		break;
	case RH_OUTLINK_FAIL:
		rh_happening_tell(edge->agent, "edge.down", edge->spec.callee, "%s",
		                  edge->why.text);
		rh_edge_fail(edge);
		rh_edge_drop_events(edge);
		drop_link(edge);
		break;
	case RH_OUTLINK_RETRY:
		drop_link(edge);
		break;
	}
}

static void step(struct rh_edge *edge, enum rh_outlink_event event)
{
	int action = rh_outlink_step(&edge->state, event);

	if (action >= 0)
		perform(edge, (enum rh_outlink_action)action);
}

/* An answer that came late, or twice, fits no state and is ignored. */
static void on_error(struct rh_edge *edge, struct rh_frame *frame)
{
	int32_t code = RH_EPROTO;

	if (rh_edge_swap_frame(edge, frame) == RH_OK)
		return;
	if (frame->request != edge->serial) {
		rh_bindings_answer(edge, frame);
		return;
	}
	rh_record_i32(&frame->records, RH_TAG_CODE, &code);
	edge->why.code = code < 0 ? code : RH_EPROTO;
	if (rh_record_text(&frame->records, RH_TAG_TEXT, edge->why.text,
	                   sizeof edge->why.text) < 0)
		rh_diag_set(&edge->why, edge->why.code, "%s",
		            rh_error_text(edge->why.code));
	step(edge, edge->state == RH_OUTLINK_OFFERING ? RH_OUTLINK_REFUSED
	                                              : RH_OUTLINK_LOST);
}

static int on_frame(void *user, struct rh_frame *frame)
{
	struct rh_edge *edge = user;

	switch (frame->type) {
	case RH_FRAME_LINKED:
		edge->version = 1; /* an agent that says none */
		(void)rh_record_u32(&frame->records, RH_TAG_VERSION, &edge->version);
		step(edge, RH_OUTLINK_LINKED);
		return RH_OK;
	case RH_FRAME_READY:
	case RH_FRAME_DRAINED:
	case RH_FRAME_ABORT:
		return rh_edge_swap_frame(edge, frame);
	case RH_FRAME_CHANNEL_UP:
		step(edge, RH_OUTLINK_OPEN);
		return RH_OK;
	case RH_FRAME_CALL_FDS:
		return rh_parcels_put(&edge->parcels, frame);
	case RH_FRAME_HELD:
		return rh_held_learn(edge, frame);
	case RH_FRAME_CHOICES:
		return rh_choices_learn(&edge->choices, frame);
	case RH_FRAME_BOUND:
	case RH_FRAME_UNBIND:
		rh_bindings_answer(edge, frame);
		return RH_OK;
	case RH_FRAME_ERROR:
		on_error(edge, frame);
		return RH_OK;
	default:
		rh_agent_malformed(edge->agent);
		return RH_EPROTO;
	}
}

static void on_lost(void *user, int why)
{
	struct rh_edge *edge = user;

	if (why != RH_ELOST || edge->why.code == 0)
		rh_diag_set(&edge->why, RH_ELOST, "the agent of %s is gone: %s",
		            edge->spec.callee, rh_error_text(why));
	step(edge, RH_OUTLINK_LOST);
}

static void on_flushed(void *user)
{
	struct rh_edge *edge = user;

	if (edge->state >= RH_OUTLINK_BARE)
		rh_bindings_ask(edge);
	rh_edge_run(edge);
}

static const struct rh_conn_ops conn_ops = {
	.frame = on_frame, .lost = on_lost, .flushed = on_flushed,
};

static int is_wanted(const struct rh_edge *edge)
{
	return edge->page_count > 0 || !rh_list_empty(&edge->bindings) ||
	       !rh_list_empty(&edge->inboxes);
}

static void on_retry(uv_timer_t *timer)
{
	struct rh_edge *edge = timer->data;

	rh_log_as(edge->agent->name);
	rh_edge_run(edge); /* also ends calls that were cancelled while they wait */
	if (edge->state == RH_OUTLINK_DOWN)
		dial(edge);
	else if (edge->state == RH_OUTLINK_BARE)
		offer(edge);
}

/* Pages of a former agent may be bound there: worth a link, but not to wait for. */
static int may_be_held(const struct rh_edge *edge)
{
	struct rh_diag diag;

	return rh_edge_binds(edge) && rh_edge_judge(edge, &diag) == RH_OK;
}

static void retry_later(struct rh_edge *edge)
{
	if (!is_wanted(edge))
		return;
	atomic_store_explicit(&edge->counters->waiting, 1, memory_order_relaxed);
	uv_update_time(edge->agent->loop);
	uv_timer_start(&edge->retry, on_retry, edge->backoff_ms, 0);
	edge->backoff_ms = edge->backoff_ms * 2 < BACKOFF_MAX_MS
	                   ? edge->backoff_ms * 2 : BACKOFF_MAX_MS;
}

static void dial(struct rh_edge *edge)
{
	int fd;

	uv_timer_stop(&edge->retry);
	if (!is_wanted(edge) && !may_be_held(edge))
		return;
	fd = rh_dial_agent(edge->agent, edge->spec.callee, &edge->why);
	if (fd < 0 || rh_conn_open(edge->agent, fd, &conn_ops, edge, &edge->conn) < 0) {
		retry_later(edge);
		return;
	}
	edge->serial = rh_agent_next_id(edge->agent);
	step(edge, RH_OUTLINK_DIALED);
}

void rh_edge_link_init(struct rh_edge *edge)
{
	edge->state = RH_OUTLINK_DOWN;
	edge->backoff_ms = BACKOFF_FIRST_MS;
	uv_timer_init(edge->agent->loop, &edge->retry);
	edge->retry.data = edge;
}

void rh_edge_link_leave(struct rh_edge *edge)
{
	rh_edge_swap_lost(edge);
	rh_conn_close(edge->conn);
	edge->conn = NULL;
	close_channel(edge);
	rh_parcels_fini(&edge->parcels);
	rh_edge_drop_events(edge);
	rh_task_cancel(&edge->task);
	edge->state = RH_OUTLINK_DOWN;
	rh_leave_close(edge->agent, (uv_handle_t *)&edge->retry);
}

void rh_edge_link_want(struct rh_edge *edge)
{
	if (edge->state == RH_OUTLINK_DOWN &&
	    !uv_is_active((uv_handle_t *)&edge->retry))
		dial(edge);
	else if (edge->state >= RH_OUTLINK_BARE)
		settle(edge); /* bindings go beside a channel that carries events */
}

void rh_edge_link_appeared(struct rh_agent *agent, const char *callee)
{
	for (unsigned i = 0; i < agent->edge_count; i++) {
		struct rh_edge *edge = agent->edges[i];

		if (edge->state == RH_OUTLINK_DOWN &&
		    strcmp(edge->spec.callee, callee) == 0) {
			edge->backoff_ms = BACKOFF_FIRST_MS;
			dial(edge);
		}
	}
}

void rh_edge_link_review(struct rh_edge *edge)
{
	edge->is_refused = 0;
	edge->is_draining = 0;
	if (edge->state == RH_OUTLINK_BARE)
		offer(edge);
	else if (edge->state == RH_OUTLINK_DOWN &&
	         !uv_is_active((uv_handle_t *)&edge->retry))
		dial(edge);
	else if (edge->version >= 2)
		rh_edge_swap_review(edge);
	else if (edge->state == RH_OUTLINK_UP && !rh_edge_is_as_wanted(edge))
		edge->is_draining = 1;
	rh_edge_link_drained(edge);
}

/* For an agent that does not know the two-phase change. */
void rh_edge_link_drained(struct rh_edge *edge)
{
	if (!edge->is_draining || edge->in_flight > 0 || !rh_list_empty(&edge->events))
		return;
	edge->is_draining = 0;
	rh_info("the channel to %s changes from %s to %s", edge->spec.callee,
	        edge->carried_by, rh_channel_protocol(edge->spec.protocol));
	step(edge, RH_OUTLINK_SWAPPED);
}
