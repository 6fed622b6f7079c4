/* shape - what an object may look like: every key, type and bound.
 *
 * Shape is judged alone; what an object means beside others (types over edges,
 * conflicts of rules) is realm.h's.
 *
 * Ownership   Everything is borrowed.
 * Threads     Any; no state.
 * Errors      RH_EINVAL with pointer and sentence in the problem. */
#ifndef RH_CENTER_SHAPE_H
#define RH_CENTER_SHAPE_H

#include "decode.h"
#include "object.h"

/* An object as somebody wants it; all borrowed from its JSON. */
struct rh_wanted {
	enum rh_object_kind kind;
	const char         *name;
	const json_t       *labels;  /* or NULL                                */
	const json_t       *spec;
};

/* Checks kind, metadata, spec and nothing else; decode->pointer is where the
 * object stands in the request.  What the center itself writes (revision,
 * generation, uid, status) may be there and is ignored, so that what was read can
 * be applied again. */
int rh_shape_check(struct rh_decode *decode, const json_t *object,
                   struct rh_wanted *ret_wanted);

/* The three kinds of spec; used by rh_shape_check and tests. */
int rh_shape_resource(struct rh_decode *decode, const json_t *spec);
int rh_shape_interface(struct rh_decode *decode, const json_t *spec);
int rh_shape_rule(struct rh_decode *decode, const json_t *spec);

/* What somebody publishes as a rule's module (parts.h). */
int rh_shape_module(struct rh_decode *decode, const json_t *manifest);

/* In both, and the rule of code that uses it. */
int rh_shape_hook(struct rh_decode *decode, const json_t *value);
int rh_shape_mode(struct rh_decode *decode, const json_t *value);
int rh_shape_memory(struct rh_decode *decode, const json_t *value);
int rh_shape_code(struct rh_decode *decode, const json_t *value);

/* What a rule says of how threads are scheduled. */
int rh_shape_sched(struct rh_decode *decode, const json_t *value);

/* The edges of a rule: [caller, callee], each a name or "*". */
int rh_shape_pattern(struct rh_decode *decode, const json_t *value);

/* How a rule is rolled out, in the spec of a rule on edges. */
int rh_shape_rollout(struct rh_decode *decode, const json_t *value);

/* Labels, as in metadata and in a resource's spec. */
int rh_shape_labels(struct rh_decode *decode, const json_t *value);

#endif
