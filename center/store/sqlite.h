/* sqlite - the SQLite implementation of store; its parts share this struct.
 *
 * The file is held with an exclusive lock in WAL mode and synchronous=FULL, so a
 * commit is on the disk when it returns and no other process can write.  One SQL
 * transaction is open from the first write to the sync.
 *
 * Ownership   sqlite_open.c makes and closes it; sqlite.c uses it.
 * Invariants  Q1  in_txn says whether a SQL transaction is open.
 *             Q2  durable is what the file says; now is durable plus the open
 *                 transaction.  They are equal when in_txn is false. */
#ifndef RH_CENTER_STORE_SQLITE_H
#define RH_CENTER_STORE_SQLITE_H

#include "mark.h"
#include "store.h"

#include <sqlite3.h>

#include <stdbool.h>

enum rh_sqlite_query {
	RH_SQL_BEGIN, RH_SQL_COMMIT, RH_SQL_GET, RH_SQL_LIST, RH_SQL_CHANGES,
	RH_SQL_PUT, RH_SQL_DELETE, RH_SQL_BLOB_PUT, RH_SQL_BLOB_DELETE,
	RH_SQL_BLOB_GET, RH_SQL_AUDIT_PUT, RH_SQL_AUDIT_LIST, RH_SQL_AUDIT_PRUNE,
	RH_SQL_META_PUT, RH_SQL_COMPACT_FIND, RH_SQL_COMPACT,
	RH_SQL_QUERIES
};

/* What a failed transaction must restore. */
struct rh_sqlite_head {
	uint64_t      revision;
	uint64_t      compacted;
	uint64_t      audit_seq;
	uint64_t      deletes;
	unsigned char audit_hash[RH_STORE_HASH_BYTES];
};

struct rh_sqlite {
	struct rh_store       store;
	sqlite3              *db;
	sqlite3_stmt         *query[RH_SQL_QUERIES];
	struct rh_sqlite_head durable;
	struct rh_sqlite_head now;
	bool                  in_txn;
	bool                  failed;   /* a sync to disk failed: no more writes */
	unsigned char         id[RH_STORE_ID_BYTES];
	uint64_t              restored; /* as in rh_store_info              */
	struct rh_mark        mark;
	char                  path[256];
};

extern const struct rh_store_ops rh_sqlite_ops;

/* Puts path and reason into diag and returns the RH_ code for what SQLite said. */
int rh_sqlite_error(const struct rh_sqlite *sql, int rc, const char *doing,
                    struct rh_diag *diag);

#endif
