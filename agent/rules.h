/* rules - what is in force: takes what the center or the cache says, item by item.
 *
 * An item that cannot be used is rejected alone; the former one of its key stays.  One
 * that takes time (an edge that changes its protocol) keeps its former with it until
 * it is settled, so that it can be rejected later too.
 *
 * Ownership   The agent's.
 * Threads     The loop's. */
#ifndef RH_AGENT_RULES_H
#define RH_AGENT_RULES_H

#include "cache.h"
#include "item.h"

struct rh_agent;

/* Puts the set, which it takes, in force as that revision.  RH_ENOMEM: all is as it
 * was. */
int rh_rules_put(struct rh_agent *agent, struct rh_items *next, uint64_t revision,
                 const char *system);

/* Puts what the cache held in force; takes its items. */
int rh_rules_start(struct rh_agent *agent, struct rh_cached *cached);

/* All that the center says up to that revision was taken in. */
void rh_rules_reached(struct rh_agent *agent, uint64_t revision);

/* The edge obeys its newest item now. */
void rh_rules_settled(struct rh_agent *agent, const char *caller, const char *callee);

/* What is in force with its item of that revision is on trial no more: it stays. */
void rh_rules_proven(struct rh_agent *agent, const char *caller, const char *callee,
                     uint64_t revision);

/* The edge cannot obey its item of that revision: at the end of the turn the former one
 * is in force again, and stays; without a former, the edge is as good as it can be.  Also
 * of a resource, callee "", and of what is in force on trial (trial.h).
 * Nothing when the item is of another revision by then. */
void rh_rules_reject(struct rh_agent *agent, const char *caller, const char *callee,
                     uint64_t revision, const struct rh_diag *why);

#endif
