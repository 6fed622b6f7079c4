#include "object.h"

#include "../base/clock.h"
#include "../model/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *text;
	const char *plural;
} kinds[RH_OBJECT_KINDS] = {
	[RH_OBJECT_RESOURCE]  = { "Resource",  "resources"  },
	[RH_OBJECT_INTERFACE] = { "Interface", "interfaces" },
	[RH_OBJECT_RULE]      = { "Rule",      "rules"      },
	[RH_OBJECT_MODULE]    = { "Module",    "modules"    },
};

struct rh_object *rh_object_create(enum rh_object_kind kind, const char *name,
                                   const void *text, size_t text_bytes)
{
	struct rh_object *object = calloc(1, sizeof *object + text_bytes + 1);

	RH_CHECK(kind < RH_OBJECT_KINDS);
	RH_CHECK(strlen(name) <= RH_OBJECT_NAME_MAX); /* O1 */
	if (!object)
		return NULL;
	object->kind = kind;
	object->put_ns = rh_clock_ns();
	object->text_bytes = text_bytes;
	snprintf(object->name, sizeof object->name, "%s", name);
	memcpy(object->text, text, text_bytes);
	return object;
}

void rh_object_destroy(struct rh_object *object)
{
	free(object);
}

const char *rh_object_kind_text(enum rh_object_kind kind)
{
	RH_CHECK(kind < RH_OBJECT_KINDS);
	return kinds[kind].text;
}

enum rh_object_kind rh_object_kind_parse(const char *text)
{
	enum rh_object_kind kind = 0;

	while (kind < RH_OBJECT_KINDS && strcmp(kinds[kind].text, text) != 0)
		kind++;
	return kind;
}

const char *rh_object_plural(enum rh_object_kind kind)
{
	RH_CHECK(kind < RH_OBJECT_KINDS);
	return kinds[kind].plural;
}

enum rh_object_kind rh_object_plural_parse(const char *text, size_t len)
{
	enum rh_object_kind kind = 0;

	while (kind < RH_OBJECT_KINDS && (strlen(kinds[kind].plural) != len ||
	                                  memcmp(kinds[kind].plural, text, len) != 0))
		kind++;
	return kind;
}

void rh_object_key(enum rh_object_kind kind, const char *name,
                   char key[RH_OBJECT_KEY_MAX])
{
	snprintf(key, RH_OBJECT_KEY_MAX, "/%s/%s", rh_object_plural(kind), name);
}

const char *rh_object_key_parse(const char *key, enum rh_object_kind *ret_kind)
{
	const char *slash = key[0] == '/' ? strchr(key + 1, '/') : NULL;

	if (!slash)
		return NULL;
	enum rh_object_kind kind = rh_object_plural_parse(key + 1,
	                                                  (size_t)(slash - key - 1));
	if (kind == RH_OBJECT_KINDS || strlen(slash + 1) > RH_OBJECT_NAME_MAX)
		return NULL;
	*ret_kind = kind;
	return slash + 1;
}

json_t *rh_object_parse(const struct rh_object *object)
{
	return json_loadb(object->text, object->text_bytes, 0, NULL);
}

static json_t *metadata(const struct rh_object *object, const char *store_id,
                        json_t *labels)
{
	char    uid[64];
	json_t *json = json_object();

	snprintf(uid, sizeof uid, "%.32s-%llx", store_id,
	         (unsigned long long)object->created);
	json_object_set_new(json, "name", json_string(object->name));
	if (labels)
		json_object_set(json, "labels", labels);
	json_object_set_new(json, "generation",
	                    json_integer((json_int_t)object->generation));
	json_object_set_new(json, "revision",
	                    json_integer((json_int_t)object->revision));
	json_object_set_new(json, "uid", json_string(uid));
	return json;
}

json_t *rh_object_json(const struct rh_object *object, const char *store_id,
                       json_t *conditions)
{
	json_t *stored = rh_object_parse(object);
	json_t *owner = json_object_get(stored, "owner");
	json_t *json = json_object();

	json_object_set_new(json, "kind", json_string(kinds[object->kind].text));
	json_object_set_new(json, "metadata", metadata(object, store_id,
	                    json_object_get(stored, "labels")));
	json_object_set(json, "spec", json_object_get(stored, "spec"));
	json_t *status = json_object();
	json_object_update(status, json_object_get(stored, "status"));
	if (owner)
		json_object_set(status, "owner", owner);
	json_object_set_new(status, "conditions", conditions);
	json_object_set_new(json, "status", status);
	json_decref(stored);
	return json;
}
