/* conditions - what is to be said about an object now: derived, never stored.
 *
 *   Resource   Registered, Ready, Pending (reference or interface), EdgeRefused
 *              (one an edge), PrivilegeUnrealised
 *   Interface  Registered, Pending (a module is missing)
 *   Rule       Active (False: an exception that expired), RollingOut (one that
 *              comes step by step; False: it is over)
 *   Module     Registered
 *
 * Threads  One. */
#ifndef RH_CENTER_CONDITIONS_H
#define RH_CENTER_CONDITIONS_H

#include "center.h"
#include "places.h"

/* A new array of {type, status, reason, message}. */
json_t *rh_conditions(const struct rh_center *center,
                      const struct rh_object *object);

/* Visits what keeps a rule or a resource from being in force everywhere: its items that
 * an agent rejected, each at every agent that did. */
void rh_conditions_rejected(const struct rh_center *center,
                            const struct rh_object *object, rh_places_visit *visit,
                            void *user);

#endif
