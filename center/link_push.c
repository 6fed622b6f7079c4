#include "link_peer.h"

#include "center.h"
#include "chronicle.h"
#include "observer.h"
#include "rollout_drive.h"

#include "../base/clock.h"
#include "../model/error.h"

#include <string.h>

/* A plan that took longer than this is built again no sooner than so many times
 * what it took. */
#define PLAN_QUICK_NS (2u * RH_NS_PER_MS)
#define PLAN_PAUSE    20u

/* ---- sending ---- */

static int build(struct rh_link_conn *conn, struct rh_parcel *parcel)
{
	struct rh_center *center = conn->link->center;

	if (conn->state == RH_PEER_AGENT) {
		center->counts.views++;
		return rh_parcel_view(parcel, center, conn->resource);
	}
	center->counts.plans++;
	return rh_parcel_plan(parcel, center);
}

/* Makes the parcel anew; 1 when it differs from the last one sent. */
static int renew(struct rh_link_conn *conn)
{
	struct rh_parcel parcel;
	int              err = build(conn, &parcel);

	conn->is_wanted = 0;
	if (err) {
		rh_link_drop(conn, rh_error_text(err));
		return 0;
	}
	if (conn->revision != 0 &&
	    memcmp(parcel.hash, conn->hash, sizeof conn->hash) == 0) {
		rh_parcel_fini(&parcel);
		return 0;
	}
	rh_parcel_fini(&conn->parcel);
	conn->parcel = parcel;
	conn->revision = parcel.revision;
	memcpy(conn->hash, parcel.hash, sizeof conn->hash);
	return 1;
}

/* Sends what the socket takes.  0 all is sent, 1 the socket is full, negative: the
 * peer is gone. */
static int send_parts(struct rh_link_conn *conn)
{
	const unsigned char *part;
	size_t               len;

	while ((len = rh_parcel_next(&conn->parcel, &part)) > 0) {
		struct rh_record_writer writer = {
			.bytes = (unsigned char *)(uintptr_t)part, .cap = len, .used = len,
		};
		int err = rh_socket_send(conn->fd, conn->parcel.type, 0, &writer, NULL, 0);

		if (err == RH_EAGAIN)
			return 1;
		if (err)
			return err;
		conn->stalled_ns = 0;
		rh_parcel_advance(&conn->parcel);
	}
	rh_parcel_fini(&conn->parcel);
	return 0;
}

void rh_link_push(struct rh_link_conn *conn)
{
	int left = 0;

	while (left == 0 && !conn->is_closing) {
		left = send_parts(conn);
		if (left != 0 || !conn->is_wanted || !renew(conn))
			break;
	}
	if (conn->is_closing)
		return;
	if (left < 0) {
		rh_link_drop(conn, NULL);
		return;
	}
	if (left == 0) /* it will say nothing of it */
		rh_rollouts_wake(conn->link->center, RH_ROLLOUT_GATHER_MS);
	if (left > 0 && conn->stalled_ns == 0)
		conn->stalled_ns = rh_clock_ns();
	uv_poll_start(&conn->poll, UV_READABLE | (left ? UV_WRITABLE : 0), rh_link_ready);
}

/* ---- publishing ---- */

static void publish_plans(struct rh_link *link)
{
	uint64_t began = rh_clock_ns();
	int      is_built = 0;

	for (unsigned i = link->count; i-- > 0;) {
		struct rh_link_conn *conn = link->conns[i];

		if (conn->state != RH_PEER_SUPERVISOR)
			continue;
		is_built = 1;
		conn->is_wanted = 1;
		rh_link_push(conn);
	}
	link->plan_made_ns = rh_clock_ns();
	if (is_built)
		link->plan_took_ns = link->plan_made_ns - began;
}

static void on_plan(uv_timer_t *timer)
{
	publish_plans(timer->data);
}

/* A plan names every resource, so a large one must not be made each turn. */
static void publish_plans_soon(struct rh_link *link)
{
	uint64_t pause = link->plan_took_ns > PLAN_QUICK_NS
	               ? PLAN_PAUSE * link->plan_took_ns : 0;
	uint64_t next = link->plan_made_ns + pause, now = rh_clock_ns();

	if (uv_is_active((uv_handle_t *)&link->plan_timer))
		return;
	if (next <= now)
		publish_plans(link);
	else
		uv_timer_start(&link->plan_timer, on_plan,
		               (next - now) / RH_NS_PER_MS + 1, 0);
}

void rh_link_publish(struct rh_link *link)
{
	if (!link || link->is_closing)
		return;
	if (rh_is_observed(link))
		rh_observe_committed(link);
	rh_push_publish(&link->push);
	rh_chronicle_published(link);
	rh_link_flush(link);
	/* From the end: a peer that is dropped is replaced by the last one, which
	 * has had its turn. */
	for (unsigned i = link->count; i-- > 0;) {
		struct rh_link_conn *conn = link->conns[i];

		if (conn->state != RH_PEER_AGENT || !conn->is_marked)
			continue;
		conn->is_marked = 0;
		conn->is_wanted = 1;
		rh_link_push(conn);
	}
	publish_plans_soon(link);
}
