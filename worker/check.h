/* check - is the library that was loaded the one that its interface was made from?
 *
 * Its types are derived from its own BTF again where it has any; else the names it
 * exports and the version of its package are compared.  See interface/verify.h. */
#ifndef RH_WORKER_CHECK_H
#define RH_WORKER_CHECK_H

#include "../model/error.h"
#include "../model/interface.h"

/* Where the loader found it: library is what dlopen gave for it, or NULL: the one of the
 * interface's soname.  Writes PATH_MAX bytes at most.
 * RH_ENOENT  it stands nowhere. */
int rh_check_path(const struct rh_interface *interface, void *library, char *path,
                  struct rh_diag *diag);

/* library is what dlopen gave for it, or NULL: the one of the interface's soname.
 * RH_EINTERFACE  it is another one; the diag says what differs. */
int rh_check_library(const struct rh_interface *interface, void *library,
                     struct rh_diag *diag);

#endif
