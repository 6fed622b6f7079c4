/* decode - reads JSON strictly: every key known, every type right, every refusal
 * with a pointer to the element.
 *
 * A shape is a table of fields, each with a function that checks its value; the
 * walk keeps the JSON pointer.  Nothing is changed or kept.
 *
 * Ownership   Values are borrowed.
 * Threads     Any; no state.
 * Limits      RH_JSON_DEPTH_MAX, and those the checks name. */
#ifndef RH_CENTER_DECODE_H
#define RH_CENTER_DECODE_H

#include "problem.h"

#include <stddef.h>

struct rh_decode {
	struct rh_problem *problem;
	const char        *name;    /* of the object, for self references      */
	size_t             len;
	char               pointer[RH_POINTER_MAX];
};

typedef int rh_decode_check(struct rh_decode *decode, const json_t *value);

struct rh_field {
	const char      *key;
	rh_decode_check *check;
	int              is_required;
};

#define RH_FIELDS(table) (table), (sizeof (table) / sizeof (table)[0])

/* Parses one JSON value of bytes; the caller owns *ret_json.
 * RH_EINVAL  not JSON, a duplicate key, too deep; the detail names line, column. */
int rh_decode_parse(const char *bytes, size_t len, json_t **ret_json,
                    struct rh_problem *problem);

/* Goes down to a key or an index; pass what it returned to rh_decode_leave. */
size_t rh_decode_enter(struct rh_decode *decode, const char *key);
size_t rh_decode_enter_index(struct rh_decode *decode, size_t index);
void   rh_decode_leave(struct rh_decode *decode, size_t mark);

/* Refuses the element where the decoder stands; returns RH_EINVAL. */
int rh_decode_refuse(struct rh_decode *decode, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The value is an object with these fields and no others. */
int rh_decode_fields(struct rh_decode *decode, const json_t *value,
                     const struct rh_field *fields, size_t count);

/* The value is an array of at most max elements, each passing check. */
int rh_decode_list(struct rh_decode *decode, const json_t *value, size_t max,
                   rh_decode_check *check);

/* The value is a string of min to max bytes without control characters (tab and
 * newline only when is_text). */
int rh_decode_string(struct rh_decode *decode, const json_t *value, size_t min,
                     size_t max, int is_text);

/* The value is an integer in [min, max]. */
int rh_decode_integer(struct rh_decode *decode, const json_t *value,
                      json_int_t min, json_int_t max);

int rh_decode_boolean(struct rh_decode *decode, const json_t *value);

/* The value is one of the strings, NULL at the end of the list. */
int rh_decode_choice(struct rh_decode *decode, const json_t *value,
                     const char *const *choices);

/* A resource's name; a rule's, interface's or node's name; 64 hex digits. */
int rh_decode_name(struct rh_decode *decode, const json_t *value);
int rh_decode_rule_name(struct rh_decode *decode, const json_t *value);
int rh_decode_sha256(struct rh_decode *decode, const json_t *value);

/* 1 when text is 64 lower-case hex digits. */
int rh_is_sha256(const char *text);

#endif
