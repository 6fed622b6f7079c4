#include "sqlite.h"

#include "../../model/error.h"

#include <sodium.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define APPLICATION_ID 0x52686f64 /* "Rhod" */
#define STR2(x) #x
#define STR(x)  STR2(x)

static const char schema[] =
	"PRAGMA journal_mode=WAL;"
	"BEGIN;"
	"CREATE TABLE meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID;"
	"CREATE TABLE object(key TEXT PRIMARY KEY, value BLOB, revision INTEGER,"
	" generation INTEGER, created INTEGER);"
	"CREATE INDEX object_revision ON object(revision);"
	"CREATE INDEX object_tombstone ON object(revision) WHERE value IS NULL;"
	"CREATE TABLE blob(hash TEXT PRIMARY KEY, bytes BLOB);"
	"CREATE TABLE audit(seq INTEGER PRIMARY KEY, text TEXT, hash BLOB);"
	"PRAGMA application_id=" STR(APPLICATION_ID) ";"
	"PRAGMA user_version=" STR(RH_STORE_SCHEMA) ";";

#define RECORD "key, value, revision, generation, created"

static const char *const queries[RH_SQL_QUERIES] = {
	[RH_SQL_BEGIN] = "BEGIN IMMEDIATE",
	[RH_SQL_COMMIT] = "COMMIT",
	[RH_SQL_GET] = "SELECT " RECORD " FROM object"
		" WHERE key=?1 AND value IS NOT NULL",
	[RH_SQL_LIST] = "SELECT " RECORD " FROM object WHERE key>?1 AND key>=?2"
		" AND substr(key,1,length(?2))=?2 AND value IS NOT NULL"
		" AND key<?2||char(1114111) ORDER BY key LIMIT ?3",
	[RH_SQL_CHANGES] = "SELECT " RECORD " FROM object WHERE revision>?1"
		" ORDER BY revision, key LIMIT ?2",
	[RH_SQL_PUT] = "INSERT INTO object(key,value,revision,generation,created)"
		" VALUES(?1,?2,?3,?4,?3) ON CONFLICT(key) DO UPDATE SET"
		" created=CASE WHEN value IS NULL THEN ?3 ELSE created END,"
		" value=?2, revision=?3, generation=?4",
	[RH_SQL_DELETE] = "UPDATE object SET value=NULL, revision=?3 WHERE key=?1",
	[RH_SQL_BLOB_PUT] = "INSERT OR IGNORE INTO blob(hash,bytes) VALUES(?1,?2)",
	[RH_SQL_BLOB_DELETE] = "DELETE FROM blob WHERE hash=?1",
	[RH_SQL_BLOB_GET] = "SELECT hash, bytes, 0, 0, 0 FROM blob WHERE hash=?1",
	[RH_SQL_AUDIT_PUT] = "INSERT INTO audit(seq,text,hash) VALUES(?1,?2,?3)",
	[RH_SQL_AUDIT_LIST] = "SELECT seq, text, hash FROM audit WHERE seq<?1"
		" ORDER BY seq DESC LIMIT ?2",
	[RH_SQL_AUDIT_PRUNE] = "DELETE FROM audit WHERE seq<=?1",
	[RH_SQL_META_PUT] = "INSERT OR REPLACE INTO meta(name,value) VALUES(?1,?2)",
	[RH_SQL_COMPACT_FIND] = "SELECT revision FROM object WHERE value IS NULL"
		" ORDER BY revision DESC LIMIT 1 OFFSET ?1",
	[RH_SQL_COMPACT] = "DELETE FROM object WHERE value IS NULL AND revision<=?1",
};

static int refuse(const struct rh_sqlite *sql, const char *why, struct rh_diag *diag)
{
	if (diag) {
		diag->code = RH_ESTORE;
		snprintf(diag->text, sizeof diag->text, "store %.120s: %s", sql->path,
		         why);
	}
	return RH_ESTORE;
}

static int refuse_errno(const struct rh_sqlite *sql, const char *doing,
                        struct rh_diag *diag)
{
	char why[96];
	int  code = errno == ENOSPC || errno == EDQUOT ? RH_ENOSPC : RH_ESTORE;

	snprintf(why, sizeof why, "%s: %.64s", doing, strerror(errno));
	refuse(sql, why, diag);
	if (diag)
		diag->code = code;
	return code;
}

/* The one number that a query gives. */
static int number(struct rh_sqlite *sql, const char *text, int64_t *ret_number)
{
	sqlite3_stmt *stmt;
	int           rc = sqlite3_prepare_v2(sql->db, text, -1, &stmt, NULL);

	if (rc != SQLITE_OK)
		return rc;
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		*ret_number = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return rc == SQLITE_ROW ? SQLITE_OK : rc == SQLITE_DONE ? SQLITE_NOTFOUND : rc;
}

static int write_new(struct rh_sqlite *sql, const char *path, struct rh_diag *diag)
{
	unsigned char id[RH_STORE_ID_BYTES];
	sqlite3_stmt *stmt = NULL;
	int           rc = sqlite3_open_v2(path, &sql->db,
	                     SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);

	randombytes_buf(id, sizeof id);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(sql->db, "PRAGMA synchronous=FULL;", NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(sql->db, schema, NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v2(sql->db, "INSERT INTO meta VALUES('id',?1),"
		                        "('revision',0),('compacted',0)", -1, &stmt, NULL);
	if (rc == SQLITE_OK) {
		sqlite3_bind_blob(stmt, 1, id, sizeof id, SQLITE_STATIC);
		rc = sqlite3_step(stmt) == SQLITE_DONE ? SQLITE_OK : SQLITE_ERROR;
	}
	sqlite3_finalize(stmt);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(sql->db, "COMMIT; PRAGMA wal_checkpoint(TRUNCATE);",
		                  NULL, NULL, NULL);
	if (rc != SQLITE_OK)
		rc = rh_sqlite_error(sql, sqlite3_extended_errcode(sql->db), "create", diag);
	if (sqlite3_close(sql->db) != SQLITE_OK && rc == SQLITE_OK)
		rc = refuse(sql, "create: it does not close", diag);
	sql->db = NULL;
	return rc;
}

static int sync_file(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);
	int rc = fd < 0 ? -1 : fsync(fd);

	if (fd >= 0)
		close(fd);
	return rc;
}

/* A store is made beside its place and renamed into it: a center killed here
 * leaves none rather than an empty one. */
static int create(struct rh_sqlite *sql, const char *dir, struct rh_diag *diag)
{
	char path[sizeof sql->path + 8], wal[sizeof path + 8];

	snprintf(path, sizeof path, "%s.new", sql->path);
	snprintf(wal, sizeof wal, "%s-wal", path);
	unlink(path);
	unlink(wal);
	int err = write_new(sql, path, diag);
	if (err == RH_OK && (sync_file(path, O_RDWR) < 0 ||
	                     rename(path, sql->path) < 0 ||
	                     sync_file(dir, O_RDONLY | O_DIRECTORY) < 0))
		err = refuse_errno(sql, "create", diag);
	if (err)
		unlink(path);
	return err;
}

/* Decides between an old store and a new one, and never replaces a damaged one. */
static int find_or_create(struct rh_sqlite *sql, const char *dir,
                          struct rh_diag *diag)
{
	struct stat st;
	char        wal[sizeof sql->path + 8];

	snprintf(wal, sizeof wal, "%s-wal", sql->path);
	if (stat(sql->path, &st) < 0) {
		if (errno != ENOENT)
			return refuse_errno(sql, "open", diag);
		if (stat(wal, &st) == 0 && st.st_size > 0)
			return refuse(sql, "the file is missing but its -wal is there; "
			              "restore it, or remove both", diag);
		return create(sql, dir, diag);
	}
	if (!S_ISREG(st.st_mode))
		return refuse(sql, "not a regular file", diag);
	if (st.st_size == 0)
		return refuse(sql, "the file is empty: truncated; restore it, or remove "
		              "it to start anew", diag);
	return RH_OK;
}

static int check_result(void *user, int count, char **values, char **names)
{
	(void)names;
	*(int *)user = count == 1 && values[0] && strcmp(values[0], "ok") == 0;
	return 0;
}

/* Is this ours, of this schema, and whole? */
static int check_file(struct rh_sqlite *sql, struct rh_diag *diag)
{
	int64_t application = 0, version = 0;
	int     is_ok = 0;
	char    why[96];
	int     rc = number(sql, "PRAGMA application_id", &application);

	if (rc == SQLITE_OK)
		rc = number(sql, "PRAGMA user_version", &version);
	if (rc != SQLITE_OK)
		return rh_sqlite_error(sql, rc, "open", diag);
	if (application != APPLICATION_ID)
		return refuse(sql, "a database, but not a store of Rhodes", diag);
	if (version != RH_STORE_SCHEMA) {
		snprintf(why, sizeof why, "its schema %lld is %s than %d, the one this "
		         "program knows", (long long)version,
		         version > RH_STORE_SCHEMA ? "newer" : "older", RH_STORE_SCHEMA);
		return refuse(sql, why, diag);
	}
	rc = sqlite3_exec(sql->db, "PRAGMA quick_check(1)", check_result, &is_ok, NULL);
	if (rc != SQLITE_OK)
		return rh_sqlite_error(sql, rc, "check", diag);
	return is_ok ? RH_OK : rh_sqlite_error(sql, SQLITE_CORRUPT, "check", diag);
}

static int load_id(void *user, int count, char **values, char **names)
{
	struct rh_sqlite *sql = user;
	size_t            len = 0;

	(void)names;
	if (count == 1 && values[0])
		sodium_hex2bin(sql->id, sizeof sql->id, values[0], strlen(values[0]),
		               NULL, &len, NULL);
	return len == sizeof sql->id ? 0 : 1;
}

static int load_audit(struct rh_sqlite *sql)
{
	sqlite3_stmt *stmt = sql->query[RH_SQL_AUDIT_LIST];

	sqlite3_bind_int64(stmt, 1, INT64_MAX);
	sqlite3_bind_int64(stmt, 2, 1);
	int rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW && sqlite3_column_bytes(stmt, 2) == RH_STORE_HASH_BYTES) {
		sql->durable.audit_seq = (uint64_t)sqlite3_column_int64(stmt, 0);
		memcpy(sql->durable.audit_hash, sqlite3_column_blob(stmt, 2),
		       RH_STORE_HASH_BYTES);
		rc = SQLITE_DONE;
	}
	sqlite3_reset(stmt);
	return rc == SQLITE_DONE ? SQLITE_OK : SQLITE_CORRUPT;
}

static int load_head(struct rh_sqlite *sql)
{
	int64_t revision = 0, compacted = 0;
	int     rc = number(sql, "SELECT value FROM meta WHERE name='revision'",
	                    &revision);

	if (rc == SQLITE_OK)
		rc = number(sql, "SELECT value FROM meta WHERE name='compacted'",
		            &compacted);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(sql->db, "SELECT hex(value) FROM meta WHERE name='id'",
		                  load_id, sql, NULL);
	if (rc != SQLITE_OK || revision < 0 || compacted < 0)
		return SQLITE_CORRUPT;
	sql->durable.revision = (uint64_t)revision;
	sql->durable.compacted = (uint64_t)compacted;
	rc = load_audit(sql);
	sql->now = sql->durable;
	return rc;
}

static int prepare(struct rh_sqlite *sql)
{
	for (int i = 0; i < RH_SQL_QUERIES; i++) {
		int rc = sqlite3_prepare_v3(sql->db, queries[i], -1,
		                            SQLITE_PREPARE_PERSISTENT, &sql->query[i],
		                            NULL);
		if (rc != SQLITE_OK)
			return rc;
	}
	return SQLITE_OK;
}

/* S1, S3: the file was put back from a backup. */
static int renew(struct rh_sqlite *sql, uint64_t revision)
{
	static const char text[] =
		"UPDATE meta SET value=CASE name WHEN 'id' THEN ?1 ELSE ?2 END "
		"WHERE name IN ('id','revision','compacted')";
	unsigned char id[RH_STORE_ID_BYTES];
	sqlite3_stmt *stmt;
	int           rc = sqlite3_prepare_v2(sql->db, text, -1, &stmt, NULL);

	if (rc != SQLITE_OK)
		return rc;
	randombytes_buf(id, sizeof id);
	sqlite3_bind_blob(stmt, 1, id, sizeof id, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 2, (sqlite3_int64)revision);
	rc = sqlite3_step(stmt);
	sqlite3_finalize(stmt);
	if (rc != SQLITE_DONE)
		return rc;
	memcpy(sql->id, id, sizeof id);
	sql->restored = sql->durable.revision;
	sql->durable.revision = sql->durable.compacted = revision;
	sql->now = sql->durable;
	return SQLITE_OK;
}

static int look_at_mark(struct rh_sqlite *sql, const char *dir)
{
	uint64_t known;
	int      rc = SQLITE_OK;

	rh_mark_open(&sql->mark, dir);
	known = rh_mark_read(&sql->mark, sql->id);
	if (known > sql->durable.revision && known <= INT64_MAX)
		rc = renew(sql, known);
	if (rc == SQLITE_OK)
		rh_mark_put(&sql->mark, sql->id, sql->durable.revision);
	return rc;
}

static int open_file(struct rh_sqlite *sql, const char *dir, struct rh_diag *diag)
{
	int rc = sqlite3_open_v2(sql->path, &sql->db, SQLITE_OPEN_READWRITE, NULL);

	if (rc != SQLITE_OK)
		return rh_sqlite_error(sql, rc, "open", diag);
	sqlite3_extended_result_codes(sql->db, 1);
	if (sqlite3_db_readonly(sql->db, "main") == 1)
		return rh_sqlite_error(sql, SQLITE_READONLY, "open", diag);
	/* Exclusive before the first read: no -shm file, no second writer. */
	rc = sqlite3_exec(sql->db, "PRAGMA locking_mode=EXCLUSIVE;"
	                  "PRAGMA synchronous=FULL; PRAGMA trusted_schema=OFF;"
	                  "PRAGMA cell_size_check=ON;"
	                  "PRAGMA journal_size_limit=16777216;", NULL, NULL, NULL);
	if (rc != SQLITE_OK)
		return rh_sqlite_error(sql, rc, "open", diag);
	int err = check_file(sql, diag);
	if (err)
		return err;
	rc = prepare(sql);
	if (rc == SQLITE_OK)
		rc = load_head(sql);
	if (rc == SQLITE_OK)
		rc = look_at_mark(sql, dir);
	return rc == SQLITE_OK ? RH_OK : rh_sqlite_error(sql, rc, "load", diag);
}

int rh_store_sqlite_open(const char *dir, struct rh_store **ret_store,
                         struct rh_diag *diag)
{
	struct rh_sqlite *sql = sqlite3_malloc(sizeof *sql);

	if (!sql || sodium_init() < 0) {
		sqlite3_free(sql);
		return RH_ENOMEM;
	}
	memset(sql, 0, sizeof *sql);
	sql->store.ops = &rh_sqlite_ops;
	sql->mark.fd = -1;
	int len = snprintf(sql->path, sizeof sql->path, "%s/store.db", dir);
	int err = len < (int)sizeof sql->path - 16
	        ? RH_OK : refuse(sql, "the path is too long", diag);
	if (err == RH_OK)
		err = find_or_create(sql, dir, diag);
	if (err == RH_OK)
		err = open_file(sql, dir, diag);
	if (err) {
		rh_store_close(&sql->store);
		return err;
	}
	*ret_store = &sql->store;
	return RH_OK;
}
