/* shape - canonical type texts as trees; docs/interface-text.md has the grammar. */
#include "rhodes-language.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT    __attribute__((visibility("default")))
#define DEPTH_MAX 16

/* Reads on from at; depth counts the structs around it. */
struct reader {
	const char *at;
	unsigned    depth;
};

static int take(struct reader *reader, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(reader->at, word, len) != 0)
		return 0;
	reader->at += len;
	return 1;
}

static int take_number(struct reader *reader, uint32_t *ret_number)
{
	uint64_t number = 0;

	if (!isdigit((unsigned char)*reader->at))
		return RH_EINVAL;
	while (isdigit((unsigned char)*reader->at) && number <= UINT32_MAX)
		number = number * 10 + (uint64_t)(*reader->at++ - '0');
	*ret_number = (uint32_t)number;
	return number > UINT32_MAX ? RH_EINVAL : RH_OK;
}

/* A name up to one of the characters in end. */
static int take_name(struct reader *reader, const char *end, const char **ret_name)
{
	size_t len = strcspn(reader->at, end);

	*ret_name = strndup(reader->at, len);
	reader->at += len;
	return *ret_name ? RH_OK : RH_ENOMEM;
}

static struct rh_shape *new_shape(enum rh_shape_kind kind)
{
	struct rh_shape *shape = calloc(1, sizeof *shape);

	if (shape)
		shape->kind = kind;
	return shape;
}

static int parse(struct reader *reader, struct rh_shape **ret_shape);

static int parse_number(struct reader *reader, struct rh_shape **ret_shape)
{
	static const char letters[] = "iuf";
	const char *letter = *reader->at ? strchr(letters, *reader->at) : NULL;
	uint32_t    bits = 0;

	if (!letter)
		return RH_EINVAL;
	reader->at++;
	if (take_number(reader, &bits) < 0 || (bits != 8 && bits != 16 && bits != 32 &&
	    bits != 64) || (*letter == 'f' && bits < 32))
		return RH_EINVAL;
	*ret_shape = new_shape((enum rh_shape_kind)(letter - letters));
	if (!*ret_shape)
		return RH_ENOMEM;
	(*ret_shape)->size = bits / 8;
	return RH_OK;
}

/* " FIELD@OFFSET" or " FIELD@BYTE.BIT:WIDTH" */
static int parse_place(struct reader *reader, struct rh_field *field)
{
	uint32_t bit = 0, width = 0;

	if (!take(reader, " ") || take_name(reader, "@;}", &field->name) < 0 ||
	    !take(reader, "@") || take_number(reader, &field->offset) < 0)
		return RH_EINVAL;
	if (take(reader, ".") && (take_number(reader, &bit) < 0 || !take(reader, ":") ||
	    take_number(reader, &width) < 0 || bit > 7 || width == 0 || width > 64))
		return RH_EINVAL;
	field->bit = (uint8_t)bit;
	field->bit_width = (uint8_t)width;
	return RH_OK;
}

static int parse_field(struct reader *reader, struct rh_shape *shape)
{
	struct rh_field *grown = realloc((void *)(uintptr_t)shape->fields,
	                                 (shape->count + 1u) * sizeof *grown);
	struct rh_shape *type = NULL;
	int              r;

	if (!grown)
		return RH_ENOMEM;
	shape->fields = grown;
	grown[shape->count] = (struct rh_field){ .name = NULL };
	r = parse(reader, &type);
	grown[shape->count].shape = type;
	shape->count++; /* from here on it is freed with the rest */
	return r < 0 ? r : parse_place(reader, &grown[shape->count - 1]);
}

/* Every field lies inside, so that whoever walks the tree stays there. */
static int check_fields(const struct rh_shape *shape)
{
	for (uint32_t i = 0; i < shape->count; i++) {
		const struct rh_field *field = &shape->fields[i];
		uint64_t bytes = field->bit_width
		                 ? (field->bit + field->bit_width + 7u) / 8u
		                 : field->shape->size;

		if (field->offset + bytes > shape->size)
			return RH_EINVAL;
	}
	return RH_OK;
}

static int parse_record(struct reader *reader, enum rh_shape_kind kind,
                        struct rh_shape **ret_shape)
{
	struct rh_shape *shape = new_shape(kind);
	int              r;

	if (!shape)
		return RH_ENOMEM;
	*ret_shape = shape;
	r = take_name(reader, "{;}", &shape->name);
	if (r < 0 || !take(reader, "{"))
		return r < 0 ? r : RH_EINVAL;
	while (r == RH_OK && *reader->at != '}') {
		if (shape->count > 0 && !take(reader, ";"))
			return RH_EINVAL;
		r = parse_field(reader, shape);
	}
	if (r < 0 || !take(reader, "}:"))
		return r < 0 ? r : RH_EINVAL;
	r = take_number(reader, &shape->size);
	return r < 0 ? r : check_fields(shape);
}

/* What was read so far is the element of the array; the last length is the outermost. */
static int wrap(struct reader *reader, struct rh_shape **shape)
{
	while (take(reader, "[")) {
		struct rh_shape *array = new_shape(RH_SHAPE_ARRAY);

		if (!array)
			return RH_ENOMEM;
		array->element = *shape;
		*shape = array;
		if (take_number(reader, &array->count) < 0 || !take(reader, "]") ||
		    (uint64_t)array->count * array->element->size > UINT32_MAX)
			return RH_EINVAL;
		array->size = array->count * array->element->size;
	}
	return RH_OK;
}

static int parse(struct reader *reader, struct rh_shape **ret_shape)
{
	int r;

	if (reader->depth == DEPTH_MAX)
		return RH_EINVAL;
	reader->depth++;
	if (take(reader, "struct "))
		r = parse_record(reader, RH_SHAPE_STRUCT, ret_shape);
	else if (take(reader, "union "))
		r = parse_record(reader, RH_SHAPE_UNION, ret_shape);
	else
		r = parse_number(reader, ret_shape);
	reader->depth--;
	return r < 0 ? r : wrap(reader, ret_shape);
}

EXPORT int rh_shape_parse(const char *type, struct rh_shape **ret_shape)
{
	static const char *const around[] = { "in ", "out ", "inout " };
	struct reader    reader = { .at = type };
	struct rh_shape *shape = NULL;
	int              r;

	for (size_t i = 0; i < sizeof around / sizeof *around; i++) {
		if (take(&reader, around[i]))
			break;
	}
	r = parse(&reader, &shape);
	take(&reader, "?");
	if (r == RH_OK && *reader.at != '\0')
		r = RH_EINVAL;
	if (r < 0) {
		rh_shape_free(shape);
		return r;
	}
	*ret_shape = shape;
	return RH_OK;
}

EXPORT void rh_shape_free(struct rh_shape *shape)
{
	if (!shape)
		return;
	for (uint32_t i = 0; shape->fields && i < shape->count; i++) {
		free((void *)(uintptr_t)shape->fields[i].name);
		rh_shape_free((struct rh_shape *)(uintptr_t)shape->fields[i].shape);
	}
	free((void *)(uintptr_t)shape->fields);
	free((void *)(uintptr_t)shape->name);
	rh_shape_free((struct rh_shape *)(uintptr_t)shape->element);
	free(shape);
}
