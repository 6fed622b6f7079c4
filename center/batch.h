/* batch - the steps of one change on their way from the realm to the store.
 *
 * Used by change.c.
 *
 * Ownership   The batch owns the audit texts; values of ops are the realm's, or
 *             the request's, and live until rh_batch_stage.
 * Threads     One. */
#ifndef RH_CENTER_BATCH_H
#define RH_CENTER_BATCH_H

#include "change.h"
#include "effects.h"
#include "retell.h"
#include "store/store.h"

struct rh_batch {
	struct rh_center               *center;
	const struct rh_change_options *options;
	struct rh_problem              *problem;
	uint64_t                        revision;  /* the one it will take      */
	size_t                          mark;      /* of the realm              */
	struct rh_store_op             *ops;
	char                          (*keys)[RH_OBJECT_KEY_MAX];
	char                          **audits;
	size_t                          op_count;
	size_t                          audit_count;
	size_t                          cap;
	int                             is_restore; /* of a former generation   */
	json_t                         *results;
	struct rh_effects               effects;   /* of a dry run              */
	struct rh_retell                retell;    /* what is sent again        */
};

/* Room for count objects.  RH_ENOMEM.  rh_batch_fini accepts a failed one. */
int  rh_batch_init(struct rh_batch *batch, struct rh_center *center, size_t count,
                   const struct rh_change_options *options,
                   struct rh_problem *problem);
void rh_batch_fini(struct rh_batch *batch);

/* Makes one wanted object true, unless it is already: then it is sent again to those that
 * rejected it. */
int rh_batch_put(struct rh_batch *batch, const struct rh_wanted *wanted);

/* Puts an object that is ready; takes it. */
int rh_batch_put_object(struct rh_batch *batch, struct rh_object *object,
                        const char *reason);

int rh_batch_remove(struct rh_batch *batch, enum rh_object_kind kind,
                    const char *name);

/* Adds the bytes of a module, or takes them away (bytes NULL). */
void rh_batch_blob(struct rh_batch *batch, const char *sha256, const void *bytes,
                   size_t len);

/* Judges every resource that was put. */
int rh_batch_judge(struct rh_batch *batch);

/* Stages the change in the store; or undoes it when it is a dry run, and keeps what it
 * would have done to edges. */
int rh_batch_stage(struct rh_batch *batch);

/* Undoes the change and stages an audit of its refusal. */
void rh_batch_refuse(struct rh_batch *batch, const char *kind, const char *name);

/* {revision, results}, of a dry run also dryRun, edges, edgesMore?; a new value. */
json_t *rh_batch_answer(struct rh_batch *batch);

#endif
