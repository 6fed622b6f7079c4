#include "center.h"

#include "agent.h"
#include "conn.h"
#include "dial.h"
#include "chronicle.h"
#include "codetell.h"
#include "edge.h"
#include "instance.h"
#include "leave.h"
#include "module.h"
#include "process.h"
#include "pushtrace.h"
#include "report.h"
#include "result.h"
#include "rules.h"
#include "rulewatch.h"
#include "stats.h"
#include "trace.h"
#include "verdict.h"

#include "../base/clock.h"
#include "../base/diag.h"
#include "../base/failpoint.h"
#include "../base/log.h"
#include "../model/name.h"

#include <sodium.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BACKOFF_FIRST_MS 50u
#define BACKOFF_MAX_MS   2000u
#define DELAY_MAX_MS     60000u
#define SOCKET_NAME      "link.sock"
#define SOCKET_SUFFIX    ".sock"

struct rh_center {
	struct rh_agent      *agent;
	enum rh_center_state  state;
	struct rh_conn       *conn;
	struct rh_items       held;     /* of a snapshot that is not complete */
	struct rh_item      **changes;  /* of a delta that is not complete, in order */
	unsigned              change_count;
	unsigned              change_room;
	size_t                held_bytes;
	char                  system[RH_NAME_MAX + 1];
	uint64_t              delay_ms; /* the center asked to stay away so long */
	uv_timer_t            retry;
	unsigned              backoff_ms;
	int                   is_granted; /* the window, on this connection   */
	int                   is_quiet; /* the last failure was logged        */
	uv_fs_event_t         run_watch;
	uv_fs_event_t         agents_watch;
};

static void step(struct rh_center *center, enum rh_center_event event);

/* ---- telling ------------------------------------------------------------ */

int rh_center_is_live(const struct rh_agent *agent)
{
	return agent->center && agent->center->state == RH_CENTER_LIVE;
}

void rh_center_tell(struct rh_agent *agent, uint8_t type,
                    const struct rh_record_writer *writer)
{
	if (rh_center_is_live(agent))
		rh_conn_send(agent->center->conn, type, 0, writer, NULL, 0);
}

void rh_center_tell_instances(struct rh_agent *agent)
{
	struct rh_record_writer writer;

	rh_record_begin(&writer, rh_agent_out_buffer(),
	                RH_FRAME_MAX - sizeof(struct rh_frame_head));
	RH_LIST_EACH(node, &agent->instances) {
		struct rh_instance *instance = RH_CONTAINER(node, struct rh_instance,
		                                            in_agent);
		size_t place = rh_record_open(&writer, RH_TAG_INSTANCE_ITEM);

		rh_record_put_u64(&writer, RH_TAG_INSTANCE, instance->id);
		rh_record_put_u32(&writer, RH_TAG_PID, (uint32_t)instance->process->pid);
		rh_record_close(&writer, place);
	}
	rh_center_tell(agent, RH_FRAME_INSTANCES, &writer);
}

static void say_hello(struct rh_center *center)
{
	unsigned char           bytes[192];
	struct rh_record_writer writer;

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u32(&writer, RH_TAG_VERSION, RH_PUSH_VERSION);
	rh_record_put_u32(&writer, RH_TAG_ROLE, RH_ROLE_AGENT);
	rh_record_put_text(&writer, RH_TAG_RESOURCE, center->agent->resource);
	rh_record_put_u32(&writer, RH_TAG_PID, (uint32_t)getpid());
	rh_conn_send(center->conn, RH_FRAME_HELLO, 1, &writer, NULL, 0);
}

static void subscribe(struct rh_center *center)
{
	const struct rh_follow *follow = &center->agent->follow;
	uint64_t                began = rh_clock_ns();
	unsigned char           bytes[512];
	struct rh_record_writer writer;

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_rulewatch_put_prefixes(center->agent, &writer);
	rh_record_put(&writer, RH_TAG_STORE, follow->store, sizeof follow->store);
	rh_record_put_u64(&writer, RH_TAG_REVISION, rh_follow_have(follow));
	rh_record_put_u64(&writer, RH_TAG_BYTES,
	                  center->is_granted ? 0 : follow->window);
	center->is_granted = 1;
	rh_conn_send(center->conn, RH_FRAME_SUBSCRIBE, 2, &writer, NULL, 0);
	if (rh_trace_has_push(center->agent))
		rh_pushtrace_asked(center->agent, writer.used, began);
}

/* ---- the connection ----------------------------------------------------- */

static void drop_held(struct rh_center *center)
{
	rh_items_fini(&center->held);
	for (unsigned i = 0; i < center->change_count; i++)
		rh_item_unref(center->changes[i]);
	center->change_count = 0;
	center->held_bytes = 0;
}

static void tell_everything(struct rh_center *center)
{
	center->backoff_ms = BACKOFF_FIRST_MS;
	center->is_quiet = 0;
	rh_info("the center is here: revision %llu",
	        (unsigned long long)center->agent->follow.revision);
	rh_center_tell_instances(center->agent);
	rh_stats_reset(center->agent);
	rh_codetell_reset(center->agent);
	rh_results_retell(center->agent);
	rh_reports_tell(center->agent);
	rh_modules_ask(center->agent);
	rh_verdicts_watch(center->agent);
}

static void on_retry(uv_timer_t *timer);

static void retry_later(struct rh_center *center)
{
	uint64_t wait = center->delay_ms > center->backoff_ms ? center->delay_ms
	                                                      : center->backoff_ms;

	rh_conn_close(center->conn);
	center->conn = NULL;
	center->is_granted = 0;
	center->delay_ms = 0;
	drop_held(center);
	rh_follow_lost(&center->agent->follow);
	rh_verdicts_watch(center->agent);
	uv_update_time(center->agent->loop);
	uv_timer_start(&center->retry, on_retry, rh_center_pause(wait, randombytes_random()),
	               0);
	center->backoff_ms = center->backoff_ms * 2 < BACKOFF_MAX_MS
	                     ? center->backoff_ms * 2 : BACKOFF_MAX_MS;
}

static void step(struct rh_center *center, enum rh_center_event event)
{
	switch (rh_center_step(&center->state, event)) {
	case RH_CENTER_HELLO:
		say_hello(center);
		break;
	case RH_CENTER_SUBSCRIBE:
		drop_held(center);
		subscribe(center);
		break;
	case RH_CENTER_TELL:
		tell_everything(center);
		break;
	case RH_CENTER_RETRY:
		retry_later(center);
		break;
	default: /* nothing to do, or it fits no state */
		break;
	}
}

/* ---- what comes over it ------------------------------------------------- */

static int on_welcome(struct rh_center *center, struct rh_frame *frame)
{
	struct rh_follow *follow = &center->agent->follow;
	struct rh_record  store;
	uint32_t          version = 0;
	int               known;
	char              system[RH_NAME_MAX + 1];

	if (rh_record_u32(&frame->records, RH_TAG_VERSION, &version) < 0 ||
	    version != RH_PUSH_VERSION || center->state != RH_CENTER_JOINING ||
	    rh_record_find(&frame->records, RH_TAG_STORE, &store) < 0 ||
	    store.len != RH_STORE_ID_LEN ||
	    rh_record_text(&frame->records, RH_TAG_SYSTEM, system, sizeof system) < 0 ||
	    rh_name_check(system, strlen(system)) < 0 ||
	    (known = rh_follow_joined(follow, store.bytes)) < 0)
		return RH_EPROTO;
	memcpy(center->system, system, sizeof system);
	if (!known && follow->revision)
		rh_warn("the center has another store than the one this agent knows: "
		        "everything is fetched anew");
	step(center, RH_CENTER_WELCOME);
	return RH_OK;
}

static int keep_change(struct rh_center *center, struct rh_item *item)
{
	unsigned room = center->change_room ? center->change_room * 2 : 16;

	if (center->change_count == center->change_room) {
		struct rh_item **more = realloc(center->changes, room * sizeof(void *));

		if (!more)
			return RH_ENOMEM;
		center->changes = more;
		center->change_room = room;
	}
	center->changes[center->change_count++] = rh_item_ref(item);
	return RH_OK;
}

/* An item that is malformed is not believed, and neither is the rest of what its
 * sender says: the connection ends. */
static int hold_items(struct rh_center *center, const struct rh_frame *frame,
                      int is_snapshot)
{
	struct rh_record_reader reader = frame->records;
	struct rh_record        record;
	struct rh_diag          diag = { .text = "too much at once" };
	int                     more, r = RH_OK;

	while (r == RH_OK && (more = rh_record_next(&reader, &record)) > 0) {
		struct rh_item *item;

		if (record.tag != RH_TAG_ITEM)
			continue;
		center->held_bytes += record.len;
		r = center->held_bytes > RH_HELD_BYTES ? RH_ENOSPC
		  : rh_item_read(&record, center->agent->resource, &item, &diag);
		if (r < 0)
			break;
		r = is_snapshot ? rh_items_put(&center->held, item)
		                : keep_change(center, item);
		rh_item_unref(item);
	}
	if (r == RH_OK && more < 0)
		r = rh_diag_set(&diag, RH_EPROTO, "it is cut off");
	if (r < 0)
		rh_error("what the center sent is not used: %s", diag.text);
	return r;
}

static int replace(struct rh_center *center)
{
	struct rh_items next = center->held;

	center->held = (struct rh_items){ 0 };
	return rh_rules_put(center->agent, &next, center->agent->follow.revision,
	                    center->system);
}

static int apply(struct rh_center *center)
{
	struct rh_agent *agent = center->agent;
	struct rh_items  next;
	int              r = rh_items_copy(&agent->items, &next);

	for (unsigned i = 0; i < center->change_count && r == RH_OK; i++)
		r = rh_items_put(&next, center->changes[i]);
	if (r < 0) {
		rh_items_fini(&next);
		return r;
	}
	r = rh_rules_put(agent, &next, agent->follow.revision, center->system);
	rh_failpoint("item-put");
	return r;
}

/* What was taken in, for those who trace it; nothing was when it only settles. */
static void trace_taken(struct rh_center *center, int action,
                        const struct rh_frame *frame)
{
	struct rh_agent *agent = center->agent;

	if (center->state == RH_CENTER_SYNCING)
		rh_pushtrace_synced(agent, frame->records.len, agent->heard_ns);
	else if (action == RH_FOLLOW_APPLY || action == RH_FOLLOW_REPLACE)
		rh_pushtrace_taken(agent, frame->records.len, center->change_count,
		                   agent->heard_ns);
}

static int ask_anew(struct rh_center *center)
{
	rh_warn("changes of the center are missing: asking for everything");
	step(center, RH_CENTER_GAP);
	return RH_OK;
}

/* What follow.h said to do with the frame; negative ends the connection. */
static int perform(struct rh_center *center, int action, const struct rh_frame *frame,
                   uint64_t before)
{
	int is_delta = frame->type == RH_FRAME_DELTA, r = RH_OK;

	if (action < 0)
		return action;
	if (action == RH_FOLLOW_IGNORE)
		return RH_OK;
	if (action == RH_FOLLOW_RESYNC)
		return ask_anew(center);
	if (frame->type == RH_FRAME_SNAP_BEGIN)
		drop_held(center);
	else if (is_delta || frame->type == RH_FRAME_SNAP_ITEM)
		r = hold_items(center, frame, !is_delta);
	if (action == RH_FOLLOW_HOLD)
		return r;
	if (r == RH_OK)
		rh_chronicle_taken(center->agent, frame->type, before);
	if (r < 0)
		; /* the last part was none */
	else if (action == RH_FOLLOW_REPLACE)
		r = replace(center);
	else if (action == RH_FOLLOW_APPLY)
		r = apply(center);
	else
		rh_rules_reached(center->agent, center->agent->follow.revision);
	if (r == RH_OK && rh_trace_has_push(center->agent))
		trace_taken(center, action, frame);
	drop_held(center);
	if (r == RH_OK)
		step(center, RH_CENTER_SYNCED);
	else
		rh_follow_forget(&center->agent->follow); /* it is not in force */
	return r;
}

static int decide(struct rh_follow *follow, uint8_t type, uint64_t prev,
                  uint64_t revision, int is_last)
{
	switch (type) {
	case RH_FRAME_SNAP_BEGIN:
		return rh_follow_begin(follow, revision);
	case RH_FRAME_SNAP_ITEM:
		return rh_follow_item(follow, revision);
	case RH_FRAME_SNAP_END:
		return rh_follow_end(follow, revision);
	case RH_FRAME_DELTA:
		return rh_follow_delta(follow, prev, revision, is_last);
	default:
		return rh_follow_bookmark(follow, prev, revision);
	}
}

static int on_change(struct rh_center *center, const struct rh_frame *frame)
{
	uint64_t before = center->agent->follow.revision, prev = 0, revision;
	uint32_t last = 1;

	rh_failpoint("item-received");
	if (rh_record_u64(&frame->records, RH_TAG_REVISION, &revision) < 0 ||
	    rh_record_u64(&frame->records, RH_TAG_PREV, &prev) == RH_EPROTO ||
	    rh_record_u32(&frame->records, RH_TAG_LAST, &last) == RH_EPROTO)
		return RH_EPROTO;
	return perform(center, decide(&center->agent->follow, frame->type, prev,
	                              revision, last != 0), frame, before);
}

/* What is taken in is granted again. */
static void grant(struct rh_center *center, const struct rh_frame *frame)
{
	unsigned char           bytes[32];
	struct rh_record_writer writer;
	uint64_t more = rh_follow_received(&center->agent->follow,
	                                   (uint32_t)frame->records.len);

	if (more == 0 || !center->conn)
		return;
	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u64(&writer, RH_TAG_BYTES, more);
	rh_conn_send(center->conn, RH_FRAME_CREDIT, 0, &writer, NULL, 0);
}

static int on_refusal(struct rh_center *center, const struct rh_frame *frame)
{
	char text[RH_DIAG_MAX] = "no reason was given";

	rh_record_text(&frame->records, RH_TAG_TEXT, text, sizeof text);
	(void)rh_record_u64(&frame->records, RH_TAG_DELAY, &center->delay_ms);
	if (center->delay_ms > DELAY_MAX_MS)
		center->delay_ms = DELAY_MAX_MS;
	if (frame->type == RH_FRAME_ERROR)
		rh_error("the center refuses this agent: %s", text);
	else
		rh_info("the center sends this agent away: %s", text);
	center->is_quiet = 1;
	return RH_ELOST;
}

static int on_frame(void *user, struct rh_frame *frame)
{
	struct rh_center *center = user;
	int               r;

	center->agent->heard_ns = rh_clock_ns();
	if (center->agent->stale_classes)
		rh_verdicts_watch(center->agent); /* it was silent, and is not now */
	rh_cache_touch(center->agent);
	switch (frame->type) {
	case RH_FRAME_WELCOME:
		return on_welcome(center, frame);
	case RH_FRAME_SNAP_BEGIN:
	case RH_FRAME_SNAP_ITEM:
	case RH_FRAME_SNAP_END:
	case RH_FRAME_DELTA:
	case RH_FRAME_BOOKMARK:
		r = on_change(center, frame);
		if (r < 0)
			rh_agent_malformed(center->agent);
		else
			grant(center, frame);
		return r;
	case RH_FRAME_MODULE_DATA:
		r = rh_modules_data(center->agent, frame);
		if (r < 0)
			rh_agent_malformed(center->agent);
		return r;
	case RH_FRAME_ERROR:
	case RH_FRAME_GOAWAY:
		return on_refusal(center, frame);
	default:
		return RH_OK; /* a newer center may say more */
	}
}

static void on_lost(void *user, int why)
{
	struct rh_center *center = user;

	if (!center->is_quiet)
		rh_warn("the center is away (%s); going on with revision %llu",
		        why == RH_ELOST ? "it hung up" : rh_error_text(why),
		        (unsigned long long)center->agent->follow.revision);
	center->is_quiet = 1;
	step(center, RH_CENTER_LOST);
}

static const struct rh_conn_ops conn_ops = { .frame = on_frame, .lost = on_lost };

static void dial(struct rh_center *center)
{
	struct rh_diag diag;
	char           path[PATH_MAX];
	int            fd;

	uv_timer_stop(&center->retry);
	snprintf(path, sizeof path, "%s/" SOCKET_NAME, center->agent->run_dir);
	fd = rh_dial(path, center->agent->home->uid, &diag);
	if (fd < 0 || rh_conn_open(center->agent, fd, &conn_ops, center,
	                           &center->conn) < 0) {
		if (!center->is_quiet)
			rh_warn("no center yet: %s", diag.text);
		center->is_quiet = 1;
		retry_later(center);
		return;
	}
	step(center, RH_CENTER_DIALED);
}

static void on_retry(uv_timer_t *timer)
{
	struct rh_center *center = timer->data;

	rh_log_as(center->agent->name);
	dial(center);
}

/* ---- sockets that appear ------------------------------------------------ */

static void on_run_changed(uv_fs_event_t *watch, const char *name, int events,
                           int status)
{
	struct rh_center *center = watch->data;

	(void)events;
	rh_log_as(center->agent->name);
	if (status < 0 || !name || strcmp(name, SOCKET_NAME) != 0 ||
	    center->state != RH_CENTER_DOWN)
		return;
	center->backoff_ms = BACKOFF_FIRST_MS;
	dial(center);
}

static void on_agents_changed(uv_fs_event_t *watch, const char *name, int events,
                              int status)
{
	struct rh_center *center = watch->data;
	char              resource[RH_NAME_MAX + 1];
	size_t            len = name ? strlen(name) : 0;
	size_t            tail = sizeof SOCKET_SUFFIX - 1;

	(void)events;
	if (status < 0 || len <= tail || len - tail > RH_NAME_MAX ||
	    strcmp(name + len - tail, SOCKET_SUFFIX) != 0)
		return;
	rh_log_as(center->agent->name);
	memcpy(resource, name, len - tail);
	resource[len - tail] = 0;
	rh_edge_link_appeared(center->agent, resource);
}

/* Without it the timers find what appears, later. */
static void watch(struct rh_center *center)
{
	uv_loop_t *loop = center->agent->loop;
	char       path[PATH_MAX];

	center->run_watch.data = center->agents_watch.data = center;
	if (uv_fs_event_init(loop, &center->run_watch) < 0 ||
	    uv_fs_event_start(&center->run_watch, on_run_changed,
	                      center->agent->run_dir, 0) < 0)
		rh_warn("cannot watch %s", center->agent->run_dir);
	snprintf(path, sizeof path, "%s/agent", center->agent->run_dir);
	if (uv_fs_event_init(loop, &center->agents_watch) < 0 ||
	    uv_fs_event_start(&center->agents_watch, on_agents_changed, path, 0) < 0)
		rh_warn("cannot watch %s", path);
}

int rh_center_open(struct rh_agent *agent, struct rh_diag *diag)
{
	struct rh_center *center = calloc(1, sizeof *center);

	if (!center || uv_timer_init(agent->loop, &center->retry) < 0) {
		free(center);
		return rh_diag_set(diag, RH_ENOMEM, "no memory for the center");
	}
	center->agent = agent;
	center->backoff_ms = BACKOFF_FIRST_MS;
	center->retry.data = center;
	agent->center = center;
	watch(center);
	dial(center);
	return RH_OK;
}

void rh_center_leave(struct rh_agent *agent)
{
	struct rh_center *center = agent->center;

	if (!center)
		return;
	rh_conn_close(center->conn);
	center->conn = NULL;
	center->state = RH_CENTER_DOWN;
	rh_leave_close(agent, (uv_handle_t *)&center->retry);
	rh_leave_close(agent, (uv_handle_t *)&center->run_watch);
	rh_leave_close(agent, (uv_handle_t *)&center->agents_watch);
}

void rh_center_free(struct rh_agent *agent)
{
	if (!agent->center)
		return;
	drop_held(agent->center);
	free(agent->center->changes);
	free(agent->center);
	agent->center = NULL;
}
