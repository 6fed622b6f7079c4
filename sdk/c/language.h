/* language - whether a program and its callee mean the same functions.
 *
 * Threads     Any.
 * Errors      rh_fail. */
#ifndef RH_SDK_LANGUAGE_H
#define RH_SDK_LANGUAGE_H

#include "../../model/interface.h"

/* What RH_INTERFACE_SECTION says of that resource's interface, in the shadow library that
 * `rhodes run` names, which is read and not loaded.  The caller frees it.
 * RH_ENOENT  it names none, or that one says nothing.  Else as rh_section_read. */
int rh_language_lines(const char *resource, char **ret_lines);

/* Whether each function that mine carries is among the lines, with the same types.
 * RH_EINTERFACE  not so; rh_language_difference has the lines. */
int rh_language_agree(const struct rh_interface *mine, const char *there,
                      const char *resource);

/* When the callee does not know the function any more: puts what it was made for, beside
 * what the callee's lines say now, into rh_last_error.  Returns RH_EFUNC. */
int rh_language_changed(const struct rh_function *mine, const char *callee,
                        const char *there);

#endif
