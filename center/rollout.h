/* rollout - how far the rules have come that come step by step.
 *
 *                 +-----------------------------------+
 *                 v                                   | resume
 *   (put) --> RUNNING <--pause, resume--> PAUSED      |
 *                | \--rejects, errors--> STOPPED -----+
 *                |         \--rollback--> ROLLED_BACK
 *                v
 *              DONE          any --undo--> UNDONE
 *
 * Edges up to a place have the new rule, those after it the former one: what the last
 * generation said that reached every edge.  A rule that is put again before its roll-out
 * is over begins anew from there; one that has no roll-out is everywhere at once.
 *
 * Rolled back or undone, the former one is the rule again, as another generation.  When
 * there was no former one the rule stays and reaches no edge.
 *
 * Here is what is known of each; rollout_drive.h makes them go on.
 *
 * Ownership   The table owns its entries and copies what is put in.
 * Threads     One.
 * Invariants  R1  sorted by rule, one entry a rule.
 *             R2  an entry is of the generation of its rule.
 * Limits      One entry a rule. */
#ifndef RH_CENTER_ROLLOUT_H
#define RH_CENTER_ROLLOUT_H

#include "../model/limits.h"
#include "../model/rollout.h"
#include "object.h"
#include "protocols.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#define RH_ROLLOUT_PREFIX          "/rollouts/"
#define RH_ROLLOUT_REASON_MAX      480
#define RH_ROLLOUT_WAIT_DEFAULT_MS 10000u
#define RH_ROLLOUT_WAIT_MAX_MS     86400000u /* a day */

enum rh_rollout_state {
	RH_ROLLOUT_RUNNING, RH_ROLLOUT_PAUSED, RH_ROLLOUT_STOPPED, RH_ROLLOUT_DONE,
	RH_ROLLOUT_ROLLED_BACK, RH_ROLLOUT_UNDONE, RH_ROLLOUT_STATES
};

enum rh_rollout_order {
	RH_ROLLOUT_PAUSE, RH_ROLLOUT_RESUME, RH_ROLLOUT_UNDO, RH_ROLLOUT_ORDERS
};

/* Which table of the realm a rule stands in; of rules of code one for each hook. */
enum rh_rule_table {
	RH_TABLE_PROTOCOLS, RH_TABLE_LIMITS, RH_TABLE_SCHEDS, RH_TABLE_HOOKS
};

/* What a generation says of which edge; use is "" for none. */
struct rh_rollout_side {
	uint64_t revision;                  /* at which it was put */
	uint8_t  table;                     /* RH_TABLE_HOOKS and the hook's place in
	                                       rh_hooks, of a shadow RH_REALM_HOOKS
	                                       more                                */
	const struct rh_code_text *code;    /* of RH_TABLE_SCHEDS and beyond       */
	char caller[RH_NAME_MAX + 1];
	char callee[RH_NAME_MAX + 2];
	char use[RH_PROTOCOL_TEXT_MAX];
};

struct rh_rollout {
	char                   rule[RH_NAME_MAX + 1];
	enum rh_rollout_state  state;
	uint32_t               step;        /* from 1; 0: not begun             */
	uint64_t               generation;
	uint64_t               former;      /* generation; 0: there was none    */
	uint64_t               failed;      /* ... that was rolled back, or 0   */
	uint64_t               reach;       /* the last place that has it       */
	uint64_t               began_ms;    /* since 1970                       */
	uint64_t               changed_ms;
	struct rh_rollout_side now;
	struct rh_rollout_side before;
	struct rh_rollout_plan plan;
	char                   reason[RH_ROLLOUT_REASON_MAX]; /* why it is not RUNNING  */
	/* not kept in the store */
	uint64_t               settled_ns;
	uint64_t               calls;       /* in this step                     */
	uint64_t               errors;
	int                    is_resumed;  /* by a center that was started     */
	int                    is_untold;   /* the change that made it so is not
	                                       committed, or nobody heard of it  */
};

struct rh_rollouts {
	struct rh_rollout **at;
	size_t              count;
	size_t              cap;
	size_t              running;
};

void rh_rollouts_fini(struct rh_rollouts *rollouts);

/* Borrowed until the table changes, or NULL. */
struct rh_rollout *rh_rollouts_find(const struct rh_rollouts *rollouts,
                                    const char *rule);

/* Puts a copy in place of that of the rule.  RH_ENOMEM; not when it replaces. */
int  rh_rollouts_put(struct rh_rollouts *rollouts, const struct rh_rollout *rollout);
void rh_rollouts_remove(struct rh_rollouts *rollouts, const char *rule);

/* "running", ... */
const char *rh_rollout_state_text(enum rh_rollout_state state);

/* "in step 2 of 3", "before step 1 of 3", or "": it is in none.  Returns text. */
#define RH_ROLLOUT_STEP_TEXT_MAX 48
char *rh_rollout_step_text(const struct rh_rollout *rollout,
                           char text[RH_ROLLOUT_STEP_TEXT_MAX]);

/* It is under way, or stands still on the way: some edges have it and some have not. */
int rh_rollout_is_open(const struct rh_rollout *rollout);

/* The order would change something: undo without a generation, resume where some edge is
 * still to get it. */
int rh_rollout_takes(const struct rh_rollout *rollout, enum rh_rollout_order order);

/* ---- as rules say it; they were checked when they came in ---- */

void rh_rollout_read_step(const json_t *value, struct rh_rollout_step *ret_step);

/* How the rule is to be rolled out: 1, or at once: 0. */
int rh_rollout_read_plan(const struct rh_object *rule, struct rh_rollout_plan *ret_plan);

/* What a rule says; use is "" when it is about neither protocols, limits, scheduling nor code. */
void rh_rollout_read_side(const struct rh_object *rule,
                          struct rh_rollout_side *ret_side);

/* What a rule that is put in place of another one means: *ret_rollout is its roll-out,
 * 1, or there is none: 0.  old is what it replaces, was its roll-out; NULL: there was
 * none. */
int rh_rollout_begin(const struct rh_object *rule, const struct rh_object *old,
                     const struct rh_rollout *was, struct rh_rollout *ret_rollout);

/* ---- as the store keeps it ---- */

/* A text to be freed, or NULL without memory. */
char *rh_rollout_write(const struct rh_rollout *rollout);

/* RH_EINVAL  it is none.  now and plan are the rule's to say. */
int rh_rollout_read(const char *rule, const void *text, size_t text_bytes,
                    struct rh_rollout *ret_rollout);

#endif
