/* enact - makes one object's meaning true in the model registry, or untrue.
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
 * are already. */
void rh_enact_touch(const struct rh_realm *realm, const struct rh_object *old,
                    const struct rh_object *now);

#endif
