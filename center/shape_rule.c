#include "shape.h"

#include "protocols.h"
#include "revocation.h"
#include "stale.h"
#include "when.h"

#include "../model/error.h"
#include "../model/limits.h"

#include <string.h>

static int check_edge(struct rh_decode *decode, const json_t *value)
{
	int err = rh_decode_list(decode, value, 2, rh_decode_name);

	if (!err && json_array_size(value) != 2)
		err = rh_decode_refuse(decode, "must be [caller, callee]");
	if (!err && json_equal(json_array_get(value, 0), json_array_get(value, 1)))
		err = rh_decode_refuse(decode, "%s may not call itself",
		                       json_string_value(json_array_get(value, 0)));
	return err;
}

/* A name, or "*" for every resource. */
static int check_end(struct rh_decode *decode, const json_t *value)
{
	if (json_is_string(value) &&
	    strcmp(json_string_value(value), RH_PROTOCOL_ANY) == 0)
		return RH_OK;
	return rh_decode_name(decode, value);
}

int rh_shape_pattern(struct rh_decode *decode, const json_t *value)
{
	int err = rh_decode_list(decode, value, 2, check_end);

	if (!err && json_array_size(value) != 2)
		err = rh_decode_refuse(decode, "must be [caller, callee], each a name or \"*\"");
	if (!err && json_equal(json_array_get(value, 0), json_array_get(value, 1)) &&
	    strcmp(json_string_value(json_array_get(value, 0)), RH_PROTOCOL_ANY) != 0)
		err = rh_decode_refuse(decode, "%s may not call itself",
		                       json_string_value(json_array_get(value, 0)));
	return err;
}

static int check_use(struct rh_decode *decode, const json_t *value)
{
	static const char *const protocols[] = {
		"msgqueue", "shm", "semaphore", "bind", NULL,
	};

	return rh_decode_choice(decode, value, protocols);
}

static int check_protocol(struct rh_decode *decode, const json_t *value)
{
	static const struct rh_field fields[] = {
		{ "edge",    rh_shape_pattern, 1 },
		{ "use",     check_use,        1 },
		{ "rollout", rh_shape_rollout, 0 },
	};

	return rh_decode_fields(decode, value, RH_FIELDS(fields));
}

static int check_calls(struct rh_decode *decode, const json_t *value)
{
	return rh_decode_integer(decode, value, 1, RH_CALLS_UNDER_WAY_MAX);
}

static int check_limits(struct rh_decode *decode, const json_t *value)
{
	static const struct rh_field fields[] = {
		{ "edge",    rh_shape_pattern, 1 },
		{ "calls",   check_calls,      1 },
		{ "rollout", rh_shape_rollout, 0 },
	};

	return rh_decode_fields(decode, value, RH_FIELDS(fields));
}

static int check_reason(struct rh_decode *decode, const json_t *value)
{
	int err = rh_decode_string(decode, value, 1, RH_REASON_MAX, 0);

	if (!err && strspn(json_string_value(value), " ") == json_string_length(value))
		err = rh_decode_refuse(decode, "must say why");
	return err;
}

static int check_expires(struct rh_decode *decode, const json_t *value)
{
	uint64_t ms;
	int      err = rh_decode_string(decode, value, 1, 64, 0);

	if (!err && rh_when_parse(json_string_value(value), &ms) != RH_OK)
		err = rh_decode_refuse(decode, "\"%.64s\" is not a time such as "
			"2026-01-31T12:00:00Z (RFC 3339)", json_string_value(value));
	return err;
}

static int check_exception(struct rh_decode *decode, const json_t *value)
{
	static const struct rh_field fields[] = {
		{ "edge",    check_edge,    1 },
		{ "reason",  check_reason,  1 },
		{ "expires", check_expires, 0 },
	};

	return rh_decode_fields(decode, value, RH_FIELDS(fields));
}

static int check_type(struct rh_decode *decode, const json_t *value)
{
	static const char *const types[] = {
		"application", "service", "driver", "hardware", NULL,
	};

	return rh_decode_choice(decode, value, types);
}

static int check_pair(struct rh_decode *decode, const json_t *value)
{
	int err = rh_decode_list(decode, value, 2, check_type);

	if (!err && json_array_size(value) != 2)
		err = rh_decode_refuse(decode, "must be [caller type, callee type]");
	return err;
}

static int check_pairs(struct rh_decode *decode, const json_t *value)
{
	int err = rh_decode_list(decode, value, 16, check_pair);

	for (size_t i = 0; !err && i < json_array_size(value); i++) {
		for (size_t j = 0; !err && j < i; j++) {
			if (json_equal(json_array_get(value, i), json_array_get(value, j)))
				err = rh_decode_refuse(decode, "names the pair %zu twice", j);
		}
	}
	return err;
}

static int check_grace(struct rh_decode *decode, const json_t *value)
{
	uint64_t ms;
	int      err = rh_decode_string(decode, value, 1, 16, 0);

	if (!err && rh_when_duration(json_string_value(value), RH_GRACE_MAX_MS,
	                             &ms) != RH_OK)
		err = rh_decode_refuse(decode, "\"%.16s\" is not a time such as 30s, 500ms, "
			"5m or 2h, of at most a day", json_string_value(value));
	return err;
}

static int check_hierarchy(struct rh_decode *decode, const json_t *value)
{
	static const struct rh_field fields[] = {
		{ "allow", check_pairs, 1 },
		{ "grace", check_grace, 0 },
	};

	return rh_decode_fields(decode, value, RH_FIELDS(fields));
}

/* How old what an agent has may be. */
static int check_age(struct rh_decode *decode, const json_t *value)
{
	uint64_t ms;
	int      err = rh_decode_string(decode, value, 1, 16, 0);

	if (!err && rh_stale_read(json_string_value(value), &ms) != RH_OK)
		err = rh_decode_refuse(decode, "\"%.16s\" is neither \"forever\" nor \"never\" "
			"nor a time such as 30s, 10m or 24h, of at most 30 days",
			json_string_value(value));
	return err;
}

static int check_stale(struct rh_decode *decode, const json_t *value)
{
	static const struct rh_field fields[] = {
		{ "layering",   check_age, 0 },
		{ "revocation", check_age, 0 },
		{ "protocol",   check_age, 0 },
	};

	return rh_decode_fields(decode, value, RH_FIELDS(fields));
}

int rh_shape_rule(struct rh_decode *decode, const json_t *spec)
{
	static const struct rh_field fields[] = {
		{ "protocol",  check_protocol,  0 },
		{ "exception", check_exception, 0 },
		{ "hierarchy", check_hierarchy, 0 },
		{ "stale",     check_stale,     0 },
		{ "limits",    check_limits,    0 },
		{ "code",      rh_shape_code,   0 },
		{ "sched",     rh_shape_sched,  0 },
	};
	int err = rh_decode_fields(decode, spec, RH_FIELDS(fields));

	if (!err && json_object_size(spec) != 1)
		err = rh_decode_refuse(decode, "must be exactly one of protocol, "
		                       "exception, hierarchy, stale, limits, code, sched");
	return err;
}
