#include "process.h"

#include "agent.h"
#include "binding.h"
#include "bound.h"
#include "cpage.h"
#include "edge.h"
#include "governor.h"
#include "happening.h"
#include "held.h"
#include "identity.h"
#include "inbox.h"
#include "inlink.h"
#include "instance.h"
#include "loan.h"
#include "use.h"

#include "../base/clock.h"
#include "../base/diag.h"
#include "../base/log.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- requests ----------------------------------------------------------- */

/* Records that were written before. */
static void put_records(struct rh_record_writer *writer, const void *records,
                        size_t len)
{
	if (len > writer->cap - writer->used)
		writer->failed = 1;
	if (writer->failed || len == 0)
		return;
	memcpy(writer->bytes + writer->used, records, len);
	writer->used += len;
}

static int answer_open(struct rh_process *process, struct rh_edge *edge,
                       uint64_t request)
{
	struct rh_record_writer writer;

	rh_record_begin(&writer, rh_agent_out_buffer(),
	                RH_FRAME_MAX - sizeof(struct rh_frame_head));
	rh_record_put_u32(&writer, RH_TAG_EDGE, edge->index);
	rh_record_put_text(&writer, RH_TAG_CALLEE, edge->spec.callee);
	rh_record_put_text(&writer, RH_TAG_INTERFACE, edge->spec.interface);
	rh_record_put_text(&writer, RH_TAG_PROTOCOL, edge->spec.protocol);
	rh_record_put_u64(&writer, RH_TAG_REVISION, edge->spec.revision);
	rh_record_put_u32(&writer, RH_TAG_LOCALE_ON, edge->spec.locale_on);
	put_records(&writer, edge->spec.env, edge->spec.env_bytes);
	return rh_conn_send(process->conn, RH_FRAME_OPENED, request, &writer, NULL, 0);
}

static int on_open(struct rh_process *process, struct rh_frame *frame)
{
	char            callee[RH_NAME_MAX + 1], interface[RH_NAME_MAX + 1];
	struct rh_edge *edge;
	struct rh_diag  diag;
	int             by_name, r;

	by_name = rh_record_text(&frame->records, RH_TAG_CALLEE, callee,
	                         sizeof callee) == RH_OK;
	if (!by_name && rh_record_text(&frame->records, RH_TAG_INTERFACE, interface,
	                               sizeof interface) < 0)
		return rh_conn_error(process->conn, frame->request, RH_EPROTO,
		                     "OPEN names neither a callee nor an interface");
	r = rh_edge_find(process->agent, by_name ? callee : NULL, interface, &edge,
	                 &diag);
	if (r < 0)
		return rh_conn_error(process->conn, frame->request, r, "%s", diag.text);
	return answer_open(process, edge, frame->request);
}

/* What one process has by all its connections. */
static void count_own(const struct rh_agent *agent, pid_t pid, unsigned *ret_conns,
                      unsigned *ret_pages)
{
	*ret_conns = *ret_pages = 0;
	RH_LIST_EACH(node, &agent->processes) {
		const struct rh_process *process = RH_CONTAINER(node, struct rh_process,
		                                                in_agent);

		if (process->pid != pid)
			continue;
		(*ret_conns)++;
		*ret_pages += process->page_count;
	}
}

/* A page to emit events on, or one on an edge. */
static int get_page(struct rh_process *process, struct rh_frame *frame,
                    uint32_t index, uint32_t flags, struct rh_diag *diag)
{
	struct rh_agent *agent = process->agent;
	uint64_t         deadline = 0;
	struct rh_edge  *edge;
	unsigned         conns, pages;
	int              r;

	count_own(agent, process->pid, &conns, &pages);
	if (pages >= RH_PAGES_PER_PEER)
		return rh_diag_set(diag, RH_ENOSPC, "a process may have %u pages",
		                   RH_PAGES_PER_PEER);
	rh_diag_set(diag, RH_ENOMEM, "no memory or descriptors for a page");
	if (index == RH_EDGE_EMIT && !rh_process_serves(agent, process->pid))
		return rh_diag_set(diag, RH_EINVAL, "only a process that serves %s may "
		                   "emit its events", agent->resource);
	if (index == RH_EDGE_EMIT)
		return rh_cpage_open(process, NULL, frame->request);
	if (index >= agent->edge_count)
		return rh_diag_set(diag, RH_EINVAL, "there is no edge %u", index);
	edge = agent->edges[index];
	if ((r = rh_edge_judge(edge, diag)) < 0) {
		rh_counter_add(&edge->counters->refused, 1);
		rh_happening_tell(edge->agent, "edge.refused", edge->spec.callee, "%s",
		                  diag->text);
		return r;
	}
	if (flags & RH_PAGE_FLAG_EVENTS)
		return rh_inbox_open(process, edge, frame->request);
	if (!rh_edge_binds(edge))
		return rh_cpage_open(process, edge, frame->request);
	rh_record_u64(&frame->records, RH_TAG_DEADLINE, &deadline);
	return rh_binding_open(process, edge, frame->request, deadline);
}

static int on_page_get(struct rh_process *process, struct rh_frame *frame)
{
	struct rh_diag diag = { .text = "PAGE_GET names no edge" };
	uint32_t       index, flags = 0;
	int            r;

	r = rh_record_u32(&frame->records, RH_TAG_EDGE, &index);
	if (r == RH_OK && rh_record_u32(&frame->records, RH_TAG_FLAGS, &flags) ==
	    RH_EPROTO)
		r = RH_EPROTO;
	if (r == RH_OK)
		r = get_page(process, frame, index, flags, &diag);
	if (r < 0)
		return rh_conn_error(process->conn, frame->request,
		                     r == RH_ENOENT ? RH_EPROTO : r, "%s", diag.text);
	return RH_OK;
}

static void put_page(struct rh_process *process, uint64_t id)
{
	RH_LIST_EACH(node, &process->pages) {
		struct rh_cpage *page = RH_CONTAINER(node, struct rh_cpage, in_process);

		if (page->id == id) {
			rh_cpage_close(page);
			return;
		}
	}
	RH_LIST_EACH(bound, &process->bindings) {
		struct rh_binding *binding = RH_CONTAINER(bound, struct rh_binding,
		                                          in_process);

		if (binding->id == id) {
			rh_binding_close(binding);
			return;
		}
	}
	RH_LIST_EACH(box, &process->inboxes) {
		struct rh_inbox *inbox = RH_CONTAINER(box, struct rh_inbox, in_process);

		if (inbox->id == id) {
			rh_inbox_close(inbox);
			return;
		}
	}
}

static int on_misfit(struct rh_process *process, struct rh_frame *frame)
{
	char text[RH_MISFIT_MAX];

	if (rh_record_text(&frame->records, RH_TAG_TEXT, text, sizeof text) < 0) {
		rh_agent_malformed(process->agent);
		return rh_conn_error(process->conn, frame->request, RH_EPROTO,
		                     "MISFIT has no text, or a longer one than it may");
	}
	if (rh_misfits_add(&process->agent->misfits, text))
		rh_warn_often("process %d (%s): %s", (int)process->pid, process->exe, text);
	return RH_OK;
}

static int on_frame(void *user, struct rh_frame *frame)
{
	struct rh_process *process = user;
	uint64_t           id;

	switch (frame->type) {
	case RH_FRAME_OPEN:
		return on_open(process, frame);
	case RH_FRAME_PAGE_GET:
		return on_page_get(process, frame);
	case RH_FRAME_PAGE_PUT:
		if (process->instance)
			rh_instance_put_page(process->instance, frame);
		if (rh_record_u64(&frame->records, RH_TAG_PAGE, &id) == RH_OK)
			put_page(process, id);
		return RH_OK;
	case RH_FRAME_MISFIT:
		return on_misfit(process, frame);
	case RH_FRAME_RULE_GET:
		return rh_borrower_get(process, frame);
	case RH_FRAME_RULE_STATE:
		return rh_borrower_state(process, frame);
	case RH_FRAME_RULE_COUNTS:
		return rh_borrower_counts(process, frame);
	case RH_FRAME_RULE_PUT:
		return rh_borrower_put(process, frame);
	case RH_FRAME_PAGE_HELD:
		return rh_held_report(process, frame);
	case RH_FRAME_SERVE:
		return rh_instance_serve(process, frame);
	case RH_FRAME_PAGE_ADDED:
	case RH_FRAME_ERROR:
		if (process->instance)
			rh_instance_answer(process->instance, frame);
		return RH_OK;
	default:
		rh_agent_malformed(process->agent);
		return rh_conn_error(process->conn, frame->request, RH_EPROTO,
		                     "a process does not send frames of type %u",
		                     frame->type);
	}
}

static void on_lost(void *user, int why)
{
	struct rh_process *process = user;

	if (why != RH_ELOST) {
		rh_agent_malformed(process->agent);
		rh_warn_often("process %d (%s) is disconnected: %s", (int)process->pid,
		        process->exe, rh_error_text(why));
	}
	rh_process_close(process);
}

/* An instance that took what it was given gets more. */
static void on_flushed(void *user)
{
	struct rh_process *process = user;

	if (!process->instance)
		return;
	rh_inlinks_run(process->agent);
	rh_bounds_run(process->agent);
}

static const struct rh_conn_ops conn_ops = {
	.frame = on_frame, .lost = on_lost, .flushed = on_flushed,
};

/* One wake-up for all pages of the process: those with work are served. */
static void on_woken(void *user, int events)
{
	struct rh_process *process = user;

	(void)events;
	RH_LIST_EACH(node, &process->pages) {
		struct rh_cpage *page = RH_CONTAINER(node, struct rh_cpage, in_process);

		if (rh_server_has_call(&page->server))
			rh_cpage_serve(page);
	}
}

/* A forked child may still hold the socket open, so its hang-up is not enough. */
static void on_ended(void *user, int events)
{
	struct rh_process *process = user;

	(void)events;
	rh_conn_drain(process->conn); /* what it said last counts */
	rh_process_close(process);
}

/* ---- coming and going --------------------------------------------------- */

static int send_attached(struct rh_process *process, uint64_t request)
{
	const struct rh_agent_view *view = process->agent->view;
	struct rh_record_writer     writer;

	rh_record_begin(&writer, rh_agent_out_buffer(),
	                RH_FRAME_MAX - sizeof(struct rh_frame_head));
	rh_record_put_u64(&writer, RH_TAG_ATTACHMENT, process->attachment);
	rh_record_put_text(&writer, RH_TAG_RESOURCE, process->agent->resource);
	rh_record_put_text(&writer, RH_TAG_SYSTEM, view->system);
	for (unsigned i = 0; i < view->self.env_count; i++)
		rh_record_put_text(&writer, RH_TAG_ENV, view->self.envs[i]);
	rh_record_put_u32(&writer, RH_TAG_LOCALE_ON, view->self.locale_on);
	return rh_conn_send(process->conn, RH_FRAME_ATTACHED, request, &writer,
	                    &process->event, 1);
}

static void free_process(struct rh_process *process)
{
	rh_pollfd_close(process->woken);
	rh_pollfd_close(process->ended);
	if (process->event >= 0)
		close(process->event);
	if (process->pidfd >= 0)
		close(process->pidfd);
	free(process->gids);
	free(process);
}

static struct rh_process *create(struct rh_agent *agent, const struct rh_peer *peer,
                                 uint32_t role)
{
	size_t             len = strlen(peer->exe) + 1;
	struct rh_process *process = calloc(1, sizeof *process + len);

	if (!process)
		return NULL;
	process->agent = agent;
	process->pid = peer->pid;
	process->uid = peer->uid;
	process->role = role;
	process->pidfd = process->event = -1;
	memcpy(process->exe, peer->exe, len);
	rh_list_init(&process->pages);
	rh_list_init(&process->bindings);
	rh_list_init(&process->inboxes);
	rh_list_init(&process->uses);
	rh_list_init(&process->borrowers);
	rh_task_init(&process->task);
	process->gids = malloc(sizeof(gid_t) * (size_t)(peer->group_count + 1));
	if (!process->gids) {
		free(process);
		return NULL;
	}
	process->gids[process->gid_count++] = peer->gid;
	for (int i = 0; i < peer->group_count; i++) {
		if (peer->groups[i] != peer->gid)
			process->gids[process->gid_count++] = peer->groups[i];
	}
	return process;
}

static int watch(struct rh_process *process)
{
	uv_loop_t *loop = process->agent->loop;
	int        r;

	if ((r = process->event = rh_event_create()) < 0 ||
	    (r = rh_pollfd_open_event(loop, process->event, on_woken, process,
	                              &process->woken)) < 0)
		return r;
	return rh_pollfd_open(loop, process->pidfd, UV_READABLE, on_ended, process,
	                      &process->ended);
}

int rh_process_open(struct rh_agent *agent, struct rh_conn *conn,
                    struct rh_peer *peer, struct rh_frame *frame,
                    struct rh_diag *diag)
{
	struct rh_process *process;
	uint64_t           claimed = 0;
	uint32_t           role = 0;
	unsigned           conns, pages;
	int                r;

	if (agent->process_count == RH_PEERS_PER_AGENT)
		return rh_diag_set(diag, RH_ENOSPC, "%s has %u processes already",
		                   agent->resource, RH_PEERS_PER_AGENT);
	count_own(agent, peer->pid, &conns, &pages);
	if (conns >= RH_CONNS_PER_PROCESS)
		return rh_diag_set(diag, RH_ENOSPC, "process %d is attached to %s %u times "
		                   "already", (int)peer->pid, agent->resource, conns);
	rh_diag_set(diag, RH_ENOMEM, "no memory or descriptors to attach process %d",
	            (int)peer->pid);
	rh_record_u32(&frame->records, RH_TAG_ROLE, &role);
	rh_record_u64(&frame->records, RH_TAG_ATTACHMENT, &claimed);
	process = create(agent, peer, role);
	if (!process)
		return RH_ENOMEM;
	if (rh_identity_of(peer->pid, peer->pidfd, claimed, &agent->last_identity,
	                   &process->attachment) < 0) {
		free_process(process);
		return rh_diag_set(diag, RH_EIDENT, "process %d ended before it could be "
		                   "identified", (int)peer->pid);
	}
	process->pidfd = peer->pidfd;
	peer->pidfd = -1;
	process->conn = conn;
	if ((r = watch(process)) < 0 ||
	    (r = send_attached(process, frame->request)) < 0) {
		free_process(process);
		return r;
	}
	rh_conn_hand_over(conn, &conn_ops, process);
	rh_list_add(&agent->processes, &process->in_agent);
	agent->process_count++;
	rh_governor_note(agent, process->pid);
	rh_counter_add(&agent->counters.head->attached, 1);
	rh_counter_add(&agent->counters.head->processes, 1);
	rh_info_often("attached pid=%d uid=%u exe=%s%s", (int)process->pid,
	        (unsigned)process->uid, process->exe,
	        role == RH_ROLE_CALLEE ? " as callee" : "");
	return RH_OK;
}

static void end(struct rh_task *task)
{
	free_process(RH_CONTAINER(task, struct rh_process, task));
}

void rh_process_close(struct rh_process *process)
{
	struct rh_agent *agent = process->agent;

	if (process->is_closed)
		return;
	process->is_closed = 1;
	rh_list_remove(&process->in_agent);
	agent->process_count--;
	rh_counter_add(&agent->counters.head->processes, (uint64_t)-1);
	rh_pollfd_want(process->woken, 0);
	rh_pollfd_want(process->ended, 0);
	while (!rh_list_empty(&process->pages))
		rh_cpage_close(RH_CONTAINER(process->pages.next, struct rh_cpage,
		                            in_process));
	while (!rh_list_empty(&process->bindings))
		rh_binding_close(RH_CONTAINER(process->bindings.next,
		                              struct rh_binding, in_process));
	while (!rh_list_empty(&process->inboxes))
		rh_inbox_close(RH_CONTAINER(process->inboxes.next, struct rh_inbox,
		                            in_process));
	while (!rh_list_empty(&process->uses))
		rh_use_close(RH_CONTAINER(process->uses.next, struct rh_use,
		                          in_process));
	rh_borrowers_close(process);
	if (process->instance)
		rh_instance_lost(process->instance);
	rh_conn_close(process->conn);
	rh_debug("detached pid=%d exe=%s", (int)process->pid, process->exe);
	rh_task_retire(&agent->tasks, &process->task, end);
}

int rh_process_serves(const struct rh_agent *agent, pid_t pid)
{
	RH_LIST_EACH(node, &agent->processes) {
		const struct rh_process *process = RH_CONTAINER(node, struct rh_process,
		                                                in_agent);

		if (process->pid == pid && process->role == RH_ROLE_CALLEE)
			return 1;
	}
	return 0;
}
