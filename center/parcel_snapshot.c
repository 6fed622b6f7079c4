#include "parcel.h"

#include "center.h"
#include "item.h"
#include "push.h"

#include "../model/error.h"
#include "../model/view.h"
#include "../wire/frame.h"

#include <string.h>

struct builder {
	struct rh_parcel           *parcel;
	struct rh_push             *push;
	const struct rh_subscriber *subscriber;
	struct rh_item_encoder      encoder;
	struct rh_record_writer     writer;
	unsigned                    edges;
	int                         err;
	unsigned char               part[RH_FRAME_MAX - sizeof(struct rh_frame_head)];
	unsigned char               body[RH_ITEM_BYTES_MAX];
};

static void begin_part(struct builder *builder)
{
	rh_record_begin(&builder->writer, builder->part, sizeof builder->part);
	rh_record_put_u64(&builder->writer, RH_TAG_REVISION, builder->parcel->revision);
}

static void end_part(struct builder *builder)
{
	int len = rh_record_end(&builder->writer);

	if (!builder->err)
		builder->err = len < 0 ? len : rh_parcel_add(builder->parcel,
			builder->part, (size_t)len);
	if (!builder->err && builder->parcel->len > RH_VIEW_BYTES_MAX)
		builder->err = RH_EMSGSIZE;
}

/* 1 when it was put, 0 when the part has no room for it. */
static int put(struct builder *builder, const struct rh_item_key *key,
               uint64_t revision, size_t body_bytes)
{
	struct rh_record_writer *writer = &builder->writer;
	size_t used = writer->used, place = rh_record_open(writer, RH_TAG_ITEM);

	rh_item_wrap(writer, key, revision, builder->body, body_bytes);
	rh_record_close(writer, place);
	if (!writer->failed)
		return 1;
	writer->failed = 0;
	writer->used = used;
	return 0;
}

static void add(struct builder *builder, const struct rh_item_key *key)
{
	struct rh_push         *push = builder->push;
	struct rh_record_writer body;

	if (builder->err || !rh_push_watches(push, builder->subscriber, key))
		return;
	rh_record_begin(&body, builder->body, sizeof builder->body);
	int is_there = rh_item_body(&builder->encoder, key, &body);
	if (is_there <= 0) { /* 0: not registered, only waited for */
		builder->err = is_there;
		return;
	}
	uint64_t revision = rh_push_note(push, key, body.bytes, body.used);
	if (put(builder, key, revision, body.used))
		return;
	end_part(builder);
	begin_part(builder);
	if (!put(builder, key, revision, body.used) && !builder->err)
		builder->err = RH_EMSGSIZE;
}

static void add_edge(void *user, const struct rh_edge_report *report)
{
	struct builder           *builder = user;
	const struct rh_registry *registry = &builder->push->center->realm.registry;

	if (builder->edges++ >= RH_EDGES_PER_AGENT)
		return;
	add(builder, &(struct rh_item_key){
		.caller = rh_registry_get(registry, report->caller)->name,
		.callee = rh_registry_get(registry, report->callee)->name,
	});
}

int rh_parcel_snapshot(struct rh_parcel *parcel, struct rh_push *push,
                       const struct rh_subscriber *subscriber)
{
	static struct builder     builder; /* 128 KiB; one thread */
	const struct rh_registry *registry = &push->center->realm.registry;
	const struct rh_name     *name = &subscriber->feed.resource;
	struct rh_id              id;

	*parcel = (struct rh_parcel){
		.type = RH_FRAME_SNAP_ITEM, .revision = push->head,
	};
	builder.parcel = parcel;
	builder.push = push;
	builder.subscriber = subscriber;
	builder.edges = 0;
	builder.err = RH_OK;
	rh_item_encoder_init(&builder.encoder, push->center);
	begin_part(&builder);
	if (rh_registry_find_named(registry, name, &id) == RH_OK) {
		add(&builder, &(struct rh_item_key){ .caller = *name });
		rh_view_row(registry, id, 0, add_edge, &builder);
		rh_view_column(registry, id, 0, add_edge, &builder);
		end_part(&builder);
	}
	rh_item_encoder_fini(&builder.encoder);
	if (builder.err)
		rh_parcel_fini(parcel);
	return builder.err;
}
