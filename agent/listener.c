#include "listener.h"

#include "admit.h"
#include "agent.h"
#include "conn.h"
#include "governor.h"
#include "happening.h"
#include "inlink.h"
#include "leave.h"
#include "process.h"
#include "trace.h"

#include "../base/clock.h"
#include "../base/diag.h"
#include "../base/discard.h"
#include "../base/log.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ACCEPTS_PER_TURN 64
#define PAUSE_MS         100 /* after running out of descriptors */

struct rh_listener {
	int               fd;
	struct rh_pollfd *poll;
	uv_timer_t        pause;
	struct rh_list    visitors;
	unsigned          count;
	char              path[RH_SOCKET_PATH_MAX + 1];
};

struct visitor {
	struct rh_list   link;
	struct rh_agent *agent;
	struct rh_conn  *conn;
	uid_t            uid;
	uint64_t         deadline;
};

static void forget(struct visitor *visitor)
{
	struct rh_listener *listener = visitor->agent->listener;

	rh_list_remove(&visitor->link);
	if (listener->count-- == RH_VISITORS_MAX)
		rh_pollfd_want(listener->poll, UV_READABLE);
	free(visitor);
}

/* The visitor is what it says, and its connection has another owner now; or it is
 * told why not, and sent away. */
static int settle(struct visitor *visitor, struct rh_frame *frame, int r,
                  const struct rh_diag *diag)
{
	if (r == RH_OK) {
		forget(visitor);
		return RH_OK;
	}
	rh_warn_often("refused: %s", diag->text);
	rh_counter_add(&visitor->agent->counters.head->refused, 1);
	rh_happening_tell(visitor->agent, "edge.refused", visitor->agent->resource, "%s",
	                  diag->text);
	rh_conn_error(visitor->conn, frame->request, r, "%s", diag->text);
	return r;
}

static int attach(struct visitor *visitor, struct rh_frame *frame,
                  struct rh_peer *peer, struct rh_diag *diag)
{
	struct rh_agent *agent = visitor->agent;
	uint32_t         role;
	int              r;

	if (rh_record_u32(&frame->records, RH_TAG_ROLE, &role) < 0)
		return rh_diag_set(diag, RH_EPROTO, "ATTACH of process %d names no role",
		                   (int)peer->pid);
	r = rh_admit_process(&agent->view->self, agent->home, peer, role,
	                     rh_process_serves(agent, peer->pid), diag);
	if (r < 0)
		return r;
	return rh_process_open(agent, visitor->conn, peer, frame, diag);
}

static int link_agent(struct visitor *visitor, struct rh_frame *frame,
                      struct rh_peer *peer, struct rh_diag *diag)
{
	char caller[RH_NAME_MAX + 1];
	int  r;

	if (rh_record_text(&frame->records, RH_TAG_RESOURCE, caller, sizeof caller) < 0)
		return rh_diag_set(diag, RH_EPROTO, "LINK of process %d names no "
		                   "resource", (int)peer->pid);
	r = rh_admit_agent(visitor->agent->home, peer, caller, diag);
	if (r < 0)
		return r;
	return rh_inlink_open(visitor->agent, visitor->conn, peer, caller,
	                      frame, diag);
}

static int trace(struct visitor *visitor, struct rh_frame *frame,
                 struct rh_peer *peer, struct rh_diag *diag)
{
	int r = rh_admit_observer(visitor->agent->home, peer, diag);

	if (r < 0)
		return r;
	return rh_trace_open(visitor->agent, visitor->conn, frame, diag);
}

static int govern(struct visitor *visitor, struct rh_frame *frame,
                  struct rh_peer *peer, struct rh_diag *diag)
{
	struct rh_agent *agent = visitor->agent;
	int r = rh_admit_governed(&agent->view->self, agent->home, peer, diag);

	return r < 0 ? r : rh_governor_take(agent, visitor->conn, peer, frame, diag);
}

static int check_version(struct rh_frame *frame, const struct rh_peer *peer,
                         struct rh_diag *diag)
{
	uint32_t version = 0;
	int      r = rh_record_u32(&frame->records, RH_TAG_VERSION, &version);

	if (r == RH_OK && version == RH_WIRE_VERSION)
		return RH_OK;
	return rh_diag_set(diag, RH_EVERSION, "process %d speaks version %u of the "
	                   "format, this agent %u", (int)peer->pid, version,
	                   RH_WIRE_VERSION);
}

static int decide(struct visitor *visitor, struct rh_frame *frame,
                  struct rh_peer *peer, struct rh_diag *diag)
{
	int r = RH_OK;

	if (frame->type == RH_FRAME_ATTACH || frame->type == RH_FRAME_LINK ||
	    frame->type == RH_FRAME_GOVERN)
		r = check_version(frame, peer, diag);
	if (r < 0)
		return r;
	/* A forked child may hold the socket of its parent, whose pid it shows. */
	if (frame->sender != peer->pid)
		return rh_diag_set(diag, RH_EIDENT, "process %d uses a connection that "
		                   "process %d made", (int)frame->sender, (int)peer->pid);
	visitor->conn->pid = peer->pid;
	switch (frame->type) {
	case RH_FRAME_ATTACH:
		return attach(visitor, frame, peer, diag);
	case RH_FRAME_LINK:
		return link_agent(visitor, frame, peer, diag);
	case RH_FRAME_GOVERN:
		return govern(visitor, frame, peer, diag);
	case RH_FRAME_TRACE:
		return trace(visitor, frame, peer, diag);
	default:
		rh_agent_malformed(visitor->agent);
		return rh_diag_set(diag, RH_EPROTO, "process %d began with a frame of "
		                   "type %u", (int)peer->pid, frame->type);
	}
}

static int on_frame(void *user, struct rh_frame *frame)
{
	struct visitor *visitor = user;
	struct rh_peer  peer = { .pidfd = -1 };
	struct rh_diag  diag = { .text = "no reason was given" };
	int             r = rh_peer_init(&peer, visitor->conn->fd, &diag);

	if (r == RH_OK)
		r = decide(visitor, frame, &peer, &diag);
	r = settle(visitor, frame, r, &diag);
	rh_peer_fini(&peer);
	return r;
}

static void on_lost(void *user, int why)
{
	struct visitor *visitor = user;

	if (why == RH_EPROTO || why == RH_EVERSION)
		rh_agent_malformed(visitor->agent);
	rh_conn_close(visitor->conn);
	forget(visitor);
}

static const struct rh_conn_ops visitor_ops = { .frame = on_frame, .lost = on_lost };

static void start_clock(struct visitor *visitor)
{
	visitor->deadline = rh_clock_ns() + RH_VISITOR_MS * RH_NS_PER_MS;
	rh_alarm_at(&visitor->agent->alarm, visitor->deadline);
}

static int has_many(const struct rh_listener *listener, uid_t uid)
{
	unsigned count = 0;

	RH_LIST_EACH(node, &listener->visitors)
		count += RH_CONTAINER(node, struct visitor, link)->uid == uid;
	return count >= RH_VISITORS_PER_UID;
}

static uid_t user_of(int fd)
{
	struct ucred cred = { .uid = (uid_t)-1 };
	socklen_t    len = sizeof cred;

	getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len);
	return cred.uid;
}

static void welcome(struct rh_agent *agent, int fd)
{
	uid_t           uid = user_of(fd);
	struct visitor *visitor = has_many(agent->listener, uid)
	                          ? NULL : calloc(1, sizeof *visitor);

	if (!visitor) {
		rh_discard_socket(fd);
		return;
	}
	visitor->agent = agent;
	visitor->uid = uid;
	if (rh_conn_open(agent, fd, &visitor_ops, visitor, &visitor->conn) < 0) {
		free(visitor);
		return;
	}
	rh_list_add(&agent->listener->visitors, &visitor->link);
	if (++agent->listener->count == RH_VISITORS_MAX)
		rh_pollfd_want(agent->listener->poll, 0);
	if (agent->view)
		start_clock(visitor);
	else
		rh_conn_pause(visitor->conn, 1);
}

static void on_pause_over(uv_timer_t *timer)
{
	struct rh_agent *agent = timer->data;

	rh_log_as(agent->name);
	if (agent->listener->count < RH_VISITORS_MAX)
		rh_pollfd_want(agent->listener->poll, UV_READABLE);
}

static void on_ready(void *user, int events)
{
	struct rh_agent    *agent = user;
	struct rh_listener *listener = agent->listener;

	(void)events;
	for (int i = 0; i < ACCEPTS_PER_TURN && listener->count < RH_VISITORS_MAX; i++) {
		int fd = rh_socket_accept(listener->fd);

		if (fd == RH_EAGAIN)
			return;
		if (fd < 0) { /* the connection stays; looking again now is in vain */
			rh_warn("cannot accept a connection: out of descriptors?");
			rh_pollfd_want(listener->poll, 0);
			uv_timer_start(&listener->pause, on_pause_over, PAUSE_MS, 0);
			return;
		}
		welcome(agent, fd);
	}
}

int rh_listener_open(struct rh_agent *agent, struct rh_diag *diag)
{
	struct rh_listener *listener = calloc(1, sizeof *listener);

	if (!listener)
		return rh_diag_set(diag, RH_ENOMEM, "no memory to listen");
	agent->listener = listener;
	listener->fd = -1;
	rh_list_init(&listener->visitors);
	uv_timer_init(agent->loop, &listener->pause);
	listener->pause.data = agent;
	if (rh_agent_path(agent, agent->resource, "sock", listener->path,
	                  sizeof listener->path) < 0)
		return rh_diag_set(diag, RH_EMSGSIZE, "the socket path %s/agent/%s.sock "
		                   "is longer than %d bytes", agent->run_dir,
		                   agent->resource, RH_SOCKET_PATH_MAX);
	listener->fd = rh_socket_listen(listener->path, diag);
	if (listener->fd < 0)
		return listener->fd;
	return rh_pollfd_open(agent->loop, listener->fd, UV_READABLE, on_ready, agent,
	                      &listener->poll);
}

void rh_listener_admit(struct rh_agent *agent)
{
	RH_LIST_EACH(node, &agent->listener->visitors) {
		struct visitor *visitor = RH_CONTAINER(node, struct visitor, link);

		if (visitor->deadline != 0)
			continue;
		start_clock(visitor);
		rh_conn_pause(visitor->conn, 0);
	}
}

void rh_listener_expire(struct rh_agent *agent, uint64_t now)
{
	RH_LIST_EACH(node, &agent->listener->visitors) {
		struct visitor *visitor = RH_CONTAINER(node, struct visitor, link);

		if (visitor->deadline == 0 || visitor->deadline > now) {
			rh_alarm_at(&agent->alarm, visitor->deadline);
			continue;
		}
		rh_conn_close(visitor->conn);
		forget(visitor);
	}
}

void rh_listener_close(struct rh_agent *agent)
{
	if (agent->listener && agent->listener->fd >= 0)
		unlink(agent->listener->path);
}

void rh_listener_leave(struct rh_agent *agent)
{
	struct rh_listener *listener = agent->listener;

	if (!listener)
		return;
	rh_listener_close(agent);
	rh_pollfd_close(listener->poll);
	listener->poll = NULL;
	if (listener->fd >= 0)
		close(listener->fd);
	listener->fd = -1;
	RH_LIST_EACH(node, &listener->visitors) {
		struct visitor *visitor = RH_CONTAINER(node, struct visitor, link);

		rh_conn_close(visitor->conn);
		forget(visitor);
	}
	rh_leave_close(agent, (uv_handle_t *)&listener->pause);
}

void rh_listener_free(struct rh_agent *agent)
{
	free(agent->listener);
	agent->listener = NULL;
}
