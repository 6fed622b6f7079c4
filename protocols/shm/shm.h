/* shm - the protocol "shm": two rings in one memfd, an eventfd for each side.
 *
 * A message costs no system call while the other side is awake and one write when
 * it sleeps.  Ring 0 carries what the caller's side submits, ring 1 the rest.
 *
 * Ownership   Everything is anonymous: when both sides have closed or died,
 *             nothing is left.
 * Errors      Besides those of protocol.h: RH_ELOST from submit, and from poll
 *             when everything was polled, after the other side closed. */
#ifndef RH_SHM_SHM_H
#define RH_SHM_SHM_H

#include "ring.h"

#include "../side.h"

#define RH_SHM_VERSION 1u

/* The memfd; 4096 bytes of lines and then the rings. */
struct rh_shm_memory {
	struct rh_side_line   lines[2];
	char                  reserved[3968];
	struct rh_ring_memory rings[2];
	char                  reserved2[3840]; /* to a whole page */
};

_Static_assert(offsetof(struct rh_shm_memory, rings) == 4096, "wire");
_Static_assert(sizeof(struct rh_shm_memory) % 4096 == 0, "whole pages");

extern const struct rh_protocol rh_shm_protocol;

#endif
