/* hierarchy - which type may call which type: the hierarchical rule, as data.
 *
 *                       callee
 *                  app  service  driver  hardware
 *   application     .      x       x        x
 *   service         .      .       x        x        the default: every type
 *   driver          .      .       .        x        may call all below it
 *   hardware        .      .       .        .
 *
 * A system may hold any other table; the code asks the table and knows no
 * order of types.
 *
 * Ownership   A plain value; the registry keeps its own copy.
 * Threads     Any; there is no state.
 * Invariants  H1  every cell is 0 or 1. */
#ifndef RH_MODEL_HIERARCHY_H
#define RH_MODEL_HIERARCHY_H

#include "type.h"

#include <stdint.h>

/* The name of the one rule that holds the table. */
#define RH_HIERARCHY_RULE "hierarchy"

struct rh_hierarchy {
	uint8_t  allow[RH_TYPES][RH_TYPES]; /* [caller][callee] */
	uint64_t revision;                  /* of the rule, named in verdicts */
};

/* Fills in the default table. */
void rh_hierarchy_init(struct rh_hierarchy *hierarchy, uint64_t revision);

/* A table in which nobody may call anybody, to be filled by _set. */
void rh_hierarchy_clear(struct rh_hierarchy *hierarchy, uint64_t revision);

/* Sets one cell; allow is 0 or 1.
 * RH_EINVAL  a type or allow is out of range; nothing changed. */
int rh_hierarchy_set(struct rh_hierarchy *hierarchy, int caller_type,
                     int callee_type, int allow);

/* 1 when the table allows the pair, else 0; 0 too for a number that is no
 * type.  The whole of the judgement: exceptions are the registry's. */
int rh_hierarchy_allows(const struct rh_hierarchy *hierarchy, int caller_type,
                        int callee_type);

/* 1 when the tables have the same cells (revisions do not count), else 0. */
int rh_hierarchy_equal(const struct rh_hierarchy *a, const struct rh_hierarchy *b);

#endif
