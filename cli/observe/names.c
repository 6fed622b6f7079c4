#include "names.h"

#include "../show.h"

#include "../../model/error.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

static const json_t *spec_of(const json_t *resource)
{
	return json_object_get(resource, "spec");
}

static const json_t *allow_of(const json_t *resource, const char *key)
{
	return json_object_get(json_object_get(spec_of(resource), "allow"), key);
}

static const json_t *listen_of(const json_t *resource)
{
	return json_object_get(spec_of(resource), "listen");
}

static void add_programs(struct rh_names *names, const json_t *resource)
{
	size_t  i;
	json_t *exe;

	json_array_foreach(allow_of(resource, "exe"), i, exe) {
		struct stat st;

		if (stat(json_string_value(exe), &st) < 0)
			continue;
		names->programs[names->program_count++] = (struct rh_named_program){
			.key = { .inode = st.st_ino, .major = major(st.st_dev),
			         .minor = minor(st.st_dev) },
			.resource = rh_show_name(resource), .uids = allow_of(resource, "uid"),
		};
	}
}

static void add_endpoints(struct rh_names *names, const json_t *resource)
{
	size_t  i;
	json_t *text;

	json_array_foreach(listen_of(resource), i, text) {
		struct rh_named_endpoint *endpoint = &names->endpoints[names->endpoint_count];

		if (rh_endpoint_read(json_string_value(text), &endpoint->at) < 0)
			continue;
		endpoint->resource = rh_show_name(resource);
		names->endpoint_count++;
	}
}

int rh_names_init(struct rh_names *names, json_t *resources)
{
	size_t  programs = 1, endpoints = 1, i;
	json_t *resource;

	json_array_foreach(resources, i, resource) {
		programs += json_array_size(allow_of(resource, "exe"));
		endpoints += json_array_size(listen_of(resource));
	}
	*names = (struct rh_names){
		.resources = resources,
		.programs = calloc(programs, sizeof *names->programs),
		.endpoints = calloc(endpoints, sizeof *names->endpoints),
	};
	if (!names->programs || !names->endpoints) {
		rh_names_fini(names);
		return RH_ENOMEM;
	}
	json_array_foreach(resources, i, resource) {
		add_programs(names, resource);
		add_endpoints(names, resource);
	}
	return RH_OK;
}

void rh_names_fini(struct rh_names *names)
{
	free(names->programs);
	free(names->endpoints);
	json_decref(names->resources);
	*names = (struct rh_names){ .resources = NULL };
}

static int is_users(const json_t *uids, uint32_t uid)
{
	size_t  i;
	json_t *its;

	json_array_foreach(uids, i, its) {
		if (json_integer_value(its) == (json_int_t)uid)
			return 1;
	}
	return json_array_size(uids) == 0;
}

const char *rh_names_program(const struct rh_names *names,
                             const struct rh_program_key *key, uint32_t uid)
{
	const char *found = NULL;

	for (size_t i = 0; i < names->program_count; i++) {
		const struct rh_named_program *program = &names->programs[i];

		if (program->key.inode != key->inode || program->key.major != key->major ||
		    program->key.minor != key->minor || !is_users(program->uids, uid))
			continue;
		if (found && strcmp(found, program->resource) != 0)
			return NULL;
		found = program->resource;
	}
	return found;
}

const char *rh_names_endpoint(const struct rh_names *names, const struct rh_endpoint *at)
{
	const struct rh_endpoint any = { .port = at->port };
	const char              *found = NULL;

	for (size_t i = 0; i < names->endpoint_count; i++) {
		const struct rh_named_endpoint *endpoint = &names->endpoints[i];

		if (memcmp(&endpoint->at, at, sizeof *at) == 0)
			return endpoint->resource;
		if (memcmp(&endpoint->at, &any, sizeof any) == 0)
			found = endpoint->resource;
	}
	return found;
}
