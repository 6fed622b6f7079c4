/* choices - which instances of a callee serve, as its agent tells the agents of its
 * callers: from them a rule of hook `filter` chooses (edge_filter.h).
 *
 * Places      The rule knows an instance by its place.  An instance keeps the place
 *             that it has; one that is new takes the first that is empty.  So a rule
 *             that chooses by a hash stays with its choice when another instance ends,
 *             and comes back to the same place when one was replaced.
 * Ownership   Part of the edge of the caller's agent; the callee's keeps nothing but
 *             what its links still have to be told.
 * Threads     The loop's.
 * Invariants  H1  is_here[count - 1] when count is not 0, and none after it.
 *             H2  no two places that are here have the same id; none has 0.
 * Limits      RH_CHOICES_MAX places; younger instances are not chosen by rules. */
#ifndef RH_AGENT_CHOICES_H
#define RH_AGENT_CHOICES_H

#include "../wire/limits.h"

#include <stdint.h>

struct rh_agent;
struct rh_frame;
struct rh_inlink;

struct rh_choices {
	uint32_t count;                   /* places, with empty ones between them */
	uint32_t ids[RH_CHOICES_MAX];     /* also of who had it last              */
	uint8_t  is_here[RH_CHOICES_MAX];
};

/* ---- the callee's agent */

/* Tells the link if there is something new, and it takes it now. */
void rh_choices_tell(struct rh_inlink *link);

/* An instance came or went. */
void rh_choices_changed(struct rh_agent *agent);

/* ---- the caller's agent */

/* A CHOICES frame.  RH_EPROTO: it is malformed and changed nothing. */
int rh_choices_learn(struct rh_choices *choices, struct rh_frame *frame);

/* The link ended: there are none, until it says so again. */
void rh_choices_lost(struct rh_choices *choices);

/* The id at a place; 0: it is empty, or there is no such place. */
uint32_t rh_choices_at(const struct rh_choices *choices, uint32_t place);

#endif
