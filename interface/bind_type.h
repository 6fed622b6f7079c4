/* bind_type - a plain type of the canonical text, as a language's binding needs it.
 *
 * Texts of equal spelling are one type.  A struct whose fields do not lie where a
 * compiler would put them by itself (packed, bit-fields), and every union, is not natural:
 * bindings keep its bytes and reach the fields by their offsets.
 *
 * Ownership   All of it lives in the caller's pool.
 * Threads     One per pool.
 * Errors      RH_EINVAL the text is no plain type; RH_ENOMEM. */
#ifndef RH_INTERFACE_BIND_TYPE_H
#define RH_INTERFACE_BIND_TYPE_H

#include "../model/error.h"
#include "pool.h"

#include <stdbool.h>
#include <stdint.h>

enum rh_bind_kind { RH_BIND_INT, RH_BIND_UINT, RH_BIND_FLOAT, RH_BIND_ARRAY,
                    RH_BIND_STRUCT, RH_BIND_UNION };

struct rh_bind_field;

struct rh_bind_type {
	const char                 *text;    /* canonical                       */
	const char                 *tag;     /* of a struct or union, "" without */
	const char                 *name;    /* in the language: see rh_bind_name */
	const struct rh_bind_type  *element; /* ARRAY                           */
	const struct rh_bind_field *fields;
	struct rh_bind_type        *next;    /* in the order of definition      */
	uint32_t                    count;   /* of fields or elements           */
	uint32_t                    size;
	uint32_t                    align;
	uint8_t                     kind;    /* enum rh_bind_kind               */
	bool                        is_natural;
};

struct rh_bind_field {
	const char                *name;
	struct rh_bind_type       *type;
	uint32_t                   offset;
	uint8_t                    bit;      /* of a bit-field: its first bit   */
	uint8_t                    width;    /* 0: no bit-field                 */
};

/* Every type read so far; a type stands behind those that it holds. */
struct rh_bind_types {
	struct rh_pool       *pool;
	struct rh_bind_type  *first;
	struct rh_bind_type **last;
};

void rh_bind_types_init(struct rh_bind_types *types, struct rh_pool *pool);

/* Reads one type, which must be all of the text. */
int rh_bind_type_read(struct rh_bind_types *types, const char *text,
                      struct rh_bind_type **ret);

bool rh_bind_type_is_record(const struct rh_bind_type *type);

#endif
