#include "shape.h"

#include "../base/endpoint.h"
#include "../model/error.h"
#include "../model/limits.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static int check_type(struct rh_decode *decode, const json_t *value)
{
	static const char *const types[] = {
		"application", "service", "driver", "hardware", NULL,
	};

	return rh_decode_choice(decode, value, types);
}

static int check_privilege(struct rh_decode *decode, const json_t *value)
{
	static const char *const privileges[] = { "user", "kernel", NULL };

	return rh_decode_choice(decode, value, privileges);
}

static int check_reference(struct rh_decode *decode, const json_t *value)
{
	int err = rh_decode_name(decode, value);

	if (!err && decode->name && strcmp(decode->name, json_string_value(value)) == 0)
		err = rh_decode_refuse(decode, "%s references itself", decode->name);
	return err;
}

static int order(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int check_references(struct rh_decode *decode, const json_t *value)
{
	const char *names[RH_REFERENCES_MAX];
	int    err = rh_decode_list(decode, value, RH_REFERENCES_MAX,
	                            check_reference);
	size_t count = err ? 0 : json_array_size(value);

	for (size_t i = 0; i < count; i++)
		names[i] = json_string_value(json_array_get(value, i));
	qsort(names, count, sizeof names[0], order);
	for (size_t i = 1; i < count && !err; i++) {
		if (strcmp(names[i - 1], names[i]) == 0)
			err = rh_decode_refuse(decode, "names %s twice", names[i]);
	}
	return err;
}

static int check_library(struct rh_decode *decode, const json_t *value)
{
	return rh_decode_string(decode, value, 1, RH_ARG_MAX, 0);
}

static int check_argument(struct rh_decode *decode, const json_t *value)
{
	return rh_decode_string(decode, value, 0, RH_ARG_MAX, 1);
}

static int check_program(struct rh_decode *decode, const json_t *value)
{
	int err = rh_decode_list(decode, value, RH_ARGV_MAX, check_argument);

	if (!err && json_string_length(json_array_get(value, 0)) == 0)
		err = rh_decode_refuse(decode, "must begin with the program's path");
	return err;
}

static int check_workers(struct rh_decode *decode, const json_t *value)
{
	return rh_decode_integer(decode, value, 1, RH_WORKERS_MAX);
}

static int check_threads(struct rh_decode *decode, const json_t *value)
{
	return rh_decode_integer(decode, value, 1, RH_THREADS_MAX);
}

static int check_restart(struct rh_decode *decode, const json_t *value)
{
	static const char *const restarts[] = { "always", "on-failure", "never", NULL };

	return rh_decode_choice(decode, value, restarts);
}

static int check_serve(struct rh_decode *decode, const json_t *value)
{
	static const struct rh_field fields[] = {
		{ "library", check_library, 0 },
		{ "program", check_program, 0 },
		{ "workers", check_workers, 0 },
		{ "threads", check_threads, 0 },
		{ "restart", check_restart, 0 },
	};
	int err = rh_decode_fields(decode, value, RH_FIELDS(fields));

	if (!err && !json_object_get(value, "library") ==
	            !json_object_get(value, "program"))
		err = rh_decode_refuse(decode, "needs either a library or a program");
	return err;
}

static int check_uid(struct rh_decode *decode, const json_t *value)
{
	return rh_decode_integer(decode, value, 0, UINT32_MAX - 1);
}

static int check_uids(struct rh_decode *decode, const json_t *value)
{
	return rh_decode_list(decode, value, RH_ALLOW_MAX, check_uid);
}

static int check_exe(struct rh_decode *decode, const json_t *value)
{
	int err = rh_decode_string(decode, value, 1, RH_EXE_MAX, 0);

	if (!err && json_string_value(value)[0] != '/')
		err = rh_decode_refuse(decode, "\"%.80s\" is not an absolute path",
		                       json_string_value(value));
	return err;
}

static int check_exes(struct rh_decode *decode, const json_t *value)
{
	return rh_decode_list(decode, value, RH_ALLOW_MAX, check_exe);
}

static int check_allow(struct rh_decode *decode, const json_t *value)
{
	static const struct rh_field fields[] = {
		{ "uid", check_uids, 0 },
		{ "exe", check_exes, 0 },
	};

	return rh_decode_fields(decode, value, RH_FIELDS(fields));
}

static int check_variable(struct rh_decode *decode, const json_t *value)
{
	int err = rh_decode_string(decode, value, 1, RH_LABEL_VALUE_MAX, 0);

	if (err)
		return err;
	for (const char *c = json_string_value(value); *c; c++) {
		int is_first = c == json_string_value(value);

		if (*c != '_' && !isalpha((unsigned char)*c) &&
		    (is_first || !isdigit((unsigned char)*c)))
			return rh_decode_refuse(decode, "\"%.80s\" is not the name of an "
				"environment variable", json_string_value(value));
	}
	return RH_OK;
}

static int check_env(struct rh_decode *decode, const json_t *value)
{
	return rh_decode_list(decode, value, RH_ENV_MAX, check_variable);
}

static int check_context(struct rh_decode *decode, const json_t *value)
{
	static const struct rh_field fields[] = {
		{ "env",    check_env,         0 },
		{ "locale", rh_decode_boolean, 0 },
	};

	return rh_decode_fields(decode, value, RH_FIELDS(fields));
}

static int check_endpoint(struct rh_decode *decode, const json_t *value)
{
	struct rh_endpoint endpoint;
	int                err = rh_decode_string(decode, value, 1, RH_ENDPOINT_MAX, 0);

	if (!err && rh_endpoint_read(json_string_value(value), &endpoint) < 0)
		err = rh_decode_refuse(decode, "\"%.64s\" is not an address and a port, such "
			"as 127.0.0.1:5432, [::1]:5432 or *:5432", json_string_value(value));
	return err;
}

static int check_listen(struct rh_decode *decode, const json_t *value)
{
	return rh_decode_list(decode, value, RH_ALLOW_MAX, check_endpoint);
}

static int check_agent(struct rh_decode *decode, const json_t *value)
{
	static const struct rh_field fields[] = { { "name", rh_decode_rule_name, 0 } };

	return rh_decode_fields(decode, value, RH_FIELDS(fields));
}

static int check_description(struct rh_decode *decode, const json_t *value)
{
	return rh_decode_string(decode, value, 0, RH_DESCRIPTION_MAX, 1);
}

int rh_shape_resource(struct rh_decode *decode, const json_t *spec)
{
	static const struct rh_field fields[] = {
		{ "type",        check_type,          1 },
		{ "privilege",   check_privilege,     0 },
		{ "reference",   check_references,    0 },
		{ "interface",   rh_decode_rule_name, 0 },
		{ "serve",       check_serve,         0 },
		{ "allow",       check_allow,         0 },
		{ "listen",      check_listen,        0 },
		{ "context",     check_context,       0 },
		{ "agent",       check_agent,         0 },
		{ "node",        rh_decode_rule_name, 0 },
		{ "labels",      rh_shape_labels,     0 },
		{ "description", check_description,   0 },
	};
	int err = rh_decode_fields(decode, spec, RH_FIELDS(fields));

	if (!err && json_object_get(json_object_get(spec, "serve"), "library") &&
	    !json_object_get(spec, "interface"))
		err = rh_decode_refuse(decode, "serves a library, so it needs an interface");
	return err;
}
