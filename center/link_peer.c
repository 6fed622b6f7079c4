#include "link_peer.h"

#include "center.h"
#include "observer.h"
#include "rollout_drive.h"

#include "../base/diag.h"
#include "../model/error.h"

#include <stdlib.h>
#include <string.h>

/* K1 */
static int join(struct rh_center *center, struct rh_link_conn *conn,
                struct rh_diag *diag)
{
	struct rh_name name;

	int err = rh_name_init(&name, conn->resource, strlen(conn->resource));
	if (!err)
		err = rh_push_join(center->push, &conn->subscriber, &name);
	if (err)
		return rh_diag_set(diag, err, "there are too many agents");
	conn->state = RH_PEER_GREETED;
	rh_runs_forget(&center->runs, conn->resource);
	return RH_OK;
}

static int hello(struct rh_center *center, struct rh_link_conn *conn,
                 const struct rh_frame *frame, struct rh_diag *diag)
{
	uint32_t version = 0, role = 0;
	char     resource[RH_NAME_MAX + 1] = "";

	if (rh_record_u32(&frame->records, RH_TAG_VERSION, &version) < 0 ||
	    rh_record_u32(&frame->records, RH_TAG_ROLE, &role) < 0)
		return rh_diag_set(diag, RH_EPROTO, "HELLO lacks version or role");
	if (version < RH_WIRE_VERSION || version > RH_PUSH_VERSION)
		return rh_diag_set(diag, RH_EVERSION, "the peer speaks version %u, the "
			"center %u to %u", version, RH_WIRE_VERSION, RH_PUSH_VERSION);
	conn->version = version;
	if (role == RH_ROLE_SUPERVISOR) {
		conn->state = RH_PEER_SUPERVISOR;
		return RH_OK;
	}
	if (role != RH_ROLE_AGENT)
		return rh_diag_set(diag, RH_EPROTO, "role %u has no place here", role);
	if (rh_record_text(&frame->records, RH_TAG_RESOURCE, resource,
	                   sizeof resource) < 0 ||
	    rh_name_check(resource, strlen(resource)) != RH_OK)
		return rh_diag_set(diag, RH_EPROTO, "HELLO lacks a resource's name");
	memcpy(conn->resource, resource, sizeof resource);
	if (version >= RH_PUSH_VERSION)
		return join(center, conn, diag);
	conn->state = RH_PEER_AGENT;
	return RH_OK;
}

/* Counts of an edge come from both ends; the caller's agent is the one believed,
 * because it sees every call, also those that never left. */
static int count(struct rh_center *center, const struct rh_link_conn *conn,
                 const struct rh_record *item, struct rh_diag *diag)
{
	struct rh_record_reader reader;
	char     caller[RH_NAME_MAX + 1], callee[RH_NAME_MAX + 1];
	uint64_t calls = 0, errors = 0, bytes = 0;

	rh_record_read(&reader, item->bytes, item->len);
	if (rh_record_text(&reader, RH_TAG_CALLER, caller, sizeof caller) < 0 ||
	    rh_record_text(&reader, RH_TAG_CALLEE, callee, sizeof callee) < 0 ||
	    rh_record_u64(&reader, RH_TAG_CALLS, &calls) < 0)
		return rh_diag_set(diag, RH_EPROTO, "a count lacks caller, callee or calls");
	if (rh_record_u64(&reader, RH_TAG_ERRORS, &errors) == RH_EPROTO ||
	    rh_record_u64(&reader, RH_TAG_BYTES, &bytes) == RH_EPROTO)
		return rh_diag_set(diag, RH_EPROTO, "a count has a wrong length");
	if (strcmp(caller, conn->resource) == 0) {
		/* An edge that was dropped meanwhile is nobody's fault. */
		(void)rh_realm_observe(&center->realm, caller, callee, calls, errors,
		                       bytes);
		if (errors > 0)
			rh_rollouts_wake(center, RH_ROLLOUT_GATHER_MS);
		return RH_OK;
	}
	if (strcmp(callee, conn->resource) == 0)
		return RH_OK;
	return rh_diag_set(diag, RH_EIDENT, "the agent of %s counts for %s -> %s",
	                   conn->resource, caller, callee);
}

static int stats(struct rh_center *center, struct rh_link_conn *conn,
                 const struct rh_frame *frame, struct rh_diag *diag)
{
	struct rh_record_reader reader = frame->records;
	struct rh_record        item;
	int                     more, err = RH_OK;

	while (!err && (more = rh_record_next(&reader, &item)) > 0) {
		if (item.tag == RH_TAG_COUNT_ITEM)
			err = count(center, conn, &item, diag);
	}
	if (!err && more < 0)
		err = rh_diag_set(diag, RH_EPROTO, "STATS is cut off");
	return err;
}

static int read_instance(const struct rh_record *item,
                         struct rh_link_instance *ret_instance,
                         struct rh_diag *diag)
{
	struct rh_record_reader reader;
	struct rh_link_instance instance = { 0 };

	rh_record_read(&reader, item->bytes, item->len);
	if (rh_record_u64(&reader, RH_TAG_INSTANCE, &instance.id) < 0 ||
	    rh_record_u32(&reader, RH_TAG_PID, &instance.pid) < 0)
		return rh_diag_set(diag, RH_EPROTO, "an instance lacks its id or pid");
	*ret_instance = instance;
	return RH_OK;
}

static int instances(struct rh_center *center, struct rh_link_conn *conn,
                     const struct rh_frame *frame, struct rh_diag *diag)
{
	struct rh_link_instance list[RH_LINK_INSTANCES_MAX];
	struct rh_record_reader reader = frame->records;
	struct rh_record        item;
	unsigned                used = 0;
	int                     more, err = RH_OK;

	(void)center;
	while (!err && (more = rh_record_next(&reader, &item)) > 0) {
		if (item.tag != RH_TAG_INSTANCE_ITEM)
			continue;
		if (used == RH_LINK_INSTANCES_MAX)
			return rh_diag_set(diag, RH_ENOSPC, "more than %u instances",
			                   RH_LINK_INSTANCES_MAX);
		err = read_instance(&item, &list[used++], diag);
	}
	if (!err && more < 0)
		err = rh_diag_set(diag, RH_EPROTO, "INSTANCES is cut off");
	if (err)
		return err;
	struct rh_link_instance *copy = malloc((used + 1) * sizeof *copy);
	if (!copy)
		return rh_diag_set(diag, RH_ENOMEM, "no memory");
	memcpy(copy, list, used * sizeof *copy);
	free(conn->instances);
	conn->instances = copy;
	conn->instance_count = used;
	return RH_OK;
}

/* What may come in which state; an empty cell is refused. */
static const struct {
	uint8_t          type;
	rh_peer_handler *handlers[RH_PEER_STATES];
} table[] = {
	{ RH_FRAME_HELLO,     { [RH_PEER_NEW] = hello } },
	{ RH_FRAME_TRACE,     { [RH_PEER_NEW] = rh_peer_observe } },
	{ RH_FRAME_STATS,     { [RH_PEER_AGENT] = stats, [RH_PEER_GREETED] = stats,
	                        [RH_PEER_SUBSCRIBED] = stats } },
	{ RH_FRAME_INSTANCES, { [RH_PEER_AGENT] = instances,
	                        [RH_PEER_GREETED] = instances,
	                        [RH_PEER_SUBSCRIBED] = instances } },
	{ RH_FRAME_SUBSCRIBE, { [RH_PEER_GREETED] = rh_peer_subscribe,
	                        [RH_PEER_SUBSCRIBED] = rh_peer_subscribe } },
	{ RH_FRAME_CREDIT,    { [RH_PEER_SUBSCRIBED] = rh_peer_credit } },
	{ RH_FRAME_RESULT,    { [RH_PEER_SUBSCRIBED] = rh_peer_result } },
	{ RH_FRAME_MODULE_GET, { [RH_PEER_SUBSCRIBED] = rh_peer_module } },
	{ RH_FRAME_REPORT,    { [RH_PEER_GREETED] = rh_peer_report,
	                        [RH_PEER_SUBSCRIBED] = rh_peer_report } },
	{ RH_FRAME_RULE_STATS, { [RH_PEER_SUBSCRIBED] = rh_peer_rule_stats } },
	{ RH_FRAME_RULE_LOG,  { [RH_PEER_SUBSCRIBED] = rh_peer_rule_log } },
};

int rh_peer_handle(struct rh_center *center, struct rh_link_conn *conn,
                   const struct rh_frame *frame, struct rh_diag *diag)
{
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		if (table[i].type == frame->type && table[i].handlers[conn->state])
			return table[i].handlers[conn->state](center, conn, frame, diag);
	}
	return rh_diag_set(diag, RH_EPROTO, "a frame of type %u is not expected now",
	                   frame->type);
}
