/* item - one thing that the center says: what the agent's resource is, or an edge
 * that touches it; as bytes, with the revision since which they hold.
 *
 * Ownership   Counted: the set in force and the one that is made hold it; free with
 *             rh_item_unref.
 * Threads     One.
 * Invariants  I1  caller is a name, callee is one or empty; the item concerns the
 *                 agent's resource.
 *             I2  an item without bytes is a tombstone.
 *             I3  former and before, when there is one, have the same key; neither has a
 *                 former, and before has nothing before it. */
#ifndef RH_AGENT_ITEM_H
#define RH_AGENT_ITEM_H

#include "../base/diag.h"
#include "../wire/limits.h"
#include "../wire/record.h"

#include <stddef.h>
#include <stdint.h>

struct rh_item {
	unsigned        refs;
	uint32_t        len;
	uint8_t         is_noted;                /* chronicle.h has it         */
	uint8_t         has_none;                /* nothing is in force until this one is:
	                                            the one before it was rejected */
	uint64_t        revision;
	struct rh_item *former;                  /* in force until this one is */
	struct rh_item *before;                  /* while it is in force on trial
	                                            (trial.h): what was before      */
	char            caller[RH_NAME_MAX + 1]; /* or the resource           */
	char            callee[RH_NAME_MAX + 1]; /* "": a resource            */
	unsigned char   bytes[];                 /* the records of the ITEM    */
};

/* The ITEM record of a frame or a cache.
 * RH_EPROTO  malformed, or it is none of the resource's.  RH_ENOMEM. */
int rh_item_read(const struct rh_record *record, const char *resource,
                 struct rh_item **ret_item, struct rh_diag *diag);

struct rh_item *rh_item_ref(struct rh_item *item);
void            rh_item_unref(struct rh_item *item); /* NULL is fine */

/* The one that counts: the former as long as there is one. */
const struct rh_item *rh_item_in_force(const struct rh_item *item);

/* Orders by key: the resource before its edges. */
int rh_item_compare(const struct rh_item *a, const struct rh_item *b);

/* ---- sets ---- */

/* Sorted by key, each key once; holds a reference to each. */
struct rh_items {
	struct rh_item **at;
	unsigned         count;
	unsigned         room;
};

void rh_items_fini(struct rh_items *items);

/* Adds it, in place of the one of its key; a tombstone removes that one.
 * RH_ENOSPC  over RH_EDGES_PER_AGENT and the resource itself.  RH_ENOMEM. */
int rh_items_put(struct rh_items *items, struct rh_item *item);

void rh_items_remove(struct rh_items *items, const struct rh_item *item);

/* RH_ENOMEM; then *ret_copy is empty. */
int rh_items_copy(const struct rh_items *items, struct rh_items *ret_copy);

/* The one of that key, or NULL. */
struct rh_item *rh_items_find(const struct rh_items *items, const char *caller,
                              const char *callee);

#endif
