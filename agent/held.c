#include "held.h"

#include "agent.h"
#include "binding.h"
#include "bound.h"
#include "edge.h"
#include "identity.h"
#include "inlink.h"
#include "instance.h"
#include "process.h"

#include "../base/diag.h"
#include "../base/discard.h"
#include "../base/log.h"
#include "../model/name.h"

#include <string.h>
#include <unistd.h>

/* ---- the callee's agent: telling ---------------------------------------- */

/* The caller's agent takes it on, or answers UNBIND. */
static int tell_of(struct rh_inlink *link, struct rh_bound *bound)
{
	unsigned char           bytes[64];
	struct rh_record_writer writer;
	int                     r;

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u64(&writer, RH_TAG_ATTACHMENT, bound->identity);
	rh_record_put_u64(&writer, RH_TAG_PAGE, bound->page);
	rh_record_put_u64(&writer, RH_TAG_INSTANCE, bound->instance->id);
	r = rh_conn_send(link->conn, RH_FRAME_HELD, 0, &writer, &bound->fds[0],
	                 bound->fds[0] >= 0);
	if (r < 0)
		return r;
	bound->link = link;
	rh_list_add(&link->bounds, &bound->in_link);
	return RH_OK;
}

static int is_for(const struct rh_bound *bound, const struct rh_inlink *link)
{
	return bound->state == RH_BOUND_LIVE && !bound->link &&
	       strcmp(bound->caller, link->caller) == 0;
}

/* 0 when the rest must wait until the link is flushed. */
static int tell_of_all(struct rh_inlink *link, struct rh_instance *instance)
{
	RH_LIST_EACH(node, &instance->bounds) {
		struct rh_bound *bound = RH_CONTAINER(node, struct rh_bound,
		                                      in_instance);

		if (!is_for(bound, link))
			continue;
		if (tell_of(link, bound) < 0 || !rh_conn_is_flushed(link->conn))
			return 0;
	}
	return 1;
}

void rh_held_tell(struct rh_inlink *link)
{
	if (!link->has_more_held)
		return;
	RH_LIST_EACH(node, &link->agent->instances) {
		if (!tell_of_all(link, RH_CONTAINER(node, struct rh_instance, in_agent)))
			return;
	}
	link->has_more_held = 0;
}

void rh_held_tell_caller(struct rh_bound *bound)
{
	struct rh_inlink *latest = NULL;

	RH_LIST_EACH(node, &bound->agent->links) {
		struct rh_inlink *link = RH_CONTAINER(node, struct rh_inlink, in_agent);

		if (is_for(bound, link))
			latest = link;
	}
	if (!latest)
		return;
	if (!rh_conn_is_flushed(latest->conn) || tell_of(latest, bound) < 0)
		latest->has_more_held = 1;
}

/* ---- the callee's agent: what a worker says ----------------------------- */

struct report {
	uint64_t page;
	uint64_t origin;
	uint64_t attachment;
	char     caller[RH_NAME_MAX + 1];
};

static int read_report(struct rh_instance *instance, struct rh_frame *frame,
                       struct report *report, struct rh_diag *diag)
{
	struct rh_agent *agent = instance->process->agent;

	if (rh_record_u64(&frame->records, RH_TAG_PAGE, &report->page) < 0 ||
	    rh_record_u64(&frame->records, RH_TAG_ORIGIN, &report->origin) < 0 ||
	    rh_record_u64(&frame->records, RH_TAG_ATTACHMENT, &report->attachment) < 0 ||
	    rh_record_text(&frame->records, RH_TAG_CALLER, report->caller,
	                   sizeof report->caller) < 0 ||
	    rh_name_check(report->caller, strlen(report->caller)) < 0)
		return rh_diag_set(diag, RH_EPROTO, "PAGE_HELD is malformed");
	/* Numbers that are still to be given would be two pages' then. */
	if (report->page == 0 || report->page > agent->last_id ||
	    rh_instance_has_page(instance, report->page))
		return rh_diag_set(diag, RH_EINVAL, "no such page can be held");
	if (instance->held == RH_HELD_MAX)
		return rh_diag_set(diag, RH_ENOSPC, "an instance may hold %u pages",
		                   RH_HELD_MAX);
	return RH_OK;
}

static int take_on(struct rh_instance *instance, const struct report *report,
                   struct rh_diag *diag)
{
	struct rh_agent *agent = instance->process->agent;
	struct rh_bound *bound;
	int              pidfd = rh_identity_open(report->attachment);

	if (pidfd < 0)
		return rh_diag_set(diag, pidfd, "the caller has ended");
	bound = rh_bound_create(agent, report->caller);
	if (!bound) {
		close(pidfd);
		return rh_diag_set(diag, RH_ENOMEM, "no memory for a binding");
	}
	bound->pidfd = pidfd;
	bound->local = report->page;
	bound->page = report->origin;
	bound->identity = report->attachment;
	bound->instance = instance;
	bound->state = RH_BOUND_LIVE;
	bound->is_reported = 1;
	rh_list_add(&instance->bounds, &bound->in_instance);
	instance->held++;
	rh_counter_add(&agent->counters.head->bindings, 1);
	if (rh_bound_watch(bound) < 0) {
		rh_bound_remove(bound);
		return rh_diag_set(diag, RH_ENOMEM, "no memory to watch a process");
	}
	rh_bound_review(bound);
	rh_held_tell_caller(bound);
	return RH_OK;
}

int rh_held_report(struct rh_process *process, struct rh_frame *frame)
{
	struct report  report;
	struct rh_diag diag;
	int            r;

	if (!process->instance)
		r = rh_diag_set(&diag, RH_EPROTO, "only a process that serves holds "
		                "pages");
	else
		r = read_report(process->instance, frame, &report, &diag);
	if (r == RH_OK)
		r = take_on(process->instance, &report, &diag);
	if (r == RH_OK)
		return r;
	if (r == RH_EPROTO)
		rh_agent_malformed(process->agent);
	return rh_conn_error(process->conn, frame->request, r, "%s", diag.text);
}

/* The page that was only a number so far. */
static int see(struct rh_bound *bound, int memfd)
{
	bound->fds[0] = memfd;
	if (rh_bound_map(bound) < 0) {
		rh_discard(memfd);
		bound->fds[0] = -1;
		return RH_EPROTO;
	}
	if (bound->is_retired)
		rh_retire(bound->agent, bound->head);
	return RH_OK;
}

int rh_held_take(struct rh_inlink *link, struct rh_frame *frame)
{
	uint64_t page;

	if (rh_record_u64(&frame->records, RH_TAG_PAGE, &page) < 0)
		return RH_EPROTO;
	RH_LIST_EACH(node, &link->bounds) {
		struct rh_bound *bound = RH_CONTAINER(node, struct rh_bound, in_link);

		if (bound->page == page && bound->state == RH_BOUND_LIVE && !bound->head)
			return see(bound, rh_frame_take_fd(frame, 0));
	}
	return RH_OK;
}

static struct rh_bound *find_of(struct rh_instance *instance, uint64_t attachment)
{
	RH_LIST_EACH(node, &instance->bounds) {
		struct rh_bound *bound = RH_CONTAINER(node, struct rh_bound,
		                                      in_instance);

		if (bound->identity == attachment)
			return bound;
	}
	return NULL;
}

struct rh_instance *rh_held_instance(struct rh_agent *agent, uint64_t attachment)
{
	RH_LIST_EACH(node, &agent->instances) {
		struct rh_instance *instance = RH_CONTAINER(node, struct rh_instance,
		                                            in_agent);

		if (find_of(instance, attachment))
			return instance;
	}
	return NULL;
}

/* ---- the caller's agent ------------------------------------------------- */

static void say_hold(struct rh_edge *edge, const struct rh_binding *binding)
{
	unsigned char           bytes[32];
	struct rh_record_writer writer;

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u64(&writer, RH_TAG_PAGE, binding->id);
	rh_conn_send(edge->conn, RH_FRAME_HOLD, 0, &writer, &binding->memfd, 1);
}

static void let_go(struct rh_edge *edge, uint64_t page, uint64_t instance)
{
	unsigned char           bytes[64];
	struct rh_record_writer writer;

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u64(&writer, RH_TAG_PAGE, page);
	rh_record_put_u64(&writer, RH_TAG_INSTANCE, instance);
	rh_conn_send(edge->conn, RH_FRAME_UNBIND, 0, &writer, NULL, 0);
}

static unsigned count_adopted(const struct rh_edge *edge)
{
	unsigned count = 0;

	RH_LIST_EACH(node, &edge->bindings)
		count += !RH_CONTAINER(node, struct rh_binding, in_edge)->process;
	return count;
}

/* A page that our predecessor handed out, for one with a number of its time. */
static void adopt(struct rh_edge *edge, uint64_t attachment, uint64_t page,
                  uint64_t instance, int memfd)
{
	int r = RH_EPROTO;

	if (page != 0 && page <= edge->agent->last_id && count_adopted(edge) < RH_HELD_MAX)
		r = rh_binding_adopt(edge, attachment, page, instance, memfd);
	else
		rh_discard(memfd);
	if (r == RH_OK)
		return;
	rh_warn_often("a bound page of process %d at %s is given up: %s",
	        (int)rh_identity_pid(attachment), edge->spec.callee, rh_error_text(r));
	let_go(edge, page, instance);
}

/* A page that is known differently is somebody's lie, and stays what we know. */
int rh_held_learn(struct rh_edge *edge, struct rh_frame *frame)
{
	struct rh_binding *binding;
	uint64_t           attachment, page, instance;

	if (rh_record_u64(&frame->records, RH_TAG_ATTACHMENT, &attachment) < 0 ||
	    rh_record_u64(&frame->records, RH_TAG_PAGE, &page) < 0 ||
	    rh_record_u64(&frame->records, RH_TAG_INSTANCE, &instance) < 0)
		return RH_EPROTO;
	binding = rh_binding_find(edge, page);
	if (!binding)
		adopt(edge, attachment, page, instance, rh_frame_take_fd(frame, 0));
	else if (frame->fd_count == 0 && binding->state == RH_BINDING_BOUND &&
	         binding->attachment == attachment && binding->instance == instance &&
	         binding->memfd >= 0)
		say_hold(edge, binding);
	return RH_OK;
}
