#include "shape.h"

#include "stale.h"

#include "../model/error.h"
#include "../model/hierarchy.h"
#include "../model/name.h"

#include <string.h>

static int check_label_key(struct rh_decode *decode, const char *key)
{
	size_t len = strlen(key);

	if (len == 0 || len > RH_LABEL_MAX)
		return rh_decode_refuse(decode, "a label's key has 1 to %u bytes",
		                        RH_LABEL_MAX);
	if (strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	           "0123456789._/-") != len)
		return rh_decode_refuse(decode, "a label's key holds letters, digits, "
		                        "'.', '_', '/' and '-'");
	return RH_OK;
}

int rh_shape_labels(struct rh_decode *decode, const json_t *value)
{
	json_t     *object = (json_t *)(uintptr_t)value;
	const char *key;
	json_t     *label;
	int         err = RH_OK;

	if (!json_is_object(value))
		return rh_decode_refuse(decode, "must be an object of strings");
	if (json_object_size(value) > RH_LABELS_MAX)
		return rh_decode_refuse(decode, "has %zu labels, the limit is %u",
		                        json_object_size(value), RH_LABELS_MAX);
	json_object_foreach(object, key, label) {
		size_t mark = rh_decode_enter(decode, key);

		err = check_label_key(decode, key);
		if (!err)
			err = rh_decode_string(decode, label, 0, RH_LABEL_VALUE_MAX, 0);
		rh_decode_leave(decode, mark);
		if (err)
			break;
	}
	return err;
}

static int check_revision(struct rh_decode *decode, const json_t *value)
{
	return rh_decode_integer(decode, value, 0, INT64_MAX);
}

static int check_uid(struct rh_decode *decode, const json_t *value)
{
	return rh_decode_string(decode, value, 0, 64, 0);
}

static int check_object_name(struct rh_decode *decode, const json_t *value)
{
	return rh_decode_string(decode, value, 1, RH_OBJECT_NAME_MAX, 0);
}

static int check_metadata(struct rh_decode *decode, const json_t *value)
{
	static const struct rh_field fields[] = {
		{ "name",       check_object_name, 1 },
		{ "labels",     rh_shape_labels,   0 },
		{ "generation", check_revision,    0 },
		{ "revision",   check_revision,    0 },
		{ "uid",        check_uid,         0 },
	};

	return rh_decode_fields(decode, value, RH_FIELDS(fields));
}

static int check_kind(struct rh_decode *decode, const json_t *value)
{
	static const char *const kinds[] = { "Resource", "Interface", "Rule", NULL };

	if (json_is_string(value) &&
	    strcmp(json_string_value(value), "Module") == 0)
		return rh_decode_refuse(decode, "a module is put as bytes: "
		                        "PUT /apis/v1/modules/<sha256>");
	return rh_decode_choice(decode, value, kinds);
}

/* Its shape depends on the kind, so it comes last. */
static int check_later(struct rh_decode *decode, const json_t *value)
{
	if (!json_is_object(value))
		return rh_decode_refuse(decode, "must be an object");
	return RH_OK;
}

static int check_name(struct rh_decode *decode, const struct rh_wanted *wanted,
                      const json_t *metadata)
{
	size_t in_metadata = rh_decode_enter(decode, "metadata");
	size_t in_name = rh_decode_enter(decode, "name");
	json_t *name = json_object_get(metadata, "name");
	int    err = wanted->kind == RH_OBJECT_RESOURCE
	           ? rh_decode_name(decode, name) : rh_decode_rule_name(decode, name);

	rh_decode_leave(decode, in_name);
	rh_decode_leave(decode, in_metadata);
	return err;
}

static int check_spec(struct rh_decode *decode, const struct rh_wanted *wanted)
{
	static rh_decode_check *const checks[RH_OBJECT_KINDS] = {
		[RH_OBJECT_RESOURCE] = rh_shape_resource,
		[RH_OBJECT_INTERFACE] = rh_shape_interface,
		[RH_OBJECT_RULE] = rh_shape_rule,
	};
	size_t mark = rh_decode_enter(decode, "spec");
	int    err = checks[wanted->kind](decode, wanted->spec);

	if (!err && wanted->kind == RH_OBJECT_RULE &&
	    (strcmp(wanted->name, RH_HIERARCHY_RULE) == 0) !=
	    (json_object_get(wanted->spec, "hierarchy") != NULL))
		err = rh_decode_refuse(decode, "the rule named \"%s\", and no other, "
		                       "holds the hierarchy", RH_HIERARCHY_RULE);
	if (!err && wanted->kind == RH_OBJECT_RULE &&
	    json_object_get(wanted->spec, "stale") &&
	    strcmp(wanted->name, RH_STALE_RULE) != 0)
		err = rh_decode_refuse(decode, "only the rule named \"%s\" says how old rules "
		                       "may be", RH_STALE_RULE);
	rh_decode_leave(decode, mark);
	return err;
}

int rh_shape_check(struct rh_decode *decode, const json_t *object,
                   struct rh_wanted *ret_wanted)
{
	static const struct rh_field fields[] = {
		{ "kind",     check_kind,     1 },
		{ "metadata", check_metadata, 1 },
		{ "spec",     check_later,    1 },
		{ "status",   check_later,    0 },
	};
	int err = rh_decode_fields(decode, object, RH_FIELDS(fields));

	if (err)
		return err;
	json_t *metadata = json_object_get(object, "metadata");
	struct rh_wanted wanted = {
		.kind = rh_object_kind_parse(
			json_string_value(json_object_get(object, "kind"))),
		.name = json_string_value(json_object_get(metadata, "name")),
		.labels = json_object_get(metadata, "labels"),
		.spec = json_object_get(object, "spec"),
	};
	decode->name = wanted.name;
	err = check_name(decode, &wanted, metadata);
	if (!err)
		err = check_spec(decode, &wanted);
	if (err) {
		rh_problem_object(decode->problem, rh_object_kind_text(wanted.kind),
		                  wanted.name);
		return err;
	}
	*ret_wanted = wanted;
	return RH_OK;
}
