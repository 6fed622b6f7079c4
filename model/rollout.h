/* rollout - when a rule that comes step by step goes on, stops, or is done.
 *
 *   RUNNING --all steps settled and waited for--> DONE
 *      |  ^
 *      |  +--- ADVANCE: the next step, when those reached are settled and waited for
 *      +------ STOP: more rejects, or more errors, than the plan allows
 *
 * An edge has a place in the order of its rule: a hash of rule, caller and callee, which
 * never changes.  A step reaches the edges up to a place, so those that have the new
 * rule are the same ones whoever asks, and an edge that comes later is among them or not.
 *
 * Nothing here keeps state: the owner counts (struct rh_rollout_tally), asks, and does
 * what is answered.
 *
 * Ownership   Everything belongs to the caller.
 * Threads     Any; there is no state.
 * Invariants  O1  a plan has at least one step, and the last is 100 percent.
 *             O2  reached <= total, settled <= reached, rejected <= settled.
 * Limits      RH_ROLLOUT_STEPS_MAX. */
#ifndef RH_MODEL_ROLLOUT_H
#define RH_MODEL_ROLLOUT_H

#include "name.h"

#include <stdint.h>

#define RH_ROLLOUT_STEPS_MAX 16u
#define RH_ROLLOUT_ALL       UINT64_MAX  /* every edge, also those to come    */
#define RH_ROLLOUT_NEVER     UINT64_MAX
#define RH_ROLLOUT_ANY_RATE  UINT32_MAX  /* errors do not stop it             */
#define RH_ROLLOUT_CALLS_MIN 20u         /* fewer calls count as that many, so
                                            that the first error of an edge that
                                            is hardly used is no rate          */

struct rh_rollout_step {
	uint32_t value;
	uint8_t  is_percent;
};

struct rh_rollout_plan {
	struct rh_rollout_step steps[RH_ROLLOUT_STEPS_MAX];
	uint32_t               step_count;
	uint32_t               rejects_max; /* edges                            */
	uint32_t               errors_ppm;  /* of the calls, or RH_ROLLOUT_ANY_RATE */
	uint8_t                rollback;    /* for the owner: after a STOP      */
	uint64_t               wait_ns;
};

/* Edges, as they are now; calls and errors since the step began. */
struct rh_rollout_tally {
	uint64_t total;
	uint64_t reached;   /* have the new rule, or should      */
	uint64_t settled;   /* ... and all their agents said so  */
	uint64_t rejected;  /* ... of which one said no          */
	uint64_t calls;
	uint64_t errors;
};

enum rh_rollout_action {
	RH_ROLLOUT_WAIT,      /* until wake_ns, or until something happens     */
	RH_ROLLOUT_ADVANCE,   /* to step, which reaches the first upto edges   */
	RH_ROLLOUT_FINISH,
	RH_ROLLOUT_REJECTED,  /* stop                                          */
	RH_ROLLOUT_ERRORS,    /* stop                                          */
	RH_ROLLOUT_ACTIONS
};

struct rh_rollout_answer {
	enum rh_rollout_action action;
	uint32_t               step;     /* from 0 */
	uint64_t               upto;
	uint64_t               wake_ns;
};

/* The place of an edge in the order of a rule, 1 to UINT64_MAX - 1.  Stored: it must
 * stay the same for ever. */
uint64_t rh_rollout_place(const struct rh_name *rule, const struct rh_name *caller,
                          const struct rh_name *callee);

/* How many of total edges a step reaches; a percent that is no whole number is one
 * edge more. */
uint64_t rh_rollout_upto(const struct rh_rollout_step *step, uint64_t total);

/* What is next.  *settled_ns is since when all that is reached is settled, 0: it is
 * not; the owner keeps it, and makes it 0 when a step begins. */
void rh_rollout_decide(const struct rh_rollout_plan *plan,
                       const struct rh_rollout_tally *tally, uint64_t now_ns,
                       uint64_t *settled_ns, struct rh_rollout_answer *ret_answer);

#endif
