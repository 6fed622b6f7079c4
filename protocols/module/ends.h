/* ends - the shared memory and doorbells of a channel of the protocol module, made and
 * taken.
 *
 * Ownership  The user closes the bells and unmaps the memory. */
#ifndef RH_MODULE_ENDS_H
#define RH_MODULE_ENDS_H

#include "module.h"

struct rh_module_ends {
	struct rh_module_memory *memory;
	int                      bells[2]; /* the caller's, the callee's */
};

/* RH_ENOMEM. */
int rh_module_ends_offer(struct rh_module_ends *ends, uint64_t id,
                         struct rh_offer *ret_offer, struct rh_diag *diag);

/* Takes the descriptors of the offer.  RH_EPROTO. */
int rh_module_ends_accept(struct rh_module_ends *ends, uint64_t id,
                          struct rh_offer *offer, struct rh_diag *diag);

#endif
