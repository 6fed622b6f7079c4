/* hello - connects to the agent that RHODES_AGENT names, and attaches.
 *
 * A process may do so several times: its calls, what it serves, and its rules have a
 * connection each. */
#ifndef RH_SDK_HELLO_H
#define RH_SDK_HELLO_H

#include "../../base/socket.h"

/* Waits until the agent is there.  attachment: the one that this connection had before,
 * or 0.  buffer: RH_FRAME_MAX bytes.  On success a non-blocking socket and the ATTACHED
 * frame, for the caller to close and to drop.
 * RH_EDETACHED RHODES_AGENT is not set, or the agent hung up; RH_ENOENT the system is not
 * up; RH_ETIMEDOUT; or what the agent said. */
int rh_hello(uint32_t role, uint64_t attachment, uint64_t deadline, void *buffer,
             int *ret_fd, struct rh_frame *ret_frame);

#endif
