/* rule - changes the static rules of a registry: the hierarchy, exceptions.
 *
 * Each change judges again the edges it concerns and reports those whose
 * outcome changed to at->visit.
 *
 * Ownership   Everything passed in is copied.
 * Threads     As the registry: one writer. */
#ifndef RH_MODEL_RULE_H
#define RH_MODEL_RULE_H

#include "registry.h"

/* An exception as a rule gives it. */
struct rh_exception_spec {
	struct rh_name rule;
	struct rh_name caller;
	struct rh_name callee;
	uint64_t       revision;
	uint64_t       expires_ms;  /* 0 never                        */
	const char    *reason;      /* reason_len bytes, at least one */
	size_t         reason_len;
};

/* Puts another hierarchy in force, judges every edge again and returns how many
 * changed their outcome.
 * RH_EINVAL  a cell is neither 0 nor 1 (H1); nothing changed. */
int rh_rule_put_hierarchy(struct rh_registry *registry,
                          const struct rh_hierarchy *hierarchy,
                          const struct rh_moment *at);

/* Adds an exception, or replaces the one the same rule holds for the edge.
 * Neither resource needs to be registered.  Returns 1 when the outcome of the
 * edge changed, else 0.
 * RH_EINVAL  a name is empty, caller and callee are the same, or the reason is
 *            empty or longer than RH_REASON_MAX.
 * RH_EEXIST  another rule holds an exception for that edge.
 * RH_ENOSPC  exceptions or resources (for a new name) are full.
 * On an error nothing changed. */
int rh_rule_put_exception(struct rh_registry *registry,
                          const struct rh_exception_spec *spec,
                          const struct rh_moment *at);

/* Takes the exception of an edge away.  Returns 1 when the outcome of the edge
 * changed, else 0.
 * RH_ENOENT  there is none for that edge. */
int rh_rule_remove_exception(struct rh_registry *registry,
                             const struct rh_name *caller,
                             const struct rh_name *callee,
                             const struct rh_moment *at);

/* The moment when the next exception ends after now_ms, UINT64_MAX when none
 * does: set a timer for it. */
uint64_t rh_rule_next_expiry(const struct rh_registry *registry, uint64_t now_ms);

/* Tells at->visit which edges changed because their exception ended after
 * since_ms and not after at->now_ms; returns how many.  Expiry itself needs no
 * call: verdicts look at the clock. */
int rh_rule_expire(const struct rh_registry *registry, uint64_t since_ms,
                   const struct rh_moment *at);

#endif
