#include "change.h"

#include "batch.h"
#include "change_module.h"
#include "conditions.h"
#include "history.h"
#include "parts.h"
#include "store/store.h"

#include "../model/check.h"
#include "../model/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* When it fails the store lost the whole turn, so the realm does as well. */
static int write_turn(struct rh_center *center, const struct rh_store_change *change,
                      struct rh_problem *problem)
{
	struct rh_diag diag = { 0 };
	uint64_t       revision;
	int            err = rh_store_write(center->store, change, &revision, &diag);

	if (err) {
		rh_realm_undo(&center->realm, 0);
		rh_problem_diag(&center->broken, err, &diag);
		*problem = center->broken;
	} else {
		center->staged = 1;
	}
	return err;
}

void rh_change_refused(struct rh_center *center, const char *kind, const char *name,
                       const struct rh_change_options *options,
                       const struct rh_problem *problem)
{
	enum rh_object_kind parsed = rh_object_kind_parse(kind);
	const struct rh_object *old = parsed < RH_OBJECT_KINDS
		? rh_catalog_find(&center->realm.catalog, parsed, name) : NULL;
	uint64_t          at = old ? old->revision : 0;
	struct rh_problem ignored;

	center->counts.refusals++;
	if (options->is_dry_run || center->broken.code)
		return;
	char *text = rh_audit_text(&(struct rh_audit){
		.client = options->client, .verb = options->verb, .result = "refused",
		.kind = kind, .name = name, .before = at, .after = at,
		.problem = problem,
	});
	struct rh_store_change change = {
		.audits = (const char *const *)&text, .audit_count = 1,
	};
	if (text)
		(void)write_turn(center, &change, &ignored);
	free(text);
}

/* ---- several objects ---- */

static int by_name(const void *a, const void *b)
{
	const struct rh_wanted *x = a, *y = b;
	int order = (x->kind > y->kind) - (x->kind < y->kind);

	return order ? order : strcmp(x->name, y->name);
}

static int refuse_twice(const struct rh_wanted *wanted, struct rh_problem *problem)
{
	rh_problem_set(problem, RH_EINVAL, "%s %s stands twice in the request",
	               rh_object_kind_text(wanted->kind), wanted->name);
	rh_problem_object(problem, rh_object_kind_text(wanted->kind), wanted->name);
	return RH_EINVAL;
}

static int check_twice(const struct rh_wanted *wanted, size_t count,
                       struct rh_problem *problem)
{
	struct rh_wanted *sorted = malloc((count + 1) * sizeof *sorted);
	int               err = RH_OK;

	if (!sorted)
		return rh_problem_set(problem, RH_ENOMEM, "the center is out of memory");
	memcpy(sorted, wanted, count * sizeof *sorted);
	qsort(sorted, count, sizeof *sorted, by_name);
	for (size_t i = 1; i < count && !err; i++) {
		if (by_name(&sorted[i - 1], &sorted[i]) == 0)
			err = refuse_twice(&sorted[i], problem);
	}
	free(sorted);
	return err;
}

static int check_shapes(const json_t *objects, struct rh_wanted *wanted,
                        struct rh_problem *problem)
{
	struct rh_decode decode = { .problem = problem };
	size_t           count = json_array_size(objects);
	int              err = RH_OK;

	rh_decode_enter(&decode, "objects");
	for (size_t i = 0; i < count && !err; i++) {
		size_t mark = rh_decode_enter_index(&decode, i);

		err = rh_shape_check(&decode, json_array_get(objects, i), &wanted[i]);
		rh_decode_leave(&decode, mark);
	}
	return err ? err : check_twice(wanted, count, problem);
}

/* Says which element of the request the refused object is. */
static void point_at(struct rh_problem *problem, const struct rh_wanted *wanted,
                     size_t count)
{
	for (size_t i = 0; i < count && !problem->pointer[0]; i++) {
		if (strcmp(problem->name, wanted[i].name) == 0 &&
		    strcmp(problem->kind, rh_object_kind_text(wanted[i].kind)) == 0)
			snprintf(problem->pointer, sizeof problem->pointer,
			         "/objects/%zu", i);
	}
}

static int apply(struct rh_batch *batch, const struct rh_wanted *wanted,
                 size_t count)
{
	int err = RH_OK;

	for (size_t i = 0; i < count && !err; i++)
		err = rh_batch_put(batch, &wanted[i]);
	if (!err)
		err = rh_batch_judge(batch);
	if (err) {
		point_at(batch->problem, wanted, count);
		rh_batch_refuse(batch, batch->problem->kind, batch->problem->name);
		return err;
	}
	return rh_batch_stage(batch);
}

int rh_change_apply(struct rh_center *center, const json_t *objects,
                    const struct rh_change_options *options, json_t **ret_answer,
                    struct rh_problem *problem)
{
	size_t            count = json_array_size(objects);
	struct rh_wanted *wanted = calloc(count + 1, sizeof *wanted);
	struct rh_batch   batch;

	int err = rh_batch_init(&batch, center, count, options, problem);
	if (!err && !wanted)
		err = rh_problem_set(problem, RH_ENOMEM, "the center is out of memory");
	if (!err) {
		err = check_shapes(objects, wanted, problem);
		if (err)
			rh_batch_refuse(&batch, problem->kind, problem->name);
		else
			err = apply(&batch, wanted, count);
	}
	if (!err)
		*ret_answer = rh_batch_answer(&batch);
	rh_batch_fini(&batch);
	free(wanted);
	return err;
}

/* ---- one object ---- */

json_t *rh_change_show(struct rh_center *center, enum rh_object_kind kind,
                       const char *name)
{
	const struct rh_object *object = rh_catalog_find(&center->realm.catalog, kind,
	                                                 name);

	RH_CHECK(object);
	return rh_object_json(object, center->store_id,
	                      rh_conditions(center, object));
}

static int check_path(const struct rh_wanted *wanted, enum rh_object_kind kind,
                      const char *name, struct rh_problem *problem)
{
	if (wanted->kind == kind && strcmp(wanted->name, name) == 0)
		return RH_OK;
	rh_problem_set(problem, RH_EINVAL, "the body is %s %s, the path says %s %s",
	               rh_object_kind_text(wanted->kind), wanted->name,
	               rh_object_kind_text(kind), name);
	snprintf(problem->pointer, sizeof problem->pointer, "%s",
	         wanted->kind == kind ? "/metadata/name" : "/kind");
	return RH_EINVAL;
}

int rh_change_put(struct rh_center *center, enum rh_object_kind kind,
                  const char *name, const json_t *object,
                  const struct rh_change_options *options, json_t **ret_answer,
                  int *ret_created, struct rh_problem *problem)
{
	struct rh_decode decode = { .problem = problem };
	struct rh_wanted wanted;
	struct rh_batch  batch;
	int created = !rh_catalog_find(&center->realm.catalog, kind, name);
	int err = rh_batch_init(&batch, center, 1, options, problem);

	if (err) {
		rh_batch_fini(&batch);
		return err;
	}
	err = rh_shape_check(&decode, object, &wanted);
	if (!err)
		err = check_path(&wanted, kind, name, problem);
	if (!err)
		err = rh_batch_put(&batch, &wanted);
	if (!err)
		err = rh_batch_judge(&batch);
	if (err)
		rh_batch_refuse(&batch, rh_object_kind_text(kind), name);
	json_t *answer = err ? NULL : rh_change_show(center, kind, name);
	if (!err)
		err = rh_batch_stage(&batch);
	rh_batch_fini(&batch);
	if (err) {
		json_decref(answer);
		return err;
	}
	*ret_answer = answer;
	*ret_created = created;
	return RH_OK;
}

/* ---- roll-outs, and what was ---- */

int rh_change_rollout(struct rh_center *center, const struct rh_rollout *rollout,
                      const struct rh_change_options *options,
                      struct rh_problem *problem)
{
	struct rh_history_ops history = { .count = 0 };
	size_t                mark = rh_realm_mark(&center->realm);
	char *text = rh_audit_text(&(struct rh_audit){
		.client = options->client, .verb = options->verb,
		.result = rh_rollout_state_text(rollout->state), .kind = "Rule",
		.name = rollout->rule, .before = rollout->now.revision,
		.after = rollout->now.revision,
	});
	int err = rh_realm_put_rollout(&center->realm, rollout, problem);

	if (!err && rh_history_collect(center, mark, &history) != RH_OK) {
		err = rh_problem_set(problem, RH_ENOMEM, "the center is out of memory");
		rh_realm_undo(&center->realm, mark);
	}
	if (!err)
		err = write_turn(center, &(struct rh_store_change){
			.ops = history.at, .op_count = history.count,
			.audits = (const char *const *)&text,
			.audit_count = text != NULL }, problem);
	center->is_changed |= !err;
	rh_history_ops_fini(&history);
	free(text);
	return err;
}

static int restore(struct rh_batch *batch, const json_t *former,
                   const struct rh_wanted *wanted, const struct rh_rollout *rollout)
{
	struct rh_realm   *realm = &batch->center->realm;
	struct rh_rollout  next;

	realm->is_at_once = batch->is_restore = 1;
	int err = rh_batch_put(batch, wanted);
	realm->is_at_once = 0;
	if (err || !rollout)
		return err;
	const struct rh_object *now = rh_catalog_find(&realm->catalog, RH_OBJECT_RULE,
	                                              wanted->name);
	next = *rollout;
	next.former = (uint64_t)json_integer_value(json_object_get(former, "generation"));
	next.generation = now->generation;
	next.reach = RH_ROLLOUT_ALL;
	next.before = (struct rh_rollout_side){ .use = "" };
	next.step = 0;
	rh_rollout_read_side(now, &next.now);
	if (!next.now.use[0]) /* it was about something else then, which has no steps */
		return RH_OK;
	if (!rh_rollout_read_plan(now, &next.plan))
		next.plan = (struct rh_rollout_plan){ .step_count = 0 };
	return rh_realm_put_rollout(realm, &next, batch->problem);
}

static int refuse_generation(const struct rh_center *center, const char *rule,
                             uint64_t generation, struct rh_problem *problem)
{
	const struct rh_object *now = rh_catalog_find(&center->realm.catalog,
	                                              RH_OBJECT_RULE, rule);
	unsigned long long      wanted = generation;

	if (now && generation == now->generation)
		return rh_problem_set(problem, RH_ENOENT, "generation %llu is what rule %s "
			"says now: name a former one of its history", wanted, rule);
	if (now && generation > now->generation)
		return rh_problem_set(problem, RH_ENOENT, "rule %s has no generation %llu "
			"yet: it is at %llu", rule, wanted,
			(unsigned long long)now->generation);
	return rh_problem_set(problem, RH_ENOENT, "generation %llu of rule %s is not kept: "
		"the last %u are", wanted, rule, RH_HISTORY_MAX);
}

int rh_change_restore(struct rh_center *center, const char *rule, uint64_t generation,
                      const struct rh_change_options *options,
                      const struct rh_rollout *rollout, struct rh_problem *problem)
{
	json_t          *former = rh_history_get(center, rule, generation);
	struct rh_wanted wanted = {
		.kind = RH_OBJECT_RULE, .name = rule,
		.labels = json_object_get(former, "labels"),
		.spec = json_object_get(former, "spec"),
	};
	struct rh_batch batch;

	if (!former)
		return refuse_generation(center, rule, generation, problem);
	int err = rh_batch_init(&batch, center, 1, options, problem);
	if (!err)
		err = restore(&batch, former, &wanted, rollout);
	if (err && !center->broken.code)
		rh_realm_undo(&center->realm, batch.mark);
	if (!err)
		err = rh_batch_stage(&batch);
	rh_batch_fini(&batch);
	json_decref(former);
	return err;
}

int rh_change_delete(struct rh_center *center, enum rh_object_kind kind,
                     const char *name, const struct rh_change_options *options,
                     json_t **ret_answer, struct rh_problem *problem)
{
	struct rh_batch batch;
	int             err = rh_batch_init(&batch, center, RH_PARTS_MAX + 1, options,
	                                    problem);

	if (!err) {
		err = kind == RH_OBJECT_MODULE ? rh_change_remove_module(&batch, name)
		                               : rh_batch_remove(&batch, kind, name);
		if (err)
			rh_batch_refuse(&batch, rh_object_kind_text(kind), name);
	}
	if (!err)
		err = rh_batch_stage(&batch);
	if (!err)
		*ret_answer = rh_batch_answer(&batch);
	rh_batch_fini(&batch);
	return err;
}

int rh_change_own(struct rh_center *center, struct rh_object *object,
                  const char *verb, struct rh_problem *problem)
{
	struct rh_client client = { .channel = "center", .is_writer = 1 };
	struct rh_change_options options = {
		.client = &client, .verb = verb, .expected = RH_CHANGE_ANY,
	};
	struct rh_batch batch;
	int             err = rh_batch_init(&batch, center, 1, &options, problem);

	if (err)
		rh_object_destroy(object);
	else
		err = rh_batch_put_object(&batch, object, NULL);
	if (!err)
		err = rh_batch_stage(&batch);
	rh_batch_fini(&batch);
	return err;
}
