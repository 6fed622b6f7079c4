/* effects - what a change does to edges, told before it is made.
 *
 * A dry run makes the change in the realm as any other; what it touches is looked at
 * then, and again when it is undone.
 *
 * Ownership   rh_effects_fini ends them in any case; rh_effects_json gives a new value.
 * Threads     One.
 * Limits      RH_EFFECTS_MAX edges are looked at; the answer says when there are more. */
#ifndef RH_CENTER_EFFECTS_H
#define RH_CENTER_EFFECTS_H

#include "../model/delta.h"

#include <jansson.h>
#include <stddef.h>

struct rh_center;

#define RH_EFFECTS_MAX 10000u

/* An edge as agents would be told of it. */
struct rh_effect_side {
	int         verdict;        /* RH_OK, RH_E...; RH_ENOEDGE: not declared */
	int         is_former;      /* of a rule that is rolled out             */
	const char *use;            /* of the table of protocols: static        */
	char        rule[RH_NAME_MAX + 1]; /* that says so, or ""               */
};

struct rh_effect {
	struct rh_item_key    key;
	struct rh_effect_side before;
	struct rh_effect_side after;
	int                   step;  /* from 1, of its rule's roll-out; 0: at once */
};

struct rh_effects {
	struct rh_center *center;
	struct rh_effect *at;
	size_t            count;
	size_t            cap;
	int               is_short;  /* there are more                           */
	void             *touch;     /* as the realm had them                    */
	void             *untouch;
	void             *touch_user;
};

/* From now on what is touched is noted, and nobody else hears of it. */
void rh_effects_begin(struct rh_effects *effects, struct rh_center *center);

/* The change is made: looks at what it is like. */
void rh_effects_after(struct rh_effects *effects);

/* The change is undone: looks at what it was like, and lets others hear again. */
void rh_effects_before(struct rh_effects *effects);

/* A list of {edge, agents, before, after, step?} of those that differ. */
json_t *rh_effects_json(const struct rh_effects *effects);

void rh_effects_fini(struct rh_effects *effects);

#endif
