#include "store.h"

#include "../../model/check.h"
#include "../../model/error.h"

#include <stdio.h>
#include <string.h>

static int refuse(struct rh_diag *diag, int code, const char *what, const char *key)
{
	if (diag) {
		diag->code = code;
		snprintf(diag->text, sizeof diag->text, "store: %s: %.160s", what, key);
	}
	return code;
}

static int check_key(const char *key)
{
	size_t len = strnlen(key, RH_STORE_KEY_MAX + 1);

	return len == 0 || len > RH_STORE_KEY_MAX ? RH_EINVAL : RH_OK;
}

static int check_op(const struct rh_store_op *op, struct rh_diag *diag)
{
	size_t max = op->kind == RH_STORE_BLOB_PUT ? RH_STORE_BLOB_MAX
	                                           : RH_STORE_VALUE_MAX;

	RH_CHECK(op->kind < RH_STORE_OP_KINDS);
	if (check_key(op->key) != RH_OK)
		return refuse(diag, RH_EINVAL, "bad key", op->key);
	if (op->value_bytes > max)
		return refuse(diag, RH_EMSGSIZE, "the value is too large", op->key);
	return RH_OK;
}

int rh_store_get(struct rh_store *store, const char *key, rh_store_visit *visit,
                 void *user)
{
	if (check_key(key) != RH_OK)
		return RH_ENOENT;
	return store->ops->get(store, key, visit, user);
}

int rh_store_list(struct rh_store *store, const char *prefix, const char *after,
                  size_t limit, rh_store_visit *visit, void *user)
{
	if (after && strcmp(after, prefix) < 0)
		after = NULL;
	return store->ops->list(store, prefix, after, limit, visit, user);
}

int rh_store_changes(struct rh_store *store, uint64_t since, size_t limit,
                     rh_store_visit *visit, void *user)
{
	struct rh_store_info info;

	store->ops->info(store, &info);
	if (since < info.compacted)
		return RH_ESTALE;
	return rh_store_kept(store, since, limit, visit, user);
}

int rh_store_kept(struct rh_store *store, uint64_t since, size_t limit,
                  rh_store_visit *visit, void *user)
{
	return store->ops->changes(store, since, limit, visit, user);
}

int rh_store_write(struct rh_store *store, const struct rh_store_change *change,
                   uint64_t *ret_revision, struct rh_diag *diag)
{
	if (change->op_count > RH_STORE_OPS_MAX)
		return refuse(diag, RH_EMSGSIZE, "too many objects in one change",
		              store->ops->name);
	for (size_t i = 0; i < change->op_count; i++) {
		int err = check_op(&change->ops[i], diag);
		if (err)
			return err;
	}
	for (size_t i = 0; i < change->audit_count; i++) {
		if (strlen(change->audits[i]) > RH_STORE_AUDIT_MAX)
			return refuse(diag, RH_EMSGSIZE, "an audit entry is too long",
			              change->audits[i]);
	}
	return store->ops->write(store, change, ret_revision, diag);
}

int rh_store_sync(struct rh_store *store, struct rh_diag *diag)
{
	return store->ops->sync(store, diag);
}

int rh_store_blob_get(struct rh_store *store, const char *hash,
                      rh_store_visit *visit, void *user)
{
	if (check_key(hash) != RH_OK)
		return RH_ENOENT;
	return store->ops->blob_get(store, hash, visit, user);
}

int rh_store_audit_list(struct rh_store *store, uint64_t before, size_t limit,
                        rh_store_audit_visit *visit, void *user)
{
	if (before == 0 || before > INT64_MAX)
		before = INT64_MAX;
	return store->ops->audit_list(store, before, limit, visit, user);
}

void rh_store_info(struct rh_store *store, struct rh_store_info *ret_info)
{
	store->ops->info(store, ret_info);
}

void rh_store_close(struct rh_store *store)
{
	if (store)
		store->ops->close(store);
}
