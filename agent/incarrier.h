/* incarrier - the rules that carry the calls to us, one for each caller whose edge has
 * one, in the callee's agent, which follows: a rule is ready when it can be loaded, and
 * is joined when the caller's agent offers a channel by it.
 *
 * Ownership   The agent's list; an entry stays, as channels refer to it.
 * Threads     The loop's.
 * Limits      As many as callers ever had such a rule, at most RH_EDGES_PER_AGENT. */
#ifndef RH_AGENT_INCARRIER_H
#define RH_AGENT_INCARRIER_H

#include "carrier.h"

struct rh_agent;
struct rh_inlink;

/* Brings them in line with the view in force.  RH_ENOMEM, RH_ENOSPC: some are missing. */
int  rh_incarriers_apply(struct rh_agent *agent);
void rh_incarriers_free(struct rh_agent *agent);

/* An instance for a channel that the agent of that caller offers by the rule `id`.
 * RH_EAGAIN  it is not here yet, or not any more: the items of both agents differ.
 * RH_ERULE   it was rejected here, or has failed.  Others: it cannot be loaded. */
int rh_incarrier_frame(struct rh_agent *agent, const char *caller, uint64_t id,
                       struct rh_framing *ret_framing, struct rh_diag *diag);

/* The rule that the calls of that caller come by, or NULL. */
const struct rh_code *rh_incarrier_wanted(struct rh_agent *agent, const char *caller);

/* 0 while its module, or whether it can be loaded, is waited for. */
int rh_incarrier_is_settled(struct rh_agent *agent, const char *caller);

/* A channel ended with RH_ERULE. */
void rh_incarrier_failed(struct rh_agent *agent, const char *caller);

#endif
