/* change - what a client asks to be changed, as one atomic step.
 *
 * A change is checked, made in the realm, judged as a whole, and staged in the
 * store with its audit entries; rh_center_commit makes it durable.  A dry run
 * takes the same way and is undone instead of staged.  A refusal leaves the realm
 * as it was and stages one audit entry.
 *
 * Ownership   Inputs are borrowed; *ret_answer is the caller's.
 * Threads     One.
 * Errors      As in the problem: RH_EINVAL shape; RH_ELAYER the hierarchy;
 *             RH_EEXIST, RH_ESTALE preconditions (status 412) or a conflict of
 *             rules (409); RH_ENOENT; RH_ENOSPC; RH_ESTORE. */
#ifndef RH_CENTER_CHANGE_H
#define RH_CENTER_CHANGE_H

#include "center.h"
#include "shape.h"

#define RH_CHANGE_ANY UINT64_MAX

struct rh_change_options {
	const struct rh_client *client;
	const char             *verb;           /* for the audit               */
	int                     is_dry_run;
	int                     must_be_absent; /* If-None-Match: *            */
	uint64_t                expected;       /* If-Match, or RH_CHANGE_ANY  */
};

/* Applies a list of objects; *ret_answer is {revision, dryRun?, results}. */
int rh_change_apply(struct rh_center *center, const json_t *objects,
                    const struct rh_change_options *options, json_t **ret_answer,
                    struct rh_problem *problem);

/* Puts one object of that kind and name; *ret_answer is the object, *ret_created
 * says whether it is new. */
int rh_change_put(struct rh_center *center, enum rh_object_kind kind,
                  const char *name, const json_t *object,
                  const struct rh_change_options *options, json_t **ret_answer,
                  int *ret_created, struct rh_problem *problem);

/* The object as it is now in the realm, before a dry run is undone. */
json_t *rh_change_show(struct rh_center *center, enum rh_object_kind kind,
                       const char *name);

/* Puts a module's bytes, which must have that SHA-256. */
int rh_change_module(struct rh_center *center, const char *sha256,
                     const void *bytes, size_t len,
                     const struct rh_change_options *options, json_t **ret_answer,
                     int *ret_created, struct rh_problem *problem);

/* Publishes a rule's module: its parts are there as modules, body is its manifest
 * (parts.h).  Refusals are EINVAL, and EPENDING for a part that is not there.  While its
 * object is being built, *ret_is_building is 1 and nothing changed: ask again. */
int rh_change_publish(struct rh_center *center, const json_t *body,
                      const struct rh_change_options *options, json_t **ret_answer,
                      int *ret_created, int *ret_is_building,
                      struct rh_problem *problem);

/* A module goes with those of its parts that nobody else names.
 * RH_EBUSY  an interface, a rule or a module names it.
 * *ret_answer is {revision, dryRun?, results}. */
int rh_change_delete(struct rh_center *center, enum rh_object_kind kind,
                     const char *name, const struct rh_change_options *options,
                     json_t **ret_answer, struct rh_problem *problem);

/* Makes a former generation of a rule the rule again, everywhere at once, as another
 * generation; rollout is what is known of its roll-out from then on, or NULL.
 * RH_ENOENT  that generation is not kept. */
int rh_change_restore(struct rh_center *center, const char *rule, uint64_t generation,
                      const struct rh_change_options *options,
                      const struct rh_rollout *rollout, struct rh_problem *problem);

/* Puts how far a rule is, with an audit entry.  RH_ENOMEM, RH_ENOSPC, RH_ESTORE: the
 * turn is lost. */
int rh_change_rollout(struct rh_center *center, const struct rh_rollout *rollout,
                      const struct rh_change_options *options,
                      struct rh_problem *problem);

/* Stages an audit entry for a request refused before it became a change.  Does
 * nothing for a dry run. */
void rh_change_refused(struct rh_center *center, const char *kind, const char *name,
                       const struct rh_change_options *options,
                       const struct rh_problem *problem);

/* Writes objects that the center makes itself: the hierarchy of a new store, an
 * exception that ended. */
int rh_change_own(struct rh_center *center, struct rh_object *object,
                  const char *verb, struct rh_problem *problem);

#endif
