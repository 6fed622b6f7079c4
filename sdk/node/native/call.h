/* call - functions of a callee as functions of JavaScript.
 *
 * One that waits, and one that returns a promise: its arguments are copied, a thread of
 * the pool calls, and the loop of the thread that asked settles the promise. */
#ifndef RH_NODE_CALL_H
#define RH_NODE_CALL_H

#include "handle.h"

/* What a function of JavaScript is bound to; lives as long as its thread's state. */
struct rh_js_bound {
	struct rh_js_library    *library;
	const struct rh_js_plan *plan;
	bool                     is_raw;
};

napi_value rh_js_call(napi_env env, napi_callback_info info);
napi_value rh_js_call_async(napi_env env, napi_callback_info info);

#endif
