#include "center.h"

#include "agent.h"
#include "conn.h"
#include "dial.h"
#include "edge.h"
#include "instance.h"
#include "process.h"
#include "stats.h"

#include "../base/diag.h"
#include "../base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BACKOFF_FIRST_MS 50u
#define BACKOFF_MAX_MS   2000u
#define SOCKET_NAME      "link.sock"
#define SOCKET_SUFFIX    ".sock"

struct rh_center {
	struct rh_agent      *agent;
	enum rh_center_state  state;
	struct rh_conn       *conn;
	struct rh_agent_view *parts;    /* of a view that is not complete yet */
	uv_timer_t            retry;
	unsigned              backoff_ms;
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

	rh_record_begin(&writer, rh_agent_out_buffer(agent),
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
	const struct rh_agent  *agent = center->agent;
	unsigned char           bytes[192];
	struct rh_record_writer writer;

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u32(&writer, RH_TAG_VERSION, RH_WIRE_VERSION);
	rh_record_put_u32(&writer, RH_TAG_ROLE, RH_ROLE_AGENT);
	rh_record_put_text(&writer, RH_TAG_RESOURCE, agent->resource);
	rh_record_put_u32(&writer, RH_TAG_PID, (uint32_t)getpid());
	rh_record_put_u64(&writer, RH_TAG_REVISION,
	                  agent->view ? agent->view->revision : 0);
	rh_conn_send(center->conn, RH_FRAME_HELLO, 1, &writer, NULL, 0);
}

/* ---- the connection ----------------------------------------------------- */

static void put_in_force(struct rh_center *center)
{
	struct rh_agent_view *view = center->parts;

	center->parts = NULL;
	rh_agent_apply(center->agent, view);
}

static void resync(struct rh_center *center)
{
	center->backoff_ms = BACKOFF_FIRST_MS;
	center->is_quiet = 0;
	put_in_force(center);
	rh_center_tell_instances(center->agent);
	rh_stats_reset(center->agent);
}

static void on_retry(uv_timer_t *timer);

static void retry_later(struct rh_center *center)
{
	rh_conn_close(center->conn);
	center->conn = NULL;
	rh_agent_view_destroy(center->parts);
	center->parts = NULL;
	uv_update_time(&center->agent->loop);
	uv_timer_start(&center->retry, on_retry, center->backoff_ms, 0);
	center->backoff_ms = center->backoff_ms * 2 < BACKOFF_MAX_MS
	                     ? center->backoff_ms * 2 : BACKOFF_MAX_MS;
}

static void step(struct rh_center *center, enum rh_center_event event)
{
	switch (rh_center_step(&center->state, event)) {
	case RH_CENTER_HELLO:
		say_hello(center);
		break;
	case RH_CENTER_RESYNC:
		resync(center);
		break;
	case RH_CENTER_APPLY:
		put_in_force(center);
		break;
	case RH_CENTER_RETRY:
		retry_later(center);
		break;
	default: /* fits no state: nothing to do */
		break;
	}
}

/* A view that cannot be used leaves the former one in force. */
static int on_view(struct rh_center *center, struct rh_frame *frame)
{
	struct rh_diag diag;
	int r = rh_agent_view_add(&center->parts, &frame->records,
	                          center->agent->resource, &diag);

	if (r < 0) {
		rh_error("a view of the center is not used: %s", diag.text);
		rh_agent_malformed(center->agent);
	} else if (r == 1) {
		step(center, RH_CENTER_VIEW);
	}
	return RH_OK;
}

static int on_frame(void *user, struct rh_frame *frame)
{
	struct rh_center *center = user;
	char              text[RH_DIAG_MAX] = "no reason was given";

	if (frame->type == RH_FRAME_VIEW)
		return on_view(center, frame);
	if (frame->type == RH_FRAME_ERROR) {
		rh_record_text(&frame->records, RH_TAG_TEXT, text, sizeof text);
		rh_error("the center refuses this agent: %s", text);
		center->is_quiet = 1;
		return RH_ELOST;
	}
	return RH_OK; /* a newer center may say more */
}

static void on_lost(void *user, int why)
{
	struct rh_center *center = user;

	if (!center->is_quiet)
		rh_warn("the center is away (%s); going on with revision %llu",
		        rh_error_text(why),
		        (unsigned long long)(center->agent->view
		                             ? center->agent->view->revision : 0));
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
	dial(timer->data);
}

/* ---- sockets that appear ------------------------------------------------ */

static void on_run_changed(uv_fs_event_t *watch, const char *name, int events,
                           int status)
{
	struct rh_center *center = watch->data;

	(void)events;
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
	memcpy(resource, name, len - tail);
	resource[len - tail] = 0;
	rh_edge_link_appeared(center->agent, resource);
}

/* Without it the timers find what appears, later. */
static void watch(struct rh_center *center)
{
	uv_loop_t *loop = &center->agent->loop;
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

	if (!center || uv_timer_init(&agent->loop, &center->retry) < 0) {
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
