#include "errand.h"

#include "agent.h"
#include "attachment.h"
#include "conn.h"
#include "inlink.h"
#include "instance.h"
#include "process.h"
#include "wpage.h"

#include "../base/clock.h"
#include "../base/diag.h"

#include <stdlib.h>
#include <string.h>

static void free_errand(struct rh_errand *errand)
{
	struct rh_inlink *link = errand->link;

	rh_list_remove(&errand->in_backlog);
	errand->lane->waiting--;
	link->backlog_calls--;
	link->backlog_bytes -= errand->head.len;
	rh_fds_close(&errand->fds);
	free(errand);
}

/* A copy that waits; takes the descriptors. */
static struct rh_errand *keep(const struct rh_errand *errand)
{
	struct rh_errand *kept = malloc(sizeof *kept + errand->head.len);

	if (!kept)
		return NULL;
	*kept = *errand;
	kept->body = kept->own;
	if (errand->head.len > 0)
		memcpy(kept->own, errand->body, errand->head.len);
	kept->lane->waiting++;
	kept->link->backlog_calls++;
	kept->link->backlog_bytes += kept->head.len;
	rh_alarm_at(&kept->link->agent->alarm, kept->head.deadline);
	return kept;
}

/* The page for the errand's lane on the instance; made when there is none.
 * RH_EAGAIN it is being made; RH_ENOSPC the instance has none for it. */
static int find_page(struct rh_errand *errand, struct rh_instance *instance,
                     struct rh_wpage **ret_page)
{
	struct rh_wpage *page = rh_wpage_find(errand->lane, instance);

	/* Refused once, it is tried again when the instance has given a page up. */
	if (!page && !rh_lane_is_refused(errand->lane, instance)) {
		if (!rh_conn_is_flushed(instance->process->conn))
			return RH_EAGAIN; /* until it has taken those before */
		if (rh_instance_has_room(instance, errand->link->caller))
			return rh_wpage_open(errand->lane, instance);
		rh_lane_refuse(errand->lane, instance);
	}
	if (!page)
		page = rh_wpage_any(errand->lane->attachment, instance);
	if (!page)
		return RH_ENOSPC;
	*ret_page = page;
	return page->is_added ? RH_OK : RH_EAGAIN;
}

static int find_instance(struct rh_errand *errand, struct rh_instance **ret_instance)
{
	struct rh_agent *agent = errand->link->agent;

	if (errand->head.instance != 0) {
		*ret_instance = rh_instance_by_id(agent, errand->head.instance);
		return *ret_instance ? RH_OK : RH_EGONE;
	}
	*ret_instance = rh_attachment_instance(errand->lane->attachment);
	return *ret_instance ? RH_OK : RH_EAGAIN;
}

static int place_there(struct rh_errand *errand)
{
	struct rh_instance *instance;
	struct rh_wpage    *page = NULL;
	int                 r = find_instance(errand, &instance);

	if (r == RH_OK)
		r = find_page(errand, instance, &page);
	if (r == RH_OK)
		r = rh_wpage_call(page, errand);
	return r;
}

/* RH_OK it is with the instance; RH_EAGAIN it must wait; else it cannot be run. */
static int place(struct rh_errand *errand)
{
	int r = place_there(errand);

	/* It did not run there.  What a rule chose is a wish, not where an object is. */
	if ((r == RH_EGONE || r == RH_ENOSPC) && errand->head.instance != 0 &&
	    (errand->head.flags & RH_SLOT_CHOSEN)) {
		errand->head.instance = 0;
		r = place_there(errand);
	}
	return r;
}

static void refuse(struct rh_errand *errand, int status)
{
	const char    *resource = errand->link->agent->resource;
	struct rh_diag diag;

	switch (status) {
	case RH_EGONE:
		rh_diag_set(&diag, status, "instance %08x of %s is gone",
		            errand->head.instance, resource);
		break;
	case RH_EDOWN:
		rh_diag_set(&diag, status, "no instance of %s came up before the "
		            "deadline", resource);
		break;
	case RH_ETIMEDOUT:
		rh_diag_set(&diag, status, "the deadline passed while the call waited "
		            "for an instance of %s", resource);
		break;
	case RH_ENOSPC:
		rh_diag_set(&diag, status, "the instance of %s serves as many pages as "
		            "it can", resource);
		break;
	default:
		rh_diag_set(&diag, status, "the agent of %s cannot place the call: %s",
		            resource, rh_error_text(status));
	}
	rh_inlink_refuse(errand->link, &errand->head, status, RH_SLOT_SURE, diag.text);
}

/* Descriptors came ahead on the link's socket, which may not have been read. */
static int take_fds(struct rh_errand *errand)
{
	struct rh_inlink *link = errand->link;
	unsigned          expected = errand->head.fds;
	int               r;

	if (expected == 0)
		return errand->head.flags & RH_SLOT_ARGS_MEMFD ? RH_EPROTO : RH_OK;
	if (expected > RH_CALL_FDS_MAX)
		return RH_EPROTO;
	r = rh_parcels_take(&link->parcels, errand->head.call, expected, &errand->fds);
	if (r == RH_ENOENT) {
		rh_conn_drain(link->conn);
		r = rh_parcels_take(&link->parcels, errand->head.call, expected,
		                    &errand->fds);
	}
	if (r == RH_OK && (errand->head.flags & RH_SLOT_ARGS_MEMFD))
		r = rh_memfd_len(&errand->fds, &errand->args_len);
	return r == RH_ENOENT ? RH_EPROTO : r;
}

/* Whose call it is.  PEER may still stand on the link's socket. */
static int find_caller(struct rh_errand *errand)
{
	struct rh_inlink     *link = errand->link;
	struct rh_attachment *attachment;

	attachment = rh_attachment_find(link, errand->head.attachment);
	if (!attachment) {
		rh_conn_drain(link->conn);
		attachment = rh_attachment_find(link, errand->head.attachment);
	}
	if (!attachment)
		return RH_EPROTO;
	errand->lane = rh_attachment_lane(attachment, errand->head.lane);
	if (!errand->lane)
		return errand->head.lane < RH_PAGES_PER_PEER ? RH_ENOMEM : RH_EPROTO;
	return RH_OK;
}

static int read_call(struct rh_errand *errand, struct rh_diag *diag)
{
	struct rh_inlink *link = errand->link;
	int               r;

	if (rh_inlink_verdict(link) < 0)
		return rh_inlink_judge(link->agent, link->caller, diag);
	r = find_caller(errand);
	if (r < 0)
		return rh_diag_set(diag, r, "the agent of %s sent a call that "
		                   "contradicts itself", link->caller);
	r = take_fds(errand);
	if (r < 0)
		rh_diag_set(diag, r, "a call of %s came without its descriptors, or "
		            "its arguments are in no memory of a fixed size",
		            link->caller);
	return r;
}

static void wait(struct rh_errand *errand)
{
	struct rh_errand *kept = keep(errand);

	if (!kept) {
		refuse(errand, RH_ENOMEM);
		rh_fds_close(&errand->fds);
		return;
	}
	rh_list_add(&errand->link->backlog, &kept->in_backlog);
}

void rh_errand_take(struct rh_inlink *link, const struct rh_msg_head *head,
                    const void *body)
{
	struct rh_errand errand = {
		.link = link, .head = *head, .args_len = head->len, .body = body,
	};
	struct rh_diag   diag;
	int              r = read_call(&errand, &diag);

	if (link->is_closed) {
		rh_fds_close(&errand.fds);
		return;
	}
	if (r < 0) {
		if (r == RH_EPROTO)
			rh_agent_malformed(link->agent);
		rh_fds_close(&errand.fds);
		rh_inlink_refuse(link, head, r, RH_SLOT_SURE, diag.text);
		return;
	}
	r = errand.lane->waiting > 0 ? RH_EAGAIN : place(&errand); /* R1 */
	if (r == RH_EAGAIN) {
		wait(&errand);
		return;
	}
	if (r < 0)
		refuse(&errand, r);
	rh_fds_close(&errand.fds);
}

void rh_errand_return(struct rh_inlink *link, struct rh_lane *lane,
                      const struct rh_msg_head *head, const void *body)
{
	struct rh_errand  errand = {
		.link = link, .lane = lane, .head = *head, .args_len = head->len,
		.body = body,
	};
	struct rh_errand *kept = keep(&errand);

	if (!kept) {
		refuse(&errand, RH_ENOMEM);
		return;
	}
	rh_list_add(link->backlog.next, &kept->in_backlog); /* before the first */
}

void rh_errands_place(struct rh_inlink *link)
{
	uint64_t pass = ++link->pass;

	RH_LIST_EACH(node, &link->backlog) {
		struct rh_errand *errand = RH_CONTAINER(node, struct rh_errand,
		                                        in_backlog);
		int               r;

		if (errand->lane->blocked_in == pass)
			continue;
		r = place(errand);
		if (r == RH_EAGAIN) {
			errand->lane->blocked_in = pass;
			continue;
		}
		if (r < 0)
			refuse(errand, r);
		free_errand(errand);
	}
	if (link->channel)
		rh_channel_resume(link->channel);
}

void rh_errands_expire(struct rh_inlink *link, uint64_t now)
{
	struct rh_agent *agent = link->agent;

	RH_LIST_EACH(node, &link->backlog) {
		struct rh_errand *errand = RH_CONTAINER(node, struct rh_errand,
		                                        in_backlog);

		if (errand->head.deadline == 0 || errand->head.deadline > now) {
			rh_alarm_at(&agent->alarm, errand->head.deadline);
			continue;
		}
		refuse(errand, rh_list_empty(&agent->instances) ? RH_EDOWN
		                                                : RH_ETIMEDOUT);
		free_errand(errand);
	}
	if (link->channel)
		rh_channel_resume(link->channel);
}

void rh_errands_drop(struct rh_attachment *attachment)
{
	RH_LIST_EACH(node, &attachment->link->backlog) {
		struct rh_errand *errand = RH_CONTAINER(node, struct rh_errand,
		                                        in_backlog);

		if (errand->lane->attachment == attachment)
			free_errand(errand);
	}
}

void rh_errands_drop_all(struct rh_inlink *link)
{
	RH_LIST_EACH(node, &link->backlog)
		free_errand(RH_CONTAINER(node, struct rh_errand, in_backlog));
}
