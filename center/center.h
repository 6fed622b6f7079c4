/* center - the parts of a governance center, tied together.
 *
 *   api/ (HTTP) --> change --> realm (what is)  --> store (what stays)
 *                     |                                |
 *                   audit                        link (agents, supervisor)
 *
 * Requests that arrive in one turn of the loop are made and staged one by one,
 * then committed together with one trip to the disk, then answered; agents hear
 * of a change after that.  When the commit fails, all of the turn is undone and
 * every write in it is refused.
 *
 * Ownership   main.c owns the center and what it points to.
 * Threads     One, the loop's.
 * Invariants  G1  what the realm says was committed, but for the open turn.
 *             G2  nothing is answered or published before its commit. */
#ifndef RH_CENTER_CENTER_H
#define RH_CENTER_CENTER_H

#include "audit.h"
#include "key.h"
#include "lines.h"
#include "lookout.h"
#include "news.h"
#include "realm.h"
#include "revocation.h"
#include "runs.h"
#include "seen.h"
#include "watcher.h"

#include "../base/dirs.h"

struct rh_link;
struct rh_push;
struct rh_builder;
struct rh_store;

/* Counted since the start, for /metrics. */
struct rh_center_counts {
	uint64_t requests;
	uint64_t responses[6];     /* by hundreds of the status              */
	uint64_t changes;          /* objects made, configured, deleted      */
	uint64_t refusals;
	uint64_t commits;
	uint64_t commit_failures;
	uint64_t views;
	uint64_t plans;
	uint64_t link_dropped;     /* slow, lying or unwelcome peers         */
	uint64_t goaways;
	uint64_t results;          /* frames                                 */
	uint64_t reports;          /* what agents had to do by force         */
	uint64_t reports_unwritten; /* REPORTs that the audit log lacks      */
};

struct rh_center {
	struct rh_dirs          dirs;
	struct rh_store        *store;
	struct rh_realm         realm;
	struct rh_key           key;
	struct rh_link         *link;       /* NULL in tests                  */
	struct rh_builder      *builder;    /* likewise: then nothing is built */
	struct rh_news          news;
	struct rh_runs          runs;       /* of rules of code, as agents say */
	struct rh_lines         lines;      /* likewise                        */
	struct rh_seen          seen;
	struct rh_lookout       lookout;
	struct rh_revocations   revocations;
	struct rh_watchers      watchers;
	struct rh_push         *push;       /* of the link; likewise          */
	struct rh_center_counts counts;
	uint64_t                rollout_ns; /* when to look at roll-outs, 0: never */
	uint64_t                rollout_rest_ns; /* ... and not before           */
	char                    rollout_problem[200]; /* why none goes on, or "" */
	int                     has_untold; /* a roll-out may be is_untold      */
	uint64_t                started_ms;
	char                    store_id[33];
	char                    tcp[32];    /* "127.0.0.1:80", or ""          */
	int                     staged;     /* something waits for the commit */
	int                     is_changed; /* ... and agents should hear     */
	uint64_t                commit_took_ns; /* the last one               */
	struct rh_problem       broken;     /* code != 0: this turn is lost   */
};

/* Loads what the store holds; makes the hierarchy in a new store.  The store is
 * the caller's, and outlives the center.
 * RH_ESTORE  an object in it does not parse, or contradicts another. */
int rh_center_init(struct rh_center *center, struct rh_store *store,
                   struct rh_problem *problem);
void rh_center_fini(struct rh_center *center);

/* Makes what the turn staged durable and publishes it; or undoes it, and says why.
 * RH_ENOSPC, RH_ESTORE. */
int rh_center_commit(struct rh_center *center, struct rh_problem *problem);

/* The revision of the store, staged changes counted. */
uint64_t rh_center_revision(const struct rh_center *center);

/* Ends the exceptions whose time has come, as changes of the center's own, and
 * commits.  RH_ENOSPC, RH_ESTORE: nothing changed; verdicts know the time anyway. */
int rh_center_expire(struct rh_center *center);

/* When the first exception ends that ends after since_ms; UINT64_MAX: none does. */
uint64_t rh_center_next_expiry(const struct rh_center *center, uint64_t since_ms);

#endif
