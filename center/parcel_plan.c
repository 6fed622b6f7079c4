#include "parcel.h"

#include "center.h"

#include "../model/error.h"
#include "../wire/frame.h"
#include "../wire/record.h"

#include <sodium.h>

#include <stdlib.h>
#include <string.h>

#define CHUNK_MAX (RH_FRAME_MAX - 1024u)

static json_t *plan_resource(const struct rh_object *object)
{
	json_t *stored = rh_object_parse(object);
	json_t *json = json_pack("{s:s, s:I, s:I, s:O, s:O}", "name", object->name,
		"generation", (json_int_t)object->generation,
		"revision", (json_int_t)object->revision,
		"owner", json_object_get(stored, "owner"),
		"spec", json_object_get(stored, "spec"));

	json_decref(stored);
	return json;
}

static json_t *plan_interface(const struct rh_object *object)
{
	json_t *stored = rh_object_parse(object);
	json_t *spec = json_object_get(stored, "spec");
	json_t *json = json_pack("{s:s, s:O}", "name", object->name, "spec", spec);

	json_object_del(spec, "text");
	json_decref(stored);
	return json;
}

static json_t *plan_list(const struct rh_center *center, enum rh_object_kind kind,
                         json_t *(*plan)(const struct rh_object *))
{
	size_t                   count;
	struct rh_object *const *at = rh_catalog_after(&center->realm.catalog, kind,
	                                               NULL, &count);
	json_t                  *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, plan(at[i]));
	return list;
}

static int cut(struct rh_parcel *parcel, const char *text, size_t len)
{
	static unsigned char part[RH_FRAME_MAX];
	int                  err = RH_OK;

	for (size_t at = 0; at < len && !err; at += CHUNK_MAX) {
		struct rh_record_writer writer;
		size_t chunk = len - at < CHUNK_MAX ? len - at : CHUNK_MAX;

		rh_record_begin(&writer, part, sizeof part);
		rh_record_put_u64(&writer, RH_TAG_REVISION, parcel->revision);
		rh_record_put(&writer, RH_TAG_JSON, text + at, chunk);
		rh_record_put_u32(&writer, RH_TAG_LAST, at + chunk == len);
		int used = rh_record_end(&writer);
		err = used < 0 ? used : rh_parcel_add(parcel, part, (size_t)used);
	}
	return err;
}

int rh_parcel_plan(struct rh_parcel *parcel, const struct rh_center *center)
{
	json_t *plan = json_pack("{s:s, s:o, s:o}", "system", center->dirs.system,
		"resources", plan_list(center, RH_OBJECT_RESOURCE, plan_resource),
		"interfaces", plan_list(center, RH_OBJECT_INTERFACE, plan_interface));
	char   *text = json_dumps(plan, JSON_COMPACT | JSON_SORT_KEYS);

	*parcel = (struct rh_parcel){
		.type = RH_FRAME_PLAN, .revision = rh_center_revision(center),
	};
	if (text) /* before the revision comes in, which alone is no change */
		crypto_generichash(parcel->hash, sizeof parcel->hash,
		                   (unsigned char *)text, strlen(text), NULL, 0);
	free(text);
	json_object_set_new(plan, "revision",
	                    json_integer((json_int_t)parcel->revision));
	text = json_dumps(plan, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(plan);
	if (!text)
		return RH_ENOMEM;
	int err = strlen(text) > RH_PLAN_BYTES_MAX ? RH_EMSGSIZE
	                                           : cut(parcel, text, strlen(text));
	free(text);
	if (err)
		rh_parcel_fini(parcel);
	return err;
}
