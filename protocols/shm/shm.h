/* shm - the protocol "shm": two rings in one memfd, an eventfd for each side.
 *
 * A message costs no system call while the other side is awake and one write when
 * it sleeps; one read clears it. */
#ifndef RH_SHM_SHM_H
#define RH_SHM_SHM_H

#include "../protocol.h"

extern const struct rh_protocol rh_shm_protocol;

#endif
