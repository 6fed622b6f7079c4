/* ready - tells whoever started this process that it serves now, and what.
 *
 * The supervisor sets RHODES_READY_FD to a descriptor; the word "ready" and a
 * newline written there make it start what waits for this process.  A worker says
 * before that which library it loaded, so that the supervisor can watch the file:
 *
 *   library IDENTITY new|keep PATH     (identity.h)
 *
 * "keep" means that callers may hold objects that no other worker can make anew.
 * Without the variable nothing is said.
 *
 * Threads     Any; only the first call of rh_ready_tell speaks. */
#ifndef RH_BASE_READY_H
#define RH_BASE_READY_H

#define RH_READY_VARIABLE "RHODES_READY_FD"

void rh_ready_tell(void);

/* "agent NAME open", "agent NAME gone": of one of the agents in a pool, at any time. */
void rh_ready_agent(const char *resource, int is_open);

/* Before rh_ready_tell; nothing when the file cannot be looked at. */
void rh_ready_library(const char *path, int keeps);

#endif
