/* serve - functions of JavaScript that callers in other processes call.
 *
 * Threads of librhodes have the calls; each hands its call over to the loop of the thread
 * that serves, and sleeps until the function, or the promise that it returned, has an
 * answer.  So functions run one at a time, and those that await run beside each other.
 *
 * Threads   One server a process. */
#ifndef RH_NODE_SERVE_H
#define RH_NODE_SERVE_H

#include "handle.h"

/* own() => description of the interface that this process serves. */
napi_value rh_js_own(napi_env env, napi_callback_info info);

/* serve(functions, failed, threads, raw) => promise, settled when it ends.  functions are
 * in the order of the interface; those with handles return { result, seen }, with bytes of
 * objects that callers see by parameter, the result's last.  failed(error, answer) => [type,
 * message, stack]; answer: what such a function returned, when that could not be sent.  raw:
 * for each function whether it takes texts as bytes. */
napi_value rh_js_serve(napi_env env, napi_callback_info info);

/* running() => the number of the call whose function runs, until it returns; 0: none. */
napi_value rh_js_running(napi_env env, napi_callback_info info);

/* setErrno(number, call): what that call's caller finds in errno; call 0: of the one that
 * runs. */
napi_value rh_js_set_errno(napi_env env, napi_callback_info info);

/* stop(): ends serve. */
napi_value rh_js_stop(napi_env env, napi_callback_info info);

/* The thread of JavaScript ends: calls that wait for it fail. */
void rh_js_serve_end(struct rh_js_state *state);

/* addon.c */
int rh_js_describe(napi_env env, const struct rh_interface *interface,
                   struct rh_js_library *library, napi_value *ret_object);

#endif
