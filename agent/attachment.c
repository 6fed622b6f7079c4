#include "attachment.h"

#include "agent.h"
#include "bound.h"
#include "errand.h"
#include "held.h"
#include "inlink.h"
#include "instance.h"
#include "wpage.h"

#include <stdlib.h>
#include <unistd.h>

static struct rh_list *bucket_of(struct rh_inlink *link, uint64_t id)
{
	return &link->attachments[(id ^ id >> 22) % RH_LINK_BUCKETS];
}

struct rh_attachment *rh_attachment_find(struct rh_inlink *link, uint64_t id)
{
	struct rh_list *bucket = bucket_of(link, id);

	RH_LIST_EACH(node, bucket) {
		struct rh_attachment *attachment =
			RH_CONTAINER(node, struct rh_attachment, in_link);

		if (attachment->id == id)
			return attachment;
	}
	return NULL;
}

/* GID may stand there several times. */
static int read_gids(const struct rh_record_reader *records,
                     struct rh_attachment *attachment)
{
	struct rh_record_reader reader = *records;
	struct rh_record        record;

	attachment->gids = malloc(sizeof(gid_t) * (RH_PEER_GROUPS_MAX + 1));
	if (!attachment->gids)
		return RH_ENOMEM;
	reader.at = 0;
	while (rh_record_next(&reader, &record) > 0) {
		const unsigned char *at = record.bytes;

		if (record.tag != RH_TAG_GID)
			continue;
		if (record.len != 4 || attachment->gid_count > RH_PEER_GROUPS_MAX)
			return RH_EPROTO;
		attachment->gids[attachment->gid_count++] =
			(gid_t)at[0] | (gid_t)at[1] << 8 | (gid_t)at[2] << 16 |
			(gid_t)at[3] << 24;
	}
	return RH_OK;
}

static void free_attachment(struct rh_attachment *attachment)
{
	if (attachment->pidfd >= 0)
		close(attachment->pidfd);
	rh_contexts_fini(&attachment->contexts);
	free(attachment->gids);
	free(attachment);
}

static int create(struct rh_inlink *link, uint64_t id, struct rh_frame *frame)
{
	struct rh_attachment *attachment = calloc(1, sizeof *attachment);
	uint32_t              uid;
	int                   r;

	if (!attachment)
		return RH_ENOMEM;
	attachment->link = link;
	attachment->id = id;
	attachment->introduced = 1;
	attachment->pidfd = rh_frame_take_fd(frame, 0);
	rh_list_init(&attachment->lanes);
	rh_contexts_init(&attachment->contexts);
	r = attachment->pidfd < 0 ? RH_EPROTO
	    : rh_record_u32(&frame->records, RH_TAG_UID, &uid);
	if (r == RH_OK)
		r = read_gids(&frame->records, attachment);
	if (r < 0) {
		free_attachment(attachment);
		return r == RH_ENOENT ? RH_EPROTO : r;
	}
	attachment->uid = uid;
	rh_list_add(bucket_of(link, id), &attachment->in_link);
	link->attachment_count++;
	return RH_OK;
}

int rh_attachment_introduce(struct rh_inlink *link, struct rh_frame *frame)
{
	struct rh_attachment *attachment;
	uint64_t              id;

	if (rh_record_u64(&frame->records, RH_TAG_ATTACHMENT, &id) < 0)
		return RH_EPROTO;
	attachment = rh_attachment_find(link, id);
	if (attachment) {
		attachment->introduced++; /* a second connection of the process */
		return RH_OK;
	}
	if (link->attachment_count == RH_PEERS_PER_AGENT)
		return RH_ENOSPC;
	return create(link, id, frame);
}

static void stick_to(struct rh_attachment *attachment, struct rh_instance *instance)
{
	if (attachment->instance)
		attachment->instance->load--;
	attachment->instance = instance;
	if (instance)
		instance->load++; /* A2 */
}

static void close_lane(struct rh_lane *lane)
{
	while (!rh_list_empty(&lane->wpages))
		rh_wpage_close(RH_CONTAINER(lane->wpages.next, struct rh_wpage,
		                            in_lane));
	rh_list_remove(&lane->in_attachment);
	free(lane);
}

void rh_attachment_close(struct rh_attachment *attachment)
{
	rh_errands_drop(attachment);
	rh_bounds_leave(attachment);
	while (!rh_list_empty(&attachment->lanes))
		close_lane(RH_CONTAINER(attachment->lanes.next, struct rh_lane,
		                        in_attachment));
	stick_to(attachment, NULL);
	rh_list_remove(&attachment->in_link);
	attachment->link->attachment_count--;
	free_attachment(attachment);
}

static int is_known(struct rh_agent *agent, uint64_t id)
{
	RH_LIST_EACH(node, &agent->links) {
		if (rh_attachment_find(RH_CONTAINER(node, struct rh_inlink, in_agent), id))
			return 1;
	}
	return 0;
}

void rh_attachment_gone(struct rh_inlink *link, uint64_t id)
{
	struct rh_attachment *attachment = rh_attachment_find(link, id);
	struct rh_agent      *agent = link->agent;

	if (!attachment || --attachment->introduced > 0) /* A1 */
		return;
	rh_bounds_end(attachment);
	rh_attachment_close(attachment);
	if (is_known(agent, id))
		return; /* it calls through another agent as well */
	RH_LIST_EACH(node, &agent->instances)
		rh_instance_peer_gone(RH_CONTAINER(node, struct rh_instance, in_agent),
		                      id);
}

struct rh_instance *rh_attachment_instance(struct rh_attachment *attachment)
{
	struct rh_agent    *agent = attachment->link->agent;
	struct rh_instance *instance;

	if (attachment->instance)
		return attachment->instance;
	instance = rh_held_instance(agent, attachment->id);
	stick_to(attachment, instance ? instance : rh_instance_pick(agent));
	return attachment->instance;
}

struct rh_lane *rh_attachment_lane(struct rh_attachment *attachment,
                                   uint16_t number)
{
	struct rh_lane *lane;

	RH_LIST_EACH(node, &attachment->lanes) {
		lane = RH_CONTAINER(node, struct rh_lane, in_attachment);
		if (lane->number == number)
			return lane;
	}
	if (number >= RH_PAGES_PER_PEER || !(lane = calloc(1, sizeof *lane)))
		return NULL;
	lane->attachment = attachment;
	lane->number = number;
	lane->refused_at = RH_LANE_NOT_REFUSED;
	rh_list_init(&lane->wpages);
	rh_list_add(&attachment->lanes, &lane->in_attachment);
	return lane;
}

void rh_lane_refuse(struct rh_lane *lane, const struct rh_instance *instance)
{
	lane->refused_at = instance->dropped;
	lane->refused_by = instance->id;
}

int rh_lane_is_refused(const struct rh_lane *lane, const struct rh_instance *instance)
{
	return lane->refused_at == instance->dropped && lane->refused_by == instance->id;
}

void rh_attachment_describe(const struct rh_attachment *attachment,
                            struct rh_page_add *add)
{
	add->attachment = attachment->id;
	add->caller = attachment->link->caller;
	add->uid = attachment->uid;
	add->gid_count = attachment->gid_count;
	add->gids = attachment->gids;
	add->fds[3] = attachment->pidfd;
}

static void unstick_link(struct rh_inlink *link, struct rh_instance *instance)
{
	for (unsigned i = 0; i < RH_LINK_BUCKETS; i++) {
		RH_LIST_EACH(node, &link->attachments[i]) {
			struct rh_attachment *attachment =
				RH_CONTAINER(node, struct rh_attachment, in_link);

			if (attachment->instance != instance)
				continue;
			stick_to(attachment, NULL);
			RH_LIST_EACH(at, &attachment->lanes)
				RH_CONTAINER(at, struct rh_lane, in_attachment)
					->refused_at = RH_LANE_NOT_REFUSED;
		}
	}
}

void rh_attachments_unstick(struct rh_agent *agent, struct rh_instance *instance)
{
	RH_LIST_EACH(node, &agent->links)
		unstick_link(RH_CONTAINER(node, struct rh_inlink, in_agent), instance);
}
