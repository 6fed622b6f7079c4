#include "decode.h"

#include "../model/error.h"
#include "../model/name.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* jansson would recurse to 2048; we look at the depth before it does. */
static int check_depth(const char *bytes, size_t len)
{
	size_t depth = 0;
	int    in_string = 0;

	for (size_t i = 0; i < len; i++) {
		char c = bytes[i];

		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = 0;
		} else if (c == '"') {
			in_string = 1;
		} else if (c == '{' || c == '[') {
			if (++depth > RH_JSON_DEPTH_MAX)
				return RH_EINVAL;
		} else if ((c == '}' || c == ']') && depth > 0) {
			depth--;
		}
	}
	return RH_OK;
}

int rh_decode_parse(const char *bytes, size_t len, json_t **ret_json,
                    struct rh_problem *problem)
{
	json_error_t error;

	if (check_depth(bytes, len) != RH_OK)
		return rh_problem_set(problem, RH_EINVAL,
			"the JSON is nested deeper than %u", RH_JSON_DEPTH_MAX);
	json_t *json = json_loadb(bytes, len, JSON_REJECT_DUPLICATES, &error);
	if (!json)
		return rh_problem_set(problem, RH_EINVAL,
			"not JSON: %s, line %d, column %d", error.text, error.line,
			error.column);
	*ret_json = json;
	return RH_OK;
}

static size_t add(struct rh_decode *decode, const char *text)
{
	size_t mark = decode->len, room = sizeof decode->pointer - mark;
	int    len = snprintf(decode->pointer + mark, room, "/%s", text);

	if (len > 0)
		decode->len += (size_t)len < room ? (size_t)len : room - 1;
	return mark;
}

/* RFC 6901: '~' is ~0 and '/' is ~1. */
size_t rh_decode_enter(struct rh_decode *decode, const char *key)
{
	char   escaped[RH_POINTER_MAX];
	size_t len = 0;

	for (; *key && len + 3 < sizeof escaped; key++) {
		if (*key == '~' || *key == '/') {
			escaped[len++] = '~';
			escaped[len++] = *key == '~' ? '0' : '1';
		} else {
			escaped[len++] = *key;
		}
	}
	escaped[len] = '\0';
	return add(decode, escaped);
}

size_t rh_decode_enter_index(struct rh_decode *decode, size_t index)
{
	char text[24];

	snprintf(text, sizeof text, "%zu", index);
	return add(decode, text);
}

void rh_decode_leave(struct rh_decode *decode, size_t mark)
{
	decode->len = mark;
	decode->pointer[mark] = '\0';
}

int rh_decode_refuse(struct rh_decode *decode, const char *format, ...)
{
	char    why[RH_PROBLEM_DETAIL_MAX / 2];
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof why, format, args);
	va_end(args);
	rh_problem_set(decode->problem, RH_EINVAL, "%s: %s",
	               decode->len ? decode->pointer : "the body", why);
	memcpy(decode->problem->pointer, decode->pointer, decode->len + 1);
	return RH_EINVAL;
}

static const char *type_text(const json_t *value)
{
	static const char *const texts[] = {
		[JSON_OBJECT] = "an object", [JSON_ARRAY] = "an array",
		[JSON_STRING] = "a string", [JSON_INTEGER] = "an integer",
		[JSON_REAL] = "a fraction", [JSON_TRUE] = "a boolean",
		[JSON_FALSE] = "a boolean", [JSON_NULL] = "null",
	};

	return texts[json_typeof(value)];
}

static int is(const char *wanted, struct rh_decode *decode, const json_t *value)
{
	if (strcmp(type_text(value), wanted) == 0)
		return RH_OK;
	return rh_decode_refuse(decode, "must be %s, is %s", wanted,
	                        type_text(value));
}

static const struct rh_field *find_field(const struct rh_field *fields,
                                         size_t count, const char *key)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(fields[i].key, key) == 0)
			return &fields[i];
	}
	return NULL;
}

static int refuse_unknown(struct rh_decode *decode, const char *key,
                          const struct rh_field *fields, size_t count)
{
	char   known[384] = "";
	size_t len = 0;

	for (size_t i = 0; i < count && len < sizeof known - 1; i++)
		len += (size_t)snprintf(known + len, sizeof known - len, "%s%s",
		                        i ? ", " : "", fields[i].key);
	return rh_decode_refuse(decode, "unknown key \"%.64s\"; known are %s", key,
	                        known);
}

int rh_decode_fields(struct rh_decode *decode, const json_t *value,
                     const struct rh_field *fields, size_t count)
{
	int err = is("an object", decode, value);

	/* json_object_iter takes no const, but changes nothing. */
	json_t *object = json_incref((json_t *)(uintptr_t)value);
	for (void *at = err ? NULL : json_object_iter(object); at && !err;
	     at = json_object_iter_next(object, at)) {
		const char            *key = json_object_iter_key(at);
		const struct rh_field *field = find_field(fields, count, key);
		size_t                 mark = rh_decode_enter(decode, key);

		err = field ? field->check(decode, json_object_iter_value(at))
		            : refuse_unknown(decode, key, fields, count);
		rh_decode_leave(decode, mark);
	}
	json_decref(object);
	for (size_t i = 0; i < count && !err; i++) {
		if (fields[i].is_required && !json_object_get(value, fields[i].key))
			err = rh_decode_refuse(decode, "the key \"%s\" is missing",
			                       fields[i].key);
	}
	return err;
}

int rh_decode_list(struct rh_decode *decode, const json_t *value, size_t max,
                   rh_decode_check *check)
{
	int err = is("an array", decode, value);

	if (!err && json_array_size(value) > max)
		err = rh_decode_refuse(decode, "has %zu elements, the limit is %zu",
		                       json_array_size(value), max);
	for (size_t i = 0; !err && i < json_array_size(value); i++) {
		size_t mark = rh_decode_enter_index(decode, i);

		err = check(decode, json_array_get(value, i));
		rh_decode_leave(decode, mark);
	}
	return err;
}

int rh_decode_string(struct rh_decode *decode, const json_t *value, size_t min,
                     size_t max, int is_text)
{
	int err = is("a string", decode, value);

	if (err)
		return err;
	const char *text = json_string_value(value);
	size_t      len = json_string_length(value);
	if (len < min)
		return rh_decode_refuse(decode, "must not be empty");
	if (len > max)
		return rh_decode_refuse(decode, "has %zu bytes, the limit is %zu", len,
		                        max);
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == 0x7f || (c < 0x20 && !(is_text && (c == '\n' || c == '\t'))))
			return rh_decode_refuse(decode, "holds a control character");
	}
	return RH_OK;
}

int rh_decode_integer(struct rh_decode *decode, const json_t *value,
                      json_int_t min, json_int_t max)
{
	int err = is("an integer", decode, value);

	if (err)
		return err;
	json_int_t number = json_integer_value(value);
	if (number < min || number > max)
		return rh_decode_refuse(decode, "%lld is not between %lld and %lld",
			(long long)number, (long long)min, (long long)max);
	return RH_OK;
}

int rh_decode_boolean(struct rh_decode *decode, const json_t *value)
{
	return is("a boolean", decode, value);
}

int rh_decode_choice(struct rh_decode *decode, const json_t *value,
                     const char *const *choices)
{
	char   known[256] = "";
	size_t len = 0;
	int    err = is("a string", decode, value);

	if (err)
		return err;
	for (size_t i = 0; choices[i]; i++) {
		if (strcmp(choices[i], json_string_value(value)) == 0)
			return RH_OK;
		if (len < sizeof known - 1)
			len += (size_t)snprintf(known + len, sizeof known - len, "%s%s",
			                        i ? ", " : "", choices[i]);
	}
	return rh_decode_refuse(decode, "\"%.64s\" is none of %s",
	                        json_string_value(value), known);
}

int rh_decode_name(struct rh_decode *decode, const json_t *value)
{
	int err = is("a string", decode, value);

	if (!err && rh_name_check(json_string_value(value),
	                          json_string_length(value)) != RH_OK)
		err = rh_decode_refuse(decode, "\"%.80s\" is not a name: "
			"[a-z][a-z0-9_]{0,62}", json_string_value(value));
	return err;
}

int rh_decode_rule_name(struct rh_decode *decode, const json_t *value)
{
	int err = is("a string", decode, value);

	if (!err && rh_name_check_rule(json_string_value(value),
	                               json_string_length(value)) != RH_OK)
		err = rh_decode_refuse(decode, "\"%.80s\" is not a name: "
			"[a-z][a-z0-9_.-]{0,62}", json_string_value(value));
	return err;
}

int rh_is_sha256(const char *text)
{
	return strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64;
}

int rh_decode_sha256(struct rh_decode *decode, const json_t *value)
{
	int err = is("a string", decode, value);

	if (!err && !rh_is_sha256(json_string_value(value)))
		err = rh_decode_refuse(decode, "\"%.80s\" is not a SHA-256: 64 hex digits",
		                       json_string_value(value));
	return err;
}
