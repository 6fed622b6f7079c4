/* handle - objects of the callee as objects of JavaScript.
 *
 * The object ends with the function that the interface names for that, with close(), or
 * when it is collected; then a thread of the pool ends it, so that nobody waits.  An
 * object that calls under way use is ended after them.
 *
 * Ownership   The wrapper holds a struct rh_js_held, and so does each call under way.
 * Threads     References count on any thread; everything else is of the wrapper's. */
#ifndef RH_NODE_HANDLE_H
#define RH_NODE_HANDLE_H

#include "fault.h"
#include "function.h"

struct rh_js_library {
	struct rh_js_state     *state;
	struct rh_stub_library *stub;
	const struct rh_js_plan *plans;
	napi_ref                classes; /* array: a class per type of handle      */
	bool                    is_own;  /* served by this process: no callee      */
};

struct rh_js_held {
	struct rh_js_held    *next;      /* in its bucket                          */
	struct rh_js_library *library;   /* until the wrapper is gone              */
	struct rh_stub_library *stub;
	void                 *pointer;   /* the token; NULL: destroyed             */
	napi_ref              wrapper;   /* weak                                   */
	_Atomic unsigned      references;
	uint16_t              type;
	bool                  is_owned;  /* ends with its last reference           */
	bool                  is_closed; /* close() was called                     */
};

/* The object for a token, the same one each time.  NULL is null. */
int rh_js_handle_write(struct rh_js_library *library, const struct rh_param *param,
                       void *pointer, napi_value *ret_js);

/* The token of an object; null is NULL.  ret_held is borrowed from the wrapper. */
int rh_js_handle_read(struct rh_js_library *library, const struct rh_param *param,
                      napi_value js, void **ret_pointer, struct rh_js_held **ret_held,
                      const struct rh_js_where *where);

/* Whether calls under way use it. */
bool rh_js_handle_is_used(const struct rh_js_held *held);

/* The callee's object is gone. */
void rh_js_handle_gone(struct rh_js_held *held);

struct rh_js_held *rh_js_handle_ref(struct rh_js_held *held);

/* is_here: on the thread of the wrapper, where a closed one ends with the last call. */
void rh_js_handle_unref(struct rh_js_held *held, bool is_here);

/* handle.close() and handle.closed */
napi_value rh_js_handle_close(napi_env env, napi_callback_info info);
napi_value rh_js_handle_closed(napi_env env, napi_callback_info info);

#endif
