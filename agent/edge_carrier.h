/* edge_carrier - the rule that carries the calls of an edge, in the caller's agent, which
 * leads: a rule that is to be is in force when the channel was swapped to it
 * (edge_swap.h), and at once when there is no channel.
 *
 * A link begins with the protocol that the edge has without the rule, and changes then.
 *
 * Ownership   Part of its edge.
 * Threads     The loop's. */
#ifndef RH_AGENT_EDGE_CARRIER_H
#define RH_AGENT_EDGE_CARRIER_H

#include "carrier.h"

struct rh_edge;

void rh_edge_carrier_init(struct rh_edge *edge);

/* After a change of the edge's item. */
void rh_edge_carrier_apply(struct rh_edge *edge);

/* The rule that calls are to be carried by now, or NULL: the edge's protocol does. */
const struct rh_code *rh_edge_carrier_wanted(const struct rh_edge *edge);

/* A swap is over: the channel is by edge->carried_id. */
void rh_edge_carrier_swapped(struct rh_edge *edge);

/* The swap to it failed, at either end. */
void rh_edge_carrier_refused(struct rh_edge *edge, uint64_t id, const struct rh_diag *why);

/* The channel ended with RH_ERULE. */
void rh_edge_carrier_failed(struct rh_edge *edge);

/* There is no channel any more. */
void rh_edge_carrier_lost(struct rh_edge *edge);

#endif
