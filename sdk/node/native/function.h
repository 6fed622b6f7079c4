/* function - what a function of an interface is in JavaScript.
 *
 * Words are the arguments that a program writes: every parameter that goes in, but the
 * lengths of bytes that go in, which the bytes tell.  What comes out by parameters is
 * returned in an object with the result: { result, name, ... }.
 *
 * Ownership   Plans live until the process ends, as their tables do, and are the same
 *             for all threads. */
#ifndef RH_NODE_FUNCTION_H
#define RH_NODE_FUNCTION_H

#include "addon.h"

#define RH_JS_NO_WORD 0xffu

struct rh_js_param {
	struct rh_shape *shape;   /* of plain values, else NULL                  */
	uint8_t          word;    /* which argument it is, or RH_JS_NO_WORD      */
	bool             is_length; /* told by bytes that go in                  */
	bool             is_out;  /* stands in the object that is returned       */
	char             key[64]; /* its name there                              */
};

struct rh_js_plan {
	const struct rh_interface *interface;
	const struct rh_function  *function;
	unsigned                   index;
	uint8_t                    words;
	uint8_t                    outs;
	bool                       has_handles; /* one at least                     */
	const char                *result_key;
	struct rh_js_param         params[RH_PARAMS_MAX];
	struct rh_js_param         ret;
};

/* The plans of an interface, made once; NULL when out of memory or a type is none. */
const struct rh_js_plan *rh_js_plans(const struct rh_interface *interface);

/* Writes the canonical text (docs/interface-text.md); its length, or RH_EMSGSIZE. */
int rh_js_function_text(const struct rh_function *function, char *text, size_t cap);

/* How many bytes of the object callers see, after a call that has it. */
uint32_t rh_js_seen(const struct rh_param *param);

/* Whether calls of it go to the callee. */
bool rh_js_is_carried(const struct rh_function *function);

bool rh_js_goes_in(const struct rh_param *param);
bool rh_js_comes_out(const struct rh_param *param);
bool rh_js_is_text(const struct rh_param *param);

/* Whether bytes that come out tell this number themselves; as an output of its own it
 * has no place in JavaScript then.  of: a parameter, or RH_USED_RETURN. */
bool rh_js_is_told(const struct rh_function *function, unsigned of);

/* Bytes of one element. */
uint32_t rh_js_element(const struct rh_param *param);

/* What a C object of this parameter takes: a pointer, or the value. */
size_t rh_js_value_bytes(const struct rh_param *param);

/* The value behind the C object: itself, or what it points at. */
void *rh_js_value_at(const struct rh_param *param, void *object);

#endif
