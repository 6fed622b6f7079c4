#include "link.h"

#include "center.h"
#include "chronicle.h"
#include "link_peer.h"
#include "observer.h"
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

/* ---- closing ---- */

static void gone(struct rh_link *link)
{
	if (--link->handles > 0)
		return;
	rh_push_fini(&link->push);
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

static int is_subscriber(const struct rh_link_conn *conn)
{
	return conn->state == RH_PEER_GREETED || conn->state == RH_PEER_SUBSCRIBED;
}

void rh_link_drop(struct rh_link_conn *conn, const char *why)
{
	struct rh_link       *link = conn->link;
	struct rh_link_conn **at = rh_link_bucket(link, conn->resource);

	if (conn->is_closing)
		return;
	rh_link_dequeue(conn);
	conn->is_closing = 1;
	if (conn->state == RH_PEER_OBSERVER)
		rh_observer_leave(conn);
	if (is_subscriber(conn)) /* K1 */
		rh_push_leave(&link->push, &conn->subscriber);
	while (*at && *at != conn)
		at = &(*at)->next;
	if (*at)
		*at = conn->next;
	if (!rh_link_find(link, conn->resource))
		rh_runs_away(&link->center->runs, conn->resource);
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
	for (struct rh_link_conn *conn = rh_link_find(link, name); conn;
	     conn = rh_link_find_next(conn))
		conn->is_marked = 1;
}

static void touch(void *user, const struct rh_item_key *key)
{
	struct rh_link *link = user;

	rh_push_touch(&link->push, key);
	if (key) {
		mark(link, key->caller.text);
		mark(link, key->callee.text);
		return;
	}
	for (unsigned i = 0; i < link->count; i++)
		link->conns[i]->is_marked = 1;
}

static void untouch(void *user)
{
	struct rh_link *link = user;

	rh_push_untouch(&link->push);
}

/* ---- receiving ---- */

static void greet(struct rh_link_conn *conn)
{
	struct rh_link *link = conn->link;

	if (conn->state == RH_PEER_AGENT || is_subscriber(conn)) {
		struct rh_link_conn **at = rh_link_bucket(link, conn->resource);

		conn->next = *at;
		*at = conn;
	}
	rh_info("link: joined pid=%d uid=%u as=%s version=%u resource=%s",
	        (int)conn->pid, (unsigned)conn->uid,
	        conn->state == RH_PEER_SUPERVISOR ? "supervisor"
	        : conn->state == RH_PEER_OBSERVER ? "observer" : "agent",
	        conn->version, conn->resource);
	if (is_subscriber(conn)) {
		conn->opened_ns = conn->heard_ns = rh_clock_ns();
		rh_link_welcome(conn);
		return;
	}
	if (conn->state == RH_PEER_OBSERVER)
		return;
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
		else if (is_subscriber(conn)) /* credit, or another subscription */
			rh_link_wake(link, &conn->subscriber);
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
	if (!(events & UV_WRITABLE) || conn->is_closing)
		return;
	if (!is_subscriber(conn)) {
		rh_link_push(conn);
		return;
	}
	conn->is_full = 0;
	uv_poll_start(poll, UV_READABLE, rh_link_ready);
	rh_link_wake(conn->link, &conn->subscriber);
}

/* ---- accepting ---- */

static void admit(struct rh_link *link, int fd)
{
	struct ucred         cred = { .pid = 0 };
	socklen_t            len = sizeof cred;
	struct rh_link_conn *conn = NULL;
	int is_welcome = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 &&
	                 (cred.uid == 0 || cred.uid == geteuid());

	if (is_welcome && link->count == RH_LINK_PEERS_MAX) {
		link->center->counts.goaways++;
		rh_link_goaway(fd, RH_ENOSPC, "there are too many peers", RH_LINK_RETRY_MS);
	} else if (is_welcome) {
		conn = calloc(1, sizeof *conn);
	}
	if (!conn || uv_poll_init(link->tick.loop, &conn->poll, fd) < 0) {
		link->center->counts.link_dropped++;
		rh_warn_often("link: refused pid=%d uid=%u", (int)cred.pid, (unsigned)cred.uid);
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

static void look_after(struct rh_link_conn *conn, uint64_t now)
{
	int is_late = now - conn->opened_ns > RH_LINK_HELLO_MS * RH_NS_PER_MS;

	if (conn->state == RH_PEER_NEW && is_late)
		rh_link_drop(conn, "it did not say hello");
	else if (conn->state == RH_PEER_GREETED && is_late)
		rh_link_drop(conn, "it did not subscribe");
	else if (conn->state == RH_PEER_SUBSCRIBED)
		rh_link_watch_over(conn, now);
	else if (conn->stalled_ns &&
	         now - conn->stalled_ns > RH_LINK_STALL_MS * RH_NS_PER_MS)
		rh_link_drop(conn, "it does not read");
}

static void on_tick(uv_timer_t *timer)
{
	struct rh_link *link = timer->data;
	uint64_t        now = rh_clock_ns();

	for (unsigned i = link->count; i-- > 0;)
		look_after(link->conns[i], now);
	rh_push_let_begin(&link->push);
	if (link->is_paused) {
		link->is_paused = 0;
		uv_poll_start(&link->listener, UV_READABLE, on_connect);
	}
}

/* ---- opening and closing ---- */

int rh_link_open(struct rh_center *center, uv_loop_t *loop, const char *path,
                 const struct rh_push_sizes *sizes, struct rh_diag *diag)
{
	struct rh_link *link = calloc(1, sizeof *link);

	if (!link || rh_push_init(&link->push, center, sizes) != RH_OK) {
		free(link);
		return rh_diag_set(diag, RH_ENOMEM, "no memory");
	}
	int fd = rh_socket_listen(path, diag);
	if (fd < 0 || uv_poll_init(loop, &link->listener, fd) < 0) {
		rh_push_fini(&link->push);
		free(link);
		return fd < 0 ? fd : RH_EIO;
	}
	link->center = center;
	link->listen_fd = fd;
	uv_timer_init(loop, &link->tick);
	uv_timer_init(loop, &link->plan_timer);
	uv_idle_init(loop, &link->idle);
	link->listener.data = link->tick.data = link->plan_timer.data = link;
	link->idle.data = link;
	link->handles = 4;
	link->ready_last = &link->ready;
	link->push.wake = rh_link_wake;
	link->push.wake_user = link;
	uv_poll_start(&link->listener, UV_READABLE, on_connect);
	uv_timer_start(&link->tick, on_tick, TICK_MS, TICK_MS);
	center->link = link;
	center->push = &link->push;
	center->realm.touch = touch;
	center->realm.untouch = untouch;
	center->realm.touch_user = link;
	rh_chronicle_begin(link);
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
	center->push = NULL;
	center->realm.touch = NULL;
	center->realm.untouch = NULL;
	link->is_closing = 1;
	while (link->count > 0) {
		struct rh_link_conn *conn = link->conns[link->count - 1];

		if (is_subscriber(conn))
			rh_link_goaway(conn->fd, RH_ELOST, "the center stops", 0);
		rh_link_drop(conn, NULL);
	}
	uv_close((uv_handle_t *)&link->listener, handle_closed);
	uv_close((uv_handle_t *)&link->tick, handle_closed);
	uv_close((uv_handle_t *)&link->plan_timer, handle_closed);
	uv_close((uv_handle_t *)&link->idle, handle_closed);
}
