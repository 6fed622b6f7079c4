#include "item.h"

#include "center.h"
#include "code_item.h"
#include "codetext.h"
#include "sentence.h"
#include "stale.h"

#include "../model/check.h"
#include "../model/error.h"
#include "../model/judge.h"
#include "../model/sched.h"
#include "../rules/hook.h"
#include "../wire/frame.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An exception ends for agents when the center has written that it ended, not by the
 * clock: so what an item says depends on the revision alone.  (The end of one that was
 * written as ended is 1.) */
#define NOW_MS 1u

void rh_item_encoder_init(struct rh_item_encoder *encoder,
                          const struct rh_center *center)
{
	*encoder = (struct rh_item_encoder){ .center = center };
}

void rh_item_encoder_fini(struct rh_item_encoder *encoder)
{
	json_decref(encoder->stored);
	encoder->stored = NULL;
	encoder->callee = NULL;
}

struct rh_item_key rh_item_key_of(const char *caller, const char *callee)
{
	struct rh_item_key key = { .caller = { .len = 0 } };

	RH_CHECK(rh_name_init(&key.caller, caller, strlen(caller)) == RH_OK);
	if (callee)
		RH_CHECK(rh_name_init(&key.callee, callee, strlen(callee)) == RH_OK);
	return key;
}

/* ---- code ---- */

static void put_codes(struct rh_record_writer *writer, const struct rh_center *center,
                      const char *caller, const char *callee)
{
	const struct rh_realm *realm = &center->realm;

	for (unsigned i = 0; i < rh_hook_count; i++) {
		const struct rh_protocol_rule *rule = rh_protocols_find(&realm->hooks[i],
		                                                        caller, callee);

		if (rule && rh_hook_at(&rh_hooks[i]) != RH_AT_PROCESS)
			rh_code_item_put(writer, &center->key, rule, caller, callee);
		rule = rh_protocols_find(&realm->shadows[i], caller, callee);
		if (rule)
			rh_code_item_put(writer, &center->key, rule, caller, callee);
	}
}

struct own_codes {
	const struct rh_key     *key;
	struct rh_record_writer *writer;
	const char              *resource;
};

static void put_own_code(void *user, const struct rh_protocol_rule *rule)
{
	const struct own_codes *own = user;

	rh_code_item_put(own->writer, own->key, rule, own->resource, "");
}

/* ---- scheduling ---- */

static const char *text_at(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static const char *or_default(const json_t *json, const char *key, const char *text)
{
	const char *value = text_at(json, key);

	return value ? value : text;
}

static void put_sched(void *user, const struct rh_protocol_rule *rule)
{
	struct rh_record_writer *writer = user;
	const json_t            *sched = rule->code->code;
	size_t                   place = rh_record_open(writer, RH_TAG_SCHED_ITEM);
	char                     text[48];

	rh_record_put_text(writer, RH_TAG_RULE, rule->rule);
	rh_record_put_u64(writer, RH_TAG_REVISION, rule->revision);
	rh_record_put_text(writer, RH_TAG_POLICY, text_at(sched, "use"));
	rh_record_put_text(writer, RH_TAG_MODE, or_default(sched, "carrier",
		rh_sched_carrier_text(RH_SCHED_HOST)));
	for (int i = 0; i < RH_SCHED_NUMBERS; i++) {
		const json_t *number = json_object_get(sched, rh_sched_ranges[i].name);

		if (!number)
			continue;
		snprintf(text, sizeof text, "%s=%lld", rh_sched_ranges[i].name,
		         (long long)json_integer_value(number));
		rh_record_put_text(writer, RH_TAG_ENV, text);
	}
	rh_record_close(writer, place);
}

/* ---- a resource ---- */

static void put_texts(struct rh_record_writer *writer, uint16_t tag,
                      const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		rh_record_put_text(writer, tag,
		                   json_string_value(json_array_get(list, i)));
}

/* Without a uid in allow, the one that applied the resource may run as it. */
static void put_uids(struct rh_record_writer *writer, const json_t *allow,
                     const json_t *owner)
{
	json_t *uids = json_object_get(allow, "uid");

	if (json_array_size(uids) == 0)
		rh_record_put_u32(writer, RH_TAG_UID,
		                  (uint32_t)json_integer_value(owner));
	for (size_t i = 0; i < json_array_size(uids); i++)
		rh_record_put_u32(writer, RH_TAG_UID, (uint32_t)json_integer_value(
		                  json_array_get(uids, i)));
}

static void put_serve(struct rh_record_writer *writer, const json_t *serve)
{
	const char   *library = text_at(serve, "library");
	const json_t *program = json_object_get(serve, "program");

	if (library)
		rh_record_put_text(writer, RH_TAG_LIBRARY, library);
	if (program)
		rh_record_put_text(writer, RH_TAG_PROGRAM,
		                   json_string_value(json_array_get(program, 0)));
}

void rh_item_put_self(const struct rh_center *center, struct rh_record_writer *writer,
                      const struct rh_object *object)
{
	json_t     *stored = rh_object_parse(object);
	json_t     *spec = json_object_get(stored, "spec");
	json_t     *allow = json_object_get(spec, "allow");
	json_t     *context = json_object_get(spec, "context");
	const char *interface = text_at(spec, "interface");

	rh_record_put_text(writer, RH_TAG_RESOURCE, object->name);
	rh_record_put_text(writer, RH_TAG_TYPE, text_at(spec, "type"));
	if (interface)
		rh_record_put_text(writer, RH_TAG_INTERFACE, interface);
	put_uids(writer, allow, json_object_get(stored, "owner"));
	put_texts(writer, RH_TAG_EXE, json_object_get(allow, "exe"));
	put_texts(writer, RH_TAG_ENV, json_object_get(context, "env"));
	rh_record_put_u32(writer, RH_TAG_LOCALE_ON,
	                  json_is_true(json_object_get(context, "locale")));
	put_serve(writer, json_object_get(spec, "serve"));
	rh_stale_put(writer, &center->realm.catalog);
	for (unsigned i = 0; i < rh_hook_count; i++)
		rh_protocols_own(&center->realm.hooks[i], object->name, put_own_code,
		                 &(struct own_codes){ &center->key, writer, object->name });
	rh_protocols_own(&center->realm.scheds, object->name, put_sched, writer);
	json_decref(stored);
}

/* ---- an edge ---- */

static const struct rh_object *find_resource(const struct rh_center *center,
                                             const struct rh_name *name)
{
	return rh_catalog_find(&center->realm.catalog, RH_OBJECT_RESOURCE, name->text);
}

/* Many edges in a row have the same callee: it is parsed once. */
static json_t *callee_of(struct rh_item_encoder *encoder, const struct rh_name *name)
{
	const struct rh_object *object = find_resource(encoder->center, name);

	if (object && object == encoder->callee)
		return encoder->stored;
	rh_item_encoder_fini(encoder);
	encoder->callee = object;
	encoder->stored = object ? rh_object_parse(object) : NULL;
	return encoder->stored;
}

/* What the caller's side must know of the callee: its interface, and what of the
 * caller's process goes along with a call. */
static void put_callee(struct rh_record_writer *writer, const json_t *stored)
{
	json_t     *spec = json_object_get(stored, "spec");
	json_t     *context = json_object_get(spec, "context");
	const char *interface = text_at(spec, "interface");

	if (interface)
		rh_record_put_text(writer, RH_TAG_INTERFACE, interface);
	put_texts(writer, RH_TAG_ENV, json_object_get(context, "env"));
	rh_record_put_u32(writer, RH_TAG_LOCALE_ON,
	                  json_is_true(json_object_get(context, "locale")));
}

static void put_type(struct rh_record_writer *writer, uint16_t tag, int type)
{
	if (type != RH_TYPES)
		rh_record_put_text(writer, tag, rh_type_text(type));
}

/* An edge that is being revoked is allowed until then. */
static void put_deadline(struct rh_record_writer *writer, int after,
                         const struct rh_revocation *revocation)
{
	rh_record_put_i32(writer, RH_TAG_VERDICT, RH_OK);
	rh_record_put_u64(writer, RH_TAG_DEADLINE, revocation->deadline_ns);
	rh_record_put_i32(writer, RH_TAG_AFTER, after);
}

static void put_verdict(struct rh_record_writer *writer,
                        const struct rh_center *center,
                        const struct rh_verdict *verdict)
{
	const struct rh_registry   *registry = &center->realm.registry;
	const struct rh_revocation *revocation = rh_verdict_error(verdict) == RH_ELAYER
		? rh_revocation_find(&center->revocations, &verdict->caller,
		                     &verdict->callee) : NULL;
	char text[RH_SENTENCE_MAX];

	rh_sentence_verdict(verdict, &registry->hierarchy, text, sizeof text);
	if (revocation)
		put_deadline(writer, RH_ELAYER, revocation);
	else
		rh_record_put_i32(writer, RH_TAG_VERDICT, rh_verdict_error(verdict));
	if (verdict->rule.len) {
		rh_record_put_text(writer, RH_TAG_RULE, verdict->rule.text);
		rh_record_put_u64(writer, RH_TAG_REVISION, verdict->revision);
	}
	rh_record_put_text(writer, RH_TAG_TEXT, text);
}

static void put_limit(struct rh_record_writer *writer,
                      const struct rh_protocol_rule *limit)
{
	size_t place = rh_record_open(writer, RH_TAG_LIMIT_ITEM);

	rh_record_put_text(writer, RH_TAG_RULE, limit->rule);
	rh_record_put_u64(writer, RH_TAG_REVISION, limit->revision);
	rh_record_put_u32(writer, RH_TAG_COUNT, (uint32_t)strtoul(limit->use, NULL, 10));
	rh_record_close(writer, place);
}

static void put_edge(struct rh_item_encoder *encoder, struct rh_record_writer *writer,
                     const struct rh_verdict *verdict, enum rh_item_form form)
{
	const struct rh_realm         *realm = &encoder->center->realm;
	const struct rh_protocol_rule *limit = rh_protocols_find(&realm->limits,
		verdict->caller.text, verdict->callee.text);

	rh_record_put_text(writer, RH_TAG_CALLER, verdict->caller.text);
	rh_record_put_text(writer, RH_TAG_CALLEE, verdict->callee.text);
	if (form == RH_ITEM_WHOLE)
		put_type(writer, RH_TAG_CALLER_TYPE, verdict->caller_type);
	put_type(writer, RH_TAG_TYPE, form == RH_ITEM_OF_CALLEE ? verdict->caller_type
	                                                        : verdict->callee_type);
	put_callee(writer, callee_of(encoder, &verdict->callee));
	rh_record_put_text(writer, RH_TAG_PROTOCOL, rh_realm_use(realm,
		verdict->caller.text, verdict->callee.text));
	if (limit)
		put_limit(writer, limit);
	put_codes(writer, encoder->center, verdict->caller.text, verdict->callee.text);
	put_verdict(writer, encoder->center, verdict);
}

static void judge(const struct rh_item_encoder *encoder, const struct rh_name *caller,
                  const struct rh_name *callee, struct rh_verdict *ret_verdict)
{
	rh_judge_pair(&encoder->center->realm.registry, caller, callee, NOW_MS,
	              ret_verdict);
}

void rh_item_put_edge(struct rh_item_encoder *encoder, struct rh_record_writer *writer,
                      const struct rh_name *caller, const struct rh_name *callee,
                      enum rh_item_form form)
{
	struct rh_verdict verdict;

	judge(encoder, caller, callee, &verdict);
	put_edge(encoder, writer, &verdict, form);
}

/* ---- either ---- */

static int put_body(struct rh_item_encoder *encoder, const struct rh_item_key *key,
                    struct rh_record_writer *writer)
{
	const struct rh_object *object;
	struct rh_verdict       verdict;
	size_t                  place;

	if (key->callee.len == 0) {
		object = find_resource(encoder->center, &key->caller);
		if (!object)
			return 0;
		place = rh_record_open(writer, RH_TAG_SELF);
		rh_item_put_self(encoder->center, writer, object);
	} else {
		judge(encoder, &key->caller, &key->callee, &verdict);
		if (!verdict.is_declared)
			return 0;
		place = rh_record_open(writer, RH_TAG_EDGE_ITEM);
		put_edge(encoder, writer, &verdict, RH_ITEM_WHOLE);
	}
	rh_record_close(writer, place);
	return 1;
}

int rh_item_body(struct rh_item_encoder *encoder, const struct rh_item_key *key,
                 struct rh_record_writer *writer)
{
	int is_there = put_body(encoder, key, writer);
	int used = rh_record_end(writer);

	return used < 0 ? used : is_there;
}

void rh_item_wrap(struct rh_record_writer *writer, const struct rh_item_key *key,
                  uint64_t revision, const void *body, size_t body_bytes)
{
	rh_record_put_text(writer, RH_TAG_CALLER, key->caller.text);
	if (key->callee.len)
		rh_record_put_text(writer, RH_TAG_CALLEE, key->callee.text);
	rh_record_put_u64(writer, RH_TAG_REVISION, revision);
	if (body_bytes) {
		if (writer->cap - writer->used < body_bytes)
			writer->failed = 1;
		else
			memcpy(writer->bytes + writer->used, body, body_bytes);
		writer->used += writer->failed ? 0 : body_bytes;
	}
}
