#include "change_module.h"

#include "parts.h"
#include "rollback.h"

#include "../base/clock.h"
#include "../base/failpoint.h"
#include "../model/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* manifest is NULL for plain bytes, and borrowed. */
static struct rh_object *make_module(const struct rh_batch *batch, const char *sha256,
                                     size_t len, const json_t *manifest)
{
	const struct rh_key *key = &batch->center->key;
	char signature[RH_KEY_SIGNATURE_HEX], public_key[RH_KEY_PUBLIC_HEX];

	rh_key_sign(key, manifest ? RH_SIGNED_RULE : RH_SIGNED_MODULE, sha256, signature);
	rh_key_public(key, public_key);
	if (manifest)
		rh_failpoint("signed");
	json_t *json = json_pack("{s:I, s:{s:I}, s:{s:s, s:s, s:s}}",
		"owner", (json_int_t)batch->options->client->uid,
		"spec", "bytes", (json_int_t)len,
		"status", "algorithm", "ed25519", "publicKey", public_key,
		"signature", signature);
	if (manifest)
		json_object_set(json_object_get(json, "spec"), "manifest",
		                (json_t *)(uintptr_t)manifest);
	char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(json);
	struct rh_object *object = text ? rh_object_create(RH_OBJECT_MODULE, sha256,
	                                                   text, strlen(text)) : NULL;
	free(text);
	if (object)
		object->generation = 1;
	return object;
}

/* The bytes stay where they are until the batch is staged. */
static int put_module(struct rh_batch *batch, const char *sha256, const void *bytes,
                      size_t len, const json_t *manifest)
{
	struct rh_object *object = make_module(batch, sha256, len, manifest);

	if (!object)
		return rh_problem_set(batch->problem, RH_ENOMEM,
		                      "the center is out of memory");
	int err = rh_batch_put_object(batch, object, NULL);
	if (!err)
		rh_batch_blob(batch, sha256, bytes, len);
	return err;
}

static int check_hash(const char *sha256, const void *bytes, size_t len,
                      struct rh_problem *problem)
{
	char actual[65];

	rh_sha256_hex(bytes, len, actual);
	if (strcmp(actual, sha256) == 0)
		return RH_OK;
	return rh_problem_set(problem, RH_EINVAL,
		"the SHA-256 of the body is %s, the path says %s", actual, sha256);
}

/* Stages, or refuses what err says, and finishes the batch. */
static int conclude(struct rh_batch *batch, int err, const char *sha256,
                    json_t **ret_answer)
{
	struct rh_center *center = batch->center;

	if (err && !center->broken.code)
		rh_batch_refuse(batch, "Module", sha256);
	json_t *answer = err ? NULL : rh_change_show(center, RH_OBJECT_MODULE, sha256);
	if (!err)
		err = rh_batch_stage(batch);
	rh_batch_fini(batch);
	if (err)
		json_decref(answer);
	else
		*ret_answer = answer;
	return err;
}

int rh_change_module(struct rh_center *center, const char *sha256,
                     const void *bytes, size_t len,
                     const struct rh_change_options *options, json_t **ret_answer,
                     int *ret_created, struct rh_problem *problem)
{
	struct rh_batch batch;
	int created = !rh_catalog_find(&center->realm.catalog, RH_OBJECT_MODULE, sha256);
	int err = rh_batch_init(&batch, center, 1, options, problem);

	/* The same hash is the same bytes: nothing to do. */
	if (!err && created)
		err = check_hash(sha256, bytes, len, problem);
	if (created)
		err = err ? err : put_module(&batch, sha256, bytes, len, NULL);
	else if (!err) /* somebody is about to name it */
		rh_catalog_find(&center->realm.catalog, RH_OBJECT_MODULE, sha256)->put_ns =
			rh_clock_ns();
	err = conclude(&batch, err, sha256, ret_answer);
	rh_failpoint("part-staged");
	if (!err)
		*ret_created = created;
	return err;
}

/* ---- of rules ---- */

/* What the name was published as last; borrowed, NULL: never. */
struct latest {
	uint64_t version;
	json_t  *manifest;  /* without the version */
};

static const char *name_of(const json_t *manifest)
{
	const char *name = json_string_value(json_object_get(manifest, "name"));

	return name ? name : "";
}

static void look_at_one(const struct rh_object *object, const char *name,
                        struct latest *latest)
{
	json_t  *stored = strstr(object->text, "\"manifest\"") ? rh_object_parse(object) : NULL;
	json_t  *manifest = (json_t *)(uintptr_t)rh_parts_manifest(stored);
	uint64_t version = rh_rollback_version(manifest);

	if (manifest && strcmp(name_of(manifest), name) == 0 &&
	    (!latest->manifest || version > latest->version)) {
		json_decref(latest->manifest);
		latest->manifest = json_incref(manifest);
		latest->version = version;
	}
	json_decref(stored);
}

static void find_latest(const struct rh_center *center, const char *name,
                        struct latest *latest)
{
	size_t                   count;
	struct rh_object *const *at = rh_catalog_after(&center->realm.catalog,
	                                               RH_OBJECT_MODULE, NULL, &count);

	*latest = (struct latest){ .manifest = NULL };
	for (size_t i = 0; i < count; i++)
		look_at_one(at[i], name, latest);
	json_object_del(latest->manifest, "version");
}

/* The version is the revision at which it is published, so none comes twice, also when
 * the module is deleted.  The same as was published last under its name is that. */
static void give_version(const struct rh_center *center, json_t *manifest)
{
	struct latest latest;

	find_latest(center, name_of(manifest), &latest);
	if (!latest.manifest || !json_equal(latest.manifest, manifest))
		latest.version = rh_center_revision(center) + 1;
	if (latest.version)
		json_object_set_new(manifest, "version",
		                    json_integer((json_int_t)latest.version));
	json_decref(latest.manifest);
}

static int is_published(const struct rh_center *center, const char *sha256)
{
	const struct rh_object *object = rh_catalog_find(&center->realm.catalog,
	                                                 RH_OBJECT_MODULE, sha256);
	json_t *stored = object ? rh_object_parse(object) : NULL;
	int     is = rh_parts_manifest(stored) != NULL;

	json_decref(stored);
	return is;
}

/* The objects that were built are modules like every other part. */
static int put_objects(struct rh_batch *batch, const struct rh_parts *parts)
{
	int err = RH_OK;

	for (unsigned i = 0; i < parts->object_count && !err; i++) {
		const struct rh_parts_object *object = &parts->objects[i];

		if (!rh_catalog_find(&batch->center->realm.catalog, RH_OBJECT_MODULE,
		                     object->sha256))
			err = put_module(batch, object->sha256, object->bytes, object->len, NULL);
	}
	return err;
}

static int publish(struct rh_center *center, const struct rh_parts *parts,
                   const char *text, const struct rh_change_options *options,
                   json_t **ret_answer, int *ret_created, struct rh_problem *problem)
{
	struct rh_batch batch;
	char            sha256[65];

	rh_sha256_hex(text, strlen(text), sha256);
	/* Somebody may have put the same text as bytes before: that is no rule's yet. */
	int created = !is_published(center, sha256);
	int err = rh_batch_init(&batch, center, 1 + RH_PARTS_OBJECTS, options, problem);
	if (!err && created)
		err = put_objects(&batch, parts);
	rh_failpoint("object-put");
	if (!err && created)
		err = put_module(&batch, sha256, text, strlen(text), parts->manifest);
	err = conclude(&batch, err, sha256, ret_answer);
	rh_failpoint("publish-staged");
	if (!err)
		*ret_created = created;
	return err;
}

int rh_change_publish(struct rh_center *center, const json_t *body,
                      const struct rh_change_options *options, json_t **ret_answer,
                      int *ret_created, int *ret_is_building,
                      struct rh_problem *problem)
{
	struct rh_decode decode = { .problem = problem };
	struct rh_parts  parts = { .manifest = NULL };
	const char      *name = json_string_value(json_object_get(body, "name"));
	int              err = rh_shape_module(&decode, body);

	rh_failpoint("manifest-posted");
	if (!err)
		err = rh_parts_collect(center, body, &parts, problem);
	*ret_is_building = !err && parts.is_building;
	if (*ret_is_building)
		return RH_OK;
	if (err) {
		rh_change_refused(center, "Module", name ? name : "", options, problem);
		return err;
	}
	give_version(center, parts.manifest);
	char *text = json_dumps(parts.manifest, JSON_COMPACT | JSON_SORT_KEYS);
	if (text)
		err = publish(center, &parts, text, options, ret_answer, ret_created,
		              problem);
	else
		err = rh_problem_set(problem, RH_ENOMEM, "the center is out of memory");
	free(text);
	json_decref(parts.manifest);
	return err;
}

/* ---- away ---- */

/* The name in the batch must live until it is staged: that of the object does, in the
 * realm's log of what can be undone. */
static int remove_bytes(struct rh_batch *batch, const char *sha256)
{
	const struct rh_object *object = rh_catalog_find(&batch->center->realm.catalog,
	                                                 RH_OBJECT_MODULE, sha256);
	int err = rh_batch_remove(batch, RH_OBJECT_MODULE, sha256);

	if (!err)
		rh_batch_blob(batch, object->name, NULL, 0);
	return err;
}

/* A part goes when it was there for this module alone, whatever its own revision is. */
static int remove_part(struct rh_batch *batch, const char *sha256, const char *module)
{
	const struct rh_realm          *realm = &batch->center->realm;
	const struct rh_change_options *options = batch->options;
	struct rh_change_options        any = *options;
	char                            user[RH_PARTS_USER_MAX];

	rh_parts_user(realm, sha256, module, user);
	if (user[0] || !rh_catalog_find(&realm->catalog, RH_OBJECT_MODULE, sha256))
		return RH_OK;
	any.expected = RH_CHANGE_ANY;
	batch->options = &any;
	int err = remove_bytes(batch, sha256);
	batch->options = options;
	return err;
}

int rh_change_remove_module(struct rh_batch *batch, const char *sha256)
{
	const struct rh_realm  *realm = &batch->center->realm;
	const struct rh_object *object = rh_catalog_find(&realm->catalog, RH_OBJECT_MODULE,
	                                                 sha256);
	char        user[RH_PARTS_USER_MAX];
	const char *what;
	json_t     *part;

	rh_parts_user(realm, sha256, NULL, user);
	if (user[0])
		return rh_problem_set(batch->problem, RH_EBUSY,
			"module %s is used by %s", sha256, user);
	json_t *stored = object ? rh_object_parse(object) : NULL;
	json_t *parts = json_object_get(rh_parts_manifest(stored), "parts");
	int     err = remove_bytes(batch, sha256);
	json_object_foreach(parts, what, part) {
		if (!err)
			err = remove_part(batch, json_string_value(json_object_get(part,
			                  "sha256")), sha256);
	}
	json_decref(stored);
	return err;
}
