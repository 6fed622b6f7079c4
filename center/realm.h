/* realm - what all objects together mean: the catalog, and the model registry,
 * exceptions and protocols derived from it.
 *
 * A change goes object by object through rh_realm_put and rh_realm_remove, which
 * judge no reference; when all of them are in, rh_realm_judge judges each resource
 * that changed against what there is now.  So the order within a batch does not
 * matter.  Every step can be undone exactly, back to a mark: a refusal, a dry run
 * and a disk that is full leave nothing behind.
 *
 * The realm knows nothing of the store, of clients or of agents; it tells
 * realm->touch which items may have changed.
 *
 * Ownership   The realm owns its objects, also those that wait in the undo log.
 * Threads     One.
 * Invariants  L1  registry, protocols, limits, rollouts and catalog say the same.
 *             L2  undo[0, undo_count) are the changes since rh_realm_forget. */
#ifndef RH_CENTER_REALM_H
#define RH_CENTER_REALM_H

#include "catalog.h"
#include "problem.h"
#include "protocols.h"
#include "rollout.h"

#include "../model/delta.h"
#include "../model/registry.h"

/* Counted on an edge, beside the registry's own count of calls.  seen_* is what
 * the caller's agent reported last: a smaller report means it began anew. */
struct rh_edge_count {
	uint64_t seen_calls;
	uint64_t seen_errors;
	uint64_t seen_bytes;
	uint64_t errors;
	uint64_t bytes;
};

/* That item may have changed, come or gone; NULL: every edge may have. */
typedef void rh_realm_touch(void *user, const struct rh_item_key *key);

/* All that was touched since the last commit is as it was. */
typedef void rh_realm_untouch(void *user);

#define RH_REALM_HOOKS 16u /* not fewer than there are hooks */

struct rh_realm_undo;
struct rh_revocations;

struct rh_realm {
	struct rh_catalog     catalog;
	struct rh_protocols   protocols;
	struct rh_protocols   limits;      /* use is a number of calls         */
	struct rh_protocols   scheds;      /* use is the name of a text, at an own */
	struct rh_protocols   hooks[RH_REALM_HOOKS]; /* code, in the order of rh_hooks */
	struct rh_protocols   shadows[RH_REALM_HOOKS]; /* ... that is not obeyed */
	struct rh_rollouts    rollouts;
	struct rh_registry    registry;
	struct rh_edge_count *counts;      /* by number of the edge            */
	struct rh_name       *references;  /* scratch, RH_REFERENCES_MAX       */
	void                 *memory;
	size_t                memory_bytes;
	struct rh_realm_undo *undo;
	size_t                undo_count;
	size_t                undo_cap;
	int                   is_settled;  /* what is put was there before, with
	                                      its roll-out                      */
	int                   is_at_once;  /* what is put has no roll-out       */
	struct rh_revocations *revocations; /* hears of outcomes; may be NULL   */
	rh_realm_touch       *touch;       /* may be NULL                      */
	rh_realm_untouch     *untouch;     /* likewise                         */
	void                 *touch_user;
};

/* RH_ENOMEM. */
int  rh_realm_init(struct rh_realm *realm);
void rh_realm_fini(struct rh_realm *realm);

/* Puts an object in place of the one of its kind and name; now the realm owns it,
 * also when it fails (then it is destroyed).  object->revision is set.
 * RH_EEXIST  a rule of another name holds the edge already.
 * RH_ENOSPC  the registry is full.  RH_ENOMEM.  Nothing changed then. */
int rh_realm_put(struct rh_realm *realm, struct rh_object *object,
                 struct rh_problem *problem);

/* RH_ENOENT  there is none.  RH_EPERM  the hierarchy stays. */
int rh_realm_remove(struct rh_realm *realm, enum rh_object_kind kind,
                    const char *name, struct rh_problem *problem);

/* Puts the roll-out of a rule in place of what was known of it, and touches the edges
 * that it reaches now and did not, or the other way round.  RH_ENOMEM. */
int rh_realm_put_rollout(struct rh_realm *realm, const struct rh_rollout *rollout,
                         struct rh_problem *problem);

/* Where that side of a roll-out stands. */
const struct rh_protocols *rh_realm_table(const struct rh_realm *realm,
                                          const struct rh_rollout_side *side);

/* Is there code that sees the calls of that edge? */
int rh_realm_has_code(const struct rh_realm *realm, const char *caller,
                      const char *callee);

/* The protocol that carries the calls of that edge, all rules considered. */
const char *rh_realm_use(const struct rh_realm *realm, const char *caller,
                         const char *callee);

/* Would the resource be accepted as all is now?
 * RH_ELAYER  the problem names the first refused pair, the rule, its revision. */
int rh_realm_judge(struct rh_realm *realm, const struct rh_object *resource,
                   struct rh_problem *problem);

/* A mark for rh_realm_undo. */
size_t rh_realm_mark(const struct rh_realm *realm);

/* Undoes every change since the mark, latest first.  Cannot fail. */
void rh_realm_undo(struct rh_realm *realm, size_t mark);

/* What was changed of rules since the mark, oldest first: old and now are a rule, and one of them
 * may be NULL; both are when only its roll-out went on. */
typedef int rh_realm_visit(void *user, const char *rule, const struct rh_object *old,
                           const struct rh_object *now);
int rh_realm_changed_rules(const struct rh_realm *realm, size_t mark,
                           rh_realm_visit *visit, void *user);

/* The changes are durable: there is nothing to undo any more. */
void rh_realm_forget(struct rh_realm *realm);

/* Adds what an agent reported, cumulative, for an edge that its resource calls, also to
 * the roll-out that reached it.
 * RH_ENOENT  there is no such edge. */
int rh_realm_observe(struct rh_realm *realm, const char *caller, const char *callee,
                     uint64_t calls, uint64_t errors, uint64_t bytes);

/* The id of a registered resource.  RH_ENOENT. */
int rh_realm_find(const struct rh_realm *realm, const char *name,
                  struct rh_id *ret_id);

#endif
