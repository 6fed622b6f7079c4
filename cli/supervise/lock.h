/* lock - one `rhodes up` per system, and who it is.
 *
 * The file <run>/up.pid holds the pid for people; what counts is the kernel's
 * record lock on it: it vanishes with the process, and F_GETLK names the holder, so
 * neither a stale file nor a pid given to somebody else can mislead.
 *
 * Ownership   The caller owns the descriptor that take returns; it keeps the lock
 *             until it is closed or the process ends. */
#ifndef RH_SUPERVISE_LOCK_H
#define RH_SUPERVISE_LOCK_H

#include "../../model/error.h"

#include <sys/types.h>

struct rh_dirs;

/* Takes the lock and writes the pid; returns the descriptor.
 * RH_EBUSY  a running process has it; *ret_holder is its pid.
 * RH_EIO    the file cannot be used. */
int rh_lock_take(const struct rh_dirs *dirs, pid_t *ret_holder, struct rh_diag *diag);

/* The descriptor of the process that holds the lock (a pidfd), and its pid.
 * RH_EDOWN  nobody does. */
int rh_lock_holder(const struct rh_dirs *dirs, pid_t *ret_holder, struct rh_diag *diag);

#endif
