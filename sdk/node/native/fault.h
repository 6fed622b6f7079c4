/* fault - failures as JavaScript has them.
 *
 * What the program got wrong is a TypeError or a RangeError that names the value; what
 * librhodes tells is an error of the classes of index.js. */
#ifndef RH_NODE_FAULT_H
#define RH_NODE_FAULT_H

#include "addon.h"

/* Where a value stands: "textstat_stats: argument window.size[3]".  Parts lie on the
 * stack of who reads the value, innermost first. */
struct rh_js_where {
	const struct rh_js_where *above;    /* NULL: this is the function         */
	const char               *name;     /* NULL: an index                     */
	uint32_t                  index;
};

/* All return -1 and leave the exception pending. */
int rh_js_type_error(napi_env env, const struct rh_js_where *where, const char *what);
int rh_js_range_error(napi_env env, const struct rh_js_where *where, const char *what);

/* A failure of librhodes, copied, as it belongs to the thread that had it. */
struct rh_js_fault {
	int   code;
	int   ran;
	char *text;                         /* of malloc, as all of these          */
	char *language, *type, *message, *stack; /* NULL: no exception            */
};

/* Copies what the calling thread's last failure was. */
void rh_js_fault_take(struct rh_js_fault *ret_fault, int code);
void rh_js_fault_fini(struct rh_js_fault *fault);

/* The error object of it. */
int rh_js_fault_object(struct rh_js_state *state, const struct rh_js_fault *fault,
                       napi_value *ret_error);

/* Throws one that does not come from a call. */
int rh_js_throw(struct rh_js_state *state, int code, const char *text);

/* Throws the calling thread's last failure. */
int rh_js_throw_last(struct rh_js_state *state, int code);

#endif
