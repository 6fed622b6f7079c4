#include "bind_type.h"

#include <stdlib.h>
#include <string.h>

#define FIELDS_MAX 256u
#define DEPTH_MAX  16u

struct reader {
	struct rh_bind_types *types;
	const char           *at;
	unsigned              depth;
};

void rh_bind_types_init(struct rh_bind_types *types, struct rh_pool *pool)
{
	*types = (struct rh_bind_types){ .pool = pool };
	types->last = &types->first;
}

bool rh_bind_type_is_record(const struct rh_bind_type *type)
{
	return type->kind == RH_BIND_STRUCT || type->kind == RH_BIND_UNION;
}

static bool take(struct reader *reader, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(reader->at, word, len) != 0)
		return false;
	reader->at += len;
	return true;
}

static bool take_number(struct reader *reader, uint32_t *ret)
{
	char         *end;
	unsigned long value = strtoul(reader->at, &end, 10);

	if (end == reader->at || value > UINT32_MAX)
		return false;
	reader->at = end;
	*ret = (uint32_t)value;
	return true;
}

/* The word up to one of the stops. */
static const char *take_word(struct reader *reader, const char *stops)
{
	size_t len = strcspn(reader->at, stops);
	char  *word = rh_pool_copy(reader->types->pool, reader->at, len);

	reader->at += len;
	return word;
}

/* The type of that text, entered now when it is not there. */
static int enter(struct reader *reader, const char *begin, struct rh_bind_type *type,
                 struct rh_bind_type **ret)
{
	struct rh_bind_types *types = reader->types;
	size_t                len = (size_t)(reader->at - begin);

	for (struct rh_bind_type *old = types->first; old; old = old->next) {
		if (strlen(old->text) == len && memcmp(old->text, begin, len) == 0) {
			*ret = old;
			return RH_OK;
		}
	}
	type->text = rh_pool_copy(types->pool, begin, len);
	if (!type->text)
		return RH_ENOMEM;
	*types->last = type;
	types->last = &type->next;
	*ret = type;
	return RH_OK;
}

static int read_type(struct reader *reader, struct rh_bind_type **ret);

static int read_field(struct reader *reader, struct rh_bind_field *field)
{
	uint32_t bit = 0, width = 0;
	int      result = read_type(reader, &field->type);

	if (result < 0)
		return result;
	if (!take(reader, " "))
		return RH_EINVAL;
	field->name = take_word(reader, "@;}");
	if (!field->name)
		return RH_ENOMEM;
	if (!take(reader, "@") || !take_number(reader, &field->offset))
		return RH_EINVAL;
	if (take(reader, ".") && (!take_number(reader, &bit) || !take(reader, ":") ||
	                          !take_number(reader, &width) || width == 0))
		return RH_EINVAL;
	field->bit = (uint8_t)bit;
	field->width = (uint8_t)width;
	return bit < 8 && width <= 64 ? RH_OK : RH_EINVAL;
}

static uint32_t align_up(uint32_t value, uint32_t align)
{
	return (value + align - 1) / align * align;
}

/* What a compiler would do with these fields by itself. */
static void judge_layout(struct rh_bind_type *type)
{
	uint32_t end = 0;
	bool     fits = true, is_packed = false;

	type->align = 1;
	for (uint32_t i = 0; i < type->count; i++) {
		const struct rh_bind_field *field = &type->fields[i];
		uint32_t                    align = field->type->align;

		if (align > type->align)
			type->align = align;
		is_packed = is_packed || (!field->width && field->offset % align);
		fits = fits && !field->width && field->name[0] &&
		       align_up(end, align) == field->offset;
		end = field->offset + field->type->size;
	}
	if (is_packed || type->size % type->align)
		type->align = 1;
	type->is_natural = fits && !is_packed && type->kind == RH_BIND_STRUCT &&
	                   type->count && align_up(end, type->align) == type->size;
}

static int read_fields(struct reader *reader, struct rh_bind_type *type)
{
	struct rh_bind_field *fields = NULL;

	while (!take(reader, "}")) {
		if (type->count == FIELDS_MAX || (type->count && !take(reader, ";")))
			return RH_EINVAL;
		fields = rh_pool_grow(reader->types->pool, fields, type->count,
		                      sizeof *fields);
		if (!fields)
			return RH_ENOMEM;
		fields[type->count] = (struct rh_bind_field){ .name = NULL };
		int result = read_field(reader, &fields[type->count++]);
		if (result < 0)
			return result;
		type->fields = fields;
	}
	return RH_OK;
}

static int read_record(struct reader *reader, struct rh_bind_type *type)
{
	type->tag = take_word(reader, "{");
	if (!type->tag)
		return RH_ENOMEM;
	if (!take(reader, "{"))
		return RH_EINVAL;
	int result = read_fields(reader, type);
	if (result < 0)
		return result;
	if (!take(reader, ":") || !take_number(reader, &type->size) || !type->size)
		return RH_EINVAL;
	judge_layout(type);
	return RH_OK;
}

static int read_number(struct reader *reader, struct rh_bind_type *type)
{
	static const struct { const char *word; uint8_t kind, size; } words[] = {
		{ "i8", RH_BIND_INT, 1 },   { "i16", RH_BIND_INT, 2 },
		{ "i32", RH_BIND_INT, 4 },  { "i64", RH_BIND_INT, 8 },
		{ "u8", RH_BIND_UINT, 1 },  { "u16", RH_BIND_UINT, 2 },
		{ "u32", RH_BIND_UINT, 4 }, { "u64", RH_BIND_UINT, 8 },
		{ "f32", RH_BIND_FLOAT, 4 }, { "f64", RH_BIND_FLOAT, 8 },
	};

	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (!take(reader, words[i].word))
			continue;
		type->kind = words[i].kind;
		type->size = type->align = words[i].size;
		type->is_natural = true;
		return RH_OK;
	}
	return RH_EINVAL;
}

static int read_base(struct reader *reader, struct rh_bind_type **ret)
{
	const char          *begin = reader->at;
	struct rh_bind_type *type = rh_pool_take(reader->types->pool, 1, sizeof *type);
	int                  result;

	if (!type)
		return RH_ENOMEM;
	type->tag = type->name = "";
	if (take(reader, "struct ")) {
		type->kind = RH_BIND_STRUCT;
		result = read_record(reader, type);
	} else if (take(reader, "union ")) {
		type->kind = RH_BIND_UNION;
		result = read_record(reader, type);
	} else {
		result = read_number(reader, type);
	}
	return result < 0 ? result : enter(reader, begin, type, ret);
}

static int read_array(struct reader *reader, const char *begin,
                      struct rh_bind_type **type)
{
	struct rh_bind_type *array = rh_pool_take(reader->types->pool, 1, sizeof *array);

	if (!array)
		return RH_ENOMEM;
	array->kind = RH_BIND_ARRAY;
	array->tag = array->name = "";
	array->element = *type;
	array->align = (*type)->align;
	array->is_natural = true;
	if (!take_number(reader, &array->count) || !take(reader, "]") ||
	    (uint64_t)array->count * (*type)->size > UINT32_MAX)
		return RH_EINVAL;
	array->size = array->count * (*type)->size;
	return enter(reader, begin, array, type);
}

static int read_type(struct reader *reader, struct rh_bind_type **ret)
{
	const char          *begin = reader->at;
	struct rh_bind_type *type = NULL;

	if (++reader->depth > DEPTH_MAX)
		return RH_EINVAL;
	int result = read_base(reader, &type);
	while (result >= 0 && take(reader, "["))
		result = read_array(reader, begin, &type);
	reader->depth--;
	if (result >= 0)
		*ret = type;
	return result;
}

int rh_bind_type_read(struct rh_bind_types *types, const char *text,
                      struct rh_bind_type **ret)
{
	struct reader reader = { .types = types, .at = text };
	int           result = read_type(&reader, ret);

	if (result < 0)
		return result;
	return *reader.at ? RH_EINVAL : RH_OK;
}
