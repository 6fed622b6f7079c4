#include "code.h"

#include "parts.h"
#include "probe.h"

#include "../base/size.h"
#include "../model/error.h"

#include <string.h>

static const char *text_at(const json_t *json, const char *key)
{
	const char *text = json_string_value(json_object_get(json, key));

	return text ? text : "";
}

static int check_same(const struct rh_wanted *wanted, const json_t *code,
                      const json_t *manifest, const char *key,
                      struct rh_problem *problem)
{
	if (strcmp(text_at(code, key), text_at(manifest, key)) == 0)
		return RH_OK;
	return rh_problem_set(problem, RH_EINVAL, "rule %s: its %s is %s, but its module was "
		"published for %s %s", wanted->name, key, text_at(code, key), key,
		text_at(manifest, key));
}

/* The rule's limit must leave room for what the module was published with. */
static int check_memory(const struct rh_wanted *wanted, const json_t *code,
                        const json_t *manifest, struct rh_problem *problem)
{
	const char *limit = text_at(json_object_get(code, "limits"), "memory");
	const char *needed = text_at(manifest, "memory");
	uint64_t    has, needs;

	if (rh_size_read(limit, RH_CODE_MEMORY_MAX, &has) != RH_OK ||
	    rh_size_read(needed, RH_CODE_MEMORY_MAX, &needs) != RH_OK || has >= needs)
		return RH_OK;
	return rh_problem_set(problem, RH_EINVAL, "rule %s: its limit of memory is %s, but "
		"its module was published with %s", wanted->name, limit, needed);
}

/* Fuel is counted by an object that was built to. */
static int check_fuel(const struct rh_wanted *wanted, const json_t *code,
                      const json_t *manifest, struct rh_problem *problem)
{
	const json_t *limits = json_object_get(code, "limits");

	if (json_integer_value(json_object_get(limits, "fuel")) == 0 ||
	    strcmp(text_at(code, "mode"), "wasm") != 0 ||
	    json_object_get(json_object_get(manifest, "parts"), "object_fuel"))
		return RH_OK;
	return rh_problem_set(problem, RH_EINVAL, "rule %s: it has a limit of fuel, but its "
		"module was published without an object that counts it: publish it with "
		"variants: [fuel]", wanted->name);
}

static int check_module(const struct rh_realm *realm, const struct rh_wanted *wanted,
                        const json_t *code, struct rh_problem *problem)
{
	const char *sha256 = text_at(code, "module") + sizeof RH_MODULE_PREFIX - 1;
	const struct rh_object *object = rh_catalog_find(&realm->catalog, RH_OBJECT_MODULE,
	                                                 sha256);
	json_t       *stored = object ? rh_object_parse(object) : NULL;
	const json_t *manifest = rh_parts_manifest(stored);
	int           err = RH_OK;

	if (!object)
		err = rh_problem_set(problem, RH_EPENDING, "rule %s: module %s is not here: "
			"publish it first, `rhodes rule publish`", wanted->name, sha256);
	else if (!manifest)
		err = rh_problem_set(problem, RH_EPENDING, "rule %s: module %s is a part or a "
			"library, not what `rhodes rule publish` printed", wanted->name, sha256);
	if (!err)
		err = check_same(wanted, code, manifest, "hook", problem);
	if (!err)
		err = check_same(wanted, code, manifest, "mode", problem);
	if (!err)
		err = check_memory(wanted, code, manifest, problem);
	if (!err)
		err = check_fuel(wanted, code, manifest, problem);
	if (!err)
		err = rh_probe_check(wanted, code, manifest, problem);
	json_decref(stored);
	return err;
}

/* Of one hook there is one rule at a place, and a shadow of it; of events there are chains, and of eBPF as
 * many as there are. */
static int is_rival(const struct rh_object *rule, const json_t *code)
{
	json_t *stored = strstr(rule->text, "\"code\"") ? rh_object_parse(rule) : NULL;
	json_t *other = json_object_get(json_object_get(stored, "spec"), "code");
	int     is = other && strcmp(text_at(other, "hook"), text_at(code, "hook")) == 0 &&
	             strcmp(text_at(code, "hook"), "event") != 0 &&
	             strcmp(text_at(code, "hook"), "probe") != 0 &&
	             json_is_true(json_object_get(other, "shadow")) ==
	             json_is_true(json_object_get(code, "shadow")) &&
	             strcmp(text_at(other, "resource"), text_at(code, "resource")) == 0 &&
	             strcmp(text_at(other, "key"), text_at(code, "key")) == 0 &&
	             (json_object_get(code, "resource") ||
	              json_equal(json_object_get(other, "edge"), json_object_get(code, "edge")));

	json_decref(stored);
	return is;
}

static int check_alone(const struct rh_realm *realm, const struct rh_wanted *wanted,
                       const json_t *code, struct rh_problem *problem)
{
	size_t                   count;
	struct rh_object *const *at = rh_catalog_after(&realm->catalog, RH_OBJECT_RULE,
	                                               NULL, &count);

	for (size_t i = 0; i < count; i++) {
		if (strcmp(at[i]->name, wanted->name) != 0 && is_rival(at[i], code))
			return rh_problem_set(problem, RH_EEXIST, "rule %s: another rule (%s) has "
				"the hook %s there", wanted->name, at[i]->name,
				text_at(code, "hook"));
	}
	return RH_OK;
}

int rh_code_check(const struct rh_realm *realm, const struct rh_wanted *wanted,
                  struct rh_problem *problem)
{
	const json_t *code = json_object_get(wanted->spec, "code");
	int           err = check_module(realm, wanted, code, problem);

	return err ? err : check_alone(realm, wanted, code, problem);
}
