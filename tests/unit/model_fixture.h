/* model_fixture - a registry on the heap and short words for what tests do. */
#ifndef RH_TESTS_MODEL_FIXTURE_H
#define RH_TESTS_MODEL_FIXTURE_H

#include "../../model/registry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define REFS_MAX 64
#define CHANGES_MAX 256

struct world {
	struct rh_registry    registry;
	void                 *memory;
	size_t                bytes;
	struct rh_moment      at;      /* now_ms 1000, hears into changes */
	struct rh_edge_report changes[CHANGES_MAX];
	size_t                change_count;
};

/* A resource's name, or a rule's; fails the test when it is not one. */
struct rh_name name_of(const char *text);
struct rh_name rule_name_of(const char *text);

/* An empty registry; world_destroy also verifies its invariants. */
struct world *world_create(uint32_t resources, uint32_t edges, uint32_t instances,
                           uint32_t exceptions);
void world_destroy(struct world *world);

/* Registers; references are separated by blanks, NULL for none. */
int enroll(struct world *world, const char *name, int type, const char *references,
           struct rh_verdict *ret_verdict);
int load(struct world *world, const char *name, int type, const char *references);
int check(const struct world *world, const char *name, int type,
          const char *references, struct rh_verdict *ret_verdict);
int erase(struct world *world, const char *name);

/* The id of a registered name; fails the test when it is not registered. */
struct rh_id id_of(const struct world *world, const char *name);

/* rh_judge_call for two registered names. */
int may_call(const struct world *world, const char *caller, const char *callee);

/* Puts an exception of a rule named like the edge. */
int except(struct world *world, const char *caller, const char *callee,
           uint64_t expires_ms);

/* 1 when exactly one change was heard for the edge, with these outcomes, and
 * forgets it; 0 otherwise. */
int heard(struct world *world, const char *caller, const char *callee, int before,
          int after);

/* Forgets all changes and returns how many there were. */
size_t forget(struct world *world);

/* A generator with a seed of its own, so that a failure can be run again. */
uint32_t random_below(uint64_t *seed, uint32_t limit);

#endif
