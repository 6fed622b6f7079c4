#include "center.h"

#include "change.h"
#include "history.h"
#include "link.h"
#include "rollout_drive.h"
#include "shape.h"
#include "store/store.h"
#include "when.h"

#include "../base/clock.h"
#include "../base/failpoint.h"
#include "../base/log.h"
#include "../model/check.h"
#include "../model/error.h"
#include "../model/rule.h"

#include <sodium.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t rh_center_revision(const struct rh_center *center)
{
	struct rh_store_info info;

	rh_store_info(center->store, &info);
	return info.revision;
}

/* ---- loading ---- */

struct loader {
	struct rh_center  *center;
	struct rh_realm   *realm;
	struct rh_problem *problem;
};

/* What came from the disk is checked like what comes from a client. */
static int check_stored(const struct rh_object *object, struct rh_problem *problem)
{
	struct rh_decode decode = { .problem = problem };
	struct rh_wanted wanted;
	json_t          *stored = rh_object_parse(object);

	if (!stored)
		return rh_problem_set(problem, RH_ESTORE, "its text is not JSON");
	if (object->kind == RH_OBJECT_MODULE) {
		json_decref(stored);
		return RH_OK;
	}
	json_t *json = json_pack("{s:s, s:{s:s}, s:O}",
		"kind", rh_object_kind_text(object->kind),
		"metadata", "name", object->name, "spec", json_object_get(stored, "spec"));
	int err = json ? rh_shape_check(&decode, json, &wanted)
	               : rh_problem_set(problem, RH_ESTORE, "it has no spec");
	json_decref(json);
	json_decref(stored);
	return err;
}

static int load_one(struct loader *loader, const struct rh_store_record *record)
{
	enum rh_object_kind kind;
	const char         *name = rh_object_key_parse(record->key, &kind);

	if (!name)
		return rh_problem_set(loader->problem, RH_ESTORE, "it is of no known kind");
	struct rh_object *object = rh_object_create(kind, name, record->value,
	                                            record->value_bytes);
	if (!object)
		return rh_problem_set(loader->problem, RH_ENOMEM, "no memory");
	object->revision = record->revision;
	object->generation = record->generation;
	object->created = record->created;
	int err = check_stored(object, loader->problem);
	if (err) {
		rh_object_destroy(object);
		return err;
	}
	err = rh_realm_put(loader->realm, object, loader->problem);
	rh_realm_forget(loader->realm);
	return err;
}

static int begins(const struct rh_store_record *record, const char *prefix)
{
	return strncmp(record->key, prefix, strlen(prefix)) == 0;
}

/* It comes before its rule, which completes it. */
static int load_rollout(struct loader *loader, const struct rh_store_record *record)
{
	struct rh_rollout rollout;
	int err = rh_rollout_read(record->key + sizeof RH_ROLLOUT_PREFIX - 1,
	                          record->value, record->value_bytes, &rollout);

	if (err)
		rh_warn("the store's %.80s cannot be used and is left", record->key);
	return err ? RH_OK : rh_rollouts_put(&loader->realm->rollouts, &rollout);
}

static int load(void *user, const struct rh_store_record *record)
{
	struct loader    *loader = user;
	struct rh_problem why;

	if (begins(record, RH_HISTORY_PREFIX))
		return 0;
	if (begins(record, RH_ROLLOUT_PREFIX))
		return load_rollout(loader, record);
	if (begins(record, RH_REVOCATION_PREFIX)) {
		if (rh_revocation_load(loader->center, record) < 0)
			rh_warn("the store's %.80s cannot be used and is left", record->key);
		return 0;
	}
	if (load_one(loader, record) == RH_OK)
		return 0;
	why = *loader->problem;
	return rh_problem_set(loader->problem, RH_ESTORE,
	                      "the object %.80s in the store cannot be used: %.600s",
	                      record->key, why.detail);
}

static int make_hierarchy(struct rh_center *center, struct rh_problem *problem)
{
	static const char text[] = "{\"owner\":0,\"spec\":{\"hierarchy\":{\"allow\":["
		"[\"application\",\"service\"],[\"application\",\"driver\"],"
		"[\"application\",\"hardware\"],[\"service\",\"driver\"],"
		"[\"service\",\"hardware\"],[\"driver\",\"hardware\"]]}}}";
	struct rh_object *object = rh_object_create(RH_OBJECT_RULE, RH_HIERARCHY_RULE,
	                                            text, sizeof text - 1);

	if (!object)
		return rh_problem_set(problem, RH_ENOMEM, "no memory");
	object->generation = 1;
	int err = rh_change_own(center, object, "default", problem);
	return err ? err : rh_center_commit(center, problem);
}

int rh_center_init(struct rh_center *center, struct rh_store *store,
                   struct rh_problem *problem)
{
	struct loader        loader = { .center = center, .realm = &center->realm,
	                                .problem = problem };
	struct rh_store_info info;

	rh_store_info(store, &info);
	center->store = store;
	center->started_ms = rh_when_now();
	sodium_bin2hex(center->store_id, sizeof center->store_id, info.id,
	               sizeof info.id);
	if (rh_realm_init(&center->realm) != RH_OK)
		return rh_problem_set(problem, RH_ENOMEM, "no memory for the registry");
	center->realm.revocations = &center->revocations;
	center->realm.is_settled = 1;
	int err = rh_store_list(store, "/", NULL, SIZE_MAX, load, &loader);
	center->realm.is_settled = 0;
	if (err < 0 && err != problem->code)
		rh_problem_set(problem, err, "store %s: cannot be read: %s", info.path,
		               rh_error_text(err));
	if (err >= 0 && !rh_catalog_find(&center->realm.catalog, RH_OBJECT_RULE,
	                                 RH_HIERARCHY_RULE))
		err = make_hierarchy(center, problem);
	rh_revocations_loaded(center);
	rh_rollouts_wake(center, 0);
	return err < 0 ? err : RH_OK;
}

void rh_center_fini(struct rh_center *center)
{
	rh_revocations_fini(&center->revocations);
	rh_news_fini(&center->news);
	rh_runs_fini(&center->runs);
	rh_lines_fini(&center->lines);
	rh_realm_fini(&center->realm);
	rh_key_fini(&center->key);
}

/* ---- committing ---- */

int rh_center_commit(struct rh_center *center, struct rh_problem *problem)
{
	struct rh_diag diag = { 0 };
	int            err = center->broken.code;

	if (err) {
		*problem = center->broken;
	} else if (center->staged) {
		err = rh_revocations_stage(center, &diag);
		uint64_t began = rh_clock_ns();
		rh_failpoint("committing");
		if (!err)
			err = rh_store_sync(center->store, &diag);
		rh_failpoint("committed");
		center->commit_took_ns = rh_clock_ns() - began;
		if (err) {
			rh_realm_undo(&center->realm, 0);
			rh_problem_diag(problem, err, &diag);
		}
		center->counts.commits++;
	}
	center->counts.commit_failures += err != RH_OK;
	rh_realm_forget(&center->realm);
	rh_revocations_settle(center, !err);
	if (!err && center->staged) /* what kept them from going on is over */
		center->rollout_problem[0] = '\0';
	rh_rollouts_tell(center);
	if (!err && center->is_changed) {
		rh_link_publish(center->link);
		rh_failpoint("pushed");
		rh_rollouts_wake(center, 0);
	}
	rh_watchers_wake(&center->watchers);
	center->staged = 0;
	center->is_changed = 0;
	center->broken = (struct rh_problem){ 0 };
	return err;
}

/* ---- expiry ---- */

/* The same exception, marked as over; NULL when it is not one whose time has come. */
static struct rh_object *expired(const struct rh_object *object, uint64_t now)
{
	json_t     *stored = rh_object_parse(object);
	json_t     *spec = json_object_get(stored, "spec");
	const char *expires = json_string_value(json_object_get(
		json_object_get(spec, "exception"), "expires"));
	uint64_t          ms;
	struct rh_object *over = NULL;

	if (expires && !json_object_get(stored, "expired") &&
	    rh_when_parse(expires, &ms) == RH_OK && ms <= now) {
		json_object_set_new(stored, "expired", json_true());
		char *text = json_dumps(stored, JSON_COMPACT | JSON_SORT_KEYS);
		if (text)
			over = rh_object_create(object->kind, object->name, text,
			                        strlen(text));
		if (over)
			over->generation = object->generation;
		free(text);
	}
	json_decref(stored);
	return over;
}

int rh_center_expire(struct rh_center *center)
{
	uint64_t          now = rh_when_now();
	size_t            count;
	struct rh_problem problem;
	struct rh_object *const *at;

	/* Replacing an object moves no other: the array stays as it is. */
	at = rh_catalog_after(&center->realm.catalog, RH_OBJECT_RULE, NULL, &count);
	for (size_t i = 0; i < count; i++) {
		struct rh_object *over = strstr(at[i]->text, "\"expires\"")
		                       ? expired(at[i], now) : NULL;

		center->revocations.is_at_once = over != NULL;
		if (over && rh_change_own(center, over, "expire", &problem) != RH_OK)
			break;
	}
	return rh_center_commit(center, &problem);
}

uint64_t rh_center_next_expiry(const struct rh_center *center, uint64_t since_ms)
{
	return rh_rule_next_expiry(&center->realm.registry, since_ms);
}
