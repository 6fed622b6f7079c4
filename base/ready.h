/* ready - tells whoever started this process that it serves now.
 *
 * The supervisor sets RHODES_READY_FD to a descriptor; the word "ready" and a
 * newline written there make it start what waits for this process.  Without the
 * variable nothing is said.
 *
 * Threads     Any; only the first call speaks. */
#ifndef RH_BASE_READY_H
#define RH_BASE_READY_H

#define RH_READY_VARIABLE "RHODES_READY_FD"

void rh_ready_tell(void);

#endif
