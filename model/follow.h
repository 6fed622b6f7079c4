/* follow - what an agent makes of what the center sends, decided without any I/O.
 *
 *                          snapshot begins            it ends
 *   AWAY --joined-+-> ASKED ----------------> FILLING ------> LIVE
 *                 |     ^                                      ^
 *                 |     | a gap                                |
 *                 +-> JOINED ---- delta, bookmark -------------+
 *
 *   joined          JOINED when the store is the one it knows, else ASKED
 *   lost            AWAY, from any state
 *   forgotten       ASKED, from any state but AWAY; the revision is 0
 *   snapshot begins FILLING, from any state but AWAY; what was held is dropped
 *   a gap           ASKED, from any state but AWAY: a delta or bookmark whose prev is
 *                   not the revision, or a part that does not fit the ones before
 *   a replay        the connection ends: a delta or bookmark up to what it has
 *
 * A revision is *taken* when the snapshot's end or the last part of a delta came; what
 * arrived before is held aside by the caller and dropped when the answer is
 * RH_FOLLOW_RESYNC or a snapshot begins.  store and revision say what the subscriber
 * has and outlive connections (and processes: the disk cache keeps them).  In ASKED
 * nothing but the beginning of a snapshot counts: the rest was on its way before.
 *
 * Ownership   The caller's, a plain value.
 * Threads     One.
 * Invariants  L1  revision never falls while store stays the same, but to 0 when it is
 *                 forgotten.
 *             L2  a delta is taken only when its prev equals revision, and a revision
 *                 above none only from a snapshot. */
#ifndef RH_MODEL_FOLLOW_H
#define RH_MODEL_FOLLOW_H

#include <stdint.h>

#define RH_STORE_ID_LEN 16u

enum rh_follow_state { RH_FOLLOW_AWAY, RH_FOLLOW_JOINED, RH_FOLLOW_ASKED,
                       RH_FOLLOW_FILLING, RH_FOLLOW_LIVE, RH_FOLLOW_STATES };

enum rh_follow_action {
	RH_FOLLOW_IGNORE,   /* nothing to do                                       */
	RH_FOLLOW_HOLD,     /* keep this part aside; a begin: drop what is held     */
	RH_FOLLOW_REPLACE,  /* all held parts are the whole truth: put it in force  */
	RH_FOLLOW_APPLY,    /* all held parts are changes: put them in force        */
	RH_FOLLOW_NOTE,     /* nothing changed: it is up to date, at that revision  */
	RH_FOLLOW_RESYNC,   /* a gap: drop held parts, subscribe anew               */
};

struct rh_follow {
	unsigned char store[RH_STORE_ID_LEN]; /* zero: none yet                  */
	uint64_t      revision;               /* 0: has nothing                  */
	uint64_t      filling;                /* revision of the snapshot        */
	uint64_t      window;                 /* bytes it grants at once         */
	uint64_t      used;                   /* bytes received since the grant  */
	uint64_t      holding;                /* revision of held delta parts    */
	uint8_t       state;                  /* enum rh_follow_state            */
	unsigned char incoming[RH_STORE_ID_LEN]; /* the center's store          */
};

/* From a cache: store may be NULL (has nothing, revision 0).  window is above 0. */
void rh_follow_init(struct rh_follow *follow, const unsigned char *store,
                    uint64_t revision, uint64_t window);

/* WELCOME came.  1 when the store is the one it knows, else 0.
 * RH_EPROTO  it is not the first one of this connection. */
int  rh_follow_joined(struct rh_follow *follow, const unsigned char *store);
void rh_follow_lost(struct rh_follow *follow);

/* What was taken could not be put in force (no memory, malformed): a delta cannot
 * continue it.  The caller ends the connection, or subscribes anew. */
void rh_follow_forget(struct rh_follow *follow);

/* What SUBSCRIBE says that it has: its revision, or 0 for a snapshot.  The first of a
 * connection grants window bytes, one after a gap none. */
uint64_t rh_follow_have(const struct rh_follow *follow);

/* Frames: what to do, or RH_EPROTO for one that fits no state: end the connection.
 * RH_EPROTO also for numbers that contradict each other, and for a snapshot that is
 * older than what it has of the same store. */
int rh_follow_begin(struct rh_follow *follow, uint64_t revision);
int rh_follow_item(struct rh_follow *follow, uint64_t revision);
int rh_follow_end(struct rh_follow *follow, uint64_t revision);
int rh_follow_delta(struct rh_follow *follow, uint64_t prev, uint64_t revision,
                    int is_last);
int rh_follow_bookmark(struct rh_follow *follow, uint64_t prev, uint64_t revision);

/* bytes of payload came in, of a frame that costs credit (SNAP_*, DELTA, BOOKMARK),
 * whatever the answer was; returns how many to grant now (0: not yet). */
uint64_t rh_follow_received(struct rh_follow *follow, uint32_t bytes);

/* Checks what must hold of a single value: for tests. */
void rh_follow_verify(const struct rh_follow *follow);

#endif
