/* places - where items should be in force, and where they are not: the condition
 * Active of rules and resources.
 *
 * A place is an item at one agent: an edge has two, at the agents of its ends (one,
 * while the callee is not registered), a resource one.
 *
 * Ownership   rh_places_condition gives a new value; rh_places_fini ends it in any
 *             case.
 * Threads     One.
 * Limits      RH_CONDITIONS_MAX places are named, the others counted. */
#ifndef RH_CENTER_PLACES_H
#define RH_CENTER_PLACES_H

#include "limits.h"

#include "../model/registry.h"

#include <jansson.h>
#include <stdint.h>

struct rh_center;
struct rh_item_key;

/* An item that was rejected by the agent. */
typedef void rh_places_visit(void *user, const char *agent,
                             const struct rh_item_key *key);

struct rh_places {
	const struct rh_center *center;
	uint64_t                total;
	uint64_t                active;
	uint64_t                rejected;
	uint64_t                partial;   /* active, but not wholly           */
	uint64_t                unreachable;
	json_t                 *agents;    /* those that are not, or partly    */
	rh_places_visit        *on_rejected; /* may be NULL                    */
	void                   *user;
	char                    text[768]; /* of the condition's message       */
};

void rh_places_init(struct rh_places *places, const struct rh_center *center);
void rh_places_fini(struct rh_places *places);

/* The item, as of revision, at the agent of that resource. */
void rh_places_add(struct rh_places *places, const char *agent,
                   const struct rh_item_key *key, uint64_t revision);

/* An edge, as of revision, at the agents of both ends. */
void rh_places_add_edge(struct rh_places *places, const struct rh_name *caller,
                        const struct rh_name *callee, uint64_t revision);

/* Every edge of the system, as of revision: what a hierarchy decides. */
void rh_places_add_all(struct rh_places *places, uint64_t revision);

/* A resource with its edges: at its own agent, and at those it calls. */
void rh_places_add_resource(struct rh_places *places, struct rh_id id);

/* {"type": "Active", ...}; what begins the message ("in force since revision 5"). */
json_t *rh_places_condition(struct rh_places *places, const char *what);

#endif
