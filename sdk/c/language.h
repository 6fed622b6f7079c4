/* language - whether a program and its callee mean the same functions.
 *
 * Threads     Any.
 * Errors      rh_fail. */
#ifndef RH_SDK_LANGUAGE_H
#define RH_SDK_LANGUAGE_H

#include "../../model/interface.h"

/* The tables of that resource's interface, from the shadow library that `rhodes run`
 * names; NULL when it names none, or the program is static. */
int rh_language_tables(const char *resource, const struct rh_interface **ret_interface);

/* Whether each function that mine carries is there, with the same types.
 * RH_EINTERFACE  not so; rh_language_difference has the lines. */
int rh_language_agree(const struct rh_interface *mine, const struct rh_interface *there,
                      const char *resource);

#endif
