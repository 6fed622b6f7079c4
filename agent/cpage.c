#include "cpage.h"

#include "agent.h"
#include "edge.h"
#include "emit.h"
#include "process.h"
#include "use.h"

#include "../base/clock.h"
#include "../base/discard.h"
#include "../base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CALLS_PER_TURN (2 * RH_PAGE_SLOTS)

/* ---- making ------------------------------------------------------------- */

static void on_hangup(void *user, int events)
{
	(void)events;
	rh_cpage_close(user);
}

static int send_page(struct rh_cpage *page, uint64_t request, int memfd,
                     int far_waker, int far_companion)
{
	unsigned char           bytes[128];
	struct rh_record_writer writer;
	int                     fds[3] = { memfd, far_waker, far_companion };

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u64(&writer, RH_TAG_PAGE, page->id);
	rh_record_put_u32(&writer, RH_TAG_EDGE,
	                  page->edge ? page->edge->index : RH_EDGE_EMIT);
	rh_record_put_u64(&writer, RH_TAG_INSTANCE, 0);
	rh_record_put_u32(&writer, RH_TAG_FLAGS, 0);
	return rh_conn_send(page->process->conn, RH_FRAME_PAGE, request, &writer, fds, 3);
}

static int join_edge(struct rh_cpage *page)
{
	int lane, r;

	if (!page->edge)
		return RH_OK;
	if ((r = rh_use_find(page->process, page->edge, &page->use)) < 0)
		return r;
	if ((lane = rh_use_take_lane(page->use)) < 0)
		return lane;
	page->lane = (uint16_t)lane;
	r = rh_edge_add_page(page->edge, page);
	if (r < 0)
		rh_use_give_lane(page->use, page->lane);
	return r;
}

static int make_memory(struct rh_cpage *page, int *ret_memfd)
{
	int r = rh_memory_create("rhodes-page", RH_PAGE_BYTES, ret_memfd, &page->memory);

	if (r < 0)
		return r;
	rh_page_format(page->memory, page->id, page->process->attachment, 0, 0);
	return RH_OK;
}

/* The pair's near end is ours; its hang-up says that the thread has ended. */
static int make_companion(struct rh_cpage *page, int *ret_far)
{
	int r = rh_socket_ends(&page->companion, ret_far);

	if (r < 0)
		return r;
	return rh_pollfd_open(page->process->agent->loop, page->companion,
	                      UV_DISCONNECT, on_hangup, page, &page->hangup);
}

/* Everything that can fail, in order; what was made is undone by free_page. */
static int make(struct rh_cpage *page, uint64_t request)
{
	int memfd = -1, far_waker = -1, far = -1;
	int r = make_memory(page, &memfd);

	if (r == RH_OK)
		r = rh_socket_ends(&page->waker, &far_waker);
	if (r == RH_OK)
		r = make_companion(page, &far);
	if (r == RH_OK)
		r = join_edge(page);
	if (r == RH_OK &&
	    (r = send_page(page, request, memfd, far_waker, far)) < 0 && page->edge) {
		rh_use_give_lane(page->use, page->lane);
		rh_edge_remove_page(page->edge, page);
	}
	if (memfd >= 0)
		close(memfd);
	if (far_waker >= 0)
		close(far_waker);
	if (far >= 0)
		close(far);
	return r;
}

static void free_page(struct rh_cpage *page)
{
	rh_pollfd_close(page->hangup);
	rh_fds_close(&page->held_fds);
	free(page->held_args);
	rh_parcels_fini(&page->parcels);
	rh_memory_unmap(page->memory, RH_PAGE_BYTES);
	if (page->waker >= 0)
		close(page->waker);
	rh_discard_socket(page->companion);
	free(page);
}

int rh_cpage_open(struct rh_process *process, struct rh_edge *edge,
                  uint64_t request)
{
	struct rh_cpage *page = calloc(1, sizeof *page);
	int              r;

	if (!page)
		return RH_ENOMEM;
	page->process = process;
	page->edge = edge;
	page->id = rh_agent_next_id(process->agent);
	page->waker = page->companion = -1;
	rh_list_init(&page->in_process);
	rh_list_init(&page->in_waiting);
	rh_task_init(&page->task);
	rh_parcels_init(&page->parcels, RH_PAGE_SLOTS);
	if ((r = make(page, request)) < 0) {
		free_page(page);
		return r;
	}
	rh_list_add(&process->pages, &page->in_process);
	process->page_count++;
	rh_counter_add(&process->agent->counters.head->pages, 1);
	rh_server_init(&page->server, page->memory, page->waker);
	rh_cpage_serve(page); /* arms it */
	if (edge)
		rh_edge_link_want(edge);
	return RH_OK;
}

static void end(struct rh_task *task)
{
	free_page(RH_CONTAINER(task, struct rh_cpage, task));
}

void rh_cpage_close(struct rh_cpage *page)
{
	struct rh_agent *agent = page->process->agent;

	if (page->is_closed)
		return;
	page->is_closed = 1;
	rh_list_remove(&page->in_process);
	rh_list_remove(&page->in_waiting);
	page->process->page_count--;
	rh_counter_add(&agent->counters.head->pages, (uint64_t)-1);
	rh_pollfd_close(page->hangup);
	page->hangup = NULL;
	if (page->edge) {
		rh_use_give_lane(page->use, page->lane);
		rh_edge_remove_page(page->edge, page);
	} else {
		rh_emit_forget(page);
	}
	rh_task_cancel(&page->task);
	rh_task_retire(&agent->tasks, &page->task, end);
}

void rh_cpage_retire(struct rh_cpage *page)
{
	page->is_retired = 1;
	rh_retire(page->process->agent, page->server.page.head);
}

void rh_cpage_take_idle(struct rh_cpage *page)
{
	if (page->is_retired && rh_page_is_idle(page->server.page.head))
		rh_cpage_close(page);
}

/* ---- the companion ------------------------------------------------------ */

static void on_companion(void *user, struct rh_frame *frame)
{
	struct rh_cpage *page = user;

	if (frame->type != RH_FRAME_CONTEXT || !page->use ||
	    rh_contexts_put(&page->use->contexts, frame) < 0)
		rh_agent_malformed(page->process->agent);
}

void rh_cpage_drain(struct rh_cpage *page)
{
	rh_parcels_drain(&page->parcels, page->companion,
	                 rh_agent_side_buffer(), on_companion, page);
}

/* ---- serving ------------------------------------------------------------ */

enum outcome { NOTHING, WENT, WAITS };

int rh_cpage_set_args(struct rh_cpage *page, const void *bytes, uint32_t len)
{
	unsigned char *copy = malloc(len ? len : 1);

	if (!copy)
		return RH_ENOMEM;
	if (len > 0)
		memcpy(copy, bytes, len);
	free(page->held_args);
	page->held_args = copy;
	page->held.args = copy;
	page->held.args_len = len;
	return RH_OK;
}

int rh_cpage_copy_args(struct rh_cpage *page)
{
	if (page->held_args || page->held.args_len == 0)
		return RH_OK;
	return rh_cpage_set_args(page, page->held.args, page->held.args_len);
}

static void done_with_held(struct rh_cpage *page)
{
	page->has_held = 0;
	page->held_fds_sent = 0;
	page->held_traced_by = 0;
	page->is_filtered = 0;
	page->is_chosen = 0;
	page->is_transformed = 0;
	page->held_until = 0;
	page->generation = 0;
	free(page->held_args);
	page->held_args = NULL;
	rh_fds_close(&page->held_fds);
}

static int is_ready(const struct rh_cpage *page)
{
	return page->edge ? rh_edge_is_ready(page->edge)
	                  : rh_list_empty(&page->process->agent->emitting);
}

/* Nothing is taken that could not go on, so that its caller can still cancel. */
static enum outcome serve_one(struct rh_cpage *page)
{
	int r;

	if (!page->has_held) {
		if (!rh_server_has_call(&page->server))
			return NOTHING;
		if (!is_ready(page))
			return WAITS;
		if (rh_server_take(&page->server, &page->held) != 1)
			return NOTHING;
		page->has_held = 1;
	}
	r = page->edge ? rh_edge_forward(page->edge, page) : rh_emit_forward(page);
	if (r == RH_EAGAIN)
		return WAITS;
	done_with_held(page);
	return WENT;
}

static void wait(struct rh_cpage *page)
{
	if (page->edge)
		rh_edge_wait(page->edge, page);
	else if (rh_list_empty(&page->in_waiting))
		rh_list_add(&page->process->agent->emitting, &page->in_waiting);
	rh_cpage_expire(page, rh_clock_ns());
}

static void serve_task(struct rh_task *task)
{
	rh_cpage_serve(RH_CONTAINER(task, struct rh_cpage, task));
}

void rh_cpage_serve(struct rh_cpage *page)
{
	if (page->is_closed || !rh_list_empty(&page->in_waiting))
		return;
	rh_server_woken(&page->server);
	for (unsigned i = 0; i < CALLS_PER_TURN; i++) {
		enum outcome outcome = serve_one(page);

		if (page->is_closed)
			return;
		if (outcome == WAITS) { /* P2; new calls need not wake us */
			wait(page);
			return;
		}
		if (outcome == NOTHING &&
		    rh_server_arm(&page->server, RH_ASLEEP_EVENT) == RH_OK)
			return; /* P2 */
	}
	rh_task_post(&page->process->agent->tasks, &page->task, serve_task);
}

/* ---- finishing ---------------------------------------------------------- */

void rh_cpage_refuse(struct rh_cpage *page, const struct rh_taken *taken, int status,
                     int is_sure, const char *text)
{
	struct rh_reply reply = {
		.status = status, .flags = is_sure ? RH_SLOT_SURE : 0,
	};
	size_t len = text ? strlen(text) : 0;

	if (len >= RH_DIAG_MAX)
		len = RH_DIAG_MAX - 1;
	if (len > 0)
		memcpy(taken->reply_near, text, len);
	reply.len = (uint32_t)len;
	rh_server_finish(&page->server, taken, &reply);
}

/* Descriptors of the reply go ahead of it; the thread reads them when it needs
 * them, so a companion that is full is not read at all. */
static int pass_fds(struct rh_cpage *page, const struct rh_taken *taken,
                    struct rh_fds *fds)
{
	int r = fds->count > 0 ? rh_parcel_send(page->companion, taken->sequence, fds)
	                       : RH_OK;

	rh_fds_close(fds);
	return r;
}

void rh_cpage_answer(struct rh_cpage *page, unsigned slot,
                     const struct rh_reply *reply, struct rh_fds *fds)
{
	const struct rh_taken *taken = &page->transits[slot].taken;
	int is_near = reply->len <= RH_SLOT_INLINE_MAX;
	int r = pass_fds(page, taken, fds);

	if (r == RH_OK && !(reply->flags & RH_SLOT_REPLY_MEMFD)) {
		if (!is_near && reply->len > taken->reply_cap)
			r = RH_EMSGSIZE;
		else if (reply->len > 0)
			memcpy(is_near ? taken->reply_near : taken->reply_far,
			       reply->bytes, reply->len);
	}
	if (r < 0)
		rh_cpage_refuse(page, taken, r, 0, "the reply did not reach the caller");
	else
		rh_server_finish(&page->server, taken, reply);
}

static int is_over(uint64_t deadline, uint64_t now)
{
	return deadline != 0 && deadline <= now;
}

static void refuse_late(struct rh_cpage *page, const struct rh_taken *taken,
                        int is_sure)
{
	const char *text = "the deadline passed before the callee answered";

	if (is_sure && page->edge && page->edge->why.code < 0)
		text = page->edge->why.text;
	else if (is_sure)
		text = "the deadline passed before the call could be sent";
	rh_cpage_refuse(page, taken, RH_ETIMEDOUT, is_sure, text);
}

static void expire_transits(struct rh_cpage *page, uint64_t now)
{
	for (unsigned slot = 0; page->sent && slot < RH_PAGE_SLOTS; slot++) {
		struct rh_transit *transit = &page->transits[slot];

		if (!(page->sent & (1u << slot)))
			continue;
		if (!is_over(transit->taken.deadline, now)) {
			rh_alarm_at(&page->process->agent->alarm,
			            transit->taken.deadline);
			continue;
		}
		page->sent &= (uint16_t)~(1u << slot);
		if (page->edge) {
			page->edge->in_flight--;
			rh_counters_call(page->edge->counters, RH_ETIMEDOUT,
			                 transit->taken.args_len, 0,
			                 now - transit->started);
		}
		refuse_late(page, &transit->taken, 0);
	}
	if (page->edge)
		rh_edge_link_drained(page->edge);
}

/* What stands in the ring next: 1 when it may be taken, for it is cancelled or
 * over; else its deadline is noted.  The words are the caller's and may lie: then
 * it is taken and held. */
static int next_is_over(struct rh_cpage *page, uint64_t now)
{
	uint32_t                      next = page->server.next;
	const struct rh_slot_request *request =
		&page->server.page.slots[next % RH_PAGE_SLOTS].request;
	uint32_t word = atomic_load_explicit(&request->word, memory_order_acquire);
	uint64_t deadline = *(const volatile uint64_t *)&request->deadline;

	if (!rh_server_has_call(&page->server))
		return 0;
	if (word != RH_SLOT_WORD(next, RH_SLOT_SUBMITTED) || is_over(deadline, now))
		return 1;
	rh_alarm_at(&page->process->agent->alarm, deadline);
	return 0;
}

static void expire_waiting(struct rh_cpage *page, uint64_t now)
{
	for (unsigned i = 0; i < RH_PAGE_SLOTS; i++) {
		if (!page->has_held) {
			if (!next_is_over(page, now) ||
			    rh_server_take(&page->server, &page->held) != 1)
				return;
			page->has_held = 1;
		}
		if (!page->edge && page->generation != 0)
			return; /* an event that began to spread is a transit */
		if (!is_over(page->held.deadline, now)) {
			rh_alarm_at(&page->process->agent->alarm, page->held.deadline);
			return;
		}
		refuse_late(page, &page->held, 1);
		done_with_held(page);
	}
}

void rh_cpage_expire(struct rh_cpage *page, uint64_t now)
{
	if (page->is_closed)
		return;
	expire_transits(page, now);
	if (!rh_list_empty(&page->in_waiting))
		expire_waiting(page, now);
}
