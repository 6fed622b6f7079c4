/* addon - what every part of the addon knows of the thread of JavaScript it works for.
 *
 * The main thread and each Worker have a state of their own; nothing of JavaScript is
 * ever shared between them.  The pool of threads (pool.h) belongs to the process.
 *
 * Failures   A function that returns int gives 0, or -1 with an exception of
 *            JavaScript pending.
 * Threads    A state is used by its own thread alone. */
#ifndef RH_NODE_ADDON_H
#define RH_NODE_ADDON_H

#define NAPI_VERSION 8
#include <node_api.h>

#include "../../c/rhodes-language.h"

#include <stdbool.h>

#define RH_JS_TRY(call)                                                               \
	do {                                                                          \
		if ((call) != napi_ok)                                                \
			return -1;                                                    \
	} while (0)

struct rh_js_held;
struct rh_js_queue;

#define RH_JS_BUCKETS 256u

struct rh_js_state {
	napi_env            env;
	napi_ref            fail;   /* (code, ran, text[, exception]) => Error         */
	int                 err_no; /* that the last call left; 0: none                */
	struct rh_js_queue *queue;  /* what other threads have for this one            */
	struct rh_js_held  *held[RH_JS_BUCKETS]; /* handle objects by their pointer    */
};

struct rh_js_state *rh_js_state(napi_env env);

/* Puts a function of C on an object. */
int rh_js_export(napi_env env, napi_value object, const char *name, napi_callback function,
                 void *data);

#endif
