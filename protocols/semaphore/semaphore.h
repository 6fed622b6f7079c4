/* semaphore - the protocol "semaphore": messages lie in shared slots, and a kernel
 * semaphore for each direction counts those that wait.
 *
 * The semaphore is an eventfd in semaphore mode (docs/adr/0010 says why): submit
 * adds a unit after the message is in its slot, poll takes exactly one unit for
 * each message, so the counter in the kernel is the number of messages that wait.
 * The ring tells that a message is there before the kernel is asked for its unit;
 * a unit without a message is a broken channel, or the last word of a side that
 * closed.  Room is told by a doorbell as in shm.
 *
 * Invariants  U1  units in the kernel <= messages in the ring + 1 (the close). */
#ifndef RH_SEMAPHORE_SEMAPHORE_H
#define RH_SEMAPHORE_SEMAPHORE_H

#include "../protocol.h"

extern const struct rh_protocol rh_semaphore_protocol;

#endif
