#include "inlink.h"

#include "agent.h"
#include "attachment.h"
#include "bound.h"
#include "choices.h"
#include "emit.h"
#include "errand.h"
#include "held.h"
#include "incarrier.h"
#include "inlink_swap.h"
#include "settle.h"
#include "verdict.h"
#include "wpage.h"

#include "../base/clock.h"
#include "../base/diag.h"
#include "../base/log.h"
#include "../base/socket.h"
#include "../protocols/module/module.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct answer {
	struct rh_list     link;
	struct rh_msg_head head;
	struct rh_fds      fds;
	uint8_t            fds_sent;
	unsigned char      body[];
};

/* A PEER_GONE that is carried out when nobody works with the attachment. */
struct farewell {
	struct rh_task    task;
	struct rh_inlink *link;
	uint64_t          attachment;
};

/* ---- replies ------------------------------------------------------------ */

static int send_fds(struct rh_inlink *link, uint64_t call, const struct rh_fds *fds)
{
	unsigned char           bytes[32];
	struct rh_record_writer writer;

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u64(&writer, RH_TAG_CALL, call);
	return rh_conn_send(link->conn, RH_FRAME_CALL_FDS, 0, &writer, fds->at,
	                    fds->count);
}

int rh_inlink_reply(struct rh_inlink *link, const struct rh_msg_head *head,
                    const void *body, const struct rh_fds *fds, uint8_t *fds_sent)
{
	int r = RH_OK;

	if (!link->channel)
		return RH_ELOST;
	if (fds->count > 0 && !*fds_sent) {
		r = send_fds(link, head->call, fds);
		*fds_sent = r == RH_OK;
	}
	if (r == RH_OK && fds->count > 0 && !rh_conn_is_flushed(link->conn))
		return RH_EAGAIN;
	return r < 0 ? RH_ELOST : rh_channel_submit(link->channel, head, body);
}

void rh_inlink_answer(struct rh_inlink *link, const struct rh_msg_head *head,
                      const void *body, struct rh_fds *fds)
{
	struct answer *answer = malloc(sizeof *answer + head->len);

	if (!answer || !link->channel) { /* the caller's deadline will end it */
		if (fds)
			rh_fds_close(fds);
		free(answer);
		return;
	}
	answer->head = *head;
	answer->fds_sent = 0;
	answer->fds.count = 0;
	if (fds) {
		answer->fds = *fds;
		fds->count = 0;
	}
	if (head->len > 0)
		memcpy(answer->body, body, head->len);
	rh_list_add(&link->answers, &answer->link);
	rh_inlink_run(link);
}

static void free_answer(struct answer *answer)
{
	rh_list_remove(&answer->link);
	rh_fds_close(&answer->fds);
	free(answer);
}

/* 0 when there was no room for all. */
static int send_answers(struct rh_inlink *link)
{
	while (!rh_list_empty(&link->answers)) {
		struct answer *answer = RH_CONTAINER(link->answers.next, struct answer,
		                                     link);

		if (rh_inlink_reply(link, &answer->head, answer->body, &answer->fds,
		                    &answer->fds_sent) == RH_EAGAIN)
			return 0;
		free_answer(answer);
	}
	return 1;
}

void rh_inlink_refuse(struct rh_inlink *link, const struct rh_msg_head *call,
                      int status, uint16_t flags, const char *text)
{
	struct rh_msg_head head = {
		.kind = RH_MSG_REPLY, .version = RH_WIRE_VERSION, .flags = flags,
		.len = (uint32_t)strlen(text), .call = call->call,
		.function = call->function, .attachment = call->attachment,
		.status = status,
	};

	rh_inlink_answer(link, &head, text, NULL);
}

void rh_inlink_starve(struct rh_inlink *link, struct rh_wpage *page)
{
	if (rh_list_empty(&page->in_hungry))
		rh_list_add(&link->hungry, &page->in_hungry);
}

/* ---- the channel -------------------------------------------------------- */

static int can_take(void *user)
{
	const struct rh_inlink *link = user;

	return rh_inlink_swap_takes(link) && rh_list_empty(&link->answers) &&
	       link->backlog_calls < RH_BACKLOG_CALLS &&
	       link->backlog_bytes < RH_BACKLOG_BYTES;
}

static void on_message(void *user, const struct rh_msg_head *head, const void *body)
{
	struct rh_inlink *link = user;

	if (head->kind == RH_MSG_CALL)
		rh_errand_take(link, head, body);
	else if (head->kind == RH_MSG_EVENT_DONE)
		rh_emit_done(link, head);
	else
		rh_agent_malformed(link->agent);
	rh_inlink_swap_took(link);
}

/* Answers first, then pages in the order in which they became hungry. */
static void on_room(void *user)
{
	struct rh_inlink *link = user;
	struct rh_list    now;

	if (!send_answers(link))
		return;
	rh_list_take(&link->hungry, &now);
	while (!rh_list_empty(&now)) {
		struct rh_wpage *page = RH_CONTAINER(now.next, struct rh_wpage,
		                                     in_hungry);

		rh_list_remove(&page->in_hungry);
		rh_wpage_collect(page);
	}
	if (rh_list_empty(&link->hungry))
		rh_emit_run(link->agent);
	if (link->channel)
		rh_channel_resume(link->channel);
}

static void close_channel(struct rh_inlink *link)
{
	rh_inlink_swap_lost(link);
	rh_channel_close(link->channel);
	link->channel = NULL;
	while (!rh_list_empty(&link->answers))
		free_answer(RH_CONTAINER(link->answers.next, struct answer, link));
	rh_emit_link_lost(link);
	rh_settle_soon(link->agent);
	if (!link->is_closed)
		on_room(link); /* hungry pages feed nobody now */
}

/* One that the other side closed is about to be replaced: the link stays. */
static void on_channel_lost(void *user, int why)
{
	struct rh_inlink *link = user;

	if (why == RH_ELOST) {
		close_channel(link);
		return;
	}
	if (why == RH_ERULE)
		rh_incarrier_failed(link->agent, link->caller);
	rh_warn("the channel of %s broke: %s", link->caller, rh_error_text(why));
	rh_inlink_close(link);
}

const struct rh_channel_ops rh_inlink_channel_ops = {
	.can_take = can_take, .message = on_message, .room = on_room,
	.lost = on_channel_lost,
};

/* The rule that the offer names, for a protocol that is one. */
static int frame_by_rule(struct rh_inlink *link, const struct rh_offer *offer,
                         struct rh_framing *ret_framing, struct rh_diag *diag)
{
	uint64_t id;

	if (rh_module_offered(offer, &id) < 0)
		return rh_diag_set(diag, RH_EPROTO, "the offer of %s names no rule",
		                   link->caller);
	return rh_incarrier_frame(link->agent, link->caller, id, ret_framing, diag);
}

static int read_offer(struct rh_inlink *link, struct rh_frame *frame,
                      const struct rh_protocol **ret_protocol, uint64_t *ret_id,
                      struct rh_offer *ret_offer, struct rh_diag *diag)
{
	char             name[RH_PROTOCOL_MAX + 1];
	struct rh_record record;

	if (rh_record_text(&frame->records, RH_TAG_PROTOCOL, name, sizeof name) < 0 ||
	    rh_record_u64(&frame->records, RH_TAG_CALL, ret_id) < 0 ||
	    rh_record_find(&frame->records, RH_TAG_OFFER, &record) < 0 ||
	    record.len > RH_OFFER_BYTES_MAX || frame->fd_count > RH_OFFER_FDS_MAX)
		return rh_diag_set(diag, RH_EPROTO, "CHANNEL of %s is malformed",
		                   link->caller);
	*ret_protocol = rh_protocol_find(name);
	if (!*ret_protocol || (*ret_protocol)->abi != RH_PROTOCOL_ABI)
		return rh_diag_set(diag, RH_ENOSYS, "the agent of %s does not know the "
		                   "protocol %s", link->agent->resource, name);
	*ret_offer = (struct rh_offer){
		.len = record.len, .fd_count = frame->fd_count,
	};
	memcpy(ret_offer->bytes, record.bytes, record.len);
	for (unsigned i = 0; i < frame->fd_count; i++)
		ret_offer->fds[i] = rh_frame_take_fd(frame, i);
	return RH_OK;
}

int rh_inlink_accept(struct rh_inlink *link, struct rh_frame *frame,
                     struct rh_channel **ret_channel, uint64_t *ret_id,
                     struct rh_diag *diag)
{
	struct rh_channel_config  config = {
		.system = link->agent->view->system, .caller = link->caller,
		.callee = link->agent->resource,
	};
	const struct rh_protocol *protocol = NULL;
	struct rh_framing         framing;
	struct rh_offer           offer;
	int r = read_offer(link, frame, &protocol, &config.id, &offer, diag);

	if (r < 0)
		return r;
	*ret_id = config.id;
	if (protocol == &rh_module_protocol) {
		r = frame_by_rule(link, &offer, &framing, diag);
		if (r < 0) {
			rh_agent_close_offer(&offer);
			return r;
		}
		config.framing = &framing;
	}
	return rh_channel_accept(link->agent, protocol, &config, &offer, ret_channel,
	                         diag);
}

static int on_channel(struct rh_inlink *link, struct rh_frame *frame)
{
	struct rh_diag     diag = { .text = "no reason was given" };
	struct rh_channel *channel;
	uint64_t           id;
	int                r;

	close_channel(link); /* the first one of the link, or in place of one that is
	                        drained: a former agent knows no better */
	r = rh_inlink_accept(link, frame, &channel, &id, &diag);
	if (r < 0) {
		rh_warn("refused a channel of %s: %s", link->caller, diag.text);
		return rh_conn_error(link->conn, frame->request, r, "%s", diag.text);
	}
	link->channel = channel;
	rh_channel_start(link->channel, &rh_inlink_channel_ops, link);
	rh_settle_soon(link->agent);
	rh_info("%s calls by %s", link->caller, link->channel->protocol->name);
	return rh_conn_send(link->conn, RH_FRAME_CHANNEL_UP, frame->request, NULL, NULL,
	                    0);
}

/* ---- the connection ----------------------------------------------------- */

static void say_farewell(struct rh_task *task)
{
	struct farewell *farewell = RH_CONTAINER(task, struct farewell, task);

	if (!farewell->link->is_closed)
		rh_attachment_gone(farewell->link, farewell->attachment);
	free(farewell);
}

/* Retired like an object: the socket may be drained in the middle of a call of
 * this very attachment. */
static int on_peer_gone(struct rh_inlink *link, struct rh_frame *frame)
{
	struct farewell *farewell;
	uint64_t         id;

	if (rh_record_u64(&frame->records, RH_TAG_ATTACHMENT, &id) < 0)
		return RH_EPROTO;
	farewell = malloc(sizeof *farewell);
	if (!farewell)
		return RH_OK; /* it goes with the link */
	farewell->link = link;
	farewell->attachment = id;
	rh_task_init(&farewell->task);
	rh_task_retire(&link->agent->tasks, &farewell->task, say_farewell);
	return RH_OK;
}

static int on_context(struct rh_inlink *link, struct rh_frame *frame)
{
	struct rh_attachment *attachment;
	uint64_t              id;

	if (rh_record_u64(&frame->records, RH_TAG_ATTACHMENT, &id) < 0)
		return RH_EPROTO;
	attachment = rh_attachment_find(link, id);
	return attachment ? rh_contexts_put(&attachment->contexts, frame) : RH_OK;
}

static int on_frame(void *user, struct rh_frame *frame)
{
	struct rh_inlink *link = user;
	int               r;

	switch (frame->type) {
	case RH_FRAME_CHANNEL:
		return on_channel(link, frame);
	case RH_FRAME_PREPARE:
	case RH_FRAME_COMMIT:
	case RH_FRAME_ABORT:
		r = rh_inlink_swap_frame(link, frame);
		break;
	case RH_FRAME_BIND:
		return rh_bound_open(link, frame);
	case RH_FRAME_UNBIND:
		rh_bound_unbind(link, frame);
		return RH_OK;
	case RH_FRAME_PEER:
		r = rh_attachment_introduce(link, frame);
		break;
	case RH_FRAME_PEER_GONE:
		r = on_peer_gone(link, frame);
		break;
	case RH_FRAME_PEER_CONTEXT:
		r = on_context(link, frame);
		break;
	case RH_FRAME_CALL_FDS:
		r = rh_parcels_put(&link->parcels, frame);
		break;
	case RH_FRAME_HOLD:
		r = rh_held_take(link, frame);
		break;
	default:
		r = RH_EPROTO;
	}
	if (r == RH_EPROTO)
		rh_agent_malformed(link->agent);
	return r == RH_EPROTO ? r : RH_OK;
}

static void on_lost(void *user, int why)
{
	struct rh_inlink *link = user;

	rh_info("the agent of %s is gone: %s", link->caller, rh_error_text(why));
	rh_inlink_close(link);
}

static void on_flushed(void *user)
{
	rh_choices_tell(user);
	rh_held_tell(user);
	on_room(user);
}

static const struct rh_conn_ops conn_ops = {
	.frame = on_frame, .lost = on_lost, .flushed = on_flushed,
};

int rh_inlink_judge(struct rh_agent *agent, const char *caller,
                    struct rh_diag *diag)
{
	const struct rh_view_edge *edge = rh_agent_view_find(agent->view, caller,
	                                                     agent->resource);

	if (!edge)
		return rh_diag_set(diag, RH_ENOEDGE, "%s declares no reference to %s",
		                   caller, agent->resource);
	return rh_verdict_now(agent, edge, diag);
}

int rh_inlink_verdict(struct rh_inlink *link)
{
	struct rh_diag diag;

	if (link->judged_at != link->agent->views) {
		link->verdict = rh_inlink_judge(link->agent, link->caller, &diag);
		link->judged_at = link->agent->views;
	}
	return link->verdict;
}

static int send_linked(struct rh_inlink *link, uint64_t request)
{
	unsigned char           bytes[64];
	struct rh_record_writer writer;

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u64(&writer, RH_TAG_REVISION, link->agent->view->revision);
	rh_record_put_u32(&writer, RH_TAG_VERSION, RH_LINK_VERSION);
	return rh_conn_send(link->conn, RH_FRAME_LINKED, request, &writer, NULL, 0);
}

static struct rh_inlink *create(struct rh_agent *agent, struct rh_conn *conn,
                                const char *caller)
{
	struct rh_inlink *link = calloc(1, sizeof *link);

	if (!link)
		return NULL;
	link->agent = agent;
	link->conn = conn;
	link->serial = rh_agent_next_id(agent);
	strcpy(link->caller, caller);
	for (unsigned i = 0; i < RH_LINK_BUCKETS; i++)
		rh_list_init(&link->attachments[i]);
	rh_parcels_init(&link->parcels, RH_PARCELS_PER_LINK);
	rh_list_init(&link->backlog);
	rh_list_init(&link->answers);
	rh_list_init(&link->hungry);
	rh_list_init(&link->bounds);
	rh_task_init(&link->task);
	rh_task_init(&link->end);
	return link;
}

int rh_inlink_open(struct rh_agent *agent, struct rh_conn *conn,
                   const struct rh_peer *peer, const char *caller,
                   struct rh_frame *frame, struct rh_diag *diag)
{
	struct rh_inlink *link;
	int               r = rh_inlink_judge(agent, caller, diag);

	if (r < 0)
		return r;
	if (agent->link_count == RH_LINKS_PER_AGENT)
		return rh_diag_set(diag, RH_ENOSPC, "%u agents are linked already",
		                   RH_LINKS_PER_AGENT);
	link = create(agent, conn, caller);
	if (!link)
		return rh_diag_set(diag, RH_ENOMEM, "no memory for a link");
	rh_socket_pass_fds(conn->fd, 1);
	if ((r = send_linked(link, frame->request)) < 0) {
		free(link);
		return rh_diag_set(diag, r, "the agent of %s hung up", caller);
	}
	rh_conn_hand_over(conn, &conn_ops, link);
	rh_list_add(&agent->links, &link->in_agent); /* L1 */
	agent->link_count++;
	rh_counter_add(&agent->counters.head->links, 1);
	rh_info("linked to the agent of %s: pid=%d", caller, (int)peer->pid);
	rh_record_u32(&frame->records, RH_TAG_COUNT, &link->choices_max);
	link->has_new_choices = link->has_more_held = 1;
	rh_choices_tell(link);
	rh_held_tell(link);
	return RH_OK;
}

/* ---- running and ending ------------------------------------------------- */

static void run(struct rh_task *task)
{
	struct rh_inlink *link = RH_CONTAINER(task, struct rh_inlink, task);

	send_answers(link);
	rh_errands_place(link);
}

void rh_inlink_run(struct rh_inlink *link)
{
	if (!link->is_closed)
		rh_task_post(&link->agent->tasks, &link->task, run);
}

void rh_inlinks_run(struct rh_agent *agent)
{
	RH_LIST_EACH(node, &agent->links)
		rh_inlink_run(RH_CONTAINER(node, struct rh_inlink, in_agent));
}

void rh_inlinks_expire(struct rh_agent *agent, uint64_t now)
{
	RH_LIST_EACH(node, &agent->links) {
		struct rh_inlink *link = RH_CONTAINER(node, struct rh_inlink, in_agent);

		rh_errands_expire(link, now);
	}
}

int rh_inlink_takes_events(const struct rh_inlink *link)
{
	return link->channel && rh_list_empty(&link->answers) &&
	       link->event_count < RH_EVENTS_PER_LINK;
}

static void end(struct rh_task *task)
{
	free(RH_CONTAINER(task, struct rh_inlink, end));
}

void rh_inlink_close(struct rh_inlink *link)
{
	struct rh_agent *agent = link->agent;

	if (link->is_closed)
		return;
	link->is_closed = 1;
	rh_list_remove(&link->in_agent);
	agent->link_count--;
	rh_counter_add(&agent->counters.head->links, (uint64_t)-1);
	close_channel(link);
	rh_conn_close(link->conn);
	for (unsigned i = 0; i < RH_LINK_BUCKETS; i++) {
		while (!rh_list_empty(&link->attachments[i]))
			rh_attachment_close(RH_CONTAINER(link->attachments[i].next,
			                                 struct rh_attachment, in_link));
	}
	rh_errands_drop_all(link);
	rh_bounds_link_lost(link);
	rh_parcels_fini(&link->parcels);
	rh_task_cancel(&link->task);
	rh_task_retire(&agent->tasks, &link->end, end);
}
