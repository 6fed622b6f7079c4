#include "observer.h"

#include "center.h"
#include "store/store.h"

#include "../base/clock.h"
#include "../base/diag.h"
#include "../base/log.h"
#include "../model/error.h"
#include "../wire/push_step.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- telling ---- */

static int wants(const struct rh_link_conn *conn, const struct rh_push_step *step)
{
	const char *only = conn->resource;

	if (!only[0])
		return 1;
	if (step->resource[0])
		return strcmp(only, step->resource) == 0;
	return !step->caller[0] || strcmp(only, step->caller) == 0 ||
	       strcmp(only, step->callee) == 0;
}

static void send_step(struct rh_link_conn *conn, struct rh_push_step *step)
{
	unsigned char           bytes[RH_PUSH_STEP_MAX];
	struct rh_record_writer writer;

	step->missed = conn->missed;
	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_push_step_put(&writer, step);
	if (rh_socket_send(conn->fd, RH_FRAME_PUSH_STEP, 0, &writer, NULL, 0) == RH_OK)
		conn->missed = 0;
	else /* it does not read, or has gone, which its hang-up tells */
		conn->missed++;
}

static void tell(struct rh_link *link, struct rh_push_step *step, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void tell(struct rh_link *link, struct rh_push_step *step, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(step->text, sizeof step->text, format, args);
	va_end(args);
	step->time_ns = rh_clock_ns();
	for (unsigned i = 0; i < link->observer_count; i++) {
		if (wants(link->observers[i], step))
			send_step(link->observers[i], step);
	}
}

static struct rh_push_step step_of(const struct rh_link_conn *conn, uint32_t process,
                                   uint32_t number)
{
	struct rh_push_step step = { .process = process, .step = number };

	snprintf(step.resource, sizeof step.resource, "%s", conn->resource);
	return step;
}

/* ---- subscribing ---- */

/* "resource/app, out/app/, in/app/" */
static void list_prefixes(const struct rh_frame *frame, char *text, size_t cap)
{
	struct rh_record_reader reader = frame->records;
	struct rh_record        record;
	size_t                  used = 0;

	text[0] = '\0';
	reader.at = 0;
	while (rh_record_next(&reader, &record) > 0 && used < cap) {
		if (record.tag == RH_TAG_PREFIX)
			used += (size_t)snprintf(text + used, cap - used, "%s%.*s",
			                         used ? ", " : "", (int)record.len,
			                         (const char *)record.bytes);
	}
}

void rh_observe_subscribed(struct rh_link_conn *conn, const struct rh_frame *frame,
                           uint64_t began_ns)
{
	struct rh_push_step step = step_of(conn, RH_PUSH_SUBSCRIBING, 3);
	char                prefixes[160];

	conn->asked_ns = rh_clock_ns();
	conn->snapshot_bytes = 0;
	step.took_ns = conn->asked_ns - began_ns;
	step.bytes = frame->records.len;
	(void)rh_record_u64(&frame->records, RH_TAG_REVISION, &step.revision);
	list_prefixes(frame, prefixes, sizeof prefixes);
	tell(conn->link, &step, "the center keeps %s of process %d in SWatchManager",
	     prefixes, (int)conn->pid);
}

static void tell_answer(struct rh_link_conn *conn, struct rh_push_step *step,
                        uint8_t type)
{
	step->step = 4;
	step->process = RH_PUSH_SUBSCRIBING;
	step->took_ns = rh_clock_ns() - conn->asked_ns;
	conn->asked_ns = 0;
	tell(conn->link, step, "the center answers: %s",
	     type == RH_FRAME_SNAP_END ? "all that it watches, as a snapshot"
	     : type == RH_FRAME_DELTA ? "what changed since the revision that it has"
	     : "it has everything");
}

/* ---- publishing ---- */

struct naming {
	char   text[160];
	size_t used;
	unsigned left_out;
};

static int name_object(void *user, const struct rh_store_record *record)
{
	struct naming      *naming = user;
	enum rh_object_kind kind;
	const char         *name = rh_object_key_parse(record->key, &kind);
	size_t              room = sizeof naming->text - naming->used;

	if (!name)
		return 0;
	int len = snprintf(naming->text + naming->used, room, "%s%s %s%s",
	                   naming->used ? ", " : "", rh_object_kind_text(kind), name,
	                   record->value ? "" : " (deleted)");
	if (len < 0 || (size_t)len >= room) {
		naming->text[naming->used] = '\0';
		naming->left_out++;
	} else {
		naming->used += (size_t)len;
	}
	return 0;
}

void rh_observe_committed(struct rh_link *link)
{
	const struct rh_center *center = link->center;
	struct naming           naming = { .used = 0 };
	struct rh_push_step     step = {
		.process = RH_PUSH_PUBLISHING, .step = 1, .prev = link->push.head,
		.revision = rh_center_revision(center), .took_ns = center->commit_took_ns,
	};

	(void)rh_store_changes(center->store, link->push.head, SIZE_MAX, name_object,
	                       &naming);
	tell(link, &step, "the center commits %s%s%s", naming.used ? naming.text
	     : "a change", naming.left_out ? ", ..." : "",
	     link->push.is_flooded ? "; more than the ring holds" : "");
	link->observed_ns = rh_clock_ns();
}

static void on_found(void *user, const struct rh_item_key *key, size_t bytes,
                     enum rh_push_found what)
{
	struct rh_link     *link = user;
	struct rh_push_step step = {
		.process = RH_PUSH_PUBLISHING, .step = 2, .revision = link->push.head,
		.bytes = bytes, .took_ns = rh_clock_ns() - link->observed_ns,
	};

	snprintf(step.caller, sizeof step.caller, "%s", key->caller.text);
	snprintf(step.callee, sizeof step.callee, "%s", key->callee.text);
	if (what == RH_PUSH_TOLD)
		tell(link, &step, "SWatchManager finds %u that watch it",
		     link->push.found_count);
	else
		tell(link, &step, what == RH_PUSH_SAME
		     ? "its bytes are as before: nobody is told"
		     : "nobody watches it any more");
	link->observed_ns = rh_clock_ns();
}

void rh_observe_sent(struct rh_link_conn *conn, const struct rh_push_frame *frame,
                     uint64_t prev, uint64_t began_ns)
{
	struct rh_push_step step = step_of(conn, RH_PUSH_PUBLISHING, 3);

	if (frame->type == RH_FRAME_SNAP_BEGIN)
		conn->snapshot_bytes = 0;
	conn->snapshot_bytes += frame->writer.used;
	if (frame->type == RH_FRAME_SNAP_BEGIN || frame->type == RH_FRAME_SNAP_ITEM)
		return;
	step.bytes = frame->type == RH_FRAME_SNAP_END ? conn->snapshot_bytes
	                                              : frame->writer.used;
	step.revision = conn->subscriber.feed.sent;
	step.prev = prev;
	step.took_ns = rh_clock_ns() - began_ns;
	if (conn->asked_ns)
		tell_answer(conn, &step, frame->type);
	else if (frame->type == RH_FRAME_DELTA)
		tell(conn->link, &step, "SWatchManager pushes what changed");
	else if (frame->type == RH_FRAME_SNAP_END)
		tell(conn->link, &step, "SWatchManager pushes a snapshot: it was too far "
		     "behind");
}

void rh_observe_settled(struct rh_link_conn *conn)
{
	struct rh_push_step step = step_of(conn, RH_PUSH_PUBLISHING, 4);
	unsigned            open = conn->subscriber.results.count;

	step.revision = conn->subscriber.feed.acked;
	if (open)
		tell(conn->link, &step, "its agent has settled that, but for %u that are "
		     "staged or rejected", open);
	else
		tell(conn->link, &step, "its agent says that all of it is in force");
}

/* ---- coming and going ---- */

int rh_peer_observe(struct rh_center *center, struct rh_link_conn *conn,
                    const struct rh_frame *frame, struct rh_diag *diag)
{
	struct rh_link *link = conn->link;
	char            only[RH_NAME_MAX + 1] = "";
	int r = rh_record_text(&frame->records, RH_TAG_RESOURCE, only, sizeof only);

	(void)center;
	if (r < 0 && r != RH_ENOENT)
		return rh_diag_set(diag, RH_EPROTO, "TRACE names no resource rightly");
	if (link->observer_count == RH_LINK_OBSERVERS_MAX)
		return rh_diag_set(diag, RH_ENOSPC, "%u observers look on already",
		                   RH_LINK_OBSERVERS_MAX);
	memcpy(conn->resource, only, sizeof only);
	conn->state = RH_PEER_OBSERVER;
	link->observers[link->observer_count++] = conn;
	link->push.on_found = on_found;
	link->push.found_user = link;
	return RH_OK;
}

void rh_observer_leave(struct rh_link_conn *conn)
{
	struct rh_link *link = conn->link;

	for (unsigned i = 0; i < link->observer_count; i++) {
		if (link->observers[i] == conn)
			link->observers[i] = link->observers[--link->observer_count];
	}
	if (!rh_is_observed(link))
		link->push.on_found = NULL;
}
