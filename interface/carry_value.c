#include "carry_value.h"

#include "../base/diag.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int rh_carry_fail(struct rh_carry_row *row, const struct rh_side_value *rule,
                  const char *format, ...)
{
	struct rh_side_place place = rule ? rule->place : row->line->place;
	char                 reason[120];
	va_list              args;

	va_start(args, format);
	vsnprintf(reason, sizeof reason, format, args);
	va_end(args);
	return rh_diag_set(row->diag, RH_EINVAL, "%.60s:%u:%u: %.40s: %s",
	                   row->carry->side->file, place.line, place.column,
	                   row->function->symbol, reason);
}

static bool is_byte(const struct rh_ctype *type)
{
	return type->kind == RH_CTYPE_INT && type->size == 1;
}

static bool is_text(const struct rh_ctype *type)
{
	return type->kind == RH_CTYPE_POINTER &&
	       (is_byte(type->target) || type->target->kind == RH_CTYPE_VOID);
}

static bool looks_like_length(const struct rh_cparam *param)
{
	static const char *const words[] = { "len", "size", "count", "bytes" };

	if (!param || param->type->kind != RH_CTYPE_INT || param->type->size < 4)
		return false;
	if (strcmp(param->type->alias, "size_t") == 0)
		return true;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strcasestr(param->name, words[i]))
			return true;
	return strcmp(param->name, "n") == 0;
}

/* Canonical text of a plain type into the pool. */
static int plain_text(struct rh_carry_row *row, const struct rh_ctype *type,
                      const char **ret)
{
	char text[RH_TEXT_MAX];
	int  len = rh_ctype_text(type, text, sizeof text);

	if (len < 0) {
		row->reason = "its text is longer than the limit";
		return RH_OK;
	}
	*ret = rh_pool_copy(row->carry->pool, text, (size_t)len);
	return *ret ? RH_OK : RH_ENOMEM;
}

static int refuse(struct rh_carry_row *row, const struct rh_ctype *type,
                  const char *what)
{
	row->reason = rh_pool_print(row->carry->pool, "%s %s", type->spelling, what);
	return row->reason ? RH_OK : RH_ENOMEM;
}

/* A number or a plain struct, by value or behind a pointer. */
static int set_plain(struct rh_carry_row *row, const struct rh_ctype *type,
                     struct rh_param *ret)
{
	static const uint8_t kinds[RH_CTYPE_COUNT] = {
		[RH_CTYPE_FLOAT] = RH_KIND_FLOAT,   [RH_CTYPE_STRUCT] = RH_KIND_STRUCT,
		[RH_CTYPE_UNION] = RH_KIND_STRUCT,  [RH_CTYPE_ARRAY] = RH_KIND_STRUCT,
	};

	if (!rh_ctype_is_plain(type)) {
		const char *field = rh_ctype_spoiler(type);

		if (!field[0])
			return refuse(row, type, "has no wire form");
		row->reason = rh_pool_print(row->carry->pool,
		                            "%s holds a pointer or worse in field %s",
		                            type->spelling, field);
		return row->reason ? RH_OK : RH_ENOMEM;
	}
	ret->kind = kinds[type->kind];
	if (type->kind == RH_CTYPE_INT)
		ret->kind = type->is_signed ? RH_KIND_INT : RH_KIND_UINT;
	ret->size = type->size;
	return plain_text(row, type, &ret->type);
}

static int set_handle(struct rh_carry_row *row, const struct rh_ctype *type,
                      const char *name, struct rh_param *ret)
{
	int index = rh_carry_find_handle(row->carry, type);

	if (index < 0)
		index = rh_carry_add_handle(row->carry, name, type, 0);
	if (index < 0)
		return index;
	ret->kind = RH_KIND_HANDLE;
	ret->handle = (uint16_t)index;
	ret->mirror_off = row->carry->handles[index].mirror_off;
	ret->mirror_len = row->carry->handles[index].mirror_len;
	ret->size = sizeof(void *);
	return RH_OK;
}

static void set_string(struct rh_param *ret, uint8_t kind)
{
	ret->kind = kind;
	ret->size = 1;
}

static int default_record(struct rh_carry_row *row, const struct rh_ctype *type,
                          struct rh_param *ret)
{
	const struct rh_ctype *target = type->target;

	if (strcmp(target->name, "_IO_FILE") == 0)
		return refuse(row, type, "is an open file of the C library");
	if (strcmp(target->name, "__va_list_tag") == 0)
		return refuse(row, type, "is a list of variable arguments");
	if (target->is_complete)
		return refuse(row, type, "shows its fields to both sides: say handle, in, "
		              "out or inout");
	return set_handle(row, type, target->name[0] ? target->name : target->alias,
	                  ret);
}

static int default_pointer(struct rh_carry_row *row,
                           const struct rh_carry_value *value, struct rh_param *ret)
{
	const struct rh_ctype *type = value->type, *target = type->target;

	if (rh_carry_find_handle(row->carry, type) >= 0)
		return set_handle(row, type, NULL, ret);
	if (target->kind == RH_CTYPE_FUNCTION)
		return refuse(row, type, "is a callback");
	if (target->kind == RH_CTYPE_POINTER)
		return refuse(row, type, "is a pointer to a pointer: say out string or "
		              "out handle");
	if (rh_ctype_is_record(target))
		return default_record(row, type, ret);
	if (target->is_char && target->is_const) {
		set_string(ret, RH_KIND_STRING);
		return RH_OK;
	}
	if (value->is_result)
		return refuse(row, type, is_text(type) ?
		              "may be text or bytes: say -> string or bytes" :
		              "cannot be told apart: say -> handle or nocarry");
	if (is_text(type) && target->is_const && looks_like_length(value->next)) {
		ret->kind = RH_KIND_BYTES;
		ret->size = 1;
		return RH_OK;
	}
	if (is_text(type))
		return refuse(row, type, "says too little");
	return refuse(row, type, "has no direction: say in, out or inout");
}

static int default_value(struct rh_carry_row *row, const struct rh_carry_value *value,
                         struct rh_param *ret)
{
	const struct rh_ctype *type = value->type;

	switch (type->kind) {
	case RH_CTYPE_VOID:
		ret->kind = RH_KIND_VOID;
		return RH_OK;
	case RH_CTYPE_POINTER:
		return default_pointer(row, value, ret);
	case RH_CTYPE_ARRAY:
		if (type->is_const || type->target->is_const) {
			ret->flags |= RH_PARAM_POINTER;
			return set_plain(row, type, ret);
		}
		if (strcmp(type->target->name, "__va_list_tag") == 0)
			return refuse(row, type, "is a list of variable arguments");
		return refuse(row, type, "has no direction: say in, out or inout");
	case RH_CTYPE_FUNCTION:
		return refuse(row, type, "is a callback");
	default:
		return set_plain(row, type, ret);
	}
}

/* size=N: a buffer whose length C does not say but the manual does. */
static int counted_value(struct rh_carry_row *row, const struct rh_carry_value *value,
                         struct rh_param *ret)
{
	static const struct rh_ctype byte = {
		.name = "", .alias = "", .spelling = "unsigned char",
		.kind = RH_CTYPE_INT, .size = 1,
	};
	const struct rh_ctype *target = value->type->target;
	struct rh_ctype       *array = rh_pool_take(row->carry->pool, 1, sizeof *array);
	uint64_t               size;

	if (!array)
		return RH_ENOMEM;
	*array = *value->type;
	array->kind = RH_CTYPE_ARRAY;
	array->target = target->kind == RH_CTYPE_VOID ? &byte : target;
	array->count = value->rule->count;
	size = (uint64_t)array->target->size * array->count;
	if (!rh_ctype_is_plain(array) || size > RH_CARRY_VALUE_MAX)
		return rh_carry_fail(row, value->rule, "%u of %s are no plain data of at "
		                     "most %u bytes", array->count, value->type->spelling,
		                     RH_CARRY_VALUE_MAX);
	array->size = (uint32_t)size;
	return set_plain(row, array, ret);
}

/* in, out, inout without more: what the pointer points to tells. */
static int pointed_value(struct rh_carry_row *row, const struct rh_carry_value *value,
                         struct rh_param *ret)
{
	const struct rh_ctype *type = value->type;

	ret->flags |= RH_PARAM_POINTER;
	if (type->kind == RH_CTYPE_ARRAY)
		return set_plain(row, type, ret);
	if (type->kind != RH_CTYPE_POINTER)
		return rh_carry_fail(row, value->rule, "a direction needs a pointer, not %s",
		                     type->spelling);
	const struct rh_ctype *target = type->target;
	if (target->kind == RH_CTYPE_POINTER) {
		if (rh_carry_find_handle(row->carry, target) >= 0 ||
		    (rh_ctype_is_record(target->target) && !target->target->is_complete))
			return set_handle(row, target, target->target->name, ret);
		return rh_carry_fail(row, value->rule,
		                     "say string or handle T for %s", type->spelling);
	}
	if (value->rule->count)
		return counted_value(row, value, ret);
	if (!rh_ctype_is_plain(target))
		return rh_carry_fail(row, value->rule, "%s points to no plain data%s%s",
		                     type->spelling,
		                     rh_ctype_spoiler(target)[0] ? ": field " : "",
		                     rh_ctype_spoiler(target));
	return set_plain(row, target, ret);
}

/* in, out, inout T: the header's own pointee may be void. */
static int typed_value(struct rh_carry_row *row, const struct rh_carry_value *value,
                       struct rh_param *ret)
{
	const struct rh_side_value *rule = value->rule;
	const struct rh_ctype      *type = value->type;
	const struct rh_ctype      *wanted = row->carry->types[rule->type_index];

	if (rule->direction == RH_SIDE_NO_DIRECTION)
		return rh_carry_fail(row, rule, "say in, out or inout before '%s'",
		                     rule->type);
	if (type->kind != RH_CTYPE_POINTER && type->kind != RH_CTYPE_ARRAY)
		return rh_carry_fail(row, rule, "a direction needs a pointer, not %s",
		                     type->spelling);
	if (!rh_ctype_is_plain(wanted))
		return rh_carry_fail(row, rule, "%s is no plain data", rule->type);
	uint32_t size = type->kind == RH_CTYPE_ARRAY ? type->size : type->target->size;
	if (type->target->kind != RH_CTYPE_VOID && !is_byte(type->target) &&
	    size != wanted->size)
		return rh_carry_fail(row, rule, "%s has %u bytes, what %s points to has %u",
		                     rule->type, wanted->size, type->spelling, size);
	ret->flags |= RH_PARAM_POINTER;
	return set_plain(row, wanted, ret);
}

static int string_value(struct rh_carry_row *row, const struct rh_carry_value *value,
                        struct rh_param *ret)
{
	bool                   is_path = value->rule->role == RH_ROLE_PATH;
	const struct rh_ctype *type = value->type;

	if (value->rule->direction == RH_INOUT)
		return rh_carry_fail(row, value->rule, "a string is in or out");
	if (value->rule->direction == RH_OUT && is_path)
		return rh_carry_fail(row, value->rule, "a path is only read");
	if (value->rule->direction == RH_OUT) {
		if (type->kind != RH_CTYPE_POINTER)
			return rh_carry_fail(row, value->rule, "%s is no pointer",
			                     type->spelling);
		ret->flags |= RH_PARAM_POINTER;
		type = type->target;
	}
	if (!is_text(type))
		return rh_carry_fail(row, value->rule, "%s is no string",
		                     value->type->spelling);
	set_string(ret, is_path ? RH_KIND_PATH : RH_KIND_STRING);
	return RH_OK;
}

static int handle_value(struct rh_carry_row *row, const struct rh_carry_value *value,
                        struct rh_param *ret)
{
	const struct rh_side_value *rule = value->rule;
	const struct rh_ctype      *type = value->type;

	if (rule->direction == RH_OUT || rule->direction == RH_INOUT) {
		if (type->kind != RH_CTYPE_POINTER)
			return rh_carry_fail(row, rule, "%s is no pointer", type->spelling);
		ret->flags |= RH_PARAM_POINTER;
		type = type->target;
	}
	if (type->kind != RH_CTYPE_POINTER)
		return rh_carry_fail(row, rule, "%s is no pointer to an object",
		                     value->type->spelling);
	if (rule->type) {
		const struct rh_ctype *wanted = row->carry->types[rule->type_index];

		if (rh_carry_find_handle(row->carry, wanted) < 0 &&
		    wanted->kind != RH_CTYPE_POINTER && !rh_ctype_is_record(wanted))
			return rh_carry_fail(row, rule, "%s is no handle", rule->type);
		return set_handle(row, wanted, rule->type, ret);
	}
	const char *name = type->target->name[0] ? type->target->name : type->alias;
	if (!name[0])
		name = type->target->alias;
	if (!name[0])
		return rh_carry_fail(row, rule, "say which: handle T for %s",
		                     value->type->spelling);
	return set_handle(row, type, name, ret);
}

static int fd_value(struct rh_carry_row *row, const struct rh_carry_value *value,
                    struct rh_param *ret)
{
	const struct rh_ctype *type = value->type;

	if (value->rule->direction == RH_OUT && type->kind == RH_CTYPE_POINTER) {
		ret->flags |= RH_PARAM_POINTER;
		type = type->target;
	}
	if (type->kind != RH_CTYPE_INT || type->size != 4)
		return rh_carry_fail(row, value->rule, "%s is no descriptor",
		                     value->type->spelling);
	ret->kind = RH_KIND_FD;
	ret->size = 4;
	return RH_OK;
}

static int bytes_value(struct rh_carry_row *row, const struct rh_carry_value *value,
                       struct rh_param *ret)
{
	const struct rh_ctype *type = value->type;

	if (type->kind != RH_CTYPE_POINTER ||
	    (type->target->kind != RH_CTYPE_VOID && !rh_ctype_is_plain(type->target)))
		return rh_carry_fail(row, value->rule, "%s points to no bytes",
		                     type->spelling);
	if (value->rule->direction == RH_SIDE_NO_DIRECTION && !type->target->is_const &&
	    !value->is_result)
		return rh_carry_fail(row, value->rule, "say in, out or inout before bytes");
	ret->kind = RH_KIND_BYTES;
	ret->size = type->target->kind == RH_CTYPE_VOID ? 1 : type->target->size;
	return RH_OK;
}

static int ruled_value(struct rh_carry_row *row, const struct rh_carry_value *value,
                       struct rh_param *ret)
{
	static int (*const by_role[RH_ROLE_COUNT])(struct rh_carry_row *,
	                                           const struct rh_carry_value *,
	                                           struct rh_param *) = {
		[RH_ROLE_STRING] = string_value, [RH_ROLE_PATH] = string_value,
		[RH_ROLE_FD] = fd_value,         [RH_ROLE_BYTES] = bytes_value,
		[RH_ROLE_HANDLE] = handle_value, [RH_ROLE_VALUE] = typed_value,
	};
	const struct rh_side_value *rule = value->rule;

	if (rule->direction != RH_SIDE_NO_DIRECTION)
		ret->direction = rule->direction;
	if (rule->role != RH_ROLE_UNSET)
		return by_role[rule->role](row, value, ret);
	if (rule->direction != RH_SIDE_NO_DIRECTION)
		return pointed_value(row, value, ret);
	return default_value(row, value, ret);
}

static int check_flags(struct rh_carry_row *row, const struct rh_carry_value *value,
                       const struct rh_param *param)
{
	const struct rh_side_value *rule = value->rule;
	bool is_scalar = value->type->kind != RH_CTYPE_POINTER &&
	                 value->type->kind != RH_CTYPE_ARRAY;

	if (rule->flags & RH_PARAM_NULLABLE && is_scalar)
		return rh_carry_fail(row, rule, "%s can never be NULL",
		                     value->type->spelling);
	if (rule->flags & (RH_PARAM_CREATES | RH_PARAM_DESTROYS) && !row->reason &&
	    param->kind != RH_KIND_HANDLE)
		return rh_carry_fail(row, rule, "%s is no handle", value->type->spelling);
	if (rule->flags & RH_PARAM_CREATES && !value->is_result &&
	    param->direction == RH_IN)
		return rh_carry_fail(row, rule, "new needs out");
	return RH_OK;
}

int rh_carry_value(struct rh_carry_row *row, const struct rh_carry_value *value,
                   struct rh_param *ret)
{
	*ret = (struct rh_param){
		.name = "", .type = "", .len_param = RH_NO_PARAM,
		.used_param = RH_NO_PARAM,
		.direction = value->is_result ? RH_OUT : RH_IN,
	};
	if (!value->rule)
		return default_value(row, value, ret);
	int result = ruled_value(row, value, ret);
	if (result >= 0)
		result = check_flags(row, value, ret);
	ret->flags = (uint16_t)(ret->flags | value->rule->flags);
	return result;
}
