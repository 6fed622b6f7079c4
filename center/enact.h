/* enact - makes one object's meaning true in the model registry, or untrue (enact.c),
 * and tells whom that concerns (enact_touch.c).
 *
 * Used by realm.c, which keeps the catalog in step and the way back.
 *
 * Threads  One. */
#ifndef RH_CENTER_ENACT_H
#define RH_CENTER_ENACT_H

#include "realm.h"

/* Makes the object true; old is what it replaces, true until now, or NULL.
 * Errors as rh_realm_put; then old is true again. */
int rh_enact(struct rh_realm *realm, const struct rh_object *object,
             const struct rh_object *old, struct rh_problem *problem);

/* Makes an object that is true untrue. */
void rh_enact_retract(struct rh_realm *realm, const struct rh_object *object);

/* What a resource asks for; references stand in realm->references until the next
 * call. */
void rh_enact_spec(struct rh_realm *realm, const char *name, const json_t *spec,
                   struct rh_spec *ret_spec);

/* Tells realm->touch which items a change of an object may concern.  One of both is
 * NULL when the object is new or goes; one that goes is still true, the other ones
 * are already.  was is the roll-out that old had, or NULL. */
void rh_enact_touch(const struct rh_realm *realm, const struct rh_object *old,
                    const struct rh_object *now, const struct rh_rollout *was);

/* The entries of a rule in the protocols reach as far as its roll-out says. */
void rh_enact_reach(struct rh_realm *realm, const struct rh_rollout *rollout);

/* Tells realm->touch of the edges that the roll-out reaches and did not when it reached
 * only to was, or the other way round. */
void rh_enact_touch_rollout(const struct rh_realm *realm,
                            const struct rh_rollout *rollout, uint64_t was);

/* Calls visit for every declared edge that matches, in no order. */
void rh_enact_walk(const struct rh_realm *realm, const char *caller, const char *callee,
                   rh_edge_visit *visit, void *user);

#endif
