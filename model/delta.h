/* delta - the ring of recent changes that every subscriber reads with a cursor.
 *
 * A delta is one item (a resource, or an edge) as it is since a revision, or that it
 * is gone (a tombstone).  Its bytes are stored once, whoever wants them.  A full ring
 * drops its oldest revisions, each with all its deltas: whoever still needed them
 * takes a snapshot.  So memory is that of the ring, however slow a reader is.
 *
 *   [first ............ end)     numbers of deltas, never reused
 *   floor                        what changed after this revision is in the ring
 *   raised                       ... and what changed up to this one may never have
 *                                been: whoever has not passed it takes a snapshot
 *
 * Ownership   The caller owns the ring and its memory; items are copied in.
 * Threads     One.
 * Invariants  D1  first <= end, end - first <= capacity.
 *             D2  revisions of [first, end) never fall, and all are above floor.
 *             D3  the bytes of live deltas do not overlap. */
#ifndef RH_MODEL_DELTA_H
#define RH_MODEL_DELTA_H

#include "name.h"

#include <stddef.h>
#include <stdint.h>

/* Which item: a resource (callee is empty) or the edge caller -> callee. */
struct rh_item_key {
	struct rh_name caller;
	struct rh_name callee;
};

struct rh_delta {
	uint64_t           revision;
	struct rh_item_key key;
	uint32_t           at;      /* place of the bytes; rh_delta_bytes       */
	uint32_t           len;     /* 0: a tombstone                           */
};

/* Open layout; the fields are for delta.c only. */
struct rh_delta_ring {
	struct rh_delta *deltas;
	unsigned char   *bytes;
	uint64_t         first;
	uint64_t         end;
	uint64_t         filled;     /* the first that has bytes, or end       */
	uint64_t         floor;
	uint64_t         raised;     /* see rh_delta_raise                     */
	uint32_t         capacity;   /* power of two                           */
	uint32_t         byte_count;
	uint32_t         byte_end;   /* where the next bytes go                */
};

/* Bytes of memory for a ring of that capacity (a power of two). */
size_t rh_delta_ring_bytes(uint32_t capacity, uint32_t byte_count);

/* Makes an empty ring that knows nothing up to revision floor.  memory is aligned to
 * RH_ALIGN. */
void rh_delta_ring_init(struct rh_delta_ring *ring, uint32_t capacity,
                        uint32_t byte_count, uint64_t floor, void *memory);

/* Adds a delta, dropping the oldest revisions as needed; returns its number in
 * *ret_number.  All deltas of a revision are added, and everybody who watches them is
 * notified, before anything is sent to anybody.
 * RH_EINVAL    revision is below the latest one's, or not above floor.
 * RH_EMSGSIZE  the ring does not hold that much, together with the deltas of the same
 *              revision: the caller raises the ring to revision and adds no more of
 *              it.  Older revisions may have been dropped. */
int rh_delta_add(struct rh_delta_ring *ring, uint64_t revision,
                 const struct rh_item_key *key, const void *bytes, uint32_t len,
                 uint64_t *ret_number);

/* Forgets every delta: whoever is behind revision takes a snapshot, also a feed
 * that waits for nothing (rh_feed_next compares what it sent with ring->raised). */
void rh_delta_raise(struct rh_delta_ring *ring, uint64_t revision);

/* Delta by number, or NULL when it was dropped or is not there yet; borrowed until
 * the next add. */
const struct rh_delta *rh_delta_get(const struct rh_delta_ring *ring,
                                    uint64_t number);
const void *rh_delta_bytes(const struct rh_delta_ring *ring,
                           const struct rh_delta *delta);

/* The first number whose revision is above revision (end when there is none).
 * RH_ESTALE  revision is below floor: the ring does not know all since then. */
int rh_delta_seek(const struct rh_delta_ring *ring, uint64_t revision,
                  uint64_t *ret_number);

/* 1 when the item concerns the agent of that resource: it is it, or touches it. */
int rh_item_concerns(const struct rh_item_key *key, const struct rh_name *resource);

/* Checks D1 to D3: for tests. */
void rh_delta_ring_verify(const struct rh_delta_ring *ring);

#endif
