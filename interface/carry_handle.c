#include "carry_value.h"

#include <string.h>

/* "struct archive" and "archive" are one handle. */
static const char *handle_name(const char *type)
{
	if (strncmp(type, "struct ", 7) == 0)
		return type + 7;
	return strncmp(type, "union ", 6) == 0 ? type + 6 : type;
}

int rh_carry_add_handle(struct rh_carry *carry, const char *name,
                        const struct rh_ctype *type, uint32_t flags)
{
	struct rh_carry_handle *grown = rh_pool_grow(
		carry->pool, carry->handles, carry->handle_count, sizeof *grown);

	if (!grown)
		return RH_ENOMEM;
	carry->handles = grown;
	carry->handles[carry->handle_count] =
		(struct rh_carry_handle){ .name = handle_name(name), .type = type,
		                          .flags = flags };
	return (int)carry->handle_count++;
}

static bool same_text(const char *a, const char *b)
{
	return a[0] != '\0' && strcmp(a, b) == 0;
}

/* Two records are the same by tag, and when they have none by typedef. */
static bool same_record(const struct rh_ctype *a, const struct rh_ctype *b)
{
	if (!rh_ctype_is_record(a) || !rh_ctype_is_record(b))
		return false;
	return same_text(a->name, b->name) ||
	       (!a->name[0] && !b->name[0] && same_text(a->alias, b->alias));
}

static const struct rh_ctype *record_of(const struct rh_ctype *type)
{
	return type->kind == RH_CTYPE_POINTER ? type->target : type;
}

/* A void * is told apart only by the name of its typedef. */
static bool is_handle_of(const struct rh_ctype *declared, const struct rh_ctype *type)
{
	return (declared->kind == type->kind &&
	        same_text(declared->alias, type->alias)) ||
	       same_record(record_of(declared), record_of(type));
}

int rh_carry_find_handle(const struct rh_carry *carry, const struct rh_ctype *type)
{
	for (uint32_t i = 0; i < carry->handle_count; i++)
		if (is_handle_of(carry->handles[i].type, type))
			return (int)i;
	return -1;
}
