#include "bound.h"

#include "agent.h"
#include "attachment.h"
#include "conn.h"
#include "held.h"
#include "inlink.h"
#include "instance.h"
#include "process.h"
#include "report.h"
#include "settle.h"
#include "verdict.h"

#include "../base/clock.h"
#include "../base/discard.h"
#include "../base/log.h"
#include "../base/memory.h"
#include "../protocols/page/page.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEAD_BYTES  4096u /* of the page stay mapped */

/* For this caller, at least: rh_instance_has_room. */
#define FULL "the instance serves as many pages as it can"

static void close_fds(struct rh_bound *bound, unsigned from)
{
	for (unsigned i = from; i < 3; i++) {
		rh_discard(bound->fds[i]);
		bound->fds[i] = -1;
	}
}

static void end(struct rh_task *task)
{
	struct rh_bound *bound = RH_CONTAINER(task, struct rh_bound, task);

	rh_pollfd_close(bound->ended);
	rh_memory_unmap(bound->head, HEAD_BYTES);
	close_fds(bound, 0);
	if (bound->pidfd >= 0)
		close(bound->pidfd);
	free(bound);
}

void rh_bound_remove(struct rh_bound *bound)
{
	if (bound->state == RH_BOUND_LIVE)
		rh_counter_add(&bound->agent->counters.head->bindings, (uint64_t)-1);
	if (bound->is_reported && bound->instance)
		bound->instance->held--;
	rh_list_remove(&bound->in_link);
	rh_list_remove(&bound->in_instance);
	rh_pollfd_want(bound->ended, 0);
	rh_settle_soon(bound->agent);
	rh_task_retire(&bound->agent->tasks, &bound->task, end);
}

/* Takes the page away from the instance. */
static void drop(struct rh_bound *bound)
{
	if (bound->instance)
		rh_instance_drop_page(bound->instance, bound->local);
	rh_bound_remove(bound);
}

/* Which page, and whose. */
static void send_page(struct rh_bound *bound, uint8_t type, uint64_t request)
{
	unsigned char           bytes[64];
	struct rh_record_writer writer;

	if (!bound->link)
		return;
	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u64(&writer, RH_TAG_PAGE, bound->page);
	if (bound->instance)
		rh_record_put_u64(&writer, RH_TAG_INSTANCE, bound->instance->id);
	rh_conn_send(bound->link->conn, type, request, &writer, NULL, 0);
}

static void send_unbind(struct rh_bound *bound)
{
	send_page(bound, RH_FRAME_UNBIND, 0);
}

static void on_ended(void *user, int events)
{
	struct rh_bound *bound = user;

	(void)events;
	send_unbind(bound);
	drop(bound);
}

int rh_bound_watch(struct rh_bound *bound)
{
	if (bound->ended)
		return RH_OK;
	return rh_pollfd_open(bound->agent->loop, bound->pidfd, UV_READABLE, on_ended,
	                      bound, &bound->ended);
}

/* ---- binding ------------------------------------------------------------ */

static void refuse(struct rh_bound *bound, int code, const char *text)
{
	if (bound->link)
		rh_conn_error(bound->link->conn, bound->request, code, "%s", text);
	rh_bound_remove(bound);
}

/* Gives the page to the attachment's instance, if one is up. */
static void try_instance(struct rh_bound *bound)
{
	struct rh_instance *instance = rh_attachment_instance(bound->attachment);
	struct rh_page_add  add = {
		.page = bound->local, .origin = bound->page,
		.flags = RH_PAGE_FLAG_BIND,
		.fds = { bound->fds[0], bound->fds[1], bound->fds[2], -1 },
	};

	if (!instance || !rh_conn_is_flushed(instance->process->conn))
		return;
	if (!rh_instance_has_room(instance, bound->caller)) {
		refuse(bound, RH_ENOSPC, FULL);
		return;
	}
	rh_attachment_describe(bound->attachment, &add);
	if (rh_instance_add_page(instance, &add) < 0)
		return; /* it is being lost */
	bound->instance = instance;
	bound->state = RH_BOUND_ADDING;
	rh_list_remove(&bound->in_instance);
	rh_list_add(&instance->bounds, &bound->in_instance);
}

struct rh_bound *rh_bound_create(struct rh_agent *agent, const char *caller)
{
	struct rh_bound *bound = calloc(1, sizeof *bound);

	if (!bound)
		return NULL;
	bound->agent = agent;
	bound->pidfd = -1;
	strcpy(bound->caller, caller);
	rh_task_init(&bound->task);
	rh_list_init(&bound->in_link);
	rh_list_init(&bound->in_instance);
	for (unsigned i = 0; i < 3; i++)
		bound->fds[i] = -1;
	return bound;
}

static struct rh_bound *create(struct rh_inlink *link, struct rh_frame *frame)
{
	struct rh_bound *bound = rh_bound_create(link->agent, link->caller);

	if (!bound)
		return NULL;
	bound->link = link;
	bound->request = frame->request;
	bound->local = rh_agent_next_id(link->agent);
	for (unsigned i = 0; i < 3; i++)
		bound->fds[i] = rh_frame_take_fd(frame, i);
	return bound;
}

int rh_bound_map(struct rh_bound *bound)
{
	void *memory;
	int   r = rh_memory_map(bound->fds[0], RH_PAGE_BYTES, &memory);

	if (r < 0)
		return r;
	if ((r = rh_page_check(memory)) < 0) {
		rh_memory_unmap(memory, RH_PAGE_BYTES);
		return r;
	}
	rh_memory_unmap((char *)memory + HEAD_BYTES, RH_PAGE_BYTES - HEAD_BYTES);
	bound->head = memory;
	return RH_OK;
}

/* Who asks; a dup of the pidfd stays when the link goes. */
static int read_bind(struct rh_bound *bound, struct rh_frame *frame,
                     struct rh_diag *diag)
{
	int r = rh_inlink_judge(bound->agent, bound->caller, diag);

	if (r < 0)
		return r;
	strcpy(diag->text, "BIND is malformed");
	if (rh_record_u64(&frame->records, RH_TAG_ATTACHMENT, &bound->identity) < 0 ||
	    rh_record_u64(&frame->records, RH_TAG_PAGE, &bound->page) < 0 ||
	    bound->fds[2] < 0 || rh_bound_map(bound) < 0)
		return RH_EPROTO;
	rh_record_u64(&frame->records, RH_TAG_DEADLINE, &bound->deadline);
	bound->attachment = rh_attachment_find(bound->link, bound->identity);
	if (!bound->attachment)
		return RH_EPROTO;
	strcpy(diag->text, "no descriptors for a binding");
	bound->pidfd = fcntl(bound->attachment->pidfd, F_DUPFD_CLOEXEC, 0);
	return bound->pidfd < 0 ? RH_ENOMEM : RH_OK;
}

int rh_bound_open(struct rh_inlink *link, struct rh_frame *frame)
{
	struct rh_bound *bound = create(link, frame);
	struct rh_diag   diag;
	int              r;

	if (!bound)
		return rh_conn_error(link->conn, frame->request, RH_ENOMEM,
		                     "no memory for a binding");
	rh_list_add(&link->bounds, &bound->in_link);
	rh_list_add(&link->agent->unbound, &bound->in_instance);
	if ((r = read_bind(bound, frame, &diag)) < 0) {
		if (r == RH_EPROTO)
			rh_agent_malformed(link->agent);
		refuse(bound, r, diag.text);
		return RH_OK;
	}
	rh_alarm_at(&link->agent->alarm, bound->deadline);
	try_instance(bound);
	return RH_OK;
}

void rh_bound_added(struct rh_bound *bound, int code)
{
	if (bound->state != RH_BOUND_ADDING)
		return;
	if (code < 0) {
		refuse(bound, code, code == RH_ENOSPC ? FULL
		                                      : "the instance refused the page");
		return;
	}
	bound->state = RH_BOUND_LIVE;
	if (bound->is_retired)
		rh_retire(bound->agent, bound->head); /* nothing may ever be in it */
	close_fds(bound, 1); /* D1 */
	rh_counter_add(&bound->agent->counters.head->bindings, 1);
	send_page(bound, RH_FRAME_BOUND, bound->request);
}

/* ---- ending ------------------------------------------------------------- */

void rh_bound_unbind(struct rh_inlink *link, struct rh_frame *frame)
{
	uint64_t page, instance = 0;

	if (rh_record_u64(&frame->records, RH_TAG_PAGE, &page) < 0)
		return;
	rh_record_u64(&frame->records, RH_TAG_INSTANCE, &instance);
	RH_LIST_EACH(node, &link->bounds) {
		struct rh_bound *bound = RH_CONTAINER(node, struct rh_bound, in_link);

		if (bound->page == page &&
		    (instance == 0 || !bound->instance ||
		     bound->instance->id == instance))
			drop(bound);
	}
}

void rh_bound_put(struct rh_bound *bound)
{
	if (bound->state != RH_BOUND_LIVE)
		return;
	send_unbind(bound);
	rh_bound_remove(bound);
}

void rh_bound_lost(struct rh_bound *bound)
{
	if (bound->state == RH_BOUND_LIVE) {
		send_unbind(bound);
		rh_bound_remove(bound);
		return;
	}
	bound->instance = NULL;
	bound->state = RH_BOUND_WAITING;
	rh_list_remove(&bound->in_instance);
	rh_list_add(&bound->agent->unbound, &bound->in_instance);
}

void rh_bounds_run(struct rh_agent *agent)
{
	RH_LIST_EACH(node, &agent->unbound)
		try_instance(RH_CONTAINER(node, struct rh_bound, in_instance));
}

/* Without its link a page lives until the caller's process ends, or its next agent
 * comes. */
static void orphan(struct rh_bound *bound)
{
	bound->link = NULL;
	bound->attachment = NULL;
	rh_list_remove(&bound->in_link);
	if (bound->state != RH_BOUND_LIVE || rh_bound_watch(bound) < 0)
		drop(bound); /* D2 */
	else
		rh_held_tell_caller(bound);
}

void rh_bounds_leave(struct rh_attachment *attachment)
{
	RH_LIST_EACH(node, &attachment->link->bounds) {
		struct rh_bound *bound = RH_CONTAINER(node, struct rh_bound, in_link);

		if (bound->attachment == attachment)
			orphan(bound);
	}
}

void rh_bounds_end(struct rh_attachment *attachment)
{
	RH_LIST_EACH(node, &attachment->link->bounds) {
		struct rh_bound *bound = RH_CONTAINER(node, struct rh_bound, in_link);

		if (bound->identity == attachment->id)
			drop(bound);
	}
}

void rh_bounds_link_lost(struct rh_inlink *link)
{
	RH_LIST_EACH(node, &link->bounds)
		orphan(RH_CONTAINER(node, struct rh_bound, in_link));
}

static void withdraw(struct rh_bound *bound, uint64_t patience)
{
	uint64_t break_at = rh_clock_ns() + patience;

	bound->is_retired = 1;
	if (bound->head) /* also again: a call was in it then, and is not now */
		rh_retire(bound->agent, bound->head);
	if (bound->break_at != 0 && bound->break_at <= break_at)
		return;
	bound->break_at = break_at;
	rh_alarm_at(&bound->agent->alarm, break_at);
}

void rh_bound_review(struct rh_bound *bound)
{
	const struct rh_view_edge *edge = rh_agent_view_find(bound->agent->view,
		bound->caller, bound->agent->resource);

	if (!edge || rh_verdict_now(bound->agent, edge, NULL) != RH_OK)
		withdraw(bound, RH_CUT_REVOKED_NS);
	else if (strcmp(edge->protocol, "bind") != 0)
		withdraw(bound, RH_CUT_REPLACED_NS);
	else
		bound->break_at = 0; /* allowed again: in its own time */
}

static void visit(struct rh_agent *agent, void (*each)(struct rh_bound *))
{
	RH_LIST_EACH(at, &agent->instances) {
		struct rh_instance *instance = RH_CONTAINER(at, struct rh_instance,
		                                            in_agent);

		RH_LIST_EACH(node, &instance->bounds)
			each(RH_CONTAINER(node, struct rh_bound, in_instance));
	}
	RH_LIST_EACH(node, &agent->unbound)
		each(RH_CONTAINER(node, struct rh_bound, in_instance));
}

int rh_bounds_have(struct rh_agent *agent, const char *caller)
{
	RH_LIST_EACH(at, &agent->instances) {
		struct rh_instance *instance = RH_CONTAINER(at, struct rh_instance,
		                                            in_agent);

		RH_LIST_EACH(node, &instance->bounds) {
			const struct rh_bound *bound = RH_CONTAINER(node, struct rh_bound,
			                                            in_instance);

			if (bound->state == RH_BOUND_LIVE &&
			    strcmp(bound->caller, caller) == 0)
				return 1;
		}
	}
	return 0;
}

void rh_bounds_review(struct rh_agent *agent)
{
	visit(agent, rh_bound_review);
}

static void take_idle(struct rh_bound *bound)
{
	if (!bound->is_retired || bound->state != RH_BOUND_LIVE || !bound->head ||
	    !rh_page_is_idle(bound->head))
		return;
	send_unbind(bound);
	drop(bound);
}

void rh_bounds_take_idle(struct rh_agent *agent)
{
	visit(agent, take_idle);
}

static void give_up(struct rh_bound *bound)
{
	char text[RH_DIAG_MAX];

	snprintf(text, sizeof text, "no instance of %s came up before the deadline",
	         bound->agent->resource);
	refuse(bound, RH_EDOWN, text);
}

static void expire_one(struct rh_bound *bound)
{
	uint64_t now = rh_clock_ns();

	if (bound->break_at != 0 && bound->break_at <= now) {
		rh_warn("took a bound page of %s away, which did not give it back",
		        bound->caller);
		rh_report(bound->agent, bound->caller, bound->agent->resource,
		          "a bound page was taken away that was not given back");
		send_unbind(bound);
		drop(bound);
	} else if (bound->state == RH_BOUND_WAITING && bound->deadline != 0 &&
	           bound->deadline <= now) {
		give_up(bound);
	} else {
		rh_alarm_at(&bound->agent->alarm, bound->break_at);
		if (bound->state == RH_BOUND_WAITING)
			rh_alarm_at(&bound->agent->alarm, bound->deadline);
	}
}

void rh_bounds_expire(struct rh_agent *agent, uint64_t now)
{
	(void)now;
	visit(agent, expire_one);
}

void rh_bounds_close(struct rh_agent *agent)
{
	RH_LIST_EACH(node, &agent->unbound)
		rh_bound_remove(RH_CONTAINER(node, struct rh_bound, in_instance));
}
