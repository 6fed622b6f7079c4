/* center - the agent's connection to the governance center.
 *
 *   DOWN --dialed--> JOINING --view--> LIVE --view--> LIVE
 *     ^                 |                |
 *     +------lost-------+------lost------+
 *
 * The table (rh_center_step) decides, the rest acts.  Once the agent has a view it
 * works without the center, with the rules it knows, and dials again until it is
 * back; then it tells all it has to tell.
 *
 * Ownership   The agent's.
 * Threads     The loop's. */
#ifndef RH_AGENT_CENTER_H
#define RH_AGENT_CENTER_H

#include <stdint.h>

struct rh_agent;
struct rh_diag;
struct rh_record_writer;

enum rh_center_state {
	RH_CENTER_DOWN, RH_CENTER_JOINING, RH_CENTER_LIVE, RH_CENTER_STATES
};

enum rh_center_event {
	RH_CENTER_DIALED, RH_CENTER_VIEW, RH_CENTER_LOST, RH_CENTER_EVENTS
};

/* What the caller must do after the step. */
enum rh_center_action {
	RH_CENTER_HELLO,  /* say who we are and which revision we have     */
	RH_CENTER_RESYNC, /* put the view in force; tell everything        */
	RH_CENTER_APPLY,  /* put the view in force                         */
	RH_CENTER_RETRY,  /* close; dial again later                       */
};

/* Moves *state and returns the action.  An event that makes no sense in the
 * current state is RH_EINVAL and moves nothing. */
int rh_center_step(enum rh_center_state *state, enum rh_center_event event);

/* Begins to dial, and to watch the run directory for sockets that appear. */
int rh_center_open(struct rh_agent *agent, struct rh_diag *diag);

int rh_center_is_live(const struct rh_agent *agent);

/* Sends a frame when the center is there. */
void rh_center_tell(struct rh_agent *agent, uint8_t type,
                    const struct rh_record_writer *writer);

/* INSTANCES: all that serve now. */
void rh_center_tell_instances(struct rh_agent *agent);

#endif
