/* serve - functions of JavaScript that callers in other processes call.
 *
 * Threads of librhodes have the calls; each hands its call over to the loop of the thread
 * that serves, and sleeps until the function, or the promise that it returned, has an
 * answer.  So functions run one at a time, and those that await run beside each other.
 *
 * Threads   One server a process. */
#ifndef RH_NODE_SERVE_H
#define RH_NODE_SERVE_H

#include "frame.h"
#include "place.h"
#include "queue.h"

/* A call that waits on a thread of librhodes. */
struct rh_js_ask {
	struct rh_js_item       item;
	struct rh_js_ask       *next, *before; /* among those that promises answer    */
	const struct rh_js_plan *plan;
	struct rh_js_frame      frame;         /* over the C objects of the call     */
	struct rh_js_place      place;         /* if has_place: of who calls          */
	bool                    has_place;
	struct rh_js_fault      fault;         /* what the function threw            */
	void                  **lent[RH_PARAMS_MAX + 1]; /* results to be copied     */
	size_t                  lent_bytes[RH_PARAMS_MAX + 1];
	unsigned                lent_count;
	void                   *owned[RH_PARAMS_MAX + 1]; /* of malloc, the caller's  */
	unsigned                owned_count;
	void                   *seen[RH_PARAMS_MAX + 1]; /* what callers see of an
	                                          object, or NULL; the result's last */
	int                     r;
	int                     err_no;        /* for the caller's errno             */
	void                   *answered;      /* a semaphore                        */
};

/* own() => description of the interface that this process serves. */
napi_value rh_js_own(napi_env env, napi_callback_info info);

/* serve(functions, failed, threads, raw) => promise, settled when it ends.  functions are
 * in the order of the interface; those with handles return { result, seen }, with bytes of
 * objects that callers see by parameter, the result's last.  failed(error, answer) => [type,
 * message, stack]; answer: what such a function returned, when that could not be sent.  raw:
 * for each function whether it takes texts as bytes. */
napi_value rh_js_serve(napi_env env, napi_callback_info info);

/* setErrno(number): what the caller of the function that returns next finds in errno. */
napi_value rh_js_set_errno(napi_env env, napi_callback_info info);

/* stop(): ends serve. */
napi_value rh_js_stop(napi_env env, napi_callback_info info);

/* The thread of JavaScript ends: calls that wait for it fail. */
void rh_js_serve_end(struct rh_js_state *state);

/* answer.c: stores what a function returned into the C objects of the call. */
int rh_js_answer(struct rh_js_ask *ask, napi_value result);

/* addon.c */
int rh_js_describe(napi_env env, const struct rh_interface *interface,
                   struct rh_js_library *library, napi_value *ret_object);

#endif
