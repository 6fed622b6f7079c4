/* exception - what a function of another language raised, from callee to caller.
 *
 * On the wire: a reply of status RH_ERAISED whose bytes are four texts, each with its
 * NUL: language, type, message, stack (docs/wire.md).
 *
 * Threads     Each has its own. */
#ifndef RH_SDK_EXCEPTION_H
#define RH_SDK_EXCEPTION_H

#include "rhodes-language.h"

/* Callee: what rh_language_raise put down for the call of this thread, packed; NULL and
 * 0 when it was not called.  Valid until the next rh_exception_clear. */
const unsigned char *rh_exception_packed(uint32_t *ret_len);
void rh_exception_clear(void);

/* Caller: takes over the reply of a call that raised; *ret_exception is valid until the
 * thread's next one.  RH_EPROTO when the bytes are none.  RH_ENOMEM. */
int rh_exception_take(const unsigned char *bytes, uint32_t len,
                      const struct rh_exception **ret_exception);

#endif
