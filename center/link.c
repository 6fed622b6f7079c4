#include "link.h"

#include "center.h"
#include "link_peer.h"
#include "when.h"

#include "../base/clock.h"
#include "../base/diag.h"
#include "../base/log.h"
#include "../base/peer.h"
#include "../model/check.h"
#include "../model/error.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TICK_MS        1000u
#define ACCEPTS_A_TURN 64
#define FRAMES_A_TURN  16
static struct rh_link_conn **bucket(struct rh_link *link, const char *resource)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (const char *c = resource; *c; c++)
		hash = (hash ^ (unsigned char)*c) * 0x100000001b3u;
	return &link->buckets[hash % RH_LINK_BUCKETS];
}

static struct rh_link_conn *find(const struct rh_link *link, const char *resource)
{
	struct rh_link_conn *conn = *bucket((struct rh_link *)(uintptr_t)link, resource);

	while (conn && strcmp(conn->resource, resource) != 0)
		conn = conn->next;
	return conn;
}

static struct rh_link_conn *find_next(const struct rh_link_conn *conn)
{
	const char          *resource = conn->resource;
	struct rh_link_conn *next = conn->next;

	while (next && strcmp(next->resource, resource) != 0)
		next = next->next;
	return next;
}

/* ---- closing ---- */

static void gone(struct rh_link *link)
{
	if (--link->handles == 0)
		free(link);
}

static void conn_closed(uv_handle_t *handle)
{
	struct rh_link_conn *conn = handle->data;

	close(conn->fd);
	rh_parcel_fini(&conn->parcel);
	free(conn->instances);
	gone(conn->link);
	free(conn);
}

void rh_link_drop(struct rh_link_conn *conn, const char *why)
{
	struct rh_link       *link = conn->link;
	struct rh_link_conn **at = bucket(link, conn->resource);

	if (conn->is_closing)
		return;
	conn->is_closing = 1;
	while (*at && *at != conn)
		at = &(*at)->next;
	if (*at)
		*at = conn->next;
	link->conns[conn->index] = link->conns[--link->count];
	link->conns[conn->index]->index = conn->index;
	if (why) {
		link->center->counts.link_dropped++;
		rh_warn("link: dropped pid=%d resource=%s: %s", (int)conn->pid,
		        conn->resource, why);
	} else if (conn->state != RH_PEER_NEW) {
		rh_info("link: left pid=%d resource=%s", (int)conn->pid, conn->resource);
	}
	uv_close((uv_handle_t *)&conn->poll, conn_closed);
}

/* Tells the peer why, if its socket takes it, and drops it. */
static void refuse(struct rh_link_conn *conn, const struct rh_diag *diag)
{
	unsigned char           bytes[512];
	struct rh_record_writer writer;

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_i32(&writer, RH_TAG_CODE, diag->code);
	rh_record_put_text(&writer, RH_TAG_TEXT, diag->text);
	(void)rh_socket_send(conn->fd, RH_FRAME_ERROR, 0, &writer, NULL, 0);
	rh_link_drop(conn, diag->text);
}

/* ---- marking ---- */

static void mark(const struct rh_link *link, const char *name)
{
	for (struct rh_link_conn *conn = find(link, name); conn; conn = find_next(conn))
		conn->is_marked = 1;
}

static void touch(void *user, const struct rh_item_key *key)
{
	struct rh_link *link = user;

	if (key) {
		mark(link, key->caller.text);
		mark(link, key->callee.text);
		return;
	}
	for (unsigned i = 0; i < link->count; i++)
		link->conns[i]->is_marked = 1;
}

/* ---- receiving ---- */

static void greet(struct rh_link_conn *conn)
{
	struct rh_link *link = conn->link;

	if (conn->state == RH_PEER_AGENT) {
		struct rh_link_conn **at = bucket(link, conn->resource);

		conn->next = *at;
		*at = conn;
	}
	rh_info("link: joined pid=%d uid=%u as=%s resource=%s", (int)conn->pid,
	        (unsigned)conn->uid,
	        conn->state == RH_PEER_AGENT ? "agent" : "supervisor", conn->resource);
	conn->is_wanted = 1;
	rh_link_push(conn);
}

static void receive(struct rh_link_conn *conn)
{
	struct rh_link *link = conn->link;
	struct rh_diag  diag;

	for (int i = 0; i < FRAMES_A_TURN && !conn->is_closing; i++) {
		struct rh_frame    frame;
		enum rh_peer_state before = conn->state;
		int err = rh_socket_receive(conn->fd, link->buffer, &frame);

		if (err == RH_EAGAIN)
			return;
		if (err == RH_ELOST) {
			rh_link_drop(conn, NULL);
			return;
		}
		if (err) {
			rh_diag_set(&diag, err, "a malformed frame");
		} else {
			err = rh_peer_handle(link->center, conn, &frame, &diag);
			rh_frame_drop(&frame);
		}
		if (err)
			refuse(conn, &diag);
		else if (before == RH_PEER_NEW)
			greet(conn);
	}
}

void rh_link_ready(uv_poll_t *poll, int status, int events)
{
	struct rh_link_conn *conn = poll->data;

	if (status < 0) {
		rh_link_drop(conn, NULL);
		return;
	}
	if (events & UV_READABLE)
		receive(conn);
	if ((events & UV_WRITABLE) && !conn->is_closing)
		rh_link_push(conn);
}

/* ---- accepting ---- */

static void admit(struct rh_link *link, int fd)
{
	struct ucred         cred;
	socklen_t            len = sizeof cred;
	struct rh_link_conn *conn = NULL;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 &&
	    (cred.uid == 0 || cred.uid == geteuid()) &&
	    link->count < RH_LINK_PEERS_MAX)
		conn = calloc(1, sizeof *conn);
	if (!conn || uv_poll_init(link->tick.loop, &conn->poll, fd) < 0) {
		link->center->counts.link_dropped++;
		rh_warn("link: refused pid=%d uid=%u", (int)cred.pid, (unsigned)cred.uid);
		free(conn);
		close(fd);
		return;
	}
	conn->poll.data = conn;
	conn->link = link;
	conn->fd = fd;
	conn->pid = cred.pid;
	conn->uid = cred.uid;
	conn->since_ms = rh_when_now();
	conn->opened_ns = rh_clock_ns();
	conn->index = link->count;
	link->conns[link->count++] = conn;
	link->handles++;
	uv_poll_start(&conn->poll, UV_READABLE, rh_link_ready);
}

static void on_connect(uv_poll_t *poll, int status, int events)
{
	struct rh_link *link = poll->data;

	(void)status;
	(void)events;
	for (int i = 0; i < ACCEPTS_A_TURN; i++) {
		int fd = rh_socket_accept(link->listen_fd);

		if (fd == RH_EAGAIN)
			return;
		if (fd < 0) { /* no descriptors left: the tick tries again */
			uv_poll_stop(&link->listener);
			link->is_paused = 1;
			return;
		}
		admit(link, fd);
	}
}

/* ---- time ---- */

static void on_tick(uv_timer_t *timer)
{
	struct rh_link *link = timer->data;
	uint64_t        now = rh_clock_ns();

	for (unsigned i = link->count; i-- > 0;) {
		struct rh_link_conn *conn = link->conns[i];

		if (conn->state == RH_PEER_NEW &&
		    now - conn->opened_ns > RH_LINK_HELLO_MS * RH_NS_PER_MS)
			rh_link_drop(conn, "it did not say hello");
		else if (conn->stalled_ns &&
		         now - conn->stalled_ns > RH_LINK_STALL_MS * RH_NS_PER_MS)
			rh_link_drop(conn, "it does not read");
	}
	if (link->is_paused) {
		link->is_paused = 0;
		uv_poll_start(&link->listener, UV_READABLE, on_connect);
	}
}

/* ---- opening, closing, looking ---- */

int rh_link_open(struct rh_center *center, uv_loop_t *loop, const char *path,
                 struct rh_diag *diag)
{
	struct rh_link *link = calloc(1, sizeof *link);

	if (!link)
		return rh_diag_set(diag, RH_ENOMEM, "no memory");
	int fd = rh_socket_listen(path, diag);
	if (fd < 0 || uv_poll_init(loop, &link->listener, fd) < 0) {
		free(link);
		return fd < 0 ? fd : RH_EIO;
	}
	link->center = center;
	link->listen_fd = fd;
	uv_timer_init(loop, &link->tick);
	uv_timer_init(loop, &link->plan_timer);
	link->listener.data = link->tick.data = link->plan_timer.data = link;
	link->handles = 3;
	uv_poll_start(&link->listener, UV_READABLE, on_connect);
	uv_timer_start(&link->tick, on_tick, TICK_MS, TICK_MS);
	center->link = link;
	center->realm.touch = touch;
	center->realm.touch_user = link;
	return RH_OK;
}

static void handle_closed(uv_handle_t *handle)
{
	struct rh_link *link = handle->data;

	if (handle == (uv_handle_t *)&link->listener)
		close(link->listen_fd);
	gone(link);
}

void rh_link_close(struct rh_center *center)
{
	struct rh_link *link = center->link;

	if (!link)
		return;
	center->link = NULL;
	center->realm.touch = NULL;
	link->is_closing = 1;
	while (link->count > 0)
		rh_link_drop(link->conns[link->count - 1], NULL);
	uv_close((uv_handle_t *)&link->listener, handle_closed);
	uv_close((uv_handle_t *)&link->tick, handle_closed);
	uv_close((uv_handle_t *)&link->plan_timer, handle_closed);
}

unsigned rh_link_instances(const struct rh_link *link, const char *resource)
{
	unsigned count = 0;

	for (struct rh_link_conn *conn = link ? find(link, resource) : NULL; conn;
	     conn = find_next(conn))
		count += conn->instance_count;
	return count;
}

static void show(const struct rh_link_conn *conn, rh_link_visit *visit, void *user)
{
	visit(user, &(struct rh_link_peer){
		.resource = conn->resource,
		.is_supervisor = conn->state == RH_PEER_SUPERVISOR,
		.pid = conn->pid, .uid = conn->uid, .since_ms = conn->since_ms,
		.revision = conn->revision,
		.pending = conn->parcel.len - conn->parcel.sent,
		.instances = conn->instances, .instance_count = conn->instance_count,
	});
}

int rh_link_walk(const struct rh_link *link, const char *resource,
                 rh_link_visit *visit, void *user)
{
	int count = 0;

	if (!link)
		return 0;
	if (resource) {
		for (struct rh_link_conn *conn = find(link, resource); conn;
		     conn = find_next(conn), count++)
			show(conn, visit, user);
		return count;
	}
	for (unsigned i = 0; i < link->count; i++) {
		if (link->conns[i]->state == RH_PEER_NEW)
			continue;
		show(link->conns[i], visit, user);
		count++;
	}
	return count;
}
