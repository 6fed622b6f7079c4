#include "parcel.h"

#include "center.h"
#include "item.h"
#include "when.h"

#include "../model/error.h"
#include "../model/view.h"
#include "../wire/frame.h"
#include "../wire/record.h"

#include <sodium.h>

#include <stdio.h>
#include <string.h>

#define PART_MAX (RH_FRAME_MAX - 1024u)
#define EDGE_MAX (RH_FRAME_MAX / 2u)

struct builder {
	struct rh_parcel        *parcel;
	const struct rh_center  *center;
	struct rh_item_encoder   encoder;
	struct rh_record_writer  writer;
	int                      is_row;
	unsigned                 edges;
	int                      err;
	unsigned char            part[RH_FRAME_MAX];
};

static void begin_part(struct builder *builder)
{
	rh_record_begin(&builder->writer, builder->part, PART_MAX);
	rh_record_put_u64(&builder->writer, RH_TAG_REVISION,
	                  builder->parcel->revision);
	rh_record_put_text(&builder->writer, RH_TAG_SYSTEM,
	                   builder->center->dirs.system);
}

static void end_part(struct builder *builder, int is_last)
{
	/* The room that PART_MAX leaves is for this. */
	builder->writer.cap = sizeof builder->part;
	rh_record_put_u32(&builder->writer, RH_TAG_LAST, (uint32_t)is_last);
	int len = rh_record_end(&builder->writer);
	if (!builder->err)
		builder->err = len < 0 ? len : rh_parcel_add(builder->parcel,
			builder->part, (size_t)len);
	if (!builder->err && builder->parcel->len > RH_VIEW_BYTES_MAX)
		builder->err = RH_EMSGSIZE;
}

/* The hash of a view is the sum over its records: the order in which edges came to
 * be is no difference. */
static void add_hash(struct rh_parcel *parcel, const struct rh_record_writer *item)
{
	uint64_t one[RH_PARCEL_HASH_BYTES / 8], sum[RH_PARCEL_HASH_BYTES / 8];

	_Static_assert(sizeof one == RH_PARCEL_HASH_BYTES, "whole words");
	crypto_generichash((unsigned char *)one, sizeof one, item->bytes, item->used,
	                   NULL, 0);
	memcpy(sum, parcel->hash, sizeof sum);
	for (size_t i = 0; i < sizeof sum / sizeof sum[0]; i++)
		sum[i] += one[i];
	memcpy(parcel->hash, sum, sizeof sum);
}

/* Adds one record of records, in the next part when this one is full. */
static void add(struct builder *builder, uint16_t tag,
                const struct rh_record_writer *item)
{
	int len = rh_record_end(item);

	if (builder->err || len < 0) {
		builder->err = builder->err ? builder->err : len;
		return;
	}
	add_hash(builder->parcel, item);
	if (builder->writer.used + (size_t)len + 8 > PART_MAX) {
		end_part(builder, 0);
		begin_part(builder);
	}
	rh_record_put(&builder->writer, tag, item->bytes, (size_t)len);
}

static void add_self(struct builder *builder, const struct rh_object *object)
{
	static unsigned char    bytes[PART_MAX - 512];
	struct rh_record_writer item;

	rh_record_begin(&item, bytes, sizeof bytes);
	rh_item_put_self(builder->center, &item, object);
	add(builder, RH_TAG_SELF, &item);
}

static void add_edge(void *user, const struct rh_edge_report *report)
{
	static unsigned char      bytes[EDGE_MAX];
	struct builder           *builder = user;
	const struct rh_registry *registry = &builder->center->realm.registry;
	struct rh_record_writer   item;

	if (builder->edges++ >= RH_EDGES_PER_AGENT)
		return;
	rh_record_begin(&item, bytes, sizeof bytes);
	rh_item_put_edge(&builder->encoder, &item,
	                 &rh_registry_get(registry, report->caller)->name,
	                 &rh_registry_get(registry, report->callee)->name,
	                 builder->is_row ? RH_ITEM_OF_CALLER : RH_ITEM_OF_CALLEE);
	add(builder, RH_TAG_EDGE_ITEM, &item);
}

int rh_parcel_view(struct rh_parcel *parcel, const struct rh_center *center,
                   const char *resource)
{
	static struct builder   builder; /* 64 KiB; one thread */
	const struct rh_object *object = rh_catalog_find(&center->realm.catalog,
	                                                 RH_OBJECT_RESOURCE, resource);
	struct rh_id            id;

	*parcel = (struct rh_parcel){
		.type = RH_FRAME_VIEW, .revision = rh_center_revision(center),
	};
	builder.parcel = parcel;
	builder.center = center;
	rh_item_encoder_init(&builder.encoder, center);
	builder.edges = 0;
	builder.err = RH_OK;
	begin_part(&builder);
	if (object)
		add_self(&builder, object);
	if (object && rh_realm_find(&center->realm, resource, &id) == RH_OK) {
		builder.is_row = 1;
		rh_view_row(&center->realm.registry, id, 0, add_edge, &builder);
		builder.is_row = 0;
		rh_view_column(&center->realm.registry, id, 0, add_edge,
		               &builder);
	}
	rh_item_encoder_fini(&builder.encoder);
	end_part(&builder, 1);
	if (builder.err)
		rh_parcel_fini(parcel);
	return builder.err;
}
