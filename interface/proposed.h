/* proposed - what `rhodes interface new` writes, whatever it read.
 *
 * Ownership   Names are taken from the caller's pool; NULL when it is full.
 * Threads     Any. */
#ifndef RH_INTERFACE_PROPOSED_H
#define RH_INTERFACE_PROPOSED_H

#include "../model/error.h"
#include "pool.h"

/* libGL -> libgl: an interface's name has no capitals. */
const char *rh_proposed_name(struct rh_pool *pool, const char *stem);

/* A resource's name: without lib, letters, digits and _ only. */
const char *rh_proposed_resource(struct rh_pool *pool, const char *interface);

/* RH_EEXIST  there is a file of that name. */
int rh_proposed_check(const char *path, struct rh_diag *diag);

/* Writes the file whole or not at all.  RH_EIO, RH_EMSGSIZE. */
int rh_proposed_write(const char *path, const char *text, struct rh_diag *diag);

#endif
