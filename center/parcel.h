/* parcel - what is sent to a peer of the link: a view, a snapshot or a plan, as
 * frames.
 *
 * Ownership   rh_parcel_fini frees the bytes.
 * Threads     One.
 * Invariants  A1  every part fits a frame; the last one of a view or plan carries
 *                 LAST 1. */
#ifndef RH_CENTER_PARCEL_H
#define RH_CENTER_PARCEL_H

#include <stddef.h>
#include <stdint.h>

struct rh_center;
struct rh_push;
struct rh_subscriber;

#define RH_PARCEL_HASH_BYTES 16

struct rh_parcel {
	unsigned char *bytes;       /* parts: length u32, then payload           */
	size_t         len;
	size_t         cap;
	size_t         sent;        /* bytes of parts that were sent             */
	uint64_t       revision;
	uint8_t        type;        /* of the frames                             */
	unsigned char  hash[RH_PARCEL_HASH_BYTES]; /* of all but the revision    */
};

/* The view of a resource.  RH_ENOMEM, RH_EMSGSIZE (over RH_VIEW_BYTES_MAX). */
int rh_parcel_view(struct rh_parcel *parcel, const struct rh_center *center,
                   const char *resource);

/* A snapshot of what the subscriber watches, at push->head: the payloads of its
 * SNAP_ITEM frames.  RH_ENOMEM, RH_EMSGSIZE (over RH_VIEW_BYTES_MAX). */
int rh_parcel_snapshot(struct rh_parcel *parcel, struct rh_push *push,
                       const struct rh_subscriber *subscriber);

/* The plan for a supervisor: {"revision", "system", "resources": [{"name",
 * "generation", "revision", "owner", "spec"}], "interfaces": [{"name", "spec"
 * without its text}]}.  RH_ENOMEM, RH_EMSGSIZE. */
int rh_parcel_plan(struct rh_parcel *parcel, const struct rh_center *center);

void rh_parcel_fini(struct rh_parcel *parcel);

/* The next part to send; 0 when all are sent. */
size_t rh_parcel_next(const struct rh_parcel *parcel, const unsigned char **ret_part);

/* The next part was sent. */
void rh_parcel_advance(struct rh_parcel *parcel);

/* ---- for those who make one ---- */

/* Adds a part.  RH_ENOMEM. */
int rh_parcel_add(struct rh_parcel *parcel, const unsigned char *part, size_t len);

#endif
