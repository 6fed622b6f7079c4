/* offer - what the caller's side of a channel hands to the callee's side: a few
 * bytes that say which protocol and version, and descriptors.
 *
 * Ownership   The maker's offer holds duplicates; an accepting protocol takes each
 *             descriptor out or lets rh_offer_drop close it.
 * Limits      RH_OFFER_BYTES_MAX bytes, RH_OFFER_FDS_MAX descriptors. */
#ifndef RH_PROTOCOLS_OFFER_H
#define RH_PROTOCOLS_OFFER_H

#include "protocol.h"

/* The bytes of every offer of ours. */
struct rh_offer_head {
	char     protocol[16]; /* name, zeroes behind it      */
	uint32_t version;      /* of the memory's layout      */
	uint32_t memory_bytes; /* of the first descriptor     */
	uint32_t extra[2];     /* what the protocol needs     */
};

_Static_assert(sizeof(struct rh_offer_head) == 32, "wire");
_Static_assert(sizeof(struct rh_offer_head) <= RH_OFFER_BYTES_MAX, "wire");

/* Starts an offer without descriptors. */
void rh_offer_begin(struct rh_offer *offer, const struct rh_offer_head *head);

/* Adds a duplicate of fd.  RH_ENOMEM when this process has no more descriptors. */
int rh_offer_add(struct rh_offer *offer, int fd);

/* RH_EPROTO, with the reason, unless the offer says the same as head and has that
 * many descriptors.  extra is copied to ret_extra; without that it must be zero. */
int rh_offer_check(const struct rh_offer *offer, const struct rh_offer_head *head,
                   uint32_t fd_count, uint32_t ret_extra[2], struct rh_diag *diag);

/* Takes descriptor i out; it is close-on-exec from here on. */
int rh_offer_take(struct rh_offer *offer, uint32_t i);

/* Closes the descriptors that were not taken. */
void rh_offer_drop(struct rh_offer *offer);

#endif
