/* sdk_place - where the SDK's header and library are, for the compiler.
 *
 * In order: RHODES_SDK_DIR, the place that this program was installed to, the
 * build tree it was built in.
 *
 * Threads     Any. */
#ifndef RH_INTERFACE_SDK_PLACE_H
#define RH_INTERFACE_SDK_PLACE_H

#include "../model/error.h"

#include <limits.h>

struct rh_sdk_place {
	char include[PATH_MAX];   /* holds rhodes-stub.h                      */
	char library[PATH_MAX];   /* the file librhodes.so.0                  */
};

/* RH_ENOENT  one of them is nowhere. */
int rh_sdk_place_find(struct rh_sdk_place *ret, struct rh_diag *diag);

#endif
