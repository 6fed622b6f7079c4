#include "code_item.h"

#include "codetext.h"
#include "limits.h"
#include "parts.h"
#include "rollback.h"
#include "when.h"

#include "../base/order.h"
#include "../base/size.h"
#include "../model/error.h"
#include "../rules/limits.h"
#include "../wire/frame.h"

#include <stdio.h>

static const char *text_at(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static const char *or_default(const json_t *json, const char *key, const char *text)
{
	const char *value = text_at(json, key);

	return value ? value : text;
}

static void put_code_limits(struct rh_record_writer *writer, const json_t *limits)
{
	const char *memory = text_at(limits, "memory"), *time = text_at(limits, "time");
	uint64_t    bytes, ms;
	json_int_t  fuel = json_integer_value(json_object_get(limits, "fuel"));

	if (memory && rh_size_read(memory, RH_CODE_MEMORY_MAX, &bytes) == RH_OK)
		rh_record_put_u64(writer, RH_TAG_BYTES, bytes);
	if (time && rh_when_duration(time, RH_CODE_TIME_MAX_MS, &ms) == RH_OK)
		rh_record_put_u64(writer, RH_TAG_TOOK, ms * 1000000u);
	if (fuel > 0)
		rh_record_put_u64(writer, RH_TAG_FUEL, (uint64_t)fuel);
}

static void put_params(struct rh_record_writer *writer, const json_t *params)
{
	char        text[RH_CODE_PARAM_MAX + RH_CODE_VALUE_MAX + 2];
	const char *name;
	json_t     *value;

	json_object_foreach((json_t *)(uintptr_t)params, name, value) {
		snprintf(text, sizeof text, "%s=%s", name, json_string_value(value));
		rh_record_put_text(writer, RH_TAG_ENV, text);
	}
}

/* Where programs of eBPF go, and what the next version takes over: beside the parameters,
 * under names that no parameter has. */
static void put_probe(struct rh_record_writer *writer, const json_t *code)
{
	char        text[RH_BPF_NAME_MAX + RH_BPF_POINT_MAX + 3];
	const char *name;
	size_t      i;
	json_t     *value;

	json_object_foreach(json_object_get(code, "attach"), name, value) {
		snprintf(text, sizeof text, "@%s=%s", name, json_string_value(value));
		rh_record_put_text(writer, RH_TAG_ENV, text);
	}
	json_array_foreach(json_object_get(code, "keep"), i, value) {
		snprintf(text, sizeof text, "+%s=", json_string_value(value));
		rh_record_put_text(writer, RH_TAG_ENV, text);
	}
}

/* Of a rule for events: which, and its place in the chain. */
static void put_event(struct rh_record_writer *writer, const json_t *code)
{
	if (!text_at(code, "event"))
		return;
	rh_record_put_text(writer, RH_TAG_KEY, text_at(code, "event"));
	rh_record_put_u32(writer, RH_TAG_COUNT, (uint32_t)json_integer_value(
		json_object_get(code, "order")));
}

static void put_records(struct rh_record_writer *writer,
                        const struct rh_protocol_rule *rule)
{
	const json_t *code = rule->code->code;

	rh_record_put_text(writer, RH_TAG_RULE, rule->rule);
	rh_record_put_u64(writer, RH_TAG_REVISION, rule->revision);
	rh_record_put_text(writer, RH_TAG_HOOK, text_at(code, "hook"));
	rh_record_put_text(writer, RH_TAG_MODULE,
	                   text_at(code, "module") + sizeof RH_MODULE_PREFIX - 1);
	rh_record_put_text(writer, RH_TAG_MODE, text_at(code, "mode"));
	if (json_is_true(json_object_get(code, "shadow")))
		rh_record_put_u32(writer, RH_TAG_FLAGS, RH_CODE_SHADOW);
	if (text_at(code, "key"))
		rh_record_put_text(writer, RH_TAG_KEY, text_at(code, "key"));
	put_event(writer, code);
	rh_record_put_text(writer, RH_TAG_POLICY, or_default(code, "onFailure",
	                                                     RH_CODE_POLICY));
	put_code_limits(writer, json_object_get(code, "limits"));
	put_params(writer, json_object_get(code, "params"));
	put_probe(writer, code);
	if (json_object_get(code, RH_ROLLBACK_LEAVES))
		rh_record_put_u64(writer, RH_TAG_ROLLBACK, (uint64_t)json_integer_value(
			json_object_get(code, RH_ROLLBACK_LEAVES)));
}

/* The same records have the same signature: an item whose bytes are the same is not
 * told again. */
static void sign(struct rh_record_writer *writer, const struct rh_key *key, size_t begin,
                 const char *caller, const char *callee)
{
	char content[RH_SHA256_HEX], digest[RH_SHA256_HEX], signature[RH_KEY_SIGNATURE_HEX];

	if (writer->failed)
		return;
	rh_sha256_hex(writer->bytes + begin, writer->used - begin, content);
	rh_order_digest(caller, callee, content, digest);
	rh_key_sign(key, RH_SIGNED_ORDER, digest, signature);
	rh_record_put_text(writer, RH_TAG_SIGNATURE, signature);
}

void rh_code_item_put(struct rh_record_writer *writer, const struct rh_key *key,
                      const struct rh_protocol_rule *rule, const char *caller,
                      const char *callee)
{
	size_t place = rh_record_open(writer, RH_TAG_CODE_ITEM);
	size_t begin = writer->used;

	put_records(writer, rule);
	sign(writer, key, begin, caller, callee);
	rh_record_close(writer, place);
}
