/* misfit - a call of a function that the callee has no more, in words.
 *
 * The interface changed under a program that runs.  The callee's answer says, behind a
 * sentence and a NUL, which functions there are.
 *
 * Threads     Any. */
#ifndef RH_SDK_MISFIT_H
#define RH_SDK_MISFIT_H

#include "rhodes-stub.h"

#include "../../protocols/page/page.h"

/* Puts into rh_last_error what function was made for, what the callee has, and what to do,
 * and tells the agent, of each function once.  An answer without functions leaves the
 * error as it is.  Returns RH_EFUNC. */
int rh_misfit_tell(struct rh_stub_library *library, const struct rh_function *function,
                   const char *callee, const struct rh_reply *reply);

#endif
