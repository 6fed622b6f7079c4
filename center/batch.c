#include "batch.h"

#include "code.h"
#include "history.h"
#include "rollback.h"
#include "rollout_drive.h"
#include "when.h"

#include "../base/diag.h"
#include "../model/check.h"
#include "../model/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int rh_batch_init(struct rh_batch *batch, struct rh_center *center, size_t count,
                  const struct rh_change_options *options,
                  struct rh_problem *problem)
{
	size_t cap = 2 * count + 1; /* a module has an object and its bytes */

	*batch = (struct rh_batch){
		.center = center, .options = options, .problem = problem,
		.revision = rh_center_revision(center) + 1,
		.mark = rh_realm_mark(&center->realm), .cap = cap,
	};
	if (center->broken.code) {
		*problem = center->broken;
		return problem->code;
	}
	batch->ops = calloc(cap, sizeof *batch->ops);
	batch->keys = calloc(cap, sizeof *batch->keys);
	batch->audits = calloc(cap, sizeof *batch->audits);
	batch->results = json_array();
	if (!batch->ops || !batch->keys || !batch->audits || !batch->results)
		return rh_problem_set(problem, RH_ENOMEM, "the center is out of memory");
	if (options->is_dry_run)
		rh_effects_begin(&batch->effects, center);
	return RH_OK;
}

void rh_batch_fini(struct rh_batch *batch)
{
	for (size_t i = 0; i < batch->audit_count; i++)
		free(batch->audits[i]);
	free(batch->audits);
	free(batch->keys);
	free(batch->ops);
	json_decref(batch->results);
	rh_retell_fini(&batch->retell);
	rh_effects_fini(&batch->effects);
}

static void add_result(struct rh_batch *batch, const char *kind, const char *name,
                       const char *result, uint64_t revision)
{
	json_array_append_new(batch->results, json_pack("{s:s, s:s, s:s, s:I}",
		"kind", kind, "name", name, "result", result,
		"revision", (json_int_t)revision));
}

/* What is unchanged need not be in force: its roll-out may be on the way, stand still or
 * have been taken back, and agents may have rejected it. */
static void add_unchanged(struct rh_batch *batch, const struct rh_object *old,
                          uint64_t revision, json_t *rejecters)
{
	const struct rh_center  *center = batch->center;
	const struct rh_rollout *rollout = old->kind == RH_OBJECT_RULE
		? rh_rollouts_find(&center->realm.rollouts, old->name) : NULL;
	json_t                  *result;

	add_result(batch, rh_object_kind_text(old->kind), old->name, "unchanged",
	           revision);
	result = json_array_get(batch->results, json_array_size(batch->results) - 1);
	if (rejecters)
		json_object_set(result, "sentAgain", rejecters);
	if (rollout && rollout->state != RH_ROLLOUT_DONE)
		json_object_set_new(result, "rollout",
		                    rh_rollout_show(center, old->name, 0));
}

static void add_audit(struct rh_batch *batch, const struct rh_audit *audit)
{
	char *text = rh_audit_text(audit);

	RH_CHECK(batch->audit_count < batch->cap);
	if (text)
		batch->audits[batch->audit_count++] = text;
}

static void add_op(struct rh_batch *batch, const struct rh_store_op *op)
{
	RH_CHECK(batch->op_count < batch->cap);
	batch->ops[batch->op_count++] = *op;
}

static int check_expected(struct rh_batch *batch, enum rh_object_kind kind,
                          const char *name, const struct rh_object *old)
{
	const struct rh_change_options *options = batch->options;
	unsigned long long at = old ? old->revision : 0;
	int                err = RH_OK;

	if (options->must_be_absent && old)
		err = rh_problem_set(batch->problem, RH_EEXIST,
			"%s %s is there already, at revision %llu",
			rh_object_kind_text(kind), name, at);
	else if (options->expected != RH_CHANGE_ANY && !old)
		err = rh_problem_set(batch->problem, RH_ESTALE, "%s %s is not there",
		                     rh_object_kind_text(kind), name);
	else if (options->expected != RH_CHANGE_ANY && options->expected != at)
		err = rh_problem_set(batch->problem, RH_ESTALE,
			"%s %s is at revision %llu, not %llu: read it again",
			rh_object_kind_text(kind), name, at,
			(unsigned long long)options->expected);
	if (err) {
		rh_problem_object(batch->problem, rh_object_kind_text(kind), name);
		batch->problem->status = 412;
		batch->problem->revision = at;
	}
	return err;
}

/* An exception that is over when it comes is stored as over. */
static int is_over(const struct rh_wanted *wanted)
{
	const json_t *exception = json_object_get(wanted->spec, "exception");
	const char   *expires = json_string_value(json_object_get(exception, "expires"));
	uint64_t      ms;

	return expires && rh_when_parse(expires, &ms) == RH_OK && ms <= rh_when_now();
}

static char *stored_text(const struct rh_batch *batch, const struct rh_wanted *wanted,
                         const json_t *old, uint64_t leaves)
{
	json_t *owner = json_object_get(old, "owner");
	json_t *json = json_object();

	if (json_object_size(wanted->labels) > 0)
		json_object_set(json, "labels", (json_t *)(uintptr_t)wanted->labels);
	if (owner)
		json_object_set(json, "owner", owner);
	else
		json_object_set_new(json, "owner",
			json_integer((json_int_t)batch->options->client->uid));
	if (is_over(wanted))
		json_object_set_new(json, "expired", json_true());
	if (leaves)
		json_object_set_new(json, RH_ROLLBACK_LEAVES, json_integer((json_int_t)leaves));
	json_object_set(json, "spec", (json_t *)(uintptr_t)wanted->spec);
	char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(json);
	return text;
}

static int same(const json_t *a, const json_t *b)
{
	if (json_object_size(a) == 0 && json_object_size(b) == 0)
		return 1;
	return json_equal(a, b);
}

static const char *reason_of(const struct rh_wanted *wanted)
{
	return json_string_value(json_object_get(
		json_object_get(wanted->spec, "exception"), "reason"));
}

/* Puts it, which is told as result; takes it. */
static int put_as(struct rh_batch *batch, struct rh_object *object, const char *result,
                  const char *reason)
{
	const struct rh_object *old = rh_catalog_find(&batch->center->realm.catalog,
	                                              object->kind, object->name);
	uint64_t    before = old ? old->revision : 0;
	char       *key = batch->keys[batch->op_count];

	object->revision = batch->revision;
	object->created = old ? old->created : batch->revision;
	int err = rh_realm_put(&batch->center->realm, object, batch->problem);
	if (err)
		return err;
	rh_object_key(object->kind, object->name, key);
	add_op(batch, &(struct rh_store_op){
		.kind = RH_STORE_PUT, .key = key, .value = object->text,
		.value_bytes = object->text_bytes, .generation = object->generation,
		.expected = before,
	});
	add_audit(batch, &(struct rh_audit){
		.client = batch->options->client, .verb = batch->options->verb,
		.result = result, .kind = rh_object_kind_text(object->kind),
		.name = object->name, .before = before, .after = batch->revision,
		.reason = reason,
	});
	return RH_OK;
}

/* The same once more, so that there is a revision at which it is sent again. */
static int put_again(struct rh_batch *batch, const struct rh_object *old)
{
	struct rh_object *object = rh_object_create(old->kind, old->name, old->text,
	                                            old->text_bytes);

	if (!object)
		return rh_problem_set(batch->problem, RH_ENOMEM,
		                      "the center is out of memory");
	object->generation = old->generation;
	return put_as(batch, object, "sent-again", NULL);
}

/* It is as it was wanted. */
static int leave(struct rh_batch *batch, const struct rh_object *old)
{
	uint64_t revision = old->revision;
	json_t  *rejecters;
	int      err = rh_retell_find(&batch->retell, batch->center, old, &rejecters);

	if (err)
		return rh_problem_set(batch->problem, err, "the center is out of memory");
	if (rejecters) {
		err = put_again(batch, old); /* the old one stays until all is committed */
		revision = batch->revision;
	}
	if (!err)
		add_unchanged(batch, old, revision, rejecters);
	json_decref(rejecters);
	return err;
}

static int check_code(struct rh_batch *batch, const struct rh_wanted *wanted,
                      uint64_t *ret_leaves)
{
	const struct rh_realm *realm = &batch->center->realm;
	int err = rh_code_check(realm, wanted, batch->problem);

	if (!err)
		err = rh_rollback_judge(realm, wanted, batch->revision, batch->is_restore,
		                        ret_leaves, batch->problem);
	if (err)
		rh_problem_object(batch->problem, "Rule", wanted->name);
	return err;
}

int rh_batch_put(struct rh_batch *batch, const struct rh_wanted *wanted)
{
	struct rh_object *old = rh_catalog_find(&batch->center->realm.catalog,
	                                        wanted->kind, wanted->name);
	uint64_t leaves = 0;
	int      err = check_expected(batch, wanted->kind, wanted->name, old);

	if (err)
		return err;
	if (wanted->kind == RH_OBJECT_RULE && json_object_get(wanted->spec, "code"))
		err = check_code(batch, wanted, &leaves);
	if (err)
		return err;
	json_t *stored = old ? rh_object_parse(old) : NULL;
	int     spec_same = old && same(json_object_get(stored, "spec"), wanted->spec);

	if (spec_same && same(json_object_get(stored, "labels"), wanted->labels)) {
		json_decref(stored);
		return leave(batch, old);
	}
	char *text = stored_text(batch, wanted, stored, leaves);
	struct rh_object *object = text ? rh_object_create(wanted->kind, wanted->name,
	                                                   text, strlen(text)) : NULL;
	json_decref(stored);
	free(text);
	if (!object)
		return rh_problem_set(batch->problem, RH_ENOMEM,
		                      "the center is out of memory");
	object->generation = old ? old->generation + !spec_same : 1;
	return rh_batch_put_object(batch, object, reason_of(wanted));
}

int rh_batch_put_object(struct rh_batch *batch, struct rh_object *object,
                        const char *reason)
{
	const char *result = rh_catalog_find(&batch->center->realm.catalog, object->kind,
	                                     object->name) ? "configured" : "created";
	int         err = put_as(batch, object, result, reason);

	if (!err)
		add_result(batch, rh_object_kind_text(object->kind), object->name, result,
		           batch->revision);
	return err;
}

int rh_batch_remove(struct rh_batch *batch, enum rh_object_kind kind,
                    const char *name)
{
	const struct rh_object *old = rh_catalog_find(&batch->center->realm.catalog,
	                                              kind, name);
	uint64_t before = old ? old->revision : 0;
	char    *key = batch->keys[batch->op_count];
	int      err = old ? check_expected(batch, kind, name, old) : RH_OK;

	if (!err)
		err = rh_realm_remove(&batch->center->realm, kind, name, batch->problem);
	if (err)
		return err;
	rh_object_key(kind, name, key);
	add_op(batch, &(struct rh_store_op){
		.kind = RH_STORE_DELETE, .key = key, .expected = before,
	});
	add_result(batch, rh_object_kind_text(kind), name, "deleted", batch->revision);
	add_audit(batch, &(struct rh_audit){
		.client = batch->options->client, .verb = batch->options->verb,
		.result = "deleted", .kind = rh_object_kind_text(kind), .name = name,
		.before = before, .after = batch->revision,
	});
	return RH_OK;
}

void rh_batch_blob(struct rh_batch *batch, const char *sha256, const void *bytes,
                   size_t len)
{
	add_op(batch, &(struct rh_store_op){
		.kind = bytes ? RH_STORE_BLOB_PUT : RH_STORE_BLOB_DELETE,
		.key = sha256, .value = bytes, .value_bytes = len,
	});
}

int rh_batch_judge(struct rh_batch *batch)
{
	struct rh_realm *realm = &batch->center->realm;
	int              err = RH_OK;

	for (size_t i = 0; i < batch->op_count && !err; i++) {
		enum rh_object_kind kind;
		const char *name = rh_object_key_parse(batch->ops[i].key, &kind);

		if (!name || kind != RH_OBJECT_RESOURCE ||
		    batch->ops[i].kind != RH_STORE_PUT)
			continue;
		err = rh_realm_judge(realm, rh_catalog_find(&realm->catalog, kind, name),
		                     batch->problem);
	}
	return err;
}

/* The store lost the whole turn, so the realm does as well. */
static int lose_turn(struct rh_center *center, int err, const struct rh_diag *diag,
                     struct rh_problem *problem)
{
	rh_realm_undo(&center->realm, 0);
	rh_problem_diag(problem, err, diag);
	center->broken = *problem;
	return err;
}

/* Behind the ops of the batch itself. */
static int append(struct rh_batch *batch, const struct rh_history_ops *history)
{
	size_t              count = batch->op_count + history->count;
	struct rh_store_op *more = realloc(batch->ops, (count + 1) * sizeof *more);

	if (!more)
		return RH_ENOMEM;
	if (history->count > 0)
		memcpy(more + batch->op_count, history->at,
		       history->count * sizeof *more);
	batch->ops = more;
	return RH_OK;
}

static int write_batch(struct rh_batch *batch, size_t history_count)
{
	struct rh_center      *center = batch->center;
	struct rh_store_change change = {
		.ops = batch->ops, .op_count = batch->op_count + history_count,
		.audits = (const char *const *)batch->audits,
		.audit_count = batch->audit_count,
	};
	struct rh_diag diag = { 0 };
	uint64_t       revision;

	int err = rh_store_write(center->store, &change, &revision, &diag);
	if (err)
		return lose_turn(center, err, &diag, batch->problem);
	RH_CHECK(batch->op_count == 0 || revision == batch->revision);
	center->staged = 1;
	center->is_changed |= change.op_count > 0;
	center->counts.changes += batch->op_count;
	rh_retell_send(&batch->retell, center);
	return RH_OK;
}

static int stage_nothing(struct rh_batch *batch)
{
	int err = rh_effects_after(&batch->effects);

	rh_realm_undo(&batch->center->realm, batch->mark);
	rh_effects_before(&batch->effects);
	return err ? rh_problem_set(batch->problem, err, "the center is out of memory")
	           : RH_OK;
}

int rh_batch_stage(struct rh_batch *batch)
{
	struct rh_history_ops history = { .count = 0 };

	if (batch->options->is_dry_run)
		return stage_nothing(batch);
	int err = rh_history_collect(batch->center, batch->mark, &history);
	if (!err && batch->op_count + batch->audit_count + history.count == 0)
		return RH_OK;
	if (!err)
		err = append(batch, &history);
	if (err)
		err = lose_turn(batch->center, err, &(struct rh_diag){
			.code = err, .text = "the center is out of memory" },
			batch->problem);
	else
		err = write_batch(batch, history.count);
	rh_history_ops_fini(&history);
	return err;
}

void rh_batch_refuse(struct rh_batch *batch, const char *kind, const char *name)
{
	rh_realm_undo(&batch->center->realm, batch->mark);
	rh_change_refused(batch->center, kind, name, batch->options, batch->problem);
}

json_t *rh_batch_answer(struct rh_batch *batch)
{
	uint64_t revision = rh_center_revision(batch->center);
	json_t  *answer = json_pack("{s:I, s:O}", "revision", (json_int_t)revision,
	                            "results", batch->results);

	if (!batch->options->is_dry_run)
		return answer;
	json_object_set_new(answer, "dryRun", json_true());
	json_object_set_new(answer, "edges", rh_effects_json(&batch->effects));
	if (batch->effects.has_more)
		json_object_set_new(answer, "edgesMore", json_true());
	return answer;
}
