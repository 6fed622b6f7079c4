/* exception - an edge that the hierarchy forbids and somebody allowed.
 *
 * An exception names one edge, the rule that holds it, a reason in words and
 * perhaps the time when it ends.  It may be there before its edge and before
 * the resources themselves.  The time is the caller's: milliseconds of whatever
 * clock it passes everywhere (the center: since 1970).
 *
 * This is the table; rh_rule_put_exception and rh_rule_remove_exception are the way to
 * change it, because they also tell which verdicts changed.
 *
 * Ownership   The caller owns the table and its memory; texts are copied.
 * Threads     One writer; nobody may read meanwhile.
 * Invariants  E1  at most one exception per edge.
 *             E2  slots [0, used) are live, in no order. */
#ifndef RH_MODEL_EXCEPTION_H
#define RH_MODEL_EXCEPTION_H

#include "map.h"
#include "name.h"

#include <stddef.h>
#include <stdint.h>

struct rh_exception {
	struct rh_name rule;        /* the rule it stands in                   */
	uint64_t       revision;    /* of that rule                            */
	uint64_t       expires_ms;  /* not valid from this moment on; 0 never  */
	uint32_t       caller;      /* index in the registry                   */
	uint32_t       callee;
	char           reason[RH_REASON_MAX + 1];
};

/* Open layout; the fields are for exception.c only. */
struct rh_exception_table {
	struct rh_map        index;
	struct rh_exception *slots;
	uint32_t             capacity;
	uint32_t             used;
};

/* Bytes for that capacity, a multiple of RH_ALIGN. */
size_t rh_exception_bytes(uint32_t capacity);

/* Makes an empty table.  memory is aligned to RH_ALIGN; seed as in rh_map_init. */
void rh_exception_init(struct rh_exception_table *table, uint32_t capacity,
                       uint64_t seed, void *memory);

/* The table's memory was copied to another place: use the copy. */
void rh_exception_rebase(struct rh_exception_table *table, void *memory);

/* Adds or, when the same rule holds the edge already, replaces an exception.
 * RH_EEXIST  another rule holds an exception for the edge.
 * RH_ENOSPC  the table is full. */
int rh_exception_put(struct rh_exception_table *table,
                     const struct rh_exception *exception);

/* RH_ENOENT  there is none for that edge. */
int rh_exception_remove(struct rh_exception_table *table, uint32_t caller,
                        uint32_t callee);

/* The exception of that edge, valid or not, borrowed until the table changes,
 * or NULL. */
const struct rh_exception *rh_exception_find(
	const struct rh_exception_table *table, uint32_t caller, uint32_t callee);

/* 1 while it is valid at now_ms, else 0. */
int rh_exception_is_active(const struct rh_exception *exception, uint64_t now_ms);

#endif
