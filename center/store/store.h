/* store - what the center must not forget: objects, modules' bytes, the audit log.
 *
 * A store maps keys ("/resources/net_driver") to texts.  Every atomic change
 * takes the next revision of one 64-bit counter; all keys it touches carry that
 * revision.  A change is first written, then synced: reads see it at once, but
 * nothing may be acknowledged before rh_store_sync returned RH_OK.  So writes
 * that arrive together share one trip to the disk.  When write or sync fails with
 * anything but RH_ESTALE, RH_ENOENT or RH_EEXIST, everything since the last sync
 * is undone, in the store and in its revision.
 *
 * The audit log is a chain: hash[n] = SHA-256(hash[n-1] || text[n]), hash[0] = 0.
 *
 * Ownership   open gives the store to the caller, rh_store_close takes it back.
 *             Records passed to a visitor are borrowed until it returns; a visitor
 *             must not call the store.
 * Threads     One thread; write and sync block for the disk.
 * Invariants  S1  revisions only grow; a revision that was synced is never reused.
 *             S2  a key's revision is at most the store's.
 *             S3  the store id is made with the store, and anew when the store was
 *                 put back from a backup: then who knows the former one takes
 *                 everything anew, and the revision goes on where it was.
 * Limits      RH_STORE_KEY_MAX, RH_STORE_VALUE_MAX, RH_STORE_BLOB_MAX,
 *             RH_STORE_OPS_MAX, RH_STORE_AUDIT_MAX.
 *
 * Errors of every call: RH_ESTORE the store cannot be used (the reason names its
 * path), RH_ENOSPC the disk is full, RH_ENOMEM. */
#ifndef RH_CENTER_STORE_STORE_H
#define RH_CENTER_STORE_STORE_H

#include <stddef.h>
#include <stdint.h>

struct rh_diag;
struct rh_store;

#define RH_STORE_ABI       1u
#define RH_STORE_SCHEMA    1
#define RH_STORE_KEY_MAX   160u
#define RH_STORE_VALUE_MAX (1u << 20)
#define RH_STORE_BLOB_MAX  (32u << 20)
#define RH_STORE_OPS_MAX   16384u
#define RH_STORE_AUDIT_MAX 4096u        /* bytes of one entry             */
#define RH_STORE_AUDIT_KEEP 1000000u    /* entries kept; the oldest go    */
#define RH_STORE_TOMBSTONES_KEEP 100000u
#define RH_STORE_ID_BYTES  16u
#define RH_STORE_HASH_BYTES 32u
#define RH_STORE_ANY       UINT64_MAX   /* expected: whatever it is       */
#define RH_STORE_ABSENT    0u           /* expected: not there            */

enum rh_store_op_kind {
	RH_STORE_PUT,
	RH_STORE_DELETE,
	RH_STORE_BLOB_PUT,    /* key is the SHA-256 in hex; same key, same bytes */
	RH_STORE_BLOB_DELETE,
	RH_STORE_OP_KINDS
};

struct rh_store_op {
	enum rh_store_op_kind kind;
	const char           *key;
	const void           *value;
	size_t                value_bytes;
	uint64_t              generation;  /* PUT: kept with the value           */
	uint64_t              expected;    /* PUT, DELETE: the key's revision    */
};

/* All of it happens, or none.  A change without a PUT or DELETE takes no
 * revision (a refusal that is only audited). */
struct rh_store_change {
	const struct rh_store_op *ops;
	size_t                    op_count;
	const char *const        *audits;
	size_t                    audit_count;
};

struct rh_store_record {
	const char *key;
	const void *value;        /* NULL for a tombstone                       */
	size_t      value_bytes;
	uint64_t    revision;
	uint64_t    generation;
	uint64_t    created;      /* the revision that made the key             */
};

struct rh_store_audit {
	uint64_t             seq;     /* from 1, without gaps                   */
	const char          *text;
	const unsigned char *hash;    /* RH_STORE_HASH_BYTES                    */
};

struct rh_store_info {
	unsigned char id[RH_STORE_ID_BYTES];
	uint64_t      revision;
	uint64_t      compacted;      /* changes since an older one are gone    */
	uint64_t      audit_seq;      /* the last entry, 0 when there is none   */
	uint64_t      restored;       /* the revision of the backup that it was
	                                 put back from since it was open, else 0 */
	char          path[256];
};

/* A visitor returns 0 to go on, anything else to stop; that value is returned. */
typedef int rh_store_visit(void *user, const struct rh_store_record *record);
typedef int rh_store_audit_visit(void *user, const struct rh_store_audit *entry);

/* What an implementation supplies.  Arguments are already checked. */
struct rh_store_ops {
	const char *name;
	uint32_t    abi;
	int (*get)(struct rh_store *store, const char *key, rh_store_visit *visit,
	           void *user);
	int (*list)(struct rh_store *store, const char *prefix, const char *after,
	            size_t limit, rh_store_visit *visit, void *user);
	int (*changes)(struct rh_store *store, uint64_t since, size_t limit,
	               rh_store_visit *visit, void *user);
	int (*write)(struct rh_store *store, const struct rh_store_change *change,
	             uint64_t *ret_revision, struct rh_diag *diag);
	int (*sync)(struct rh_store *store, struct rh_diag *diag);
	int (*blob_get)(struct rh_store *store, const char *hash,
	                rh_store_visit *visit, void *user);
	int (*audit_list)(struct rh_store *store, uint64_t before, size_t limit,
	                  rh_store_audit_visit *visit, void *user);
	void (*info)(struct rh_store *store, struct rh_store_info *ret_info);
	void (*close)(struct rh_store *store);
};

/* The head of every implementation's own struct. */
struct rh_store {
	const struct rh_store_ops *ops;
};

/* Opens the SQLite file dir/store.db, or makes it when there is none.
 * RH_ESTORE  damaged, foreign, of a newer schema, read-only, held by another
 *            process; the reason says which and names the file. */
int rh_store_sqlite_open(const char *dir, struct rh_store **ret_store,
                         struct rh_diag *diag);

/* A store in memory, gone with close. */
int rh_store_memory_open(struct rh_store **ret_store, struct rh_diag *diag);

/* Memory store only: the next syncs fail with that code until it is RH_OK. */
void rh_store_memory_fail(struct rh_store *store, int code);

/* Calls visit once.  RH_ENOENT  there is no such key. */
int rh_store_get(struct rh_store *store, const char *key, rh_store_visit *visit,
                 void *user);

/* Visits live keys that begin with prefix and sort after `after` (NULL: from the
 * first), in byte order, at most limit of them; returns how many. */
int rh_store_list(struct rh_store *store, const char *prefix, const char *after,
                  size_t limit, rh_store_visit *visit, void *user);

/* Visits the latest state of each key that changed after revision since, oldest
 * first, deletions as tombstones; returns how many.
 * RH_ESTALE  since is older than what is kept: start again from a list. */
int rh_store_changes(struct rh_store *store, uint64_t since, size_t limit,
                     rh_store_visit *visit, void *user);

/* The same of what is kept, however old since is: all live keys, but perhaps not all
 * deletions up to rh_store_info.compacted. */
int rh_store_kept(struct rh_store *store, uint64_t since, size_t limit,
                  rh_store_visit *visit, void *user);

/* Compares every op's expected revision, then does all of the change.
 * RH_ESTALE  a key is at another revision; RH_EEXIST it is there though
 * RH_STORE_ABSENT was expected; RH_ENOENT a key to delete is not there.
 * In these cases nothing changed.  RH_EINVAL, RH_EMSGSIZE: a limit. */
int rh_store_write(struct rh_store *store, const struct rh_store_change *change,
                   uint64_t *ret_revision, struct rh_diag *diag);

/* Makes everything written durable.  Cheap when nothing was written. */
int rh_store_sync(struct rh_store *store, struct rh_diag *diag);

/* RH_ENOENT  no such blob.  The record's key is the hash. */
int rh_store_blob_get(struct rh_store *store, const char *hash,
                      rh_store_visit *visit, void *user);

/* Visits entries below seq `before` (0: from the newest), newest first. */
int rh_store_audit_list(struct rh_store *store, uint64_t before, size_t limit,
                        rh_store_audit_visit *visit, void *user);

void rh_store_info(struct rh_store *store, struct rh_store_info *ret_info);

/* Undoes what was not synced.  NULL is accepted. */
void rh_store_close(struct rh_store *store);

#endif
