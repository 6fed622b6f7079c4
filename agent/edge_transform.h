/* edge_transform - the rule of hook `transform` of an edge, in the caller's agent: what
 * it makes of the arguments is what leaves, and what it makes of the reply is what the
 * program gets.  It is nearer to the edge than the filter.
 *
 * Ownership   Part of its edge.
 * Threads     The loop's.
 * Limits      A message in a memfd is not seen: it passes, or fails where the rule is
 *             to be fail-closed. */
#ifndef RH_AGENT_EDGE_TRANSFORM_H
#define RH_AGENT_EDGE_TRANSFORM_H

#include "code.h"
#include "edge_filter.h"

#include "../rules/transform_call.h"

struct rh_cpage;
struct rh_edge;
struct rh_reply;
struct rh_transit;

struct rh_edge_transform {
	struct rh_code_place place;
	struct rh_transform  transform; /* of place.active */
};

void rh_edge_transform_init(struct rh_edge *edge);
void rh_edge_transform_fini(struct rh_edge *edge);

/* After a change of the edge's item. */
void rh_edge_transform_apply(struct rh_edge *edge);

/* What becomes of the held call of the page, which is perhaps another one then.  When it
 * ends, it ends with diag->code, and diag says why. */
enum rh_edge_filtered rh_edge_transform_call(struct rh_edge *edge, struct rh_cpage *page,
                                             struct rh_diag *diag);

/* The reply to it; its bytes count until the rule runs again. */
void rh_edge_transform_reply(struct rh_edge *edge, const struct rh_cpage *page,
                             const struct rh_transit *transit, struct rh_reply *reply);

#endif
