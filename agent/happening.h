/* happening - the events that this agent knows of, and the rules of hook `event` of its
 * resource, which see them in order (rules/event_chain.h).
 *
 * The names and what they carry are in rules/events.def.  What comes to the end of its
 * chain is written to the log; without a rule for it nothing happens.
 *
 * Ownership   The agent's.
 * Threads     The loop's. */
#ifndef RH_AGENT_HAPPENING_H
#define RH_AGENT_HAPPENING_H

#include "../wire/msg.h"

struct rh_agent;
struct rh_happenings;

/* NULL: no memory. */
int  rh_happenings_init(struct rh_agent *agent);
void rh_happenings_free(struct rh_agent *agent);

/* After a change of the resource's item. */
void rh_happenings_apply(struct rh_agent *agent);

/* 1 when every rule is in force, or was rejected. */
int rh_happenings_are_settled(const struct rh_agent *agent);

/* Something happened, which concerns that resource. */
__attribute__((format(printf, 4, 5)))
void rh_happening_tell(struct rh_agent *agent, const char *name, const char *source,
                       const char *format, ...);

/* An event of the callee's interface, before our processes get it: 0, nobody is to; else
 * 1, and head->len and *body may be others, until the next event. */
int rh_happening_pass(struct rh_agent *agent, const char *callee, struct rh_msg_head *head,
                      const void **body);

#endif
