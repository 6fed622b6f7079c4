/* change_module - the part of change.h that is about modules; used by change.c.
 *
 * Threads  One. */
#ifndef RH_CENTER_CHANGE_MODULE_H
#define RH_CENTER_CHANGE_MODULE_H

#include "batch.h"

/* Removes a module with its bytes and with those of its parts that nobody else names.
 * RH_EBUSY  somebody names it.  RH_ENOENT  there is none. */
int rh_change_remove_module(struct rh_batch *batch, const char *sha256);

#endif
