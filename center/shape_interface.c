#include "shape.h"

#include "../model/error.h"

#include <string.h>

static int check_text(struct rh_decode *decode, const json_t *value)
{
	return rh_decode_string(decode, value, 1, RH_INTERFACE_TEXT_MAX, 1);
}

static int check_soname(struct rh_decode *decode, const json_t *value)
{
	int err = rh_decode_string(decode, value, 1, RH_SONAME_MAX, 0);

	if (!err && strchr(json_string_value(value), '/'))
		err = rh_decode_refuse(decode, "a soname holds no '/'");
	return err;
}

static int check_version(struct rh_decode *decode, const json_t *value)
{
	return rh_decode_string(decode, value, 0, RH_LABEL_VALUE_MAX, 0);
}

/* 64 bits do not fit a JSON number everywhere, so a hash is a text. */
static int check_hash(struct rh_decode *decode, const json_t *value)
{
	const char *text = json_string_value(value);

	if (text && strncmp(text, "0x", 2) == 0)
		text += 2;
	if (!text || strlen(text) != 16 || strspn(text, "0123456789abcdef") != 16)
		return rh_decode_refuse(decode, "must be a string of 16 hex digits");
	return RH_OK;
}

static int check_library(struct rh_decode *decode, const json_t *value)
{
	return rh_decode_string(decode, value, 1, RH_ARG_MAX, 0);
}

static int check_modules(struct rh_decode *decode, const json_t *value)
{
	static const struct rh_field fields[] = {
		{ "shadow",   rh_decode_sha256, 0 },
		{ "skeleton", rh_decode_sha256, 0 },
	};

	return rh_decode_fields(decode, value, RH_FIELDS(fields));
}

int rh_shape_interface(struct rh_decode *decode, const json_t *spec)
{
	static const struct rh_field fields[] = {
		{ "text",    check_text,    1 },
		{ "soname",  check_soname,  1 },
		{ "version", check_version, 0 },
		{ "hash",    check_hash,    1 },
		{ "library", check_library, 0 },
		{ "modules", check_modules, 0 },
	};

	return rh_decode_fields(decode, spec, RH_FIELDS(fields));
}
