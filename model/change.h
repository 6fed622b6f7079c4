/* change - tells which edges changed their outcome.
 *
 * In three steps: remember every edge that a change concerns, make the change,
 * report each.  What is remembered stands in the mark of the edge.
 *
 * Used by the other files of the model.
 *
 * Threads     As the registry: one writer. */
#ifndef RH_MODEL_CHANGE_H
#define RH_MODEL_CHANGE_H

#include "registry.h"

/* Remembers the outcome that holds for the edge. */
void rh_change_remember(struct rh_registry *registry, uint32_t edge,
                        uint64_t now_ms);

/* Adds a second mark: the spec still names the edge. */
void rh_change_keep(struct rh_registry *registry, uint32_t edge);
int rh_change_is_kept(const struct rh_registry *registry, uint32_t edge);

/* Forgets what was remembered and, when the outcome is another one now, tells
 * at->visit; returns 1 when it is, else 0.  Nothing remembered: it is new. */
int rh_change_report(struct rh_registry *registry, uint32_t edge,
                     const struct rh_moment *at);

/* Tells at->visit that an edge which was remembered is about to be dropped. */
void rh_change_report_drop(const struct rh_registry *registry, uint32_t edge,
                           const struct rh_moment *at);

/* Tells at->visit, if there is one, what became of an edge. */
void rh_change_tell(const struct rh_registry *registry, uint32_t edge, int before,
                    int after, const struct rh_moment *at);

/* Fills a report for an edge. */
void rh_change_fill(const struct rh_registry *registry, uint32_t edge, int before,
                    int after, struct rh_edge_report *ret_report);

#endif
