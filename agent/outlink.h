/* outlink - the state of an edge's connection to the agent of its callee, as a table.
 *
 *   DOWN --dialed--> GREETING --linked--> BARE --offered--> OFFERING --up--> UP
 *     ^                  |                 | ^                 |             |
 *     |                  |                 | +----refused------+             |
 *     |                  |                 | +----------swapped--------------+
 *     +------lost--------+------lost-------+------lost---------+----lost-----+
 *
 * BARE is enough for bindings; calls and events need the channel of UP.
 *
 * The table decides; the caller acts.  rh_outlink_step performs no I/O. */
#ifndef RH_AGENT_OUTLINK_H
#define RH_AGENT_OUTLINK_H

enum rh_outlink_state {
	RH_OUTLINK_DOWN, RH_OUTLINK_GREETING, RH_OUTLINK_BARE, RH_OUTLINK_OFFERING,
	RH_OUTLINK_UP,
	RH_OUTLINK_STATES
};

enum rh_outlink_event {
	RH_OUTLINK_DIALED,   /* connected                                     */
	RH_OUTLINK_LINKED,   /* the callee's agent accepts us                 */
	RH_OUTLINK_OFFERED,  /* a channel was made and offered                */
	RH_OUTLINK_REFUSED,  /* the offer was refused                         */
	RH_OUTLINK_OPEN,     /* the offer was accepted                        */
	RH_OUTLINK_SWAPPED,  /* the channel is to be replaced; it is drained  */
	RH_OUTLINK_LOST,     /* the connection or the channel broke           */
	RH_OUTLINK_EVENTS
};

/* What the caller must do after the step. */
enum rh_outlink_action {
	RH_OUTLINK_GREET,       /* send LINK                                      */
	RH_OUTLINK_SETTLE,      /* pass on bindings, offer a channel when needed  */
	RH_OUTLINK_AWAIT,       /* nothing but wait for the answer                */
	RH_OUTLINK_DELAY,       /* drop the channel, offer another one later      */
	RH_OUTLINK_SERVE,       /* calls may pass                                 */
	RH_OUTLINK_REOPEN,      /* close the channel and settle again             */
	RH_OUTLINK_RETRY,       /* close the connection, dial again later         */
	RH_OUTLINK_FAIL,        /* the same, and what was under way is lost       */
};

/* Moves *state and returns the action.  An event that makes no sense in the
 * current state is RH_EINVAL and moves nothing. */
int rh_outlink_step(enum rh_outlink_state *state, enum rh_outlink_event event);

/* "down", "greeting", ... */
const char *rh_outlink_text(enum rh_outlink_state state);

#endif
