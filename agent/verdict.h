/* verdict - what holds for an edge at this moment: what the center said, unless the
 * deadline of a revocation has passed, or the center has been away, or silent, for
 * longer than rule `stale` lets its word count.
 *
 * Times are monotonic: setting the clock does nothing.
 *
 * Threads  The loop's. */
#ifndef RH_AGENT_VERDICT_H
#define RH_AGENT_VERDICT_H

#include "view.h"

struct rh_agent;

/* RH_OK when calls may pass, or a negative code with the reason: the pair, the rule and
 * its revision.  diag may be NULL.
 * RH_EOUTDATED  the rules are too old.  Else as the center said. */
int rh_verdict_now(const struct rh_agent *agent, const struct rh_view_edge *edge,
                   struct rh_diag *diag);

/* The edge is allowed until a deadline that is still to come. */
int rh_verdict_is_revoking(const struct rh_view_edge *edge);

/* Both ends write into their logs that an edge is being revoked, and until when: once. */
void rh_verdicts_tell(const struct rh_agent *agent, const struct rh_agent_view *former);

/* Something that verdicts depend on has changed - the view, or whether the center is
 * here: sees to it that they are looked at again when the time comes, and now when
 * some have changed by it. */
void rh_verdicts_watch(struct rh_agent *agent);

/* The agent's alarm rang. */
void rh_verdicts_expire(struct rh_agent *agent, uint64_t now);

#endif
