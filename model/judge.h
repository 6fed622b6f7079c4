/* judge - the verdict on an edge, derived from types and rules when asked.
 *
 * An edge is allowed when it is declared and the hierarchy, or an exception
 * that is still valid, lets the caller's type call the callee's.  Nothing here
 * has a side effect, so registration, explain and dry runs ask the same judge.
 *
 * Threads  As the registry: nobody may write it meanwhile. */
#ifndef RH_MODEL_JUDGE_H
#define RH_MODEL_JUDGE_H

#include "registry.h"

/* May this resource call that one now?  The check on the way of a call.
 * RH_OK        declared and allowed.
 * RH_ENOENT    an id is dead.
 * RH_ENOEDGE   not declared.
 * RH_EPENDING  the callee is not registered.
 * RH_ELAYER    declared and refused. */
int rh_judge_call(const struct rh_registry *registry, struct rh_id caller,
                  struct rh_id callee, uint64_t now_ms);

/* Explains any pair of names, registered or not, declared or not: is_declared,
 * hierarchy_allows and exempt tell what would be.  Always fills *ret_verdict;
 * returns rh_verdict_error of it. */
int rh_judge_pair(const struct rh_registry *registry, const struct rh_name *caller,
                  const struct rh_name *callee, uint64_t now_ms,
                  struct rh_verdict *ret_verdict);

/* The verdict on one reference of a spec, as registration would judge it (self
 * and duplicates too).  i is below reference_count, the type is valid.  Returns
 * rh_verdict_error of it; registration accepts RH_OK and RH_EPENDING. */
int rh_judge_reference(const struct rh_registry *registry,
                       const struct rh_spec *spec, uint32_t i, uint64_t now_ms,
                       struct rh_verdict *ret_verdict);

/* The outcome for a declared edge with that number (enum rh_outcome). */
int rh_judge_edge(const struct rh_registry *registry, uint32_t edge,
                  uint64_t now_ms);

#endif
