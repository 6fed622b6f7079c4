/* stats - tells the center what was counted: STATS, cumulative since the agent
 * started, soon after something changed and at most every RH_STATS_MS.
 *
 * Bound pages are counted by their own two sides, so while there are some the agent
 * looks at them every RH_STATS_BOUND_MS.
 *
 * Threads  The loop's. */
#ifndef RH_AGENT_STATS_H
#define RH_AGENT_STATS_H

#include <stdint.h>

#define RH_STATS_MS       100u
#define RH_STATS_BOUND_MS 1000u

struct rh_agent;

/* Cheap: on the call path. */
void rh_stats_changed(struct rh_agent *agent);

/* There is a bound page to look at from now on. */
void rh_stats_bound(struct rh_agent *agent);

/* A new connection to the center: everything is told again. */
void rh_stats_reset(struct rh_agent *agent);

int rh_stats_init(struct rh_agent *agent);

/* Counts no more; leave.h. */
void rh_stats_leave(struct rh_agent *agent);
void rh_stats_free(struct rh_agent *agent);

#endif
