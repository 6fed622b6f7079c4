#include "shape.h"

#include "parts.h"
#include "probe.h"
#include "rollback.h"
#include "when.h"

#include "../model/error.h"
#include "../rules/event_chain.h"
#include "../rules/hook.h"

#include <string.h>

static int check_module(struct rh_decode *decode, const json_t *value)
{
	size_t      prefix = sizeof RH_MODULE_PREFIX - 1;
	const char *text = json_string_value(value);

	if (!text || strncmp(text, RH_MODULE_PREFIX, prefix) != 0 ||
	    !rh_is_sha256(text + prefix))
		return rh_decode_refuse(decode, "must be \"" RH_MODULE_PREFIX "\" and 64 hex "
			"digits in lower case, as `rhodes rule publish` prints it");
	return RH_OK;
}

static int check_time(struct rh_decode *decode, const json_t *value)
{
	uint64_t ms;
	int      err = rh_decode_string(decode, value, 1, 16, 0);

	if (!err && (rh_when_duration(json_string_value(value), RH_CODE_TIME_MAX_MS,
	                              &ms) != RH_OK || ms == 0))
		err = rh_decode_refuse(decode, "\"%.16s\" is not a time such as 10ms, from "
			"1ms to 1s", json_string_value(value));
	return err;
}

static int check_fuel(struct rh_decode *decode, const json_t *value)
{
	return rh_decode_integer(decode, value, 0, INT64_MAX);
}

static int check_limits(struct rh_decode *decode, const json_t *value)
{
	static const struct rh_field fields[] = {
		{ "memory", rh_shape_memory, 0 },
		{ "time",   check_time,      0 },
		{ "fuel",   check_fuel,      0 },
	};

	return rh_decode_fields(decode, value, RH_FIELDS(fields));
}

static int check_policy(struct rh_decode *decode, const json_t *value)
{
	static const char *const policies[] = {
		"keep-last", "fail-open", "fail-closed", NULL,
	};

	return rh_decode_choice(decode, value, policies);
}

static int check_param(struct rh_decode *decode, const char *name, const json_t *value)
{
	size_t len = strlen(name);

	if (len == 0 || len > RH_CODE_PARAM_MAX)
		return rh_decode_refuse(decode, "a parameter's name has 1 to %u bytes",
		                        RH_CODE_PARAM_MAX);
	if (strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	           "0123456789._-") != len)
		return rh_decode_refuse(decode, "a parameter's name holds letters, digits, "
		                        "'.', '_' and '-'");
	return rh_decode_string(decode, value, 0, RH_CODE_VALUE_MAX, 0);
}

static int check_params(struct rh_decode *decode, const json_t *value)
{
	const char *name;
	json_t     *param;
	int         err = RH_OK;

	if (!json_is_object(value))
		return rh_decode_refuse(decode, "must be an object of strings");
	if (json_object_size(value) > RH_CODE_PARAMS_MAX)
		return rh_decode_refuse(decode, "has %zu parameters, the limit is %u",
		                        json_object_size(value), RH_CODE_PARAMS_MAX);
	json_object_foreach((json_t *)(uintptr_t)value, name, param) {
		size_t mark = rh_decode_enter(decode, name);

		err = check_param(decode, name, param);
		rh_decode_leave(decode, mark);
		if (err)
			break;
	}
	return err;
}

/* The hooks that a program asks; at two of them it names the place by a key. */
static int check_key(struct rh_decode *decode, const json_t *value)
{
	const char           *name = json_string_value(json_object_get(value, "hook"));
	const struct rh_hook *hook = rh_hook_find(name);
	int                   is_user = strcmp(name, "user") == 0;
	int                   has_key = json_object_get(value, "key") != NULL;

	if (has_key && !is_user && strcmp(name, "cache") != 0)
		return rh_decode_refuse(decode, "has a key, which only rules of the hooks user "
			"and cache have");
	if (hook && rh_hook_at(hook) == RH_AT_PROCESS && !json_object_get(value, "resource"))
		return rh_decode_refuse(decode, "has the hook %s, which is asked in the programs "
			"of a resource: name that, not an edge", name);
	if (is_user && !has_key)
		return rh_decode_refuse(decode, "has the hook user: it must have the key by which "
			"the program asks");
	return RH_OK;
}

static int check_event(struct rh_decode *decode, const json_t *value)
{
	int err = rh_decode_string(decode, value, 1, RH_EVENT_NAME_MAX, 0);

	if (!err && !rh_event_name_check(json_string_value(value)))
		err = rh_decode_refuse(decode, "the name of an event is [a-z][a-z0-9_.-]*");
	return err;
}

static int check_order(struct rh_decode *decode, const json_t *value)
{
	return rh_decode_integer(decode, value, 0, RH_CODE_ORDER_MAX);
}

/* A rule for events: which of them, and where in the chain. */
static int check_chain(struct rh_decode *decode, const json_t *value)
{
	int is_event = strcmp(json_string_value(json_object_get(value, "hook")), "event") == 0;
	int has_event = json_object_get(value, "event") != NULL;

	if (!is_event && (has_event || json_object_get(value, "order")))
		return rh_decode_refuse(decode, "has %s, which only rules of the hook event have",
		                        has_event ? "an event" : "an order");
	if (is_event && (!has_event || !json_object_get(value, "resource")))
		return rh_decode_refuse(decode, "has the hook event: it must have the resource whose "
			"agent tells the event, and the event");
	return RH_OK;
}

int rh_shape_code(struct rh_decode *decode, const json_t *value)
{
	static const struct rh_field fields[] = {
		{ "hook",      rh_shape_hook,    1 },
		{ "edge",      rh_shape_pattern, 0 },
		{ "resource",  rh_decode_name,   0 },
		{ "key",       rh_decode_rule_name, 0 },
		{ "event",     check_event,      0 },
		{ "order",     check_order,      0 },
		{ "module",    check_module,     1 },
		{ "mode",      rh_shape_mode,    1 },
		{ "limits",    check_limits,     0 },
		{ "onFailure", check_policy,     0 },
		{ "params",    check_params,     0 },
		{ "attach",    rh_probe_attach,  0 },
		{ "keep",      rh_probe_keep,    0 },
		{ "rollout",   rh_shape_rollout, 0 },
		{ "shadow",    rh_decode_boolean, 0 },
		{ "rollback",  rh_rollback_shape, 0 },
	};
	int err = rh_decode_fields(decode, value, RH_FIELDS(fields));

	if (!err && !json_object_get(value, "edge") == !json_object_get(value, "resource"))
		err = rh_decode_refuse(decode, "must have either an edge or a resource where "
		                       "the rule runs");
	if (!err)
		err = check_key(decode, value);
	if (!err && json_is_true(json_object_get(value, "shadow")) &&
	    strcmp(json_string_value(json_object_get(value, "hook")), "filter") != 0)
		err = rh_decode_refuse(decode, "is a shadow, which only rules of hook filter can "
		                       "be");
	if (!err)
		err = check_chain(decode, value);
	if (!err)
		err = rh_probe_pair(decode, value);
	return err ? err : rh_probe_shape(decode, value);
}
