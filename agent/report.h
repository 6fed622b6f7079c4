/* report - what had to be done to an edge by force: told to the center, which writes it
 * into its audit log, at once or when it is back.
 *
 * Ownership   The agent's.
 * Threads     The loop's.
 * Limits      RH_REPORTS_KEPT while the center is away; more are counted when they are
 *             about the same edge, and else stand in the agent's log only. */
#ifndef RH_AGENT_REPORT_H
#define RH_AGENT_REPORT_H

struct rh_agent;

#define RH_REPORTS_KEPT 64u

/* text is a constant. */
void rh_report(struct rh_agent *agent, const char *caller, const char *callee,
               const char *text);

/* The center is here: it is told what was kept. */
void rh_reports_tell(struct rh_agent *agent);
void rh_reports_free(struct rh_agent *agent);

#endif
