/* pushtrace - tells those who trace rules what the agent does of subscribing (1, 2 and
 * 5) and publishing (4): wire/push_step.h.  Called only when somebody does
 * (rh_trace_has_push).
 *
 * Threads     The loop's. */
#ifndef RH_AGENT_PUSHTRACE_H
#define RH_AGENT_PUSHTRACE_H

#include <stddef.h>
#include <stdint.h>

struct rh_agent;

/* 1 and 2: SUBSCRIBE with so many bytes was made since began_ns, and sent. */
void rh_pushtrace_asked(struct rh_agent *agent, size_t bytes, uint64_t began_ns);

/* 5: the answer is in force. */
void rh_pushtrace_synced(struct rh_agent *agent, size_t bytes, uint64_t began_ns);

/* 4: changes, of so many items (0: a snapshot), are taken in. */
void rh_pushtrace_taken(struct rh_agent *agent, size_t bytes, unsigned items,
                        uint64_t began_ns);

/* 4: what became of an item; why is "" or a reason. */
void rh_pushtrace_result(struct rh_agent *agent, const char *caller, const char *callee,
                         uint64_t revision, int state, const char *why);

#endif
