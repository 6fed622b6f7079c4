#include "sqlite.h"

#include "chain.h"

#include "../../model/check.h"
#include "../../model/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PRUNE_EVERY 1024u

static struct rh_sqlite *self(struct rh_store *store)
{
	RH_CHECK(store->ops == &rh_sqlite_ops);
	return (struct rh_sqlite *)store;
}

/* The errno of the last failed call on the database (or on its WAL). */
static int last_errno(sqlite3 *db, int which)
{
	sqlite3_file *file = NULL;
	int           err = 0;

	sqlite3_file_control(db, "main", which, &file);
	if (file && file->pMethods)
		file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &err);
	return err;
}

static bool is_full_errno(int err)
{
	return err == ENOSPC || err == EDQUOT || err == EFBIG;
}

/* SQLite knows ENOSPC as full; a quota and a file size limit are the same to us. */
static bool is_full(sqlite3 *db, int rc)
{
	if ((rc & 0xff) == SQLITE_FULL)
		return true;
	if ((rc & 0xff) != SQLITE_IOERR || !db)
		return false;
	return is_full_errno(last_errno(db, SQLITE_FCNTL_JOURNAL_POINTER)) ||
	       is_full_errno(last_errno(db, SQLITE_FCNTL_FILE_POINTER)) ||
	       is_full_errno(sqlite3_system_errno(db));
}

static const char *reason(sqlite3 *db, int rc)
{
	switch (rc & 0xff) {
	case SQLITE_CORRUPT:  return "the file is damaged or truncated";
	case SQLITE_NOTADB:   return "the file is not a store of Rhodes";
	case SQLITE_READONLY: return "the file or its directory is read-only";
	case SQLITE_BUSY:     return "another process holds it";
	case SQLITE_CANTOPEN: return "the file or its journal cannot be opened";
	default:              return db ? sqlite3_errmsg(db) : sqlite3_errstr(rc);
	}
}

int rh_sqlite_error(const struct rh_sqlite *sql, int rc, const char *doing,
                    struct rh_diag *diag)
{
	bool full = is_full(sql->db, rc);
	int  code = full ? RH_ENOSPC : RH_ESTORE;

	if ((rc & 0xff) == SQLITE_NOMEM)
		code = RH_ENOMEM;
	if (diag) {
		diag->code = code;
		snprintf(diag->text, sizeof diag->text, "store %.120s: %s: %.80s",
		         sql->path, doing,
		         full ? "the disk is full" : reason(sql->db, rc));
	}
	return code;
}

static void bind_text(sqlite3_stmt *stmt, int at, const char *text)
{
	sqlite3_bind_text(stmt, at, text, -1, SQLITE_STATIC);
}

static void bind_u64(sqlite3_stmt *stmt, int at, uint64_t value)
{
	sqlite3_bind_int64(stmt, at, (sqlite3_int64)value);
}

static uint64_t column_u64(sqlite3_stmt *stmt, int at)
{
	return (uint64_t)sqlite3_column_int64(stmt, at);
}

/* Runs a statement that returns no row. */
static int run(sqlite3_stmt *stmt)
{
	int rc = sqlite3_step(stmt);

	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Back to what is on the disk. */
static void undo(struct rh_sqlite *sql)
{
	if (!sqlite3_get_autocommit(sql->db))
		sqlite3_exec(sql->db, "ROLLBACK", NULL, NULL, NULL);
	sql->now = sql->durable;
	sql->in_txn = false;
}

static int fail(struct rh_sqlite *sql, int rc, const char *doing,
                struct rh_diag *diag)
{
	int code = rh_sqlite_error(sql, rc, doing, diag);

	/* After a failed flush the kernel may have dropped the pages: what the
	 * file holds is unknown until it is opened again. */
	if (rc == SQLITE_IOERR_FSYNC || rc == SQLITE_IOERR_DIR_FSYNC)
		sql->failed = true;
	undo(sql);
	return code;
}

/* Steps through the rows of a bound statement. */
static int visit_rows(struct rh_sqlite *sql, sqlite3_stmt *stmt,
                      rh_store_visit *visit, void *user)
{
	int count = 0, rc, stop = 0;

	while (!stop && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		struct rh_store_record record = {
			.key = (const char *)sqlite3_column_text(stmt, 0),
			.value = sqlite3_column_blob(stmt, 1),
			.value_bytes = (size_t)sqlite3_column_bytes(stmt, 1),
			.revision = column_u64(stmt, 2),
			.generation = column_u64(stmt, 3),
			.created = column_u64(stmt, 4),
		};
		if (!record.value && sqlite3_column_type(stmt, 1) != SQLITE_NULL)
			record.value = ""; /* SQLite gives NULL for no bytes */
		stop = visit(user, &record);
		count++;
	}
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
	if (stop)
		return stop;
	return rc == SQLITE_DONE ? count : rh_sqlite_error(sql, rc, "read", NULL);
}

static int sql_get(struct rh_store *store, const char *key, rh_store_visit *visit,
                   void *user)
{
	struct rh_sqlite *sql = self(store);
	sqlite3_stmt     *stmt = sql->query[RH_SQL_GET];

	bind_text(stmt, 1, key);
	int count = visit_rows(sql, stmt, visit, user);
	return count == 0 ? RH_ENOENT : count;
}

static int sql_list(struct rh_store *store, const char *prefix, const char *after,
                    size_t limit, rh_store_visit *visit, void *user)
{
	struct rh_sqlite *sql = self(store);
	sqlite3_stmt     *stmt = sql->query[RH_SQL_LIST];

	bind_text(stmt, 1, after ? after : "");
	bind_text(stmt, 2, prefix);
	bind_u64(stmt, 3, limit > INT32_MAX ? INT32_MAX : limit);
	return visit_rows(sql, stmt, visit, user);
}

static int sql_changes(struct rh_store *store, uint64_t since, size_t limit,
                       rh_store_visit *visit, void *user)
{
	struct rh_sqlite *sql = self(store);
	sqlite3_stmt     *stmt = sql->query[RH_SQL_CHANGES];

	bind_u64(stmt, 1, since > INT64_MAX ? INT64_MAX : since);
	bind_u64(stmt, 2, limit > INT32_MAX ? INT32_MAX : limit);
	return visit_rows(sql, stmt, visit, user);
}

static int sql_blob_get(struct rh_store *store, const char *hash,
                        rh_store_visit *visit, void *user)
{
	struct rh_sqlite *sql = self(store);
	sqlite3_stmt     *stmt = sql->query[RH_SQL_BLOB_GET];

	bind_text(stmt, 1, hash);
	int count = visit_rows(sql, stmt, visit, user);
	return count == 0 ? RH_ENOENT : count;
}

static int sql_audit_list(struct rh_store *store, uint64_t before, size_t limit,
                          rh_store_audit_visit *visit, void *user)
{
	struct rh_sqlite *sql = self(store);
	sqlite3_stmt     *stmt = sql->query[RH_SQL_AUDIT_LIST];
	int               count = 0, rc, stop = 0;

	bind_u64(stmt, 1, before);
	bind_u64(stmt, 2, limit > INT32_MAX ? INT32_MAX : limit);
	while (!stop && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		if (sqlite3_column_bytes(stmt, 2) != RH_STORE_HASH_BYTES) {
			rc = SQLITE_CORRUPT;
			break;
		}
		stop = visit(user, &(struct rh_store_audit){
			.seq = column_u64(stmt, 0),
			.text = (const char *)sqlite3_column_text(stmt, 1),
			.hash = sqlite3_column_blob(stmt, 2),
		});
		count++;
	}
	sqlite3_reset(stmt);
	if (stop)
		return stop;
	return rc == SQLITE_DONE ? count : rh_sqlite_error(sql, rc, "read", NULL);
}

/* The revision a live key is at, 0 when it is not there. */
static int current(struct rh_sqlite *sql, const char *key, uint64_t *ret_revision)
{
	sqlite3_stmt *stmt = sql->query[RH_SQL_GET];

	bind_text(stmt, 1, key);
	int rc = sqlite3_step(stmt);
	*ret_revision = rc == SQLITE_ROW ? column_u64(stmt, 2) : 0;
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int refuse(struct rh_diag *diag, int code, const char *key, uint64_t at)
{
	if (diag) {
		diag->code = code;
		snprintf(diag->text, sizeof diag->text, "%.160s: %s (revision %llu)",
		         key, rh_error_text(code), (unsigned long long)at);
	}
	return code;
}

/* RH_OK, or why the op does not fit what is stored. */
static int compare(struct rh_sqlite *sql, const struct rh_store_op *op,
                   struct rh_diag *diag)
{
	uint64_t at;

	if (op->kind != RH_STORE_PUT && op->kind != RH_STORE_DELETE)
		return RH_OK;
	int rc = current(sql, op->key, &at);
	if (rc != SQLITE_OK)
		return fail(sql, rc, "read", diag);
	if (op->kind == RH_STORE_DELETE && at == 0)
		return refuse(diag, RH_ENOENT, op->key, at);
	if (op->expected == RH_STORE_ANY || op->expected == at)
		return RH_OK;
	return refuse(diag, op->expected == RH_STORE_ABSENT ? RH_EEXIST : RH_ESTALE,
	              op->key, at);
}

static int perform(struct rh_sqlite *sql, const struct rh_store_op *op)
{
	static const enum rh_sqlite_query queries[RH_STORE_OP_KINDS] = {
		[RH_STORE_PUT] = RH_SQL_PUT,
		[RH_STORE_DELETE] = RH_SQL_DELETE,
		[RH_STORE_BLOB_PUT] = RH_SQL_BLOB_PUT,
		[RH_STORE_BLOB_DELETE] = RH_SQL_BLOB_DELETE,
	};
	sqlite3_stmt *stmt = sql->query[queries[op->kind]];

	bind_text(stmt, 1, op->key);
	if (op->kind == RH_STORE_PUT || op->kind == RH_STORE_BLOB_PUT)
		sqlite3_bind_blob64(stmt, 2, op->value_bytes ? op->value : "",
		                    op->value_bytes, SQLITE_STATIC);
	if (op->kind == RH_STORE_PUT || op->kind == RH_STORE_DELETE)
		bind_u64(stmt, 3, sql->now.revision);
	if (op->kind == RH_STORE_PUT)
		bind_u64(stmt, 4, op->generation);
	if (op->kind == RH_STORE_DELETE)
		sql->now.deletes++;
	return run(stmt);
}

static int append_audit(struct rh_sqlite *sql, const char *text)
{
	sqlite3_stmt *stmt = sql->query[RH_SQL_AUDIT_PUT];

	rh_chain_next(sql->now.audit_hash, text);
	bind_u64(stmt, 1, ++sql->now.audit_seq);
	bind_text(stmt, 2, text);
	sqlite3_bind_blob(stmt, 3, sql->now.audit_hash, RH_STORE_HASH_BYTES,
	                  SQLITE_TRANSIENT);
	int rc = run(stmt);
	if (rc != SQLITE_OK || sql->now.audit_seq % PRUNE_EVERY != 0 ||
	    sql->now.audit_seq <= RH_STORE_AUDIT_KEEP)
		return rc;
	stmt = sql->query[RH_SQL_AUDIT_PRUNE];
	bind_u64(stmt, 1, sql->now.audit_seq - RH_STORE_AUDIT_KEEP);
	return run(stmt);
}

/* Drops the oldest tombstones, so that changes since then are no longer known. */
static int compact(struct rh_sqlite *sql)
{
	sqlite3_stmt *stmt = sql->query[RH_SQL_COMPACT_FIND];
	uint64_t      upto = 0;

	bind_u64(stmt, 1, RH_STORE_TOMBSTONES_KEEP);
	int rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		upto = column_u64(stmt, 0);
	sqlite3_reset(stmt);
	if (rc != SQLITE_ROW)
		return rc == SQLITE_DONE ? SQLITE_OK : rc;
	stmt = sql->query[RH_SQL_COMPACT];
	bind_u64(stmt, 1, upto);
	sql->now.compacted = upto;
	return run(stmt);
}

static int begin(struct rh_sqlite *sql, struct rh_diag *diag)
{
	if (sql->failed)
		return rh_sqlite_error(sql, SQLITE_IOERR, "write", diag);
	if (sql->in_txn)
		return RH_OK;
	int rc = run(sql->query[RH_SQL_BEGIN]);
	if (rc != SQLITE_OK)
		return fail(sql, rc, "begin", diag);
	sql->in_txn = true;
	return RH_OK;
}

static int perform_all(struct rh_sqlite *sql, const struct rh_store_change *change,
                       bool takes_revision)
{
	uint64_t deletes = sql->now.deletes;
	int      rc = SQLITE_OK;

	if (takes_revision)
		sql->now.revision++; /* S1 */
	for (size_t i = 0; i < change->op_count && rc == SQLITE_OK; i++)
		rc = perform(sql, &change->ops[i]);
	for (size_t i = 0; i < change->audit_count && rc == SQLITE_OK; i++)
		rc = append_audit(sql, change->audits[i]);
	if (rc == SQLITE_OK && sql->now.deletes / PRUNE_EVERY != deletes / PRUNE_EVERY)
		rc = compact(sql);
	return rc;
}

static int sql_write(struct rh_store *store, const struct rh_store_change *change,
                     uint64_t *ret_revision, struct rh_diag *diag)
{
	struct rh_sqlite *sql = self(store);
	bool              takes_revision = false;
	int               err = begin(sql, diag);

	for (size_t i = 0; i < change->op_count && err == RH_OK; i++) {
		err = compare(sql, &change->ops[i], diag);
		takes_revision |= change->ops[i].kind == RH_STORE_PUT ||
		                  change->ops[i].kind == RH_STORE_DELETE;
	}
	if (err)
		return err;
	int rc = perform_all(sql, change, takes_revision);
	if (rc != SQLITE_OK)
		return fail(sql, rc, "write", diag);
	*ret_revision = sql->now.revision;
	return RH_OK;
}

static int put_meta(struct rh_sqlite *sql, const char *name, uint64_t value)
{
	sqlite3_stmt *stmt = sql->query[RH_SQL_META_PUT];

	bind_text(stmt, 1, name);
	bind_u64(stmt, 2, value);
	return run(stmt);
}

static int sql_sync(struct rh_store *store, struct rh_diag *diag)
{
	struct rh_sqlite *sql = self(store);
	int               rc = SQLITE_OK;

	if (!sql->in_txn)
		return RH_OK;
	if (sql->now.revision != sql->durable.revision)
		rc = put_meta(sql, "revision", sql->now.revision);
	if (rc == SQLITE_OK && sql->now.compacted != sql->durable.compacted)
		rc = put_meta(sql, "compacted", sql->now.compacted);
	if (rc == SQLITE_OK)
		rc = run(sql->query[RH_SQL_COMMIT]);
	if (rc != SQLITE_OK)
		return fail(sql, rc, "commit", diag);
	sql->durable = sql->now;
	sql->in_txn = false;
	rh_mark_put(&sql->mark, sql->id, sql->durable.revision);
	return RH_OK;
}

static void sql_info(struct rh_store *store, struct rh_store_info *ret_info)
{
	struct rh_sqlite *sql = self(store);

	memset(ret_info, 0, sizeof *ret_info);
	memcpy(ret_info->id, sql->id, sizeof ret_info->id);
	memcpy(ret_info->path, sql->path, sizeof ret_info->path);
	ret_info->restored = sql->restored;
	ret_info->revision = sql->now.revision;
	ret_info->compacted = sql->now.compacted;
	ret_info->audit_seq = sql->now.audit_seq;
}

static void sql_close(struct rh_store *store)
{
	struct rh_sqlite *sql = self(store);

	if (sql->in_txn)
		undo(sql);
	for (int i = 0; i < RH_SQL_QUERIES; i++)
		sqlite3_finalize(sql->query[i]);
	sqlite3_close(sql->db);
	rh_mark_close(&sql->mark);
	sqlite3_free(sql);
}

const struct rh_store_ops rh_sqlite_ops = {
	.name = "sqlite", .abi = RH_STORE_ABI,
	.get = sql_get, .list = sql_list, .changes = sql_changes,
	.write = sql_write, .sync = sql_sync, .blob_get = sql_blob_get,
	.audit_list = sql_audit_list, .info = sql_info, .close = sql_close,
};
