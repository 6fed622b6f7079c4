#include "wpage.h"

#include "agent.h"
#include "attachment.h"
#include "errand.h"
#include "inlink.h"
#include "instance.h"
#include "trace.h"

#include "../base/discard.h"
#include "../base/log.h"
#include "../base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct rh_inlink *link_of(const struct rh_wpage *page)
{
	return page->lane->attachment->link;
}

static struct rh_agent *agent_of(const struct rh_wpage *page)
{
	return link_of(page)->agent;
}

/* ---- finding and making ------------------------------------------------- */

struct rh_wpage *rh_wpage_find(struct rh_lane *lane, struct rh_instance *instance)
{
	RH_LIST_EACH(node, &lane->wpages) {
		struct rh_wpage *page = RH_CONTAINER(node, struct rh_wpage, in_lane);

		if (page->instance == instance)
			return page;
	}
	return NULL;
}

struct rh_wpage *rh_wpage_any(struct rh_attachment *attachment,
                              struct rh_instance *instance)
{
	RH_LIST_EACH(node, &attachment->lanes) {
		struct rh_lane  *lane = RH_CONTAINER(node, struct rh_lane,
		                                     in_attachment);
		struct rh_wpage *page = rh_wpage_find(lane, instance);

		if (page && page->is_added)
			return page;
	}
	return NULL;
}

static void on_woken(void *user, int events)
{
	struct rh_wpage *page = user;

	(void)events;
	rh_wpage_collect(page);
}

static void on_companion(void *user, int events)
{
	struct rh_wpage *page = user;

	if (events & UV_DISCONNECT) {
		rh_wpage_lost(page);
		return;
	}
	rh_pollfd_want(page->hangup, UV_DISCONNECT);
	rh_inlink_run(link_of(page));
}

static int watch(struct rh_wpage *page)
{
	uv_loop_t *loop = agent_of(page)->loop;
	int        r = rh_pollfd_open_event(loop, page->event, on_woken, page,
	                                    &page->woken);

	if (r < 0)
		return r;
	return rh_pollfd_open(loop, page->companion, UV_DISCONNECT, on_companion, page,
	                      &page->hangup);
}

static int make(struct rh_wpage *page)
{
	struct rh_page_add add = { .page = page->id };
	int                far = -1, memfd = -1, r;

	rh_attachment_describe(page->lane->attachment, &add);
	r = rh_memory_create("rhodes-page", RH_PAGE_BYTES, &memfd, &page->memory);
	if (r == RH_OK)
		r = page->event = rh_event_create();
	if (r >= 0)
		r = rh_socket_ends(&page->companion, &far);
	if (r == RH_OK)
		r = watch(page);
	if (r == RH_OK) {
		rh_page_format(page->memory, page->id, add.attachment,
		               page->instance->id, 0);
		rh_caller_init(&page->end, page->memory, -1);
		add.fds[0] = memfd;
		add.fds[1] = page->event;
		add.fds[2] = far;
		r = rh_instance_add_page(page->instance, &add);
	}
	if (memfd >= 0)
		close(memfd);
	if (far >= 0)
		close(far);
	return r;
}

static void free_page(struct rh_wpage *page)
{
	rh_pollfd_close(page->woken);
	rh_pollfd_close(page->hangup);
	rh_parcels_fini(&page->parcels);
	for (unsigned i = 0; i < RH_PAGE_SLOTS; i++)
		rh_fds_close(&page->calls[i].fds);
	rh_memory_unmap(page->memory, RH_PAGE_BYTES);
	if (page->event >= 0)
		close(page->event);
	rh_discard_socket(page->companion);
	free(page);
}

int rh_wpage_open(struct rh_lane *lane, struct rh_instance *instance)
{
	struct rh_wpage *page = calloc(1, sizeof *page);
	int              r;

	if (!page)
		return RH_ENOMEM;
	page->lane = lane;
	page->instance = instance;
	page->event = page->companion = -1;
	page->id = rh_agent_next_id(lane->attachment->link->agent);
	rh_list_init(&page->in_hungry);
	rh_task_init(&page->task);
	rh_parcels_init(&page->parcels, RH_PAGE_SLOTS);
	if ((r = make(page)) < 0) {
		free_page(page);
		/* A connection that is ending: the instance is lost in a moment. */
		return r == RH_ELOST ? RH_EAGAIN : RH_ENOMEM;
	}
	rh_list_add(&lane->wpages, &page->in_lane);
	rh_list_add(&instance->wpages, &page->in_instance);
	return RH_EAGAIN;
}

/* ---- ending ------------------------------------------------------------- */

static void end(struct rh_task *task)
{
	free_page(RH_CONTAINER(task, struct rh_wpage, task));
}

static void remove_page(struct rh_wpage *page)
{
	page->is_closed = 1;
	rh_list_remove(&page->in_lane);
	rh_list_remove(&page->in_instance);
	rh_list_remove(&page->in_hungry);
	rh_pollfd_want(page->woken, 0);
	rh_pollfd_want(page->hangup, 0);
	rh_task_cancel(&page->task);
	rh_task_retire(&agent_of(page)->tasks, &page->task, end);
}

void rh_wpage_close(struct rh_wpage *page)
{
	if (page->is_closed)
		return;
	rh_instance_drop_page(page->instance, page->id);
	remove_page(page);
}

void rh_wpage_added(struct rh_wpage *page, int code)
{
	if (page->is_added || page->is_closed)
		return;
	if (code == RH_OK) {
		page->is_added = 1;
		rh_wpage_collect(page); /* arms it */
	} else {
		rh_warn("instance %08x takes no more pages: %s", page->instance->id,
		        rh_error_text(code));
		rh_lane_refuse(page->lane, page->instance);
		remove_page(page);
	}
	rh_inlink_run(link_of(page));
}

/* ---- calls -------------------------------------------------------------- */

static int send_context(struct rh_wpage *page, const struct rh_context *context)
{
	struct rh_record_writer writer = {
		.bytes = context->records, .cap = context->len, .used = context->len,
	};

	return rh_socket_send(page->companion, RH_FRAME_CONTEXT, 0, &writer,
	                      &context->directory, context->directory >= 0);
}

/* The context that the call names, before the call. */
static int pass_context(struct rh_wpage *page, uint32_t id)
{
	struct rh_contexts *contexts = &page->lane->attachment->contexts;
	int                 slot, r;

	if (id == 0)
		return RH_OK;
	slot = rh_contexts_find(contexts, id);
	if (slot < 0) {
		rh_conn_drain(link_of(page)->conn);
		slot = rh_contexts_find(contexts, id);
	}
	if (slot < 0)
		return RH_EPROTO;
	if (page->sent.serials[slot] == contexts->slots[slot].serial)
		return RH_OK;
	r = send_context(page, &contexts->slots[slot]);
	if (r == RH_OK)
		page->sent.serials[slot] = contexts->slots[slot].serial;
	return r;
}

/* A companion that is full: tried again when it can be written, or when the page
 * turns out to be lost. */
static int stalled(struct rh_wpage *page, int r)
{
	if (r == RH_EAGAIN)
		rh_pollfd_want(page->hangup, UV_DISCONNECT | UV_WRITABLE);
	return r == RH_ELOST || r == RH_EIO ? RH_EAGAIN : r;
}

static void submit(struct rh_wpage *page, int slot, const struct rh_errand *errand,
                   unsigned char *args)
{
	struct rh_wcall  *call = &page->calls[slot];
	struct rh_request request = {
		.function = errand->head.function, .deadline = errand->head.deadline,
		.args_len = errand->args_len, .context = errand->head.context,
		.instance = page->instance->id, .fds = errand->head.fds,
		.flags = errand->head.flags & (RH_SLOT_ARGS_MEMFD | RH_SLOT_TRACE),
	};

	if (errand->head.len > 0)
		memcpy(args, errand->body, errand->head.len);
	*call = (struct rh_wcall){
		.head = errand->head, .sequence = page->end.next - 1,
		.args = errand->fds.count == 0 ? args : NULL,
	};
	rh_caller_submit(&page->end, slot, &request);
	call->traced_by = rh_trace_pick_placed(page, call);
	if (call->traced_by)
		rh_trace_placed(page, call, args, errand->head.len);
}

int rh_wpage_call(struct rh_wpage *page, struct rh_errand *errand)
{
	uint32_t       reply_cap = errand->head.reply_cap;
	unsigned char *args;
	int            slot, r;

	if (!page->is_added)
		return RH_EAGAIN;
	if ((r = pass_context(page, errand->head.context)) < 0)
		return stalled(page, r);
	if (reply_cap > RH_PAYLOAD_ARENA_MAX)
		reply_cap = RH_PAYLOAD_ARENA_MAX;
	slot = rh_caller_reserve(&page->end, errand->head.len, reply_cap, &args);
	if (slot < 0)
		return slot;
	if (errand->fds.count > 0 &&
	    (r = rh_parcel_send(page->companion, page->end.next - 1,
	                        &errand->fds)) < 0) {
		rh_caller_unreserve(&page->end, slot);
		return stalled(page, r);
	}
	submit(page, slot, errand, args);
	return RH_OK;
}

/* ---- replies ------------------------------------------------------------ */

static int take_fds(struct rh_wpage *page, struct rh_wcall *call, unsigned expected)
{
	int r;

	if (expected == 0 || call->has_fds)
		return RH_OK;
	if (expected > RH_CALL_FDS_MAX)
		return RH_EPROTO;
	rh_parcels_drain(&page->parcels, page->companion,
	                 rh_agent_side_buffer(), NULL, NULL);
	r = rh_parcels_take(&page->parcels, call->sequence, expected, &call->fds);
	call->has_fds = r == RH_OK;
	return r == RH_ENOENT ? RH_EPROTO : r;
}

static void make_head(const struct rh_wpage *page, const struct rh_wcall *call,
                      const struct rh_reply *reply, struct rh_msg_head *head)
{
	int has_memfd = (reply->flags & RH_SLOT_REPLY_MEMFD) != 0;

	*head = (struct rh_msg_head){
		.kind = RH_MSG_REPLY, .version = RH_WIRE_VERSION,
		.flags = reply->flags & (RH_SLOT_REPLY_MEMFD | RH_SLOT_SURE),
		.len = has_memfd ? 0 : reply->len, .call = call->head.call,
		.function = call->head.function, .attachment = call->head.attachment,
		.status = reply->status, .err_no = reply->err_no,
		.instance = page->instance->id, .fds = reply->fds,
	};
}

/* The reply of a slot that is done; what the instance wrote wrong becomes an
 * error.  RH_EAGAIN when the slot is not done. */
static int read_reply(struct rh_wpage *page, int slot, struct rh_msg_head *head,
                      const void **ret_body)
{
	struct rh_wcall *call = &page->calls[slot];
	struct rh_reply  reply;
	int              r = rh_caller_collect(&page->end, slot, &reply);

	if (r == RH_EAGAIN)
		return r;
	if (r == RH_OK)
		r = take_fds(page, call, reply.fds);
	if (r == RH_OK && (reply.flags & RH_SLOT_REPLY_MEMFD) && reply.fds == 0)
		r = RH_EPROTO;
	if (r < 0) {
		rh_agent_malformed(agent_of(page));
		rh_fds_close(&call->fds);
		reply = (struct rh_reply){ .status = RH_EPROTO };
	}
	make_head(page, call, &reply, head);
	*ret_body = reply.bytes ? reply.bytes : (const void *)"";
	return RH_OK;
}

/* 0 when the page became hungry. */
static int send_reply(struct rh_wpage *page, int slot)
{
	struct rh_inlink  *link = link_of(page);
	struct rh_wcall   *call = &page->calls[slot];
	struct rh_msg_head head;
	const void        *body;

	if (read_reply(page, slot, &head, &body) < 0)
		return 1;
	if (rh_inlink_reply(link, &head, body, &call->fds, &call->fds_sent) ==
	    RH_EAGAIN) {
		rh_inlink_starve(link, page);
		return 0;
	}
	if (call->traced_by)
		rh_trace_collected(page, call, &head, body);
	rh_fds_close(&call->fds);
	rh_caller_release(&page->end, slot);
	return 1;
}

static int is_in_flight(const struct rh_wpage *page, int slot)
{
	return (page->end.in_flight & ~page->end.abandoned & (1u << slot)) != 0;
}

void rh_wpage_collect(struct rh_wpage *page)
{
	if (page->is_closed || !page->is_added)
		return;
	rh_list_remove(&page->in_hungry);
	rh_caller_woken(&page->end);
	do {
		for (int slot = 0; slot < (int)RH_PAGE_SLOTS; slot++) {
			if (is_in_flight(page, slot) && !send_reply(page, slot))
				return; /* W2 */
		}
	} while (rh_caller_arm(&page->end, -1) == RH_EAGAIN); /* W2 */
	if (link_of(page)->backlog_calls > 0)
		rh_inlink_run(link_of(page));
}

/* ---- loss --------------------------------------------------------------- */

static int is_bound_there(const struct rh_msg_head *head)
{
	return head->instance != 0 && !(head->flags & RH_SLOT_CHOSEN);
}

static void lose_call(struct rh_wpage *page, int slot)
{
	struct rh_inlink *link = link_of(page);
	struct rh_wcall  *call = &page->calls[slot];

	if (rh_caller_abandon(&page->end, slot, 1) < 0)
		rh_inlink_refuse(link, &call->head, RH_ELOST, 0,
		                 "the instance was lost while it ran the call");
	else if (is_bound_there(&call->head) || !call->args)
		/* Wanted there and nowhere else, or its descriptors went with it. */
		rh_inlink_refuse(link, &call->head, RH_EGONE, RH_SLOT_SURE,
		                 "the instance was lost before it ran the call");
	else
		rh_errand_return(link, page->lane, &call->head, call->args);
}

/* A reply that was finished still counts. */
static void lose_slot(struct rh_wpage *page, int slot)
{
	struct rh_wcall   *call = &page->calls[slot];
	struct rh_msg_head head;
	const void        *body;

	if (!is_in_flight(page, slot))
		return;
	if (read_reply(page, slot, &head, &body) == RH_OK)
		rh_inlink_answer(link_of(page), &head, body,
		                 call->fds_sent ? NULL : &call->fds);
	else
		lose_call(page, slot);
}

void rh_wpage_lost(struct rh_wpage *page)
{
	struct rh_inlink *link = link_of(page);

	if (page->is_closed)
		return;
	/* From the youngest call on, for each one returned goes before the others. */
	for (uint32_t back = 1; back <= RH_PAGE_SLOTS; back++)
		lose_slot(page, (int)((page->end.next - back) % RH_PAGE_SLOTS));
	rh_instance_drop_page(page->instance, page->id);
	remove_page(page);
	rh_inlink_run(link);
}
