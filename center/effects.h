/* effects - what a change does to edges, told instead of made.
 *
 * A dry run makes the change in the realm like any other, and undoes it; which edges it
 * touched is noted, how they are then, and how they are when it is undone.
 *
 *   begin -- the change is made -- after -- it is undone -- before -- json, fini
 *
 * Ownership   rh_effects_fini ends them in any case; rh_effects_json gives a new value.
 * Threads     One.
 * Limits      RH_EFFECTS_MAX edges are looked at; the answer says when there are more. */
#ifndef RH_CENTER_EFFECTS_H
#define RH_CENTER_EFFECTS_H

#include "realm.h"

#include <jansson.h>

struct rh_center;

#define RH_EFFECTS_MAX 20000u

/* What agents are told of an edge. */
struct rh_effect_side {
	int  verdict;                  /* RH_OK, ...; RH_ENOEDGE: not declared   */
	char use[RH_PROTOCOL_TEXT_MAX];
	char calls[RH_PROTOCOL_TEXT_MAX]; /* that may be under way, or ""       */
	char rule[RH_NAME_MAX + 1];    /* that says which protocol, or ""        */
	const struct rh_code_text *code[RH_REALM_HOOKS]; /* of each hook, or NULL */
};

struct rh_effect {
	struct rh_item_key    key;
	struct rh_effect_side before;
	struct rh_effect_side after;   /* when the last step has come            */
	uint32_t              step;    /* of the rule's roll-out, from 1; 0: at once */
};

/* A roll-out that the change begins. */
struct rh_effect_rollout {
	const struct rh_rollout *rollout;
	uint64_t                 reach[RH_ROLLOUT_STEPS_MAX]; /* of each step */
};

struct rh_effects {
	struct rh_center         *center;
	size_t                    mark;      /* of the realm */
	struct rh_effect         *at;
	size_t                    count;
	size_t                    cap;
	struct rh_effect_rollout *rollouts;
	size_t                    rollout_count;
	int                       has_more;
	int                       is_noting; /* in place of these: */
	rh_realm_touch           *touch;
	rh_realm_untouch         *untouch;
	void                     *touch_user;
};

/* From now on what is touched is noted, and agents do not hear of it. */
void rh_effects_begin(struct rh_effects *effects, struct rh_center *center);

/* The change is made.  RH_ENOMEM. */
int rh_effects_after(struct rh_effects *effects);

/* It is undone; what is touched from now on agents hear of. */
void rh_effects_before(struct rh_effects *effects);

/* Those that differ, in the order of their names. */
json_t *rh_effects_json(const struct rh_effects *effects);

void rh_effects_fini(struct rh_effects *effects);

#endif
