/* chronicle - at debug level, lines of what the agent took, put in force and told:
 * "history <resource> ...", which push_history checks against the center's
 * (tests/simulate/history.h has the format).  At other levels each costs one test.
 *
 * Threads     The loop's. */
#ifndef RH_AGENT_CHRONICLE_H
#define RH_AGENT_CHRONICLE_H

#include <stdint.h>

struct rh_agent;
struct rh_item;

/* It begins, with what follow.h has from the cache. */
void rh_chronicle_start(const struct rh_agent *agent);
void rh_chronicle_end(const struct rh_agent *agent);

/* SNAP_END, DELTA or BOOKMARK was taken; before is what it had. */
void rh_chronicle_taken(const struct rh_agent *agent, uint8_t type, uint64_t before);

/* It is in force now, told once; or no longer. */
void rh_chronicle_put(const struct rh_agent *agent, struct rh_item *item);
void rh_chronicle_gone(const struct rh_agent *agent, const struct rh_item *item);

/* Told: state is an enum rh_item_state. */
void rh_chronicle_result(const struct rh_agent *agent, const char *caller,
                       const char *callee, uint64_t revision, int state);
void rh_chronicle_settled(const struct rh_agent *agent, uint64_t revision);

#endif
