/* context - what of the caller's process a call depends on.
 *
 * The directory it works in, its umask, the environment variables that the
 * resource names and its locale.  A context has an id and goes over a page's
 * companion once, before the first call that refers to it. */
#ifndef RH_SDK_CONTEXT_H
#define RH_SDK_CONTEXT_H

#include "thread.h"

#include "../../model/interface.h"

/* The id of the context of a call of that function, sent ahead on the page; 0
 * when the function and the resource need none. */
int rh_context_send(struct rh_thread_page *page, const struct rh_function *function,
                    uint32_t *ret_id);

/* Which variables, and whether the locale, go along with calls of the callee. */
void rh_context_learn(struct rh_callee *callee, const struct rh_frame *frame);

#endif
