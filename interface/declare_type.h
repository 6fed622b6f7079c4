/* declare_type - a type of canonical text, as C declares it.  Inside of declare only.
 *
 * Structs and unions are collected as definitions, in the order in which C needs
 * them.  A layout that C does not make by itself is packed, or refused.
 *
 * Ownership   Everything is taken from the pool.
 * Limits      RH_CTYPE_DEPTH_MAX deep.
 * Errors      RH_EINVAL with reason in struct rh_definitions; RH_ENOMEM. */
#ifndef RH_INTERFACE_DECLARE_TYPE_H
#define RH_INTERFACE_DECLARE_TYPE_H

#include "../model/error.h"
#include "ctype.h"
#include "pool.h"

struct rh_definition {
	const char *tag;     /* "struct point"; of one without a name, a typedef */
	const char *type;    /* canonical text                                  */
	const char *code;    /* NULL: only declared, an object of the callee    */
	uint64_t    size;
	uint64_t    align;
};

struct rh_definitions {
	struct rh_pool       *pool;
	const char           *prefix;   /* of typedefs that need a name       */
	struct rh_definition *items;
	uint32_t              count;
	const char           *reason;   /* of the last RH_EINVAL              */
};

struct rh_declared {
	const char *base;     /* "struct point", "uint8_t"                    */
	const char *suffix;   /* "[3]", or ""                                 */
	uint64_t    size;
	uint64_t    align;
};

/* Reads one plain type at *at and moves behind it. */
int rh_declare_plain(struct rh_definitions *all, const char **at,
                     struct rh_declared *ret);

/* Notes that "struct NAME" is an object of the callee. */
int rh_declare_object(struct rh_definitions *all, const char *name);

/* An identifier of C that is neither a word of the language nor a usual macro. */
bool rh_declare_is_name(const char *text, size_t len);

#endif
