/* push - what changed, and who is to hear of it: the papers' SWatchManager.
 *
 *   realm --touch--> touched items --publish--> ring --cursor--> a frame for each
 *                                     |          subscriber that is ready for one
 *                                   watches
 *
 * A change touches items; after its commit each one that somebody watches is encoded
 * once and put into the ring, unless its bytes are what was published last.  A
 * subscriber has a cursor and no queue: its frames are made when its socket has room
 * and thrown away when it has not.  A snapshot is encoded as a whole, for at most
 * RH_SNAPSHOTS_MAX subscribers at a time; the others wait in order.
 *
 * Nothing here does I/O: link_feed.c asks for frames and sends them.
 *
 * Ownership   The push owns its tables and the snapshots of subscribers; whoever
 *             joins owns the subscriber and leaves before it is freed.
 * Threads     One.
 * Invariants  U1  subscribers[id]->id == id.
 *             U2  snapshots is how many subscribers have one.
 *             U3  an item that is watched and not touched is at every subscriber that
 *                 is up to date as published notes it, if it is noted.
 * Limits      RH_LINK_PEERS_MAX subscribers, RH_WATCHES_MAX watches each,
 *             RH_TOUCHED_MAX items in one publication: beyond, all take snapshots. */
#ifndef RH_CENTER_PUSH_H
#define RH_CENTER_PUSH_H

#include "limits.h"
#include "missed.h"
#include "parcel.h"
#include "published.h"
#include "results.h"

#include "../model/delta.h"
#include "../model/feed.h"
#include "../model/watch.h"
#include "../wire/limits.h"
#include "../wire/record.h"

struct rh_center;
struct rh_diag;

/* One that hears of changes.  The fields are push*.c's. */
struct rh_subscriber {
	struct rh_feed        feed;
	struct rh_parcel      snapshot;  /* of the one under way, or empty       */
	struct rh_results     results;   /* of what it was sent                  */
	struct rh_subscriber *next;      /* waits for a snapshot too             */
	uint64_t              target;    /* revision of a delta in parts, or 0   */
	uint64_t              whole;     /* revision of the last whole snapshot  */
	uint32_t              id;
	uint8_t               is_waiting;
	uint8_t               has_snapshot;
	uint8_t               is_unsaid; /* a snapshot was sent, and no result came */
};

/* A frame made for a subscriber; valid until the next one is made for anybody. */
struct rh_push_frame {
	struct rh_record_writer writer;
	uint64_t                next;      /* number of the first delta after it */
	uint64_t                revision;
	uint64_t                target;
	uint8_t                 type;      /* enum rh_frame_type                 */
};

enum rh_push_found {
	RH_PUSH_TOLD,   /* in the ring: those that were found are told */
	RH_PUSH_SAME,   /* its bytes are what was published last       */
	RH_PUSH_NOBODY, /* those who watched it have left              */
};

/* What publishing found of a touched item, and the bytes of its body. */
typedef void rh_push_on_found(void *user, const struct rh_item_key *key, size_t bytes,
                              enum rh_push_found what);

enum rh_push_known { RH_PUSH_BYTES, RH_PUSH_GONE, RH_PUSH_UNKNOWN };

/* What the store has of an item since that revision; NULL: of every one. */
typedef void rh_push_on_change(const struct rh_item_key *key, uint64_t revision,
                               const void *body, size_t bytes,
                               enum rh_push_known known);

/* The subscriber may have something to send.  Must not send at once. */
typedef void rh_push_wake(void *user, struct rh_subscriber *subscriber);

struct rh_push_sizes {
	uint32_t deltas;      /* in the ring; a power of two */
	uint32_t bytes;       /* of the ring                 */
	uint32_t snapshots;   /* at once                     */
};

struct rh_push_counts {
	uint64_t items;       /* encoded for the ring           */
	uint64_t same;        /* ... and left out as unchanged  */
	uint64_t snapshots;   /* begun                          */
	uint64_t given_up;    /* snapshots, half sent           */
	uint64_t deltas;      /* frames                         */
	uint64_t raised;      /* the ring did not hold a change */
};

struct rh_push {
	const struct rh_center *center;
	struct rh_push_sizes    sizes;
	struct rh_watch_table   watches;
	struct rh_delta_ring    ring;
	struct rh_published     published;
	struct rh_missed        missed;
	void                   *memory;        /* of watches and ring       */
	size_t                  memory_bytes;
	struct rh_item_key     *touched;
	size_t                  touched_count;
	size_t                  touched_cap;
	int                     is_flooded;    /* more than RH_TOUCHED_MAX  */
	uint64_t                head;          /* revision published        */
	unsigned                snapshots;     /* under way                 */
	struct rh_subscriber   *waiting;
	struct rh_subscriber  **waiting_last;
	rh_push_wake           *wake;          /* may be NULL               */
	void                   *wake_user;
	rh_push_on_found       *on_found;      /* NULL: nobody looks on     */
	void                   *found_user;
	rh_push_on_change      *on_change;     /* NULL: nobody writes it down */
	struct rh_push_counts   counts;
	uint32_t                found[2 * RH_LINK_PEERS_MAX];
	unsigned                found_count;
	struct rh_subscriber   *subscribers[RH_LINK_PEERS_MAX];
};

extern const struct rh_push_sizes rh_push_sizes_default;

/* Begins at the center's revision; the ring knows nothing older.  RH_ENOMEM. */
int  rh_push_init(struct rh_push *push, const struct rh_center *center,
                  const struct rh_push_sizes *sizes);
void rh_push_fini(struct rh_push *push);

/* ---- changes (push.c) ---- */

/* As rh_realm_touch and rh_realm_untouch. */
void rh_push_touch(struct rh_push *push, const struct rh_item_key *key);
void rh_push_untouch(struct rh_push *push);

/* Touches it so that those who watch it hear of it also when its bytes are as they were
 * published last. */
void rh_push_retell(struct rh_push *push, const struct rh_item_key *key);

/* The changes since the last time are committed: tells who watches them. */
void rh_push_publish(struct rh_push *push);

/* ---- subscribers (push_watch.c) ---- */

/* RH_ENOSPC. */
int  rh_push_join(struct rh_push *push, struct rh_subscriber *subscriber,
                  const struct rh_name *resource);
void rh_push_leave(struct rh_push *push, struct rh_subscriber *subscriber);

/* Replaces the watches of the subscriber; prefixes are the PREFIX records.  store is
 * RH_STORE_ID_BYTES.
 * RH_EPROTO  none, or one that is no prefix;  RH_EIDENT one of another resource;
 * RH_ENOSPC  too many;  *diag says which. */
int rh_push_subscribe(struct rh_push *push, struct rh_subscriber *subscriber,
                      const struct rh_record_reader *prefixes,
                      const struct rh_feed_ask *ask, struct rh_diag *diag);

/* Does the subscriber watch that item? */
int rh_push_watches(const struct rh_push *push, const struct rh_subscriber *subscriber,
                    const struct rh_item_key *key);

/* Finds who watches the item: found[0, found_count), some perhaps twice. */
unsigned rh_push_find(struct rh_push *push, const struct rh_item_key *key);

/* Since when the item is as it is, or somewhat later. */
uint64_t rh_push_item_revision(const struct rh_push *push,
                               const struct rh_item_key *key);

/* A snapshot shows the item with this body; returns its revision.  Whoever is up to
 * date has it like this (U3), or nobody watched when it changed. */
uint64_t rh_push_note(struct rh_push *push, const struct rh_item_key *key,
                      const void *body, size_t body_bytes);

/* Does its agent, when it had settled that revision, speak of the item that it was sent
 * last?  Not when a newer one was on its way meanwhile: of that it will say more. */
int rh_push_is_latest(const struct rh_push *push, const struct rh_subscriber *subscriber,
                      const struct rh_item_key *key, uint64_t settled);

/* As on_change, when there is one. */
void rh_push_tell_change(const struct rh_push *push, const struct rh_item_key *key,
                         uint64_t revision, const struct rh_record_writer *body,
                         enum rh_push_known known);

/* ---- frames (push_frame.c) ---- */

/* Makes the next frame: 1, or 0 when there is nothing to send now.
 * RH_ENOMEM, RH_EMSGSIZE  its snapshot cannot be made. */
int  rh_push_make(struct rh_push *push, struct rh_subscriber *subscriber, int is_due,
                  struct rh_push_frame *ret_frame);
/* It was sent, or not; bytes of its payload. */
void rh_push_sent(struct rh_push *push, struct rh_subscriber *subscriber,
                  const struct rh_push_frame *frame);
void rh_push_unsent(struct rh_push *push, struct rh_subscriber *subscriber,
                    const struct rh_push_frame *frame);

/* Gives up the snapshot under way, if there is one: it will be made anew. */
void rh_push_give_up(struct rh_push *push, struct rh_subscriber *subscriber);

/* Lets those who wait for a snapshot begin, as far as there is room. */
void rh_push_let_begin(struct rh_push *push);

/* Something is to be sent, as soon as the subscriber lets it: 1 or 0. */
int  rh_push_is_behind(const struct rh_push *push,
                       const struct rh_subscriber *subscriber);

#endif
