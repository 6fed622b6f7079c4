/* Any frames from a peer of the link: each is taken, or refused with a reason. */
#include "../../center/center.h"
#include "../../center/link_peer.h"
#include "../../center/observer.h"
#include "../../center/store/store.h"
#include "../../model/check.h"
#include "../../model/error.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct rh_center center;
static struct rh_link   link_of_all;

static void open_center(void)
{
	struct rh_store  *store;
	struct rh_problem problem;

	RH_CHECK(rh_store_memory_open(&store, NULL) == RH_OK);
	RH_CHECK(rh_center_init(&center, store, &problem) == RH_OK);
	RH_CHECK(rh_push_init(&link_of_all.push, &center, &rh_push_sizes_default) == RH_OK);
	center.push = &link_of_all.push;
	link_of_all.center = &center;
}

/* One that looks on, whose socket takes nothing. */
static void look_on(struct rh_link_conn *observer)
{
	struct rh_frame frame = { .type = RH_FRAME_TRACE };
	struct rh_diag  diag;

	*observer = (struct rh_link_conn){ .fd = -1, .link = &link_of_all };
	rh_record_read(&frame.records, "", 0);
	RH_CHECK(rh_peer_observe(&center, observer, &frame, &diag) == RH_OK);
}

/* The input is a row of frames: type, length (16 bits), payload. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rh_push     *push = &link_of_all.push;
	struct rh_link_conn conn = { .fd = -1, .link = &link_of_all };
	struct rh_link_conn observer;
	struct rh_diag      diag = { 0 };
	int                 err = RH_OK, is_observed = size & 1;

	if (!center.store)
		open_center();
	if (is_observed)
		look_on(&observer);
	while (size >= 3 && err == RH_OK) {
		struct rh_frame frame = { .type = data[0] };
		size_t len = (size_t)data[1] | (size_t)data[2] << 8;

		if (len > size - 3)
			len = size - 3;
		/* A copy of its own, so that reading beyond it is seen. */
		unsigned char *payload = malloc(len + 1);
		RH_CHECK(payload);
		memcpy(payload, data + 3, len);
		unsigned char *exact = realloc(payload, len ? len : 1);
		rh_record_read(&frame.records, exact, len);
		err = rh_peer_handle(&center, &conn, &frame, &diag);
		RH_CHECK(err == RH_OK || (err < 0 && diag.text[0]));
		RH_CHECK(conn.instance_count <= RH_LINK_INSTANCES_MAX);
		RH_CHECK(strlen(conn.resource) <= RH_NAME_MAX);
		free(exact);
		data += 3 + len;
		size -= 3 + len;
	}
	if (conn.state == RH_PEER_GREETED || conn.state == RH_PEER_SUBSCRIBED) {
		RH_CHECK(conn.subscriber.results.count <= RH_RESULTS_MAX);
		rh_feed_verify(&conn.subscriber.feed, &push->ring);
		rh_push_leave(push, &conn.subscriber);
	}
	if (conn.state == RH_PEER_OBSERVER)
		rh_observer_leave(&conn);
	if (is_observed)
		rh_observer_leave(&observer);
	RH_CHECK(!rh_is_observed(&link_of_all));
	rh_watch_verify(&push->watches);
	free(conn.instances);
	return 0;
}
