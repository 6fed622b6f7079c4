#include "link_peer.h"

#include "center.h"
#include "observer.h"
#include "store/store.h"

#include "../base/clock.h"
#include "../base/log.h"
#include "../model/error.h"

#include <stddef.h>
#include <string.h>

#define FRAMES_A_TURN 16

/* ---- what has its own time ---- */

void rh_link_welcome(struct rh_link_conn *conn)
{
	const struct rh_center *center = conn->link->center;
	unsigned char           bytes[256];
	struct rh_record_writer writer;
	struct rh_store_info    info;

	rh_store_info(center->store, &info);
	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u32(&writer, RH_TAG_VERSION, RH_PUSH_VERSION);
	rh_record_put(&writer, RH_TAG_STORE, info.id, sizeof info.id);
	rh_record_put_u64(&writer, RH_TAG_REVISION, conn->link->push.head);
	rh_record_put_text(&writer, RH_TAG_SYSTEM, center->dirs.system);
	if (rh_socket_send(conn->fd, RH_FRAME_WELCOME, 0, &writer, NULL, 0) != RH_OK)
		rh_link_drop(conn, NULL);
}

void rh_link_goaway(int fd, int code, const char *text, uint64_t delay_ms)
{
	unsigned char           bytes[512];
	struct rh_record_writer writer;

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_i32(&writer, RH_TAG_CODE, code);
	rh_record_put_text(&writer, RH_TAG_TEXT, text);
	rh_record_put_u64(&writer, RH_TAG_DELAY, delay_ms);
	(void)rh_socket_send(fd, RH_FRAME_GOAWAY, 0, &writer, NULL, 0);
}

/* ---- who is ready ---- */

void rh_link_enqueue(struct rh_link_conn *conn)
{
	struct rh_link *link = conn->link;

	if (conn->is_ready || conn->is_closing)
		return;
	conn->is_ready = 1; /* K2 */
	conn->ready_next = NULL;
	*link->ready_last = conn;
	link->ready_last = &conn->ready_next;
}

void rh_link_dequeue(struct rh_link_conn *conn)
{
	struct rh_link       *link = conn->link;
	struct rh_link_conn **at = &link->ready;

	if (!conn->is_ready)
		return;
	while (*at != conn)
		at = &(*at)->ready_next;
	*at = conn->ready_next;
	if (!*at)
		link->ready_last = at;
	conn->is_ready = 0;
}

static void on_idle(uv_idle_t *idle)
{
	rh_link_flush(idle->data);
}

void rh_link_wake(void *user, struct rh_subscriber *subscriber)
{
	struct rh_link      *link = user;
	struct rh_link_conn *conn = (struct rh_link_conn *)(void *)
		((char *)subscriber - offsetof(struct rh_link_conn, subscriber));

	rh_link_enqueue(conn);
	if (!link->is_closing)
		uv_idle_start(&link->idle, on_idle);
}

/* ---- sending ---- */

/* 1: the socket is full, or the turn is over; 0: nothing more to send now. */
static int send_frames(struct rh_link_conn *conn, int is_due)
{
	struct rh_push      *push = &conn->link->push;
	struct rh_push_frame frame;

	for (int i = 0; i < FRAMES_A_TURN; i++) {
		uint64_t prev = conn->subscriber.feed.sent;
		uint64_t began = rh_is_observed(conn->link) ? rh_clock_ns() : 0;
		int made = rh_push_make(push, &conn->subscriber, is_due, &frame);

		if (made < 0)
			rh_link_drop(conn, rh_error_text(made));
		if (made <= 0)
			return 0;
		int err = rh_socket_send(conn->fd, frame.type, 0, &frame.writer, NULL, 0);
		if (err == RH_OK) {
			rh_push_sent(push, &conn->subscriber, &frame);
			if (rh_is_observed(conn->link))
				rh_observe_sent(conn, &frame, prev, began);
			conn->heard_ns = rh_clock_ns();
			conn->stalled_ns = 0;
			is_due = 0;
			continue;
		}
		rh_push_unsent(push, &conn->subscriber, &frame);
		if (err == RH_EAGAIN)
			conn->is_full = 1;
		else
			rh_link_drop(conn, NULL);
		return 1;
	}
	rh_link_enqueue(conn);
	return 1;
}

static void feed(struct rh_link_conn *conn, int is_due)
{
	if (conn->is_closing || conn->is_full || conn->state != RH_PEER_SUBSCRIBED)
		return;
	if (send_frames(conn, is_due) == 0 && !conn->is_closing && conn->module[0])
		rh_link_send_module(conn);
	if (conn->is_closing)
		return;
	if (conn->is_full)
		uv_poll_start(&conn->poll, UV_READABLE | UV_WRITABLE, rh_link_ready);
	/* Full, or without credit: from now on its time counts. */
	if (conn->stalled_ns == 0 && !conn->is_ready &&
	    (conn->is_full || rh_push_is_behind(&conn->link->push, &conn->subscriber)))
		conn->stalled_ns = rh_clock_ns();
}

/* Those that are ready now; who becomes ready meanwhile has its turn in the next
 * round of the loop. */
void rh_link_flush(struct rh_link *link)
{
	struct rh_link_conn *last = NULL;

	if (link->is_flushing || link->is_closing)
		return;
	link->is_flushing = 1;
	for (struct rh_link_conn *conn = link->ready; conn; conn = conn->ready_next)
		last = conn;
	for (int is_last = !last; !is_last && link->ready;) {
		struct rh_link_conn *conn = link->ready;

		is_last = conn == last;
		rh_link_dequeue(conn);
		feed(conn, 0);
	}
	link->is_flushing = 0;
	if (link->ready)
		uv_idle_start(&link->idle, on_idle);
	else
		uv_idle_stop(&link->idle);
}

/* ---- time ---- */

static void send_away(struct rh_link_conn *conn)
{
	conn->link->center->counts.goaways++;
	rh_link_goaway(conn->fd, RH_ETIMEDOUT, "you do not read", 0);
	rh_link_drop(conn, "it does not read");
}

void rh_link_watch_over(struct rh_link_conn *conn, uint64_t now_ns)
{
	uint64_t stalled = conn->stalled_ns ? now_ns - conn->stalled_ns : 0;

	if (stalled > RH_LINK_AWAY_MS * RH_NS_PER_MS) {
		send_away(conn);
		return;
	}
	if (stalled > RH_SNAPSHOT_STALL_MS * RH_NS_PER_MS)
		rh_push_give_up(&conn->link->push, &conn->subscriber);
	if (now_ns - conn->heard_ns >= RH_PUSH_BEAT_MS * RH_NS_PER_MS)
		feed(conn, 1);
}
