/* result - tells the center what became of its items.
 *
 * An item that came is in force, unless somebody says otherwise: an edge that is
 * changing its protocol says staged, whoever cannot obey says rejected.  RESULT tells
 * the revision up to which all is settled, with the items that are not simply
 * active; and again, whenever one of them changes.  ACTIVE is only said of what is
 * in force.
 *
 * Ownership   The agent's.
 * Threads     The loop's.
 * Invariants  T1  an item stands here at most once, and only while it is not active,
 *                 or active in part, or that it is active has not been told.
 * Limits      RH_EDGES_PER_AGENT and the resource itself. */
#ifndef RH_AGENT_RESULT_H
#define RH_AGENT_RESULT_H

#include "item.h"

#include "../wire/frame.h"

struct rh_agent;
struct rh_results;

int rh_results_init(struct rh_agent *agent);

/* The item of that key (callee "" for the resource) is in that state.  why is NULL
 * or says why; code and text are copied. */
void rh_result_set(struct rh_agent *agent, const char *caller, const char *callee,
                   uint64_t revision, enum rh_item_state state,
                   const struct rh_diag *why);

/* The item of that revision is in force, but for what why says; NULL: wholly.  As note. */
void rh_result_partial(struct rh_agent *agent, const char *caller, const char *callee,
                       uint64_t revision, const struct rh_diag *why);

/* It is rejected; in force instead is the item of revision former, 0: none. */
void rh_result_reject(struct rh_agent *agent, const char *caller, const char *callee,
                      uint64_t revision, uint64_t former, const struct rh_diag *why);

/* The revision of the item that was rejected and not replaced since, and why; 0: none. */
uint64_t rh_result_rejected(const struct rh_agent *agent, const char *caller,
                            const char *callee, struct rh_diag *ret_why);

/* What became of an item of that revision; nothing when a newer one was rejected and this
 * one is in force in its place: what is told is the rejection. */
void rh_result_note(struct rh_agent *agent, const char *caller, const char *callee,
                    uint64_t revision, enum rh_item_state state);

/* 1 when some item is in that state. */
int rh_results_have(const struct rh_agent *agent, enum rh_item_state state);

/* Visits the items that are staged; visit may change their state. */
typedef void rh_result_visit(void *user, const char *caller, const char *callee);
void rh_results_staged(struct rh_agent *agent, rh_result_visit *visit, void *user);

/* The item is gone, or another has come in its place. */
void rh_result_forget(struct rh_agent *agent, const char *caller, const char *callee);

/* Everything up to the revision was looked at: tell, in this turn. */
void rh_results_settle(struct rh_agent *agent, uint64_t revision);

/* The revision up to which everything was looked at; 0 until the center was heard. */
uint64_t rh_results_settled(const struct rh_agent *agent);

/* The center is back: it is told everything anew. */
void rh_results_retell(struct rh_agent *agent);

void rh_results_free(struct rh_agent *agent);

#endif
