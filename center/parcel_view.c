#include "parcel.h"

#include "center.h"
#include "sentence.h"
#include "when.h"

#include "../model/error.h"
#include "../model/judge.h"
#include "../model/view.h"
#include "../wire/frame.h"
#include "../wire/record.h"

#include <sodium.h>

#include <stdio.h>
#include <string.h>

#define PART_MAX (RH_FRAME_MAX - 1024u)

struct builder {
	struct rh_parcel        *parcel;
	const struct rh_center  *center;
	const struct rh_name    *self;
	struct rh_record_writer  writer;
	uint64_t                 now;
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

/* ---- the resource itself ---- */

static const char *text_at(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static void put_texts(struct rh_record_writer *item, uint16_t tag,
                      const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		rh_record_put_text(item, tag,
		                   json_string_value(json_array_get(list, i)));
}

/* Without a uid in allow, the one that applied the resource may run as it. */
static void put_uids(struct rh_record_writer *item, const json_t *allow,
                     const json_t *owner)
{
	json_t *uids = json_object_get(allow, "uid");

	if (json_array_size(uids) == 0)
		rh_record_put_u32(item, RH_TAG_UID, (uint32_t)json_integer_value(owner));
	for (size_t i = 0; i < json_array_size(uids); i++)
		rh_record_put_u32(item, RH_TAG_UID, (uint32_t)json_integer_value(
		                  json_array_get(uids, i)));
}

static void put_serve(struct rh_record_writer *item, const json_t *serve)
{
	const char *library = text_at(serve, "library");
	const json_t *program = json_object_get(serve, "program");

	if (library)
		rh_record_put_text(item, RH_TAG_LIBRARY, library);
	if (program)
		rh_record_put_text(item, RH_TAG_PROGRAM,
		                   json_string_value(json_array_get(program, 0)));
}

static void add_self(struct builder *builder, const char *name,
                     const struct rh_object *object)
{
	static unsigned char    bytes[PART_MAX - 512];
	struct rh_record_writer item;
	json_t     *stored = rh_object_parse(object);
	json_t     *spec = json_object_get(stored, "spec");
	json_t     *allow = json_object_get(spec, "allow");
	json_t     *context = json_object_get(spec, "context");
	const char *interface = text_at(spec, "interface");

	rh_record_begin(&item, bytes, sizeof bytes);
	rh_record_put_text(&item, RH_TAG_RESOURCE, name);
	rh_record_put_text(&item, RH_TAG_TYPE, text_at(spec, "type"));
	if (interface)
		rh_record_put_text(&item, RH_TAG_INTERFACE, interface);
	put_uids(&item, allow, json_object_get(stored, "owner"));
	put_texts(&item, RH_TAG_EXE, json_object_get(allow, "exe"));
	put_texts(&item, RH_TAG_ENV, json_object_get(context, "env"));
	rh_record_put_u32(&item, RH_TAG_LOCALE_ON,
	                  json_is_true(json_object_get(context, "locale")));
	put_serve(&item, json_object_get(spec, "serve"));
	add(builder, RH_TAG_SELF, &item);
	json_decref(stored);
}

/* ---- its edges ---- */

/* What the caller's side must know of the callee: its interface, and what of the
 * caller's process goes along with a call. */
static void put_callee(struct rh_record_writer *item, const struct rh_center *center,
                       const char *name)
{
	const struct rh_object *object = rh_catalog_find(&center->realm.catalog,
	                                                 RH_OBJECT_RESOURCE, name);
	json_t *stored = object ? rh_object_parse(object) : NULL;
	json_t *spec = json_object_get(stored, "spec");
	json_t *context = json_object_get(spec, "context");
	const char *interface = text_at(spec, "interface");

	if (interface)
		rh_record_put_text(item, RH_TAG_INTERFACE, interface);
	put_texts(item, RH_TAG_ENV, json_object_get(context, "env"));
	rh_record_put_u32(item, RH_TAG_LOCALE_ON,
	                  json_is_true(json_object_get(context, "locale")));
	json_decref(stored);
}

static void put_verdict(struct rh_record_writer *item,
                        const struct rh_registry *registry,
                        const struct rh_verdict *verdict)
{
	char text[RH_SENTENCE_MAX];

	rh_sentence_verdict(verdict, &registry->hierarchy, text, sizeof text);
	rh_record_put_i32(item, RH_TAG_VERDICT, rh_verdict_error(verdict));
	if (verdict->rule.len) {
		rh_record_put_text(item, RH_TAG_RULE, verdict->rule.text);
		rh_record_put_u64(item, RH_TAG_REVISION, verdict->revision);
	}
	rh_record_put_text(item, RH_TAG_TEXT, text);
}

static void add_edge(void *user, const struct rh_edge_report *report)
{
	struct builder           *builder = user;
	const struct rh_realm    *realm = &builder->center->realm;
	const struct rh_resource *caller, *callee;
	unsigned char             bytes[4096];
	struct rh_record_writer   item;
	struct rh_verdict         verdict;

	if (builder->edges++ >= RH_EDGES_PER_AGENT)
		return;
	caller = rh_registry_get(&realm->registry, report->caller);
	callee = rh_registry_get(&realm->registry, report->callee);
	const struct rh_protocol_rule *protocol = rh_protocols_find(&realm->protocols,
		caller->name.text, callee->name.text);
	int other = builder->is_row ? callee->type : caller->type;

	rh_record_begin(&item, bytes, sizeof bytes);
	rh_record_put_text(&item, RH_TAG_CALLER, caller->name.text);
	rh_record_put_text(&item, RH_TAG_CALLEE, callee->name.text);
	if (other != RH_TYPES)
		rh_record_put_text(&item, RH_TAG_TYPE, rh_type_text(other));
	put_callee(&item, builder->center, callee->name.text);
	rh_record_put_text(&item, RH_TAG_PROTOCOL,
	                   protocol ? protocol->use : RH_PROTOCOL_DEFAULT);
	rh_judge_pair(&realm->registry, &caller->name, &callee->name, builder->now,
	              &verdict);
	put_verdict(&item, &realm->registry, &verdict);
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
	builder.now = rh_when_now();
	builder.edges = 0;
	builder.err = RH_OK;
	begin_part(&builder);
	if (object)
		add_self(&builder, resource, object);
	if (object && rh_realm_find(&center->realm, resource, &id) == RH_OK) {
		builder.is_row = 1;
		rh_view_row(&center->realm.registry, id, builder.now, add_edge, &builder);
		builder.is_row = 0;
		rh_view_column(&center->realm.registry, id, builder.now, add_edge,
		               &builder);
	}
	end_part(&builder, 1);
	if (builder.err)
		rh_parcel_fini(parcel);
	return builder.err;
}
