#include "inbox.h"

#include "agent.h"
#include "edge.h"
#include "process.h"

#include "../base/discard.h"
#include "../base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Frees what the process has taken. */
static void collect(struct rh_inbox *inbox)
{
	struct rh_reply reply;

	for (int slot = 0; slot < (int)RH_PAGE_SLOTS; slot++) {
		if ((inbox->end.in_flight & (1u << slot)) &&
		    rh_caller_collect(&inbox->end, slot, &reply) != RH_EAGAIN)
			rh_caller_release(&inbox->end, slot);
	}
}

static void on_woken(void *user, int events)
{
	struct rh_inbox *inbox = user;

	(void)events;
	rh_caller_woken(&inbox->end);
	rh_edge_run_events(inbox->edge);
}

static void on_hangup(void *user, int events)
{
	(void)events;
	rh_inbox_close(user);
}

static int put(struct rh_inbox *inbox, const struct rh_msg_head *head,
               const void *body)
{
	struct rh_request request = {
		.function = head->function, .args_len = head->len,
		.deadline = head->deadline, .flags = RH_SLOT_EVENT,
	};
	unsigned char    *at;
	int               slot;

	collect(inbox);
	slot = rh_caller_reserve(&inbox->end, head->len, 0, &at);
	if (slot < 0)
		return slot;
	if (head->len > 0)
		memcpy(at, body, head->len);
	rh_caller_submit(&inbox->end, slot, &request);
	if (rh_caller_server_polls(&inbox->end)) /* full: it has been told */
		rh_socket_send(inbox->companion, RH_FRAME_WAKE, 0, NULL, NULL, 0);
	return RH_OK;
}

int rh_inbox_put(struct rh_inbox *inbox, const struct rh_msg_head *head,
                 const void *body)
{
	int r = put(inbox, head, body);

	/* Full: to be woken when something is taken, unless that happened now. */
	if (r == RH_EAGAIN && rh_caller_arm(&inbox->end, -1) == RH_EAGAIN)
		r = put(inbox, head, body);
	return r;
}

static int send_page(struct rh_inbox *inbox, uint64_t request, int memfd, int far)
{
	unsigned char           bytes[128];
	struct rh_record_writer writer;
	int                     fds[3] = { memfd, inbox->event, far };

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u64(&writer, RH_TAG_PAGE, inbox->id);
	rh_record_put_u32(&writer, RH_TAG_EDGE, inbox->edge->index);
	rh_record_put_u64(&writer, RH_TAG_INSTANCE, 0);
	rh_record_put_u32(&writer, RH_TAG_FLAGS, RH_PAGE_FLAG_EVENTS);
	return rh_conn_send(inbox->process->conn, RH_FRAME_PAGE, request, &writer, fds,
	                    3);
}

static int make(struct rh_inbox *inbox, uint64_t request)
{
	uv_loop_t *loop = inbox->process->agent->loop;
	int        far = -1, memfd = -1, r;

	r = rh_memory_create("rhodes-inbox", RH_PAGE_BYTES, &memfd, &inbox->memory);
	if (r == RH_OK)
		r = inbox->event = rh_event_create();
	if (r >= 0)
		r = rh_socket_ends(&inbox->companion, &far);
	if (r == RH_OK)
		r = rh_pollfd_open_event(loop, inbox->event, on_woken, inbox,
		                         &inbox->woken);
	if (r == RH_OK)
		r = rh_pollfd_open(loop, inbox->companion, UV_DISCONNECT, on_hangup,
		                   inbox, &inbox->hangup);
	if (r == RH_OK) {
		rh_page_format(inbox->memory, inbox->id, inbox->process->attachment, 0,
		               RH_PAGE_FLAG_EVENTS);
		rh_caller_init(&inbox->end, inbox->memory, -1);
		r = send_page(inbox, request, memfd, far);
	}
	if (memfd >= 0)
		close(memfd);
	if (far >= 0)
		close(far);
	return r;
}

static void free_inbox(struct rh_inbox *inbox)
{
	rh_pollfd_close(inbox->woken);
	rh_pollfd_close(inbox->hangup);
	rh_memory_unmap(inbox->memory, RH_PAGE_BYTES);
	if (inbox->event >= 0)
		close(inbox->event);
	rh_discard_socket(inbox->companion);
	free(inbox);
}

int rh_inbox_open(struct rh_process *process, struct rh_edge *edge,
                  uint64_t request)
{
	struct rh_inbox *inbox = calloc(1, sizeof *inbox);
	int              r;

	if (!inbox)
		return RH_ENOMEM;
	inbox->process = process;
	inbox->edge = edge;
	inbox->event = inbox->companion = -1;
	inbox->id = rh_agent_next_id(process->agent);
	rh_task_init(&inbox->task);
	if ((r = make(inbox, request)) < 0) {
		free_inbox(inbox);
		return r;
	}
	rh_list_add(&process->inboxes, &inbox->in_process);
	rh_list_add(&edge->inboxes, &inbox->in_edge);
	process->page_count++;
	rh_edge_link_want(edge);
	return RH_OK;
}

static void end(struct rh_task *task)
{
	free_inbox(RH_CONTAINER(task, struct rh_inbox, task));
}

void rh_inbox_close(struct rh_inbox *inbox)
{
	if (inbox->is_closed)
		return;
	inbox->is_closed = 1;
	rh_list_remove(&inbox->in_process);
	rh_list_remove(&inbox->in_edge);
	inbox->process->page_count--;
	rh_pollfd_want(inbox->woken, 0);
	rh_pollfd_want(inbox->hangup, 0);
	rh_task_retire(&inbox->process->agent->tasks, &inbox->task, end);
	rh_edge_run_events(inbox->edge); /* some may have waited for it alone */
}
