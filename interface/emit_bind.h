/* emit_bind - an interface as a binding shows it: what the languages share.
 *
 * C passes a length beside its bytes, a pointer where a value comes out, and a token
 * for an object.  Here each parameter has a role, and the languages say how a role looks:
 *
 *   role      C                               binding
 *   VALUE     int, struct                     the value
 *   POINTED   const T *, T *                  a value going in, coming out, or both
 *   TEXT      const char *, char **           text
 *   BYTES     pointer beside its length       a slice; what is written lies in the caller's
 *   LENGTH    the length                      gone; comes out where it tells what was used
 *   HANDLE    pointer to an object            an object that ends itself
 *   FD        int                             an open descriptor
 *
 * Functions that are not carried are not there.
 *
 * Ownership   Everything lives in the plan's pool.
 * Threads     One per plan.
 * Errors      RH_EINVAL, RH_ENOMEM with the function's name in the diag. */
#ifndef RH_INTERFACE_EMIT_BIND_H
#define RH_INTERFACE_EMIT_BIND_H

#include "bind_type.h"
#include "plan.h"

#include <stdio.h>

enum rh_bind_role { RH_BIND_VALUE, RH_BIND_POINTED, RH_BIND_TEXT, RH_BIND_BYTES,
                    RH_BIND_LENGTH, RH_BIND_HANDLE, RH_BIND_FD, RH_BIND_VOID };

struct rh_bind_value {
	const struct rh_param  *param;
	const struct rh_ctype  *ctype;  /* of the C parameter or result        */
	struct rh_bind_type    *type;   /* VALUE, POINTED, LENGTH; of an element of BYTES */
	const char             *name;
	uint8_t                 role;
	uint8_t                 bytes;  /* LENGTH: of that parameter, or RH_USED_RETURN */
};

struct rh_bind_function {
	const struct rh_function  *row;
	const struct rh_cfunction *c;
	const char                *name;  /* snake case, as C says it          */
	const char                *upper; /* UpperCamel, without the library's prefix */
	const char                *text;  /* canonical, with names             */
	const char                *reason; /* set: a binding cannot show it    */
	struct rh_bind_value       values[RH_PARAMS_MAX];
	struct rh_bind_value       ret;
	uint32_t                   number; /* of the functions of this binding */
};

struct rh_bind_object {
	const struct rh_handle_type   *type;
	const char                    *name;    /* snake case                  */
	const char                    *upper;
	const struct rh_bind_function *destroy; /* takes it and nothing else, or NULL */
	bool                           is_used; /* some function shows it      */
	bool                           is_mirrored; /* callers see bytes of it */
};

struct rh_binding {
	struct rh_plan          *plan;
	struct rh_bind_types     types;
	struct rh_bind_function *functions;
	struct rh_bind_object   *objects;  /* beside the interface's handles   */
	const char             **taken;    /* names of types that are given    */
	const char              *name;     /* libtextstat: textstat            */
	const char              *upper;    /* Textstat                         */
	uint32_t                 count;
	uint32_t                 object_count;
	uint32_t                 taken_count;
};

int rh_binding_make(struct rh_binding *binding, struct rh_plan *plan,
                    struct rh_diag *diag);

/* What the caller gives, and what it gets besides the result. */
bool rh_bind_goes_in(const struct rh_bind_value *value);
bool rh_bind_comes_out(const struct rh_bind_value *value);

/* C passes a pointer that may be NULL. */
bool rh_bind_is_nullable(const struct rh_bind_value *value);

/* Results and values coming out. */
uint32_t rh_bind_out_count(const struct rh_bind_function *function);

/* The same one by one: the result first, then parameters in order.  Returns how many. */
#define RH_BIND_OUTS_MAX (RH_PARAMS_MAX + 1u)
uint32_t rh_bind_outs(const struct rh_bind_function *function,
                      const struct rh_bind_value *ret_outs[RH_BIND_OUTS_MAX]);

/* What a value is called in the code of a call: rh_r, or rh_v and its number. */
#define RH_BIND_LOCAL_MAX 16u
const char *rh_bind_local(const struct rh_bind_function *function,
                          const struct rh_bind_value *value, char name[RH_BIND_LOCAL_MAX]);

/* The object that a handle is; NULL for other roles. */
const struct rh_bind_object *rh_bind_object_of(const struct rh_binding *binding,
                                               const struct rh_bind_value *value);

/* What a server tells, when it can be sent: it lends nothing. */
bool rh_bind_is_event(const struct rh_bind_function *function);

/* A server tells something. */
bool rh_bind_has_events(const struct rh_binding *binding);

/* A server has a function for it: no event. */
bool rh_bind_is_served(const struct rh_bind_function *function);

/* Callers see bytes of this object after the call; not of one that the call ended. */
bool rh_bind_is_mirrored(const struct rh_bind_value *value);

/* some_words_t: SomeWords; NULL when the pool is full. */
const char *rh_bind_upper(struct rh_pool *pool, const char *words);

/* What is written: one file, not closed. */
void rh_emit_cpp(FILE *out, const struct rh_binding *binding);
void rh_emit_go(FILE *out, const struct rh_binding *binding);
void rh_emit_node(FILE *out, const struct rh_binding *binding);
void rh_emit_rust(FILE *out, const struct rh_binding *binding);

#endif
