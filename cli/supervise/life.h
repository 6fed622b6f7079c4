/* life - the states of one supervised process, as a table.
 *
 *   IDLE --start--> RUNNING --died--> WAITING --timer--> RUNNING
 *                   | |  |               |
 *                   | |  +--ended--> ENDED --stop--> GONE
 *                   | |                  \           ^  ^
 *                   |stop                 +--start   |  |
 *                   | v                              |  |
 *                   |STOPPING --died, ended----------+  +--stop-- WAITING, IDLE
 *                   | ^  |
 *                   | |  +--patience--> KILLING --died, ended--> GONE
 *                 renew
 *                   v |
 *                 RENEWING --died, ended--> RUNNING
 *
 * The table decides, the supervisor acts.  "died" asks for another start, "ended"
 * does not: the restart policy has been asked before (rh_life_outcome).
 *
 * Threads     Pure. */
#ifndef RH_SUPERVISE_LIFE_H
#define RH_SUPERVISE_LIFE_H

enum rh_life_state {
	RH_LIFE_IDLE, RH_LIFE_RUNNING, RH_LIFE_WAITING, RH_LIFE_ENDED,
	RH_LIFE_RENEWING, RH_LIFE_STOPPING, RH_LIFE_KILLING, RH_LIFE_GONE,
	RH_LIFE_STATES
};

enum rh_life_event {
	RH_LIFE_START,     /* it is wanted and may start              */
	RH_LIFE_DIED,      /* the process is gone and wanted again    */
	RH_LIFE_END,       /* the process is gone and that is right   */
	RH_LIFE_TIMER,     /* the back-off is over                    */
	RH_LIFE_STOP,      /* it is not wanted any more               */
	RH_LIFE_PATIENCE,  /* it did not end in time                  */
	RH_LIFE_RENEW,     /* another process is to take its place    */
	RH_LIFE_EVENTS
};

/* What the supervisor must do after the step. */
enum rh_life_action {
	RH_LIFE_NOTHING,
	RH_LIFE_SPAWN,     /* start the process                       */
	RH_LIFE_ARM,       /* start it after the back-off             */
	RH_LIFE_TERM,      /* ask it to end, wait for it              */
	RH_LIFE_ASK,       /* ask it to end, however long it takes    */
	RH_LIFE_KILL,      /* end it                                  */
	RH_LIFE_FORGET,    /* drop what is known of it                */
};

enum rh_restart { RH_RESTART_ALWAYS, RH_RESTART_ON_FAILURE, RH_RESTART_NEVER };

/* Moves *state and returns the action.  An event that makes no sense in the
 * current state is RH_EINVAL and moves nothing. */
int rh_life_step(enum rh_life_state *state, enum rh_life_event event);

/* RH_LIFE_DIED or RH_LIFE_END for a process that ended with a code, or by a signal
 * (code ignored). */
enum rh_life_event rh_life_outcome(enum rh_restart restart, int code, int by_signal);

#endif
