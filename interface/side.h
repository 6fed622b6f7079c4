/* side - what a C header cannot say about an interface: the side file.
 *
 * rh_side_parse turns the text of a side file into tables.  It is a pure
 * function: it opens nothing, and it knows nothing of the header; whether the
 * names exist there is judged by map.h.  The language is described in
 * docs/side-file.md.
 *
 * Ownership   Everything in struct rh_side is taken from the caller's pool.
 * Threads     Any; no state is shared.
 * Limits      RH_SIDE_BYTES_MAX of text, RH_SIDE_FUNCTIONS_MAX function lines,
 *             RH_SIDE_HEADS_MAX headers and flags, RH_PARAMS_MAX parameters,
 *             words of RH_SIDE_WORD_MAX bytes.
 * Errors      RH_EINVAL with "<file>:<line>:<column>: <object>: <reason>" in
 *             the diag; RH_ENOMEM when the pool is full. */
#ifndef RH_INTERFACE_SIDE_H
#define RH_INTERFACE_SIDE_H

#include "../model/error.h"
#include "../model/interface.h"
#include "pool.h"

#include <stdbool.h>

#define RH_SIDE_BYTES_MAX     ((size_t)1 << 20)
#define RH_SIDE_FUNCTIONS_MAX 4096u
#define RH_SIDE_HEADS_MAX     64u
#define RH_SIDE_WORD_MAX      255u
#define RH_SIDE_NO_TYPE       0xffffu
#define RH_SIDE_NO_DIRECTION  0xffu

/* What the side file says a parameter is; UNSET leaves it to the C type. */
enum rh_role {
	RH_ROLE_UNSET,
	RH_ROLE_STRING,
	RH_ROLE_PATH,
	RH_ROLE_FD,
	RH_ROLE_BYTES,
	RH_ROLE_HANDLE,
	RH_ROLE_VALUE,   /* of the C type that was written */
	RH_ROLE_COUNT
};

struct rh_side_place {
	uint32_t line;
	uint32_t column;
};

/* One entry of a parameter list, or what stands behind the arrow. */
struct rh_side_value {
	const char          *name;      /* behind the bar, or NULL             */
	const char          *type;      /* a C type as written, or NULL        */
	const char          *length;    /* len= or cap=: a parameter, or NULL  */
	const char          *used;      /* used=: a parameter, "return" or NULL */
	uint32_t             count;     /* size=: elements behind the pointer  */
	uint16_t             type_index; /* of type in rh_side.types           */
	uint16_t             flags;     /* RH_PARAM_*                          */
	uint8_t              role;      /* enum rh_role                        */
	uint8_t              direction; /* enum rh_direction or NO_DIRECTION   */
	struct rh_side_place place;
};

struct rh_side_function {
	const char           *name;     /* with a * at its end: a pattern      */
	struct rh_side_value *params;
	struct rh_side_value  ret;
	struct rh_side_place  place;
	int64_t               error_value;
	int32_t               error_errno;
	uint16_t              flags;    /* RH_FUNCTION_*                       */
	uint8_t               param_count;
	uint8_t               on_error; /* enum rh_on_error                    */
	bool                  has_params;
	bool                  has_ret;
	bool                  is_pattern;
	bool                  is_ignored; /* does nothing, silently            */
};

struct rh_side_handle {
	const char          *type;
	uint16_t             type_index;
	uint16_t             flags;     /* RH_HANDLE_*                         */
	uint16_t             mirror_off; /* bytes that programs read: offset   */
	uint16_t             mirror_len; /* and length, or 0                   */
	struct rh_side_place place;
};

struct rh_side {
	const char               *file;      /* for messages                   */
	const char               *name;      /* interface                      */
	const char               *soname;    /* or NULL: the library's own     */
	const char               *library;   /* or NULL: found by the soname   */
	const char               *package;   /* or NULL                        */
	const char               *version;   /* or NULL                        */
	const char              **headers;
	const char              **cflags;
	const char              **java;      /* classes with native methods    */
	const char              **types;     /* every C type that was written  */
	struct rh_side_place     *type_places; /* where it was written first   */
	struct rh_side_handle    *handles;
	struct rh_side_function  *functions;
	uint32_t                  header_count;
	uint32_t                  cflag_count;
	uint32_t                  java_count;
	uint32_t                  type_count;
	uint32_t                  handle_count;
	uint32_t                  function_count;
	bool                      has_library; /* false for "library none"     */
};

/* Parses text[0, len); file is only named in messages.
 * RH_EINVAL  the text breaks the language; *ret is untouched.
 * RH_ENOMEM  the pool is full. */
int rh_side_parse(struct rh_pool *pool, const char *file, const char *text,
                  size_t len, struct rh_side *ret, struct rh_diag *diag);

/* The line for a function: its own, else that of the longest pattern which
 * fits, else NULL.  Borrowed from side. */
const struct rh_side_function *rh_side_find(const struct rh_side *side,
                                            const char *function);

#endif
