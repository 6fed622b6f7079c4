/* joint - one side of a channel over two rings in a memfd: what the protocols shm
 * and semaphore have in common.
 *
 * The memfd is the first descriptor of an offer, then the eventfds of the caller's
 * and the callee's side, then, for semaphore, one for each ring.
 *
 * Ownership   A joint owns its descriptors and the mapping; rh_joint_close releases
 *             them and may be called on zeroed memory and again.  Everything is
 *             anonymous: when both sides have closed or died, nothing is left.
 * Threads     One. */
#ifndef RH_SHM_JOINT_H
#define RH_SHM_JOINT_H

#include "ring.h"

#include "../offer.h"
#include "../side.h"

#define RH_JOINT_VERSION 1u

/* The memfd; 4096 bytes of lines and then ring 0, caller to callee, and ring 1. */
struct rh_joint_memory {
	struct rh_side_line   lines[2];
	char                  reserved[3968];
	struct rh_ring_memory rings[2];
	char                  reserved2[3840]; /* to a whole page */
};

_Static_assert(offsetof(struct rh_joint_memory, rings) == 4096, "wire");
_Static_assert(sizeof(struct rh_joint_memory) % 4096 == 0, "whole pages");

struct rh_joint {
	struct rh_side          side;
	struct rh_ring_out      out;
	struct rh_ring_in       in;
	struct rh_joint_memory *memory; /* NULL: closed                       */
	int                     has_semaphores;
	int                     out_semaphore;
	int                     in_semaphore;
};

/* The caller's side.  name is the protocol's and the memfd's.  Errors as
 * rh_protocol.offer. */
int rh_joint_offer(struct rh_joint *joint, const char *name, int has_semaphores,
                   const struct rh_channel_config *config, struct rh_offer *ret_offer,
                   struct rh_diag *diag);

/* The callee's side.  Errors as rh_protocol.accept. */
int rh_joint_accept(struct rh_joint *joint, const char *name, int has_semaphores,
                    struct rh_offer *offer, struct rh_diag *diag);

void rh_joint_close(struct rh_joint *joint);

#endif
