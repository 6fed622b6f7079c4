/* floor - which version of a module was in force last for a rule at a place: below it
 * this agent goes only when the center says so.
 *
 * The version of a module is the revision at which it was published; an order to run it
 * has the revision at which the rule was put.  Both are counted by one store, so what an
 * order lets an agent leave (ROLLBACK) is a revision, too: an order of before the one
 * that was in force last lets it leave nothing.
 *
 * It is the agent's own, and lies in its cache (cache.h) beside the items that it is
 * about, so the two are of one moment.  What is not wanted any more is remembered.
 *
 * Ownership   Plain; the table owns its memory.
 * Threads     One.
 * Invariants  F1  a (caller, callee, rule, name of the module) stands once.
 * Limits      RH_FLOORS_MAX: the one that was put in first makes room. */
#ifndef RH_AGENT_FLOOR_H
#define RH_AGENT_FLOOR_H

#include "../base/diag.h"
#include "../wire/limits.h"
#include "../wire/record.h"

#include <stddef.h>
#include <stdint.h>

#define RH_FLOORS_MAX 4096u

struct rh_floor {
	uint64_t hash;                    /* of the key; floor.c's          */
	uint64_t version;                 /* of the module                  */
	uint64_t revision;                /* of the rule that named it      */
	char     caller[RH_NAME_MAX + 1];
	char     callee[RH_NAME_MAX + 1]; /* "": a resource                 */
	char     rule[RH_NAME_MAX + 1];
	char     name[RH_NAME_MAX + 1];   /* of the module; "": it has none */
};

struct rh_floors {
	struct rh_floor *at;
	unsigned         count;
	unsigned         room;
};

void rh_floors_fini(struct rh_floors *floors);

/* That version was in force last.  1: it was another one, 0: the same.  RH_ENOMEM. */
int rh_floors_put(struct rh_floors *floors, const struct rh_floor *floor);

/* May it be in force now?  leaves: up to which revision an order lets it leave what was.
 * RH_EPERM  it is older. */
int rh_floors_judge(const struct rh_floors *floors, const struct rh_floor *wanted,
                    uint64_t leaves, struct rh_diag *why);

/* As FLOOR_ITEMs; how many bytes they need, at most. */
size_t rh_floors_bytes(const struct rh_floors *floors);
void   rh_floors_write(const struct rh_floors *floors, struct rh_record_writer *writer);

/* Adds one.  RH_EPROTO  malformed.  RH_ENOMEM. */
int rh_floors_read(struct rh_floors *floors, const struct rh_record *item);

#endif
