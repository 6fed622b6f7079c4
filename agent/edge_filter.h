/* edge_filter - the rule of hook `filter` of an edge, in the caller's agent: before a
 * call leaves, and before its reply is given to the program.
 *
 * What the rule saw is what is sent: the arguments are copied out of the page first,
 * where the caller could still change them.
 *
 * Ownership   Part of its edge.
 * Threads     The loop's. */
#ifndef RH_AGENT_EDGE_FILTER_H
#define RH_AGENT_EDGE_FILTER_H

#include "code.h"

#include "../rules/filter_call.h"

struct rh_cpage;
struct rh_edge;
struct rh_reply;
struct rh_transit;

struct rh_edge_filter {
	struct rh_code_place place;
	struct rh_filter     filter; /* of place.active */
	struct rh_code_place shadow; /* asked beside it, and not obeyed */
	struct rh_filter     shadow_filter;
	int                  is_due; /* there was no edge before the rule: calls that it
	                                must see wait until it is here */
};

void rh_edge_filter_init(struct rh_edge *edge);
void rh_edge_filter_fini(struct rh_edge *edge);

/* After a change of the edge's item. */
void rh_edge_filter_apply(struct rh_edge *edge, int is_new);

enum rh_edge_filtered { RH_FILTERED_GOES, RH_FILTERED_WAITS, RH_FILTERED_ENDS };

/* What becomes of the held call of the page, which is perhaps changed.  When it ends, it
 * ends with diag->code, and diag says why. */
enum rh_edge_filtered rh_edge_filter_before(struct rh_edge *edge,
                                            struct rh_cpage *page,
                                            struct rh_diag *diag);

/* The reply to it, which may be changed; its bytes count until the rule runs again. */
void rh_edge_filter_after(struct rh_edge *edge, const struct rh_cpage *page,
                          const struct rh_transit *transit, struct rh_reply *reply);

#endif
