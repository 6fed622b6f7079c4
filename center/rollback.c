#include "rollback.h"

#include "parts.h"

#include "../model/error.h"

#include <stdio.h>
#include <string.h>

#define SAYS "rollback"

/* What a rule names. */
struct named {
	int      is_code;
	uint64_t version;
	char     name[RH_OBJECT_NAME_MAX + 1]; /* of the module; "": it has none */
};

uint64_t rh_rollback_version(const json_t *manifest)
{
	json_int_t version = json_integer_value(json_object_get(manifest, "version"));

	return version > 0 ? (uint64_t)version : 0;
}

static void read_named(const struct rh_realm *realm, const json_t *spec,
                       struct named *named)
{
	const json_t *code = json_object_get(spec, "code");
	const char   *module = json_string_value(json_object_get(code, "module"));
	const struct rh_object *object = module ? rh_catalog_find(&realm->catalog,
		RH_OBJECT_MODULE, module + sizeof RH_MODULE_PREFIX - 1) : NULL;
	json_t       *stored = object ? rh_object_parse(object) : NULL;
	const json_t *manifest = rh_parts_manifest(stored);
	const char   *name = json_string_value(json_object_get(manifest, "name"));

	*named = (struct named){ .is_code = code != NULL,
	                         .version = rh_rollback_version(manifest) };
	if (name)
		snprintf(named->name, sizeof named->name, "%s", name);
	json_decref(stored);
}

static uint64_t number_at(const json_t *json, const char *key)
{
	json_int_t number = json_integer_value(json_object_get(json, key));

	return number > 0 ? (uint64_t)number : 0;
}

static int refuse(const struct rh_wanted *wanted, const struct named *now,
                  const struct named *old, struct rh_problem *problem)
{
	return rh_problem_set(problem, RH_EPERM, "rule %s: its module%s%s has version %llu, "
		"which is older than version %llu that it has now: to go back, say "
		SAYS ": true in its code, or undo its roll-out", wanted->name,
		now->name[0] ? " " : "", now->name, (unsigned long long)now->version,
		(unsigned long long)old->version);
}

/* What was said of this module before is not said anew with every change. */
static int says_same(const json_t *code, const json_t *before)
{
	return json_equal(json_object_get(code, SAYS), json_object_get(before, SAYS)) &&
	       json_equal(json_object_get(code, "module"), json_object_get(before, "module"));
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

int rh_rollback_judge(const struct rh_realm *realm, const struct rh_wanted *wanted,
                      uint64_t revision, int is_restore, uint64_t *ret_leaves,
                      struct rh_problem *problem)
{
	const struct rh_object *object = rh_catalog_find(&realm->catalog, RH_OBJECT_RULE,
	                                                 wanted->name);
	json_t       *stored = object ? rh_object_parse(object) : NULL;
	const json_t *code = json_object_get(wanted->spec, "code");
	const json_t *before = json_object_get(json_object_get(stored, "spec"), "code");
	uint64_t      leaves = number_at(stored, RH_ROLLBACK_LEAVES);
	uint64_t      said = number_at(code, SAYS);
	int           is_true = json_is_true(json_object_get(code, SAYS));
	int           is_said = is_true && !says_same(code, before);
	struct named  now, old;

	read_named(realm, wanted->spec, &now);
	read_named(realm, json_object_get(stored, "spec"), &old);
	json_decref(stored);
	int is_other = !old.is_code || strcmp(now.name, old.name) != 0;
	int is_older = !is_other && now.version < old.version;

	if (is_older && !is_restore && !is_true && said < old.version)
		return refuse(wanted, &now, &old, problem);
	if (is_other || is_restore || is_said)
		leaves = larger(leaves, revision);
	leaves = larger(leaves, said);
	*ret_leaves = leaves > now.version ? leaves : 0;
	return RH_OK;
}

int rh_rollback_shape(struct rh_decode *decode, const json_t *value)
{
	if (json_is_boolean(value) || json_integer_value(value) > 0)
		return RH_OK;
	return rh_decode_refuse(decode, "must be true, or the revision that an agent named when "
	                        "it rejected the rule");
}
