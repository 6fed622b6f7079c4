/* codetell - tells the center how the rules of code do that run here, and what they
 * write: RULE_STATS and RULE_LOG, soon after something changed and at most every
 * RH_CODETELL_MS.
 *
 * While the center is away the last RH_CODETELL_LINES lines are kept for it.
 *
 * Ownership   The agent's.  Codes are borrowed between began and ended.
 * Threads     The loop's. */
#ifndef RH_AGENT_CODETELL_H
#define RH_AGENT_CODETELL_H

#define RH_CODETELL_MS    200u
#define RH_CODETELL_LINES 64u

struct rh_agent;
struct rh_code;

int rh_codetell_init(struct rh_agent *agent);

/* It is in force; it is no more, follows is what is (or NULL). */
void rh_codetell_began(struct rh_code *code);
void rh_codetell_ended(struct rh_code *code, const struct rh_code *follows);

/* It was called, or failed.  Cheap: on the call path. */
void rh_codetell_changed(struct rh_agent *agent);

/* A line that it wrote. */
void rh_codetell_line(const struct rh_code *code, const char *text);

/* Visits those that are in force. */
typedef void rh_codetell_visit(void *user, struct rh_code *code);
void rh_codetell_each(struct rh_agent *agent, rh_codetell_visit *visit, void *user);

/* A new connection to the center: everything is told again. */
void rh_codetell_reset(struct rh_agent *agent);

/* Tells no more; leave.h. */
void rh_codetell_leave(struct rh_agent *agent);
void rh_codetell_free(struct rh_agent *agent);

#endif
