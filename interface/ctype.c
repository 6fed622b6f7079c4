#include "ctype.h"

#include "../model/error.h"

#include <stdarg.h>
#include <stdio.h>

/* The budget ends the walk of a hostile type that names itself many times. */
static bool is_plain(const struct rh_ctype *type, uint32_t depth, uint32_t *budget)
{
	if (depth == RH_CTYPE_DEPTH_MAX || *budget == 0)
		return false;
	--*budget;
	switch (type->kind) {
	case RH_CTYPE_INT:
		return type->size <= 8;
	case RH_CTYPE_FLOAT:
		return type->size == 4 || type->size == 8;
	case RH_CTYPE_ARRAY:
		return type->count > 0 && is_plain(type->target, depth + 1, budget);
	case RH_CTYPE_STRUCT:
	case RH_CTYPE_UNION:
		break;
	default:
		return false;
	}
	if (!type->is_complete || !type->size)
		return false;
	for (uint32_t i = 0; i < type->count; i++)
		if (!is_plain(type->fields[i].type, depth + 1, budget))
			return false;
	return true;
}

bool rh_ctype_is_plain(const struct rh_ctype *type)
{
	uint32_t budget = RH_CTYPE_PARTS_MAX;

	return is_plain(type, 0, &budget);
}

bool rh_ctype_is_record(const struct rh_ctype *type)
{
	return type->kind == RH_CTYPE_STRUCT || type->kind == RH_CTYPE_UNION;
}

const char *rh_ctype_spoiler(const struct rh_ctype *type)
{
	uint32_t budget = RH_CTYPE_PARTS_MAX;

	if (rh_ctype_is_record(type))
		for (uint32_t i = 0; i < type->count; i++)
			if (!is_plain(type->fields[i].type, 1, &budget))
				return type->fields[i].name;
	return "";
}

struct writer {
	char  *text;
	size_t cap;
	size_t len;
	bool   is_full;
};

__attribute__((format(printf, 2, 3)))
static void put(struct writer *out, const char *format, ...)
{
	va_list args;

	if (out->is_full)
		return;
	va_start(args, format);
	int len = vsnprintf(out->text + out->len, out->cap - out->len, format, args);
	va_end(args);
	if (len < 0 || (size_t)len >= out->cap - out->len)
		out->is_full = true;
	else
		out->len += (size_t)len;
}

static void put_type(struct writer *out, const struct rh_ctype *type, uint32_t depth);

static void put_fields(struct writer *out, const struct rh_ctype *type,
                       uint32_t depth)
{
	const char *word = type->kind == RH_CTYPE_UNION ? "union" : "struct";

	put(out, "%s %s{", word, type->name);
	for (uint32_t i = 0; i < type->count && !out->is_full; i++) {
		const struct rh_cfield *field = &type->fields[i];

		if (i)
			put(out, ";");
		put_type(out, field->type, depth + 1);
		put(out, " %s@%u", field->name, field->bit_offset / 8);
		if (field->bit_width)
			put(out, ".%u:%u", field->bit_offset % 8, field->bit_width);
	}
	put(out, "}:%u", type->size);
}

static void put_type(struct writer *out, const struct rh_ctype *type, uint32_t depth)
{
	if (depth == RH_CTYPE_DEPTH_MAX || out->is_full) {
		out->is_full = true;
		return;
	}
	switch (type->kind) {
	case RH_CTYPE_VOID:
		put(out, "void");
		break;
	case RH_CTYPE_INT:
		put(out, "%c%u", type->is_signed ? 'i' : 'u', type->size * 8);
		break;
	case RH_CTYPE_FLOAT:
		put(out, "f%u", type->size * 8);
		break;
	case RH_CTYPE_ARRAY:
		put_type(out, type->target, depth + 1);
		put(out, "[%u]", type->count);
		break;
	case RH_CTYPE_STRUCT:
	case RH_CTYPE_UNION:
		put_fields(out, type, depth);
		break;
	default:
		put(out, "?");
		break;
	}
}

int rh_ctype_text(const struct rh_ctype *type, char *text, size_t cap)
{
	struct writer out = { .text = text, .cap = cap };

	put_type(&out, type, 0);
	return out.is_full ? RH_EMSGSIZE : (int)out.len;
}
