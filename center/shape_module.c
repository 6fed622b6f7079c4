#include "shape.h"

#include "parts.h"
#include "probe.h"

#include "../base/size.h"
#include "../model/check.h"
#include "../model/error.h"
#include "../rules/hook.h"
#include "../rules/wasi.h"

#include <string.h>

#define HOOKS_MAX 32u

static const char *const modes[] = { "wasm", "native", "ebpf", NULL };

int rh_shape_hook(struct rh_decode *decode, const json_t *value)
{
	const char *hooks[HOOKS_MAX + 1] = { NULL };

	RH_CHECK(rh_hook_count <= HOOKS_MAX);
	for (unsigned i = 0; i < rh_hook_count; i++)
		hooks[i] = rh_hooks[i].name;
	return rh_decode_choice(decode, value, hooks);
}

int rh_shape_mode(struct rh_decode *decode, const json_t *value)
{
	return rh_decode_choice(decode, value, modes);
}

int rh_shape_memory(struct rh_decode *decode, const json_t *value)
{
	uint64_t bytes;
	int      err = rh_decode_string(decode, value, 1, 16, 0);

	if (!err && (rh_size_read(json_string_value(value), RH_CODE_MEMORY_MAX,
	                          &bytes) != RH_OK || bytes == 0 ||
	             bytes % RH_CODE_PAGE != 0))
		err = rh_decode_refuse(decode, "\"%.16s\" is not a size such as 64Ki or 1Mi, a "
			"multiple of 64Ki of at most 256Mi", json_string_value(value));
	return err;
}

static int check_abi(struct rh_decode *decode, const json_t *value)
{
	return rh_decode_integer(decode, value, 1, RH_CODE_ABI_MAX);
}

/* What a rule may do beyond its hook, of WASI; each once. */
static int check_capabilities(struct rh_decode *decode, const json_t *value)
{
	unsigned seen = 0;
	size_t   i;
	json_t  *item;

	if (!json_is_array(value))
		return rh_decode_refuse(decode, "must be an array");
	json_array_foreach(value, i, item) {
		const char *name = json_string_value(item);
		int         capability = name ? rh_capability_find(name) : -1;

		if (capability < 0)
			return rh_decode_refuse(decode, "asks for \"%.32s\", which is no capability; "
				"there are %s", name ? name : "what is no text", rh_capability_names());
		if (seen & 1u << capability)
			return rh_decode_refuse(decode, "asks for %s twice", name);
		seen |= 1u << capability;
	}
	return RH_OK;
}

/* Objects that are built besides the usual one. */
static int check_variants(struct rh_decode *decode, const json_t *value)
{
	static const char *const names[] = { "portable", "fuel", NULL };
	size_t  i;
	json_t *item;
	int     err = RH_OK;

	if (!json_is_array(value) || json_array_size(value) > 2)
		return rh_decode_refuse(decode, "must be an array of portable and fuel");
	json_array_foreach(value, i, item) {
		if (!err)
			err = rh_decode_choice(decode, item, names);
	}
	if (!err && json_array_size(value) == 2 &&
	    json_equal(json_array_get(value, 0), json_array_get(value, 1)))
		err = rh_decode_refuse(decode, "names one twice");
	return err;
}

static int check_parts(struct rh_decode *decode, const json_t *value)
{
	static const struct rh_field fields[RH_PARTS_MAX] = {
		{ "source", rh_decode_sha256, 0 },
		{ "wasm",   rh_decode_sha256, 0 },
		{ "object", rh_decode_sha256, 0 },
	};

	return rh_decode_fields(decode, value, RH_FIELDS(fields));
}

static int check_version(struct rh_decode *decode, const json_t *manifest)
{
	const struct rh_hook *hook = rh_hook_find(json_string_value(
		json_object_get(manifest, "hook")));
	json_int_t abi = json_integer_value(json_object_get(manifest, "abi"));
	size_t     mark = rh_decode_enter(decode, "abi");
	int        err = RH_OK;

	if (abi != hook->version)
		err = rh_decode_refuse(decode, "is %lld, but the hook %s has version %u here: "
			"build the rule with the headers of this Rhodes", (long long)abi,
			hook->name, hook->version);
	rh_decode_leave(decode, mark);
	return err;
}

/* Of WebAssembly the center makes the object itself, so none may be slipped in. */
static int check_mode_parts(struct rh_decode *decode, const json_t *manifest)
{
	const char   *mode = json_string_value(json_object_get(manifest, "mode"));
	const json_t *parts = json_object_get(manifest, "parts");
	int           is_wasm = strcmp(mode, "wasm") == 0;
	const char   *needed = is_wasm ? "wasm" : "object";
	const char   *other = is_wasm ? "object" : "wasm";
	size_t        mark = rh_decode_enter(decode, "parts");
	int           err = RH_OK;

	if (!json_object_get(parts, needed))
		err = rh_decode_refuse(decode, "\"%s\" is missing: mode %s needs it", needed,
		                       mode);
	else if (json_object_get(parts, other))
		err = rh_decode_refuse(decode, "a module of mode %s has no part \"%s\"", mode,
		                       other);
	rh_decode_leave(decode, mark);
	return err;
}

int rh_shape_module(struct rh_decode *decode, const json_t *manifest)
{
	static const struct rh_field fields[] = {
		{ "name",         rh_decode_rule_name, 0 },
		{ "hook",         rh_shape_hook,       1 },
		{ "abi",          check_abi,           1 },
		{ "mode",         rh_shape_mode,       1 },
		{ "memory",       rh_shape_memory,     0 },
		{ "capabilities", check_capabilities,  0 },
		{ "parts",        check_parts,         1 },
		{ "variants",     check_variants,      0 },
	};
	int err = rh_decode_fields(decode, manifest, RH_FIELDS(fields));

	if (!err)
		err = check_version(decode, manifest);
	if (!err)
		err = rh_probe_pair(decode, manifest);
	return err ? err : check_mode_parts(decode, manifest);
}
