/* parcel - descriptors that were sent ahead of the call or reply they belong to.
 *
 * Ownership   Parcels own their descriptors until they are taken.
 * Threads     One.
 * Limits      max parcels wait; when one more comes the oldest is closed, so a
 *             peer that sends parcels for nothing harms only its own calls. */
#ifndef RH_AGENT_PARCEL_H
#define RH_AGENT_PARCEL_H

#include "list.h"

#include "../base/socket.h"

struct rh_fds {
	unsigned count;
	int      at[RH_CALL_FDS_MAX];
};

struct rh_parcels {
	struct rh_list list;
	unsigned       count;
	unsigned       max;
};

void rh_parcels_init(struct rh_parcels *parcels, unsigned max);

/* Takes the descriptors of an FDS or CALL_FDS frame.  RH_EPROTO the frame names no
 * call or has too many; RH_ENOMEM. */
int rh_parcels_put(struct rh_parcels *parcels, struct rh_frame *frame);

/* The parcel of that call; its descriptors become the caller's.
 * RH_ENOENT  none has come.
 * RH_EPROTO  it does not hold that many; it is closed. */
int rh_parcels_take(struct rh_parcels *parcels, uint64_t call, unsigned expected,
                    struct rh_fds *ret_fds);

void rh_parcels_fini(struct rh_parcels *parcels);

/* Reads every frame that waits on a companion; others, which may be NULL, sees
 * those that are no parcels.  RH_ELOST the other end is gone; what came before
 * that was read. */
typedef void rh_parcel_other(void *user, struct rh_frame *frame);
int rh_parcels_drain(struct rh_parcels *parcels, int companion, void *buffer,
                     rh_parcel_other *other, void *user);

/* Sends a parcel on a companion. */
int rh_parcel_send(int companion, uint64_t call, const struct rh_fds *fds);

void rh_fds_close(struct rh_fds *fds);

#endif
