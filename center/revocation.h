/* revocation - edges that were allowed and no longer are, until a deadline.
 *
 *   ALLOWED --the rules refuse it--> revoking --deadline--> refused
 *                                       |
 *                                       +--the rules allow it again--> ALLOWED
 *
 * Until the deadline agents let calls pass, and know when they must end; they end them
 * by themselves.  How long that is the rule hierarchy says ("grace"; 30 s without it).
 * An exception whose time has come ends at once: its end was known from the start.
 *
 * A turn notes how outcomes change, there and back; what is left of it is written
 * with the same commit.  Each revocation stands in the store until it is over, so that
 * a restart of the center neither cuts it short nor makes it longer.  While the center
 * runs it counts by the monotonic clock.
 *
 * Ownership   The center's.
 * Threads     One.
 * Invariants  K1  an edge stands here at most once, and then the registry refuses it.
 * Limits      RH_REVOCATIONS_MAX edges; more are refused at once. */
#ifndef RH_CENTER_REVOCATION_H
#define RH_CENTER_REVOCATION_H

#include "../model/delta.h"

#include <stddef.h>
#include <stdint.h>

#define RH_REVOCATIONS_MAX   4000u      /* and of one turn                 */
#define RH_GRACE_DEFAULT_MS  30000u
#define RH_GRACE_MAX_MS      86400000u  /* a day                           */
#define RH_REVOCATION_PREFIX "/revocations/"

struct rh_center;
struct rh_diag;
struct rh_store_record;

struct rh_revocation {
	struct rh_item_key key;
	uint64_t           deadline_ns; /* monotonic                     */
	uint64_t           deadline_ms; /* since 1970, as it was planned */
};

/* How the outcome of an edge changed in this turn, first and last. */
struct rh_revocation_note {
	struct rh_item_key key;
	int                before;      /* enum rh_outcome */
	int                after;
};

struct rh_revocations {
	struct rh_revocation      *at;
	size_t                     count;
	size_t                     cap;
	struct rh_revocation_note *notes;
	size_t                     note_count;
	size_t                     note_cap;
	uint64_t                   staged_ms;  /* when what this turn begins ends */
	int                        is_at_once; /* what is noted now gets no grace */
};

void rh_revocations_fini(struct rh_revocations *revocations);

/* The outcome of an edge changed. */
void rh_revocation_note(struct rh_revocations *revocations,
                        const struct rh_item_key *key, int before, int after);

/* Before the commit of a turn: stages what its notes mean in the store.  Errors as
 * rh_store_write. */
int rh_revocations_stage(struct rh_center *center, struct rh_diag *diag);

/* After it: what was staged holds, or the turn was undone. */
void rh_revocations_settle(struct rh_center *center, int is_done);

/* The edge is allowed until then, or NULL.  Borrowed until the next change. */
const struct rh_revocation *rh_revocation_find(const struct rh_revocations *revocations,
                                               const struct rh_name *caller,
                                               const struct rh_name *callee);

/* When the next one is over, monotonic ns; UINT64_MAX: there is none. */
uint64_t rh_revocations_next(const struct rh_revocations *revocations);

/* Ends those whose time has come, as a change of the center's own, and commits.
 * RH_ENOSPC, RH_ESTORE: nothing changed. */
int rh_revocations_expire(struct rh_center *center);

/* A record of the store under RH_REVOCATION_PREFIX, when the center starts.
 * RH_EINVAL  it is none; then it is ignored. */
int rh_revocation_load(struct rh_center *center, const struct rh_store_record *record);

/* When the center has started: forgets those that the registry does not refuse, and
 * the notes of loading. */
void rh_revocations_loaded(struct rh_center *center);

#endif
