#include "edge.h"

#include "agent.h"
#include "cpage.h"
#include "process.h"
#include "settle.h"
#include "stats.h"
#include "trace.h"
#include "use.h"

#include "../base/clock.h"
#include "../base/diag.h"
#include "../base/site.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PAGES_AT_FIRST 8u
#define PAGES_MAX      65536u
#define FLAGS_DOWN     (RH_SLOT_ARGS_MEMFD | RH_SLOT_TRACE)
#define FLAGS_UP       (RH_SLOT_REPLY_MEMFD | RH_SLOT_SURE)

/* ---- pages -------------------------------------------------------------- */

static int make_room(struct rh_edge *edge)
{
	unsigned          room = edge->page_room ? edge->page_room * 2 : PAGES_AT_FIRST;
	struct rh_cpage **more;

	if (edge->page_count < edge->page_room)
		return RH_OK;
	if (room > PAGES_MAX)
		return RH_ENOSPC;
	more = realloc(edge->pages, room * sizeof(void *));
	if (!more)
		return RH_ENOMEM;
	memset(more + edge->page_room, 0, (room - edge->page_room) * sizeof(void *));
	edge->pages = more;
	edge->page_room = room;
	return RH_OK;
}

int rh_edge_add_page(struct rh_edge *edge, struct rh_cpage *page)
{
	uint32_t index = 0;
	int      r = make_room(edge);

	if (r < 0)
		return r;
	while (edge->pages[index])
		index++;
	edge->pages[index] = page; /* G1 */
	edge->page_count++;
	page->index = index;
	return RH_OK;
}

void rh_edge_remove_page(struct rh_edge *edge, struct rh_cpage *page)
{
	edge->pages[page->index] = NULL;
	edge->page_count--;
	rh_settle_soon(edge->agent);
	edge->in_flight -= (unsigned)__builtin_popcount(page->sent);
	rh_edge_link_drained(edge);
}

void rh_edge_wait(struct rh_edge *edge, struct rh_cpage *page)
{
	if (rh_list_empty(&page->in_waiting))
		rh_list_add(&edge->waiting, &page->in_waiting);
}

static void run(struct rh_task *task)
{
	struct rh_edge *edge = RH_CONTAINER(task, struct rh_edge, task);
	struct rh_list  now;

	/* Pages that must wait on go to the end of edge->waiting again. */
	rh_list_take(&edge->waiting, &now);
	while (!rh_list_empty(&now)) {
		struct rh_cpage *page = RH_CONTAINER(now.next, struct rh_cpage,
		                                     in_waiting);

		rh_list_remove(&page->in_waiting);
		rh_cpage_serve(page);
		rh_cpage_expire(page, rh_clock_ns());
	}
}

void rh_edge_run(struct rh_edge *edge)
{
	if (!rh_list_empty(&edge->waiting))
		rh_task_post(&edge->agent->tasks, &edge->task, run);
}

/* ---- calls out ---------------------------------------------------------- */

int rh_edge_is_ready(const struct rh_edge *edge)
{
	struct rh_diag diag;

	if (edge->is_refused || rh_edge_judge(edge, &diag) < 0)
		return 1; /* to be refused */
	return edge->state == RH_OUTLINK_UP && !edge->is_draining &&
	       rh_conn_is_flushed(edge->conn);
}

/* Of all pages of the edge; a rule of limits keeps them off bound ones. */
static int check_limit(struct rh_edge *edge, struct rh_diag *diag)
{
	const struct rh_view_edge *spec = &edge->spec;

	if (spec->calls_max == 0 || edge->in_flight < spec->calls_max)
		return RH_OK;
	rh_counter_add(&edge->counters->refused, 1);
	return rh_diag_set(diag, RH_EBUSY, "%s -> %s: as many calls are under way (%u) as rule "
	                   "%s (revision %llu) allows; call again later", spec->caller,
	                   spec->callee, edge->in_flight, spec->limit_rule,
	                   (unsigned long long)spec->limit_revision);
}

/* RH_OK, or why the call cannot be made at all. */
static int check(struct rh_edge *edge, const struct rh_taken *call,
                 struct rh_diag *diag)
{
	int r = rh_edge_judge(edge, diag);

	if (r < 0) {
		rh_counter_add(&edge->counters->refused, 1);
		return r;
	}
	if (call->flags & RH_SLOT_EVENT)
		return rh_diag_set(diag, RH_EINVAL, "events are emitted on a page of "
		                   "their own");
	if (call->deadline != 0 && call->deadline <= rh_clock_ns())
		return rh_diag_set(diag, RH_ETIMEDOUT, "the deadline passed before the "
		                   "call of %s left", edge->spec.callee);
	if (edge->is_refused)
		return rh_diag_set(diag, edge->why.code, "%s", edge->why.text);
	return check_limit(edge, diag);
}

static int pass_context(struct rh_cpage *page)
{
	uint32_t id = page->held.context;
	int      r;

	if (id == 0)
		return RH_OK;
	if (page->context != id) {
		rh_cpage_drain(page);
		page->context = id;
	}
	r = rh_use_pass_context(page->use, id);
	return r == RH_ENOENT ? RH_EPROTO : r;
}

/* The id is given once, so that descriptors sent ahead still match when the
 * message itself has to wait. */
static uint64_t call_id(struct rh_edge *edge, struct rh_cpage *page)
{
	uint64_t index = page->index * RH_PAGE_SLOTS + page->held.slot;

	if (page->generation == 0) {
		if (++edge->generation == 0)
			edge->generation = 1;
		page->generation = edge->generation;
	}
	return index | (uint64_t)page->generation << 32;
}

static int take_fds(struct rh_cpage *page)
{
	const struct rh_taken *call = &page->held;
	int r;

	if (page->held_fds.count > 0)
		return RH_OK; /* taken before, when the message could not go */
	r = rh_parcels_take(&page->parcels, call->sequence, call->fds,
	                    &page->held_fds);
	if (r != RH_ENOENT)
		return r;
	rh_cpage_drain(page);
	r = rh_parcels_take(&page->parcels, call->sequence, call->fds,
	                    &page->held_fds);
	return r == RH_ENOENT ? RH_EPROTO : r;
}

static int pass_fds(struct rh_edge *edge, struct rh_cpage *page)
{
	unsigned char           bytes[32];
	struct rh_record_writer writer;
	int                     r;

	if (page->held.fds == 0 || page->held_fds_sent)
		return RH_OK;
	if ((r = take_fds(page)) < 0)
		return r;
	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u64(&writer, RH_TAG_CALL, call_id(edge, page));
	r = rh_conn_send(edge->conn, RH_FRAME_CALL_FDS, 0, &writer, page->held_fds.at,
	                 page->held_fds.count);
	page->held_fds_sent = r == RH_OK;
	return r;
}

static int submit(struct rh_edge *edge, struct rh_cpage *page)
{
	const struct rh_taken *call = &page->held;
	int                    has_memfd = (call->flags & RH_SLOT_ARGS_MEMFD) != 0;
	struct rh_msg_head     head = {
		.kind = RH_MSG_CALL, .version = RH_WIRE_VERSION,
		.flags = call->flags & FLAGS_DOWN,
		.len = has_memfd ? 0 : call->args_len,
		.call = call_id(edge, page), .function = call->function,
		.attachment = page->process->attachment, .deadline = call->deadline,
		.context = call->context, .instance = call->instance,
		.fds = call->fds, .lane = page->lane, .reply_cap = call->reply_cap,
	};

	if (page->is_chosen)
		head.flags |= RH_SLOT_CHOSEN;
	if (!page->held_traced_by)
		page->held_traced_by = rh_trace_pick(edge);
	if (page->held_traced_by)
		head.flags |= RH_SLOT_TRACE;
	return rh_channel_submit(edge->channel, &head,
	                         has_memfd ? (const void *)"" : call->args);
}

static void sent(struct rh_edge *edge, struct rh_cpage *page)
{
	unsigned           slot = page->held.slot;
	struct rh_transit *transit = &page->transits[slot];

	page->sent |= (uint16_t)(1u << slot); /* P1 */
	transit->taken = page->held;
	transit->generation = page->generation;
	transit->started = rh_clock_ns();
	transit->traced_by = page->held_traced_by;
	edge->in_flight++;
	rh_alarm_at(&edge->agent->alarm, page->held.deadline);
	if (transit->traced_by)
		rh_trace_call(edge, page);
}

/* What the callee's agent needs before the message, then the message.  G2 */
static int send_on(struct rh_edge *edge, struct rh_cpage *page)
{
	int r;

	if (!rh_edge_is_ready(edge))
		return RH_EAGAIN;
	if ((r = rh_use_introduce(page->use)) < 0 || (r = pass_context(page)) < 0 ||
	    (r = pass_fds(edge, page)) < 0)
		return r == RH_ELOST ? RH_EAGAIN : r;
	if (!rh_conn_is_flushed(edge->conn))
		return RH_EAGAIN;
	r = submit(edge, page);
	if (r == RH_OK)
		sent(edge, page);
	return r == RH_ELOST ? RH_EAGAIN : r;
}

int rh_edge_forward(struct rh_edge *edge, struct rh_cpage *page)
{
	struct rh_diag diag;
	int            r = check(edge, &page->held, &diag);

	if (r == RH_OK) {
		enum rh_edge_filtered filtered = rh_edge_filter_before(edge, page, &diag);

		if (filtered == RH_FILTERED_GOES)
			filtered = rh_edge_transform_call(edge, page, &diag);
		if (filtered == RH_FILTERED_WAITS)
			return RH_EAGAIN;
		r = filtered == RH_FILTERED_ENDS ? diag.code : RH_OK;
	}
	if (r == RH_OK) {
		r = send_on(edge, page);
		if (r == RH_OK || r == RH_EAGAIN)
			return r;
		rh_diag_set(&diag, r, "the call of %s cannot be sent: %s",
		            edge->spec.callee, rh_error_text(r));
	}
	rh_cpage_refuse(page, &page->held, r, 1, diag.text);
	return RH_OK;
}

/* ---- replies back ------------------------------------------------------- */

/* The page and slot that a call id names, if that call is under way.  P1 */
static struct rh_cpage *find_transit(struct rh_edge *edge, uint64_t call,
                                     unsigned *ret_slot)
{
	uint32_t         index = (uint32_t)call / RH_PAGE_SLOTS;
	unsigned         slot = (unsigned)call % RH_PAGE_SLOTS;
	struct rh_cpage *page = index < edge->page_room ? edge->pages[index] : NULL;

	if (!page || !(page->sent & (1u << slot)) ||
	    page->transits[slot].generation != (uint32_t)(call >> 32))
		return NULL;
	*ret_slot = slot;
	return page;
}

static int take_reply_fds(struct rh_edge *edge, const struct rh_msg_head *head,
                          struct rh_fds *ret_fds)
{
	int r = rh_parcels_take(&edge->parcels, head->call, head->fds, ret_fds);

	if (r != RH_ENOENT)
		return r;
	rh_conn_drain(edge->conn);
	r = rh_parcels_take(&edge->parcels, head->call, head->fds, ret_fds);
	return r == RH_ENOENT ? RH_EPROTO : r;
}

int rh_memfd_len(const struct rh_fds *fds, uint32_t *ret_len)
{
	struct stat st;

	/* Only of a memfd: another file's system might not answer. */
	if (fds->count == 0 || fcntl(fds->at[0], F_GET_SEALS) < 0 ||
	    fstat(fds->at[0], &st) < 0 || st.st_size <= 0 ||
	    st.st_size > (off_t)RH_PAYLOAD_MAX)
		return RH_EPROTO;
	*ret_len = (uint32_t)st.st_size;
	return RH_OK;
}

/* The reply as it goes into the page; RH_EPROTO when it contradicts itself. */
static int read_reply(struct rh_edge *edge, const struct rh_msg_head *head,
                      const void *body, struct rh_reply *reply, struct rh_fds *fds)
{
	int r = RH_OK;

	*reply = (struct rh_reply){
		.status = head->status, .err_no = head->err_no, .len = head->len,
		.instance = head->instance, .flags = head->flags & FLAGS_UP,
		.fds = head->fds, .bytes = body,
	};
	if (head->status > 0 || head->fds > RH_CALL_FDS_MAX)
		return RH_EPROTO;
	if (head->fds > 0)
		r = take_reply_fds(edge, head, fds);
	if (r == RH_OK && (reply->flags & RH_SLOT_REPLY_MEMFD))
		r = rh_memfd_len(fds, &reply->len);
	return r;
}

void rh_edge_reply(struct rh_edge *edge, const struct rh_msg_head *head,
                   const void *body)
{
	struct rh_fds      fds = { 0 };
	struct rh_reply    reply;
	struct rh_cpage   *page;
	struct rh_transit *transit;
	unsigned           slot;
	uint64_t           took;
	int r = read_reply(edge, head, body, &reply, &fds);

	page = find_transit(edge, head->call, &slot);
	if (!page) { /* the page or the caller ended, or the deadline passed */
		rh_fds_close(&fds);
		return;
	}
	if (r < 0) {
		rh_agent_malformed(edge->agent);
		reply = (struct rh_reply){ .status = r };
	}
	transit = &page->transits[slot];
	rh_edge_transform_reply(edge, page, transit, &reply);
	rh_edge_filter_after(edge, page, transit, &reply);
	page->sent &= (uint16_t)~(1u << slot);
	edge->in_flight--;
	took = rh_clock_ns() - transit->started;
	RH_SITE(edge_reply, edge->index, (uint32_t)reply.status, took);
	rh_counters_call(edge->counters, reply.status, transit->taken.args_len,
	                 reply.len, took);
	rh_stats_changed(edge->agent);
	if (transit->traced_by)
		rh_trace_reply(edge, page, transit, &reply);
	rh_cpage_answer(page, slot, &reply, &fds);
	rh_edge_link_drained(edge);
}

void rh_edge_fail(struct rh_edge *edge)
{
	for (unsigned i = 0; i < edge->page_room; i++) {
		struct rh_cpage *page = edge->pages[i];

		for (unsigned slot = 0; page && page->sent && slot < RH_PAGE_SLOTS;
		     slot++) {
			struct rh_transit *transit = &page->transits[slot];

			if (!(page->sent & (1u << slot)))
				continue;
			page->sent &= (uint16_t)~(1u << slot);
			edge->in_flight--;
			rh_counters_call(edge->counters, RH_ELOST,
			                 transit->taken.args_len, 0,
			                 rh_clock_ns() - transit->started);
			rh_cpage_refuse(page, &transit->taken, RH_ELOST, 0,
			                edge->why.text);
		}
		if (page)
			page->held_fds_sent = 0; /* they went to the former link */
	}
	rh_stats_changed(edge->agent);
}
