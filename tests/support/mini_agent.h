/* mini_agent - the least agent that the SDK can be tested against alone: one
 * resource, one callee, protocol bind, no rules.  It runs as a thread.
 *
 * Threads  mini_agent_start and _stop from one thread. */
#ifndef RH_TESTS_MINI_AGENT_H
#define RH_TESTS_MINI_AGENT_H

struct mini_agent;

/* Listens on path; returns when it does. */
struct mini_agent *mini_agent_start(const char *path);

/* Hangs up on everybody. */
void mini_agent_stop(struct mini_agent *agent);

#endif
