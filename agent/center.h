/* center - the agent's connection to the governance center.
 *
 *   DOWN --dialed--> JOINING --welcome--> SYNCING --synced--> LIVE
 *     ^                 |                 |  ^  ^               |
 *     |                 |             gap |  |  +------gap------+
 *     |                 |                 +--+                  |
 *     +------lost-------+------lost-------+---------lost--------+
 *
 * The table (rh_center_step) decides about the connection, model/follow.h about what
 * comes over it, rules.h about what it means.  An agent that has rules works without
 * the center, with the rules it knows, and dials again until it is back; then it
 * takes what it missed and tells all it has to tell.
 *
 * Ownership   The agent's.
 * Threads     The loop's.
 * Limits      RH_CREDIT_BYTES are under way to us; RH_HELD_BYTES of a snapshot. */
#ifndef RH_AGENT_CENTER_H
#define RH_AGENT_CENTER_H

#include <stdint.h>

struct rh_agent;
struct rh_diag;
struct rh_record_writer;

#define RH_HELD_BYTES (4u << 20)

enum rh_center_state {
	RH_CENTER_DOWN, RH_CENTER_JOINING, RH_CENTER_SYNCING, RH_CENTER_LIVE,
	RH_CENTER_STATES
};

enum rh_center_event {
	RH_CENTER_DIALED, RH_CENTER_WELCOME, RH_CENTER_SYNCED, RH_CENTER_GAP,
	RH_CENTER_LOST, RH_CENTER_EVENTS
};

/* What the caller must do after the step. */
enum rh_center_action {
	RH_CENTER_NOTHING,
	RH_CENTER_HELLO,     /* say who we are                                 */
	RH_CENTER_SUBSCRIBE, /* say what we watch, and the revision we have    */
	RH_CENTER_TELL,      /* tell everything: we are up to date             */
	RH_CENTER_RETRY,     /* close; dial again later                        */
};

/* Moves *state and returns the action.  An event that makes no sense in the
 * current state is RH_EINVAL and moves nothing. */
int rh_center_step(enum rh_center_state *state, enum rh_center_event event);

/* How long to wait before dialing again, when it is that long at least: up to a quarter
 * more, so that thousands of agents that were sent away do not come back at once. */
uint64_t rh_center_pause(uint64_t wait_ms, uint32_t random);

/* Begins to dial, and to watch the run directory for sockets that appear. */
int rh_center_open(struct rh_agent *agent, struct rh_diag *diag);

/* Hangs up for good; leave.h. */
void rh_center_leave(struct rh_agent *agent);
void rh_center_free(struct rh_agent *agent);

/* 1 while we are up to date. */
int rh_center_is_live(const struct rh_agent *agent);

/* Sends a frame when the center is there. */
void rh_center_tell(struct rh_agent *agent, uint8_t type,
                    const struct rh_record_writer *writer);

/* INSTANCES: all that serve now. */
void rh_center_tell_instances(struct rh_agent *agent);

#endif
