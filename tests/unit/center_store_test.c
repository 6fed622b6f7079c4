/* One conformance suite over every store, then what only files can suffer. */
#include "../../center/store/chain.h"
#include "../../center/store/store.h"
#include "../../model/error.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

struct fixture {
	struct rh_store *store;
	char             dir[64];
	int              is_file;
};

static int set_up(void **state, int is_file)
{
	struct fixture *fixture = calloc(1, sizeof *fixture);
	struct rh_diag  diag = { 0 };

	if (!fixture)
		return -1;
	fixture->is_file = is_file;
	snprintf(fixture->dir, sizeof fixture->dir, "/tmp/rhodes-store-XXXXXX");
	if (!mkdtemp(fixture->dir))
		return -1;
	*state = fixture;
	return is_file ? rh_store_sqlite_open(fixture->dir, &fixture->store, &diag)
	               : rh_store_memory_open(&fixture->store, &diag);
}

static int set_up_file(void **state)
{
	return set_up(state, 1);
}

static int set_up_memory(void **state)
{
	return set_up(state, 0);
}

static void path_of(const struct fixture *fixture, const char *name, char *path,
                    size_t cap)
{
	snprintf(path, cap, "%s/%s", fixture->dir, name);
}

static int tear_down(void **state)
{
	static const char *const names[] = {
		"store.db", "store.db-wal", "store.db-shm", "store.db.new",
		"store.db.new-wal", "store.db.new-shm", "store.mark",
	};
	struct fixture *fixture = *state;
	char            path[128];

	rh_store_close(fixture->store);
	chmod(fixture->dir, 0700);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		path_of(fixture, names[i], path, sizeof path);
		unlink(path);
	}
	rmdir(fixture->dir);
	free(fixture);
	return 0;
}

/* What a visitor saw, as one line: "key=value@revision.generation.created;" */
struct seen {
	char   text[4096];
	size_t len;
	int    stop_after;
	int    count;
};

static int see(void *user, const struct rh_store_record *record)
{
	struct seen *seen = user;

	seen->len += (size_t)snprintf(seen->text + seen->len,
		sizeof seen->text - seen->len, "%s=%.*s@%llu.%llu.%llu;", record->key,
		record->value ? (int)record->value_bytes : 1,
		record->value ? (const char *)record->value : "-",
		(unsigned long long)record->revision,
		(unsigned long long)record->generation,
		(unsigned long long)record->created);
	return ++seen->count == seen->stop_after ? 77 : 0;
}

static int write_op(struct rh_store *store, enum rh_store_op_kind kind,
                    const char *key, const char *value, uint64_t expected,
                    uint64_t *ret_revision)
{
	struct rh_store_op op = {
		.kind = kind, .key = key, .value = value,
		.value_bytes = value ? strlen(value) : 0, .generation = 3,
		.expected = expected,
	};
	struct rh_store_change change = { .ops = &op, .op_count = 1 };
	struct rh_diag         diag;

	return rh_store_write(store, &change, ret_revision, &diag);
}

static uint64_t put(struct rh_store *store, const char *key, const char *value)
{
	uint64_t revision = 0;

	assert_int_equal(write_op(store, RH_STORE_PUT, key, value, RH_STORE_ANY,
	                          &revision), RH_OK);
	return revision;
}

static void sync_ok(struct rh_store *store)
{
	struct rh_diag diag;

	assert_int_equal(rh_store_sync(store, &diag), RH_OK);
}

static uint64_t revision_of(struct rh_store *store)
{
	struct rh_store_info info;

	rh_store_info(store, &info);
	return info.revision;
}

/* Close and open: a file must show the same again. */
static void reopen(struct fixture *fixture)
{
	struct rh_diag diag = { 0 };

	if (!fixture->is_file)
		return;
	rh_store_close(fixture->store);
	fixture->store = NULL;
	int err = rh_store_sqlite_open(fixture->dir, &fixture->store, &diag);
	if (err)
		fail_msg("reopen: %s", diag.text);
}

static void put_get_and_revisions(void **state)
{
	struct fixture *fixture = *state;
	struct seen     seen = { .len = 0 };

	assert_int_equal(revision_of(fixture->store), 0);
	assert_int_equal(put(fixture->store, "/a/one", "1"), 1);
	assert_int_equal(put(fixture->store, "/a/two", "2"), 2);
	assert_int_equal(put(fixture->store, "/a/one", "11"), 3);
	sync_ok(fixture->store);
	reopen(fixture);
	assert_int_equal(revision_of(fixture->store), 3);
	assert_int_equal(rh_store_get(fixture->store, "/a/one", see, &seen), 1);
	assert_string_equal(seen.text, "/a/one=11@3.3.1;");
	assert_int_equal(rh_store_get(fixture->store, "/a/three", see, &seen),
	                 RH_ENOENT);
}

static void compare_and_swap(void **state)
{
	struct rh_store *store = ((struct fixture *)*state)->store;
	uint64_t         revision = 99;

	assert_int_equal(write_op(store, RH_STORE_PUT, "/k", "a", 5, &revision),
	                 RH_ESTALE);
	assert_int_equal(revision, 99);
	assert_int_equal(write_op(store, RH_STORE_PUT, "/k", "a", RH_STORE_ABSENT,
	                          &revision), RH_OK);
	assert_int_equal(write_op(store, RH_STORE_PUT, "/k", "b", RH_STORE_ABSENT,
	                          &revision), RH_EEXIST);
	assert_int_equal(write_op(store, RH_STORE_PUT, "/k", "b", 1, &revision), RH_OK);
	assert_int_equal(write_op(store, RH_STORE_DELETE, "/k", NULL, 1, &revision),
	                 RH_ESTALE);
	assert_int_equal(write_op(store, RH_STORE_DELETE, "/k", NULL, 2, &revision),
	                 RH_OK);
	assert_int_equal(write_op(store, RH_STORE_DELETE, "/k", NULL, RH_STORE_ANY,
	                          &revision), RH_ENOENT);
	assert_int_equal(revision_of(store), 3);
}

/* The second op fails: the first must not have happened. */
static void change_is_all_or_nothing(void **state)
{
	struct rh_store   *store = ((struct fixture *)*state)->store;
	struct rh_store_op ops[] = {
		{ RH_STORE_PUT, "/n", "x", 1, 1, RH_STORE_ABSENT },
		{ RH_STORE_DELETE, "/missing", NULL, 0, 0, RH_STORE_ANY },
	};
	const char            *audits[] = { "{\"n\":1}" };
	struct rh_store_change change = { ops, 2, audits, 1 };
	struct rh_store_info   info;
	struct seen            seen = { .len = 0 };
	uint64_t               revision = 0;

	put(store, "/m", "y");
	sync_ok(store);
	assert_int_equal(rh_store_write(store, &change, &revision, NULL), RH_ENOENT);
	assert_int_equal(rh_store_get(store, "/n", see, &seen), RH_ENOENT);
	rh_store_info(store, &info);
	assert_int_equal(info.revision, 1);
	assert_int_equal(info.audit_seq, 0);
	change.op_count = 1;
	assert_int_equal(rh_store_write(store, &change, &revision, NULL), RH_OK);
	assert_int_equal(revision, 2);
}

static void list_by_prefix_and_page(void **state)
{
	struct fixture *fixture = *state;
	struct seen     seen = { .len = 0 };

	put(fixture->store, "/r/b", "2");
	put(fixture->store, "/r/a", "1");
	put(fixture->store, "/r/c", "3");
	put(fixture->store, "/rr/x", "4");
	put(fixture->store, "/q", "5");
	assert_int_equal(write_op(fixture->store, RH_STORE_DELETE, "/r/c", NULL,
	                          RH_STORE_ANY, &(uint64_t){ 0 }), RH_OK);
	sync_ok(fixture->store);
	assert_int_equal(rh_store_list(fixture->store, "/r/", NULL, 9, see, &seen), 2);
	assert_string_equal(seen.text, "/r/a=1@2.3.2;/r/b=2@1.3.1;");
	seen = (struct seen){ .len = 0 };
	assert_int_equal(rh_store_list(fixture->store, "/r/", "/r/a", 9, see, &seen), 1);
	assert_string_equal(seen.text, "/r/b=2@1.3.1;");
	seen = (struct seen){ .len = 0 };
	assert_int_equal(rh_store_list(fixture->store, "/r/", NULL, 1, see, &seen), 1);
	assert_string_equal(seen.text, "/r/a=1@2.3.2;");
	seen = (struct seen){ .stop_after = 1 };
	assert_int_equal(rh_store_list(fixture->store, "/r/", NULL, 9, see, &seen), 77);
}

/* The latest state of each key after a revision; a deletion is a tombstone, and
 * a key made anew after it has a new beginning. */
static void changes_since(void **state)
{
	struct fixture *fixture = *state;
	struct seen     seen = { .len = 0 };
	uint64_t        revision;

	put(fixture->store, "/a", "1");
	put(fixture->store, "/b", "1");
	put(fixture->store, "/a", "2");
	assert_int_equal(write_op(fixture->store, RH_STORE_DELETE, "/b", NULL,
	                          RH_STORE_ANY, &revision), RH_OK);
	sync_ok(fixture->store);
	reopen(fixture);
	assert_int_equal(rh_store_changes(fixture->store, 0, 9, see, &seen), 2);
	assert_string_equal(seen.text, "/a=2@3.3.1;/b=-@4.3.2;");
	seen = (struct seen){ .len = 0 };
	assert_int_equal(rh_store_changes(fixture->store, 3, 9, see, &seen), 1);
	assert_string_equal(seen.text, "/b=-@4.3.2;");
	put(fixture->store, "/b", "new");
	seen = (struct seen){ .len = 0 };
	assert_int_equal(rh_store_changes(fixture->store, 4, 9, see, &seen), 1);
	assert_string_equal(seen.text, "/b=new@5.3.5;");
	seen = (struct seen){ .len = 0 };
	assert_int_equal(rh_store_changes(fixture->store, 5, 9, see, &seen), 0);
}

static void blobs_by_hash(void **state)
{
	struct fixture *fixture = *state;
	struct seen     seen = { .len = 0 };
	uint64_t        revision = 0;
	const char     *hash = "0123456789abcdef";

	assert_int_equal(rh_store_blob_get(fixture->store, hash, see, &seen), RH_ENOENT);
	assert_int_equal(write_op(fixture->store, RH_STORE_BLOB_PUT, hash, "bytes", 0,
	                          &revision), RH_OK);
	assert_int_equal(write_op(fixture->store, RH_STORE_BLOB_PUT, hash, "bytes", 0,
	                          &revision), RH_OK);
	sync_ok(fixture->store);
	reopen(fixture);
	assert_int_equal(rh_store_blob_get(fixture->store, hash, see, &seen), 1);
	assert_string_equal(seen.text, "0123456789abcdef=bytes@0.0.0;");
	assert_int_equal(write_op(fixture->store, RH_STORE_BLOB_DELETE, hash, NULL, 0,
	                          &revision), RH_OK);
	assert_int_equal(rh_store_blob_get(fixture->store, hash, see, &seen), RH_ENOENT);
	assert_int_equal(revision_of(fixture->store), 0); /* no object, no revision */
}

struct chain {
	unsigned char hash[8][RH_STORE_HASH_BYTES];
	char          text[8][32];
	uint64_t      seq[8];
	int           count;
};

static int see_audit(void *user, const struct rh_store_audit *entry)
{
	struct chain *chain = user;

	memcpy(chain->hash[chain->count], entry->hash, RH_STORE_HASH_BYTES);
	snprintf(chain->text[chain->count], 32, "%s", entry->text);
	chain->seq[chain->count++] = entry->seq;
	return 0;
}

static void write_audit(struct rh_store *store, const char *text)
{
	struct rh_store_change change = { .audits = &text, .audit_count = 1 };
	uint64_t               revision;

	assert_int_equal(rh_store_write(store, &change, &revision, NULL), RH_OK);
}

static void audit_is_a_chain(void **state)
{
	struct fixture *fixture = *state;
	struct chain    chain = { .count = 0 };
	unsigned char   hash[RH_STORE_HASH_BYTES] = { 0 };

	write_audit(fixture->store, "first");
	write_audit(fixture->store, "second");
	sync_ok(fixture->store);
	reopen(fixture);
	write_audit(fixture->store, "third");
	sync_ok(fixture->store);
	assert_int_equal(rh_store_audit_list(fixture->store, 0, 8, see_audit, &chain), 3);
	assert_string_equal(chain.text[0], "third");
	assert_int_equal(chain.seq[2], 1);
	for (int i = 2; i >= 0; i--) {
		rh_chain_next(hash, chain.text[i]);
		assert_memory_equal(hash, chain.hash[i], sizeof hash);
	}
	/* SHA-256 of that of the first and "second", by another program. */
	assert_int_equal(chain.hash[1][0] << 8 | chain.hash[1][1], 0xde1e);
	assert_int_equal(chain.hash[1][30] << 8 | chain.hash[1][31], 0x40a0);
	chain.count = 0;
	assert_int_equal(rh_store_audit_list(fixture->store, 3, 1, see_audit, &chain), 1);
	assert_string_equal(chain.text[0], "second");
}

/* What was not synced is not there after a close. */
static void unsynced_is_gone(void **state)
{
	struct fixture *fixture = *state;
	struct seen     seen = { .len = 0 };

	if (!fixture->is_file)
		skip();
	put(fixture->store, "/a", "1");
	sync_ok(fixture->store);
	put(fixture->store, "/b", "2");
	write_audit(fixture->store, "lost");
	reopen(fixture);
	assert_int_equal(rh_store_get(fixture->store, "/b", see, &seen), RH_ENOENT);
	assert_int_equal(revision_of(fixture->store), 1);
	assert_int_equal(put(fixture->store, "/c", "3"), 2);
}

static void limits_are_refused(void **state)
{
	struct rh_store *store = ((struct fixture *)*state)->store;
	char             key[RH_STORE_KEY_MAX + 2];
	uint64_t         revision;
	struct rh_store_op     op = { RH_STORE_PUT, "/big", "", RH_STORE_VALUE_MAX + 1,
	                              1, RH_STORE_ANY };
	struct rh_store_change change = { .ops = &op, .op_count = 1 };

	memset(key, 'k', sizeof key - 1);
	key[sizeof key - 1] = '\0';
	assert_int_equal(write_op(store, RH_STORE_PUT, key, "v", RH_STORE_ANY, &revision),
	                 RH_EINVAL);
	assert_int_equal(write_op(store, RH_STORE_PUT, "", "v", RH_STORE_ANY, &revision),
	                 RH_EINVAL);
	assert_int_equal(rh_store_write(store, &change, &revision, NULL), RH_EMSGSIZE);
	change.op_count = RH_STORE_OPS_MAX + 1;
	assert_int_equal(rh_store_write(store, &change, &revision, NULL), RH_EMSGSIZE);
	assert_int_equal(revision_of(store), 0);
}

static void values_may_be_empty_or_binary(void **state)
{
	struct fixture    *fixture = *state;
	struct seen        seen = { .len = 0 };
	struct rh_store_op op = { RH_STORE_PUT, "/e", NULL, 0, 1, RH_STORE_ANY };
	struct rh_store_change change = { .ops = &op, .op_count = 1 };
	uint64_t           revision;

	assert_int_equal(rh_store_write(fixture->store, &change, &revision, NULL), RH_OK);
	sync_ok(fixture->store);
	reopen(fixture);
	assert_int_equal(rh_store_get(fixture->store, "/e", see, &seen), 1);
	assert_string_equal(seen.text, "/e=@1.1.1;");
}

static void memory_sync_fails_and_undoes(void **state)
{
	struct rh_store     *store = ((struct fixture *)*state)->store;
	struct seen          seen = { .len = 0 };
	struct rh_store_info info;
	uint64_t             revision;

	put(store, "/a", "old");
	write_audit(store, "kept");
	sync_ok(store);
	rh_store_memory_fail(store, RH_ENOSPC);
	put(store, "/a", "new");
	put(store, "/b", "new");
	write_audit(store, "lost");
	assert_int_equal(write_op(store, RH_STORE_DELETE, "/a", NULL, RH_STORE_ANY,
	                          &revision), RH_OK);
	assert_int_equal(rh_store_sync(store, NULL), RH_ENOSPC);
	assert_int_equal(rh_store_get(store, "/a", see, &seen), 1);
	assert_string_equal(seen.text, "/a=old@1.3.1;");
	assert_int_equal(rh_store_get(store, "/b", see, &seen), RH_ENOENT);
	rh_store_info(store, &info);
	assert_int_equal(info.revision, 1);
	assert_int_equal(info.audit_seq, 1);
	rh_store_memory_fail(store, RH_OK);
	assert_int_equal(put(store, "/b", "again"), 2);
	sync_ok(store);
}

/* ---- files ---- */

static void fill(struct rh_store *store, int count)
{
	char key[32], value[512];

	memset(value, 'v', sizeof value - 1);
	value[sizeof value - 1] = '\0';
	for (int i = 0; i < count; i++) {
		snprintf(key, sizeof key, "/fill/%06d", i);
		put(store, key, value);
	}
	sync_ok(store);
}

/* Opening must fail, with the path and these words in the reason. */
static void open_fails(struct fixture *fixture, const char *words)
{
	struct rh_diag   diag = { 0 };
	struct rh_store *store = NULL;

	assert_int_equal(rh_store_sqlite_open(fixture->dir, &store, &diag), RH_ESTORE);
	assert_null(store);
	assert_int_equal(diag.code, RH_ESTORE);
	assert_non_null(strstr(diag.text, fixture->dir));
	if (!strstr(diag.text, words))
		fail_msg("'%s' is not in '%s'", words, diag.text);
}

static void shut(struct fixture *fixture)
{
	rh_store_close(fixture->store);
	fixture->store = NULL;
}

static void truncated_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct stat     st;
	char            path[128];

	fill(fixture->store, 400);
	shut(fixture);
	path_of(fixture, "store.db", path, sizeof path);
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size > 65536);
	assert_int_equal(truncate(path, st.st_size / 2), 0);
	open_fails(fixture, "damaged or truncated");
	assert_int_equal(truncate(path, 50), 0);
	open_fails(fixture, "damaged or truncated");
	assert_int_equal(truncate(path, 0), 0);
	open_fails(fixture, "is empty");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 0); /* and nothing was put in its place */
}

static void overwrite(const char *path, long at, const void *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, len, at), (ssize_t)len);
	close(fd);
}

static void foreign_is_refused(void **state)
{
	struct fixture *fixture = *state;
	char            path[128];

	shut(fixture);
	path_of(fixture, "store.db", path, sizeof path);
	/* application_id stands at offset 68 of the header. */
	overwrite(path, 68, "\0\0\0\7", 4);
	open_fails(fixture, "not a store of Rhodes");
	overwrite(path, 0, "#!/bin/sh\necho hello, this is no database\n", 42);
	open_fails(fixture, "not a store of Rhodes");
}

static void newer_schema_is_refused(void **state)
{
	struct fixture *fixture = *state;
	char            path[128];

	shut(fixture);
	path_of(fixture, "store.db", path, sizeof path);
	/* user_version stands at offset 60. */
	overwrite(path, 60, "\0\0\0\11", 4);
	open_fails(fixture, "schema 9 is newer");
}

static void damage_inside_is_refused(void **state)
{
	struct fixture *fixture = *state;
	char            path[128], junk[4096];

	fill(fixture->store, 400);
	shut(fixture);
	memset(junk, 0x5a, sizeof junk);
	path_of(fixture, "store.db", path, sizeof path);
	for (long page = 8; page < 40; page++)
		overwrite(path, page * 4096, junk, sizeof junk);
	open_fails(fixture, "damaged");
}

static void lost_file_with_journal_is_refused(void **state)
{
	struct fixture *fixture = *state;
	char            path[128];

	shut(fixture);
	path_of(fixture, "store.db", path, sizeof path);
	assert_int_equal(unlink(path), 0);
	path_of(fixture, "store.db-wal", path, sizeof path);
	overwrite(path, 0, "something", 9);
	open_fails(fixture, "is missing but its -wal is there");
}

static void second_opener_is_refused(void **state)
{
	struct fixture *fixture = *state;
	int             status;

	put(fixture->store, "/a", "1");
	sync_ok(fixture->store);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct rh_store *store;
		struct rh_diag   diag = { 0 };
		int err = rh_store_sqlite_open(fixture->dir, &store, &diag);

		_exit(err == RH_ESTORE && strstr(diag.text, "another process") ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* Root may write anywhere, so the child becomes somebody else. */
static void read_only_is_refused(void **state)
{
	struct fixture *fixture = *state;
	char            path[128];
	int             status;

	put(fixture->store, "/a", "1");
	sync_ok(fixture->store);
	shut(fixture);
	path_of(fixture, "store.db", path, sizeof path);
	assert_int_equal(chmod(path, 0444), 0);
	assert_int_equal(chmod(fixture->dir, 0555), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct rh_store *store;
		struct rh_diag   diag = { 0 };

		if (getuid() == 0 && setuid(65534) < 0)
			_exit(2);
		int err = rh_store_sqlite_open(fixture->dir, &store, &diag);
		_exit(err == RH_ESTORE && strstr(diag.text, "read-only") ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* The file may not grow: writes are refused as a full disk, reads go on, what was
 * synced stays, and after room is made writes work again. */
static void full_disk_child(struct fixture *fixture)
{
	struct rlimit   old, small = { 300000, RLIM_INFINITY };
	struct rh_diag  diag = { 0 };
	struct seen     seen = { .len = 0 };
	char            value[20000];
	uint64_t        revision;
	int             err = RH_OK, tries = 0;

	signal(SIGXFSZ, SIG_IGN);
	memset(value, 'x', sizeof value - 1);
	value[sizeof value - 1] = '\0';
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small.rlim_max = old.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	while (err == RH_OK && tries++ < 1000) {
		err = write_op(fixture->store, RH_STORE_PUT, "/big", value, RH_STORE_ANY,
		               &revision);
		if (err == RH_OK)
			err = rh_store_sync(fixture->store, &diag);
	}
	assert_int_equal(err, RH_ENOSPC);
	assert_non_null(strstr(diag.text, "the disk is full"));
	assert_non_null(strstr(diag.text, fixture->dir));
	assert_int_equal(rh_store_get(fixture->store, "/a", see, &seen), 1);
	assert_string_equal(seen.text, "/a=1@1.3.1;");
	uint64_t before = revision_of(fixture->store);
	assert_int_equal(before, (uint64_t)tries); /* the failed one took none */
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(put(fixture->store, "/after", "2"), before + 1);
	sync_ok(fixture->store);
}

static void full_disk_refuses_writes(void **state)
{
	struct fixture *fixture = *state;
	struct seen     seen = { .len = 0 };

	put(fixture->store, "/a", "1");
	sync_ok(fixture->store);
	full_disk_child(fixture);
	reopen(fixture);
	assert_int_equal(rh_store_get(fixture->store, "/after", see, &seen), 1);
}

static void full_disk_at_creation(void **state)
{
	struct fixture *fixture = *state;
	struct rlimit   old, small = { 3000, RLIM_INFINITY };
	struct rh_diag  diag = { 0 };
	char            path[128];

	shut(fixture);
	path_of(fixture, "store.db", path, sizeof path);
	assert_int_equal(unlink(path), 0);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small.rlim_max = old.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	int err = rh_store_sqlite_open(fixture->dir, &fixture->store, &diag);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(err, RH_ENOSPC);
	assert_non_null(strstr(diag.text, "the disk is full"));
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(rh_store_sqlite_open(fixture->dir, &fixture->store, &diag),
	                 RH_OK);
}

/* ---- that the disk was really told ---- */

static int                          syncs;
static int (*real_open)(sqlite3_vfs *, const char *, sqlite3_file *, int, int *);
static int (*real_sync)(sqlite3_file *, int);
static sqlite3_io_methods           counted;

static int count_sync(sqlite3_file *file, int flags)
{
	syncs++;
	return real_sync(file, flags);
}

static int open_counted(sqlite3_vfs *vfs, const char *name, sqlite3_file *file,
                        int flags, int *ret_flags)
{
	int rc = real_open(vfs, name, file, flags, ret_flags);

	if (rc == SQLITE_OK && file->pMethods && (flags & SQLITE_OPEN_WAL)) {
		counted = *file->pMethods;
		real_sync = counted.xSync;
		counted.xSync = count_sync;
		file->pMethods = &counted;
	}
	return rc;
}

static void each_sync_reaches_the_disk(void **state)
{
	struct fixture *fixture = *state;
	sqlite3_vfs    *vfs = sqlite3_vfs_find(NULL);
	struct rh_diag  diag;

	real_open = vfs->xOpen;
	vfs->xOpen = open_counted;
	reopen(fixture);
	for (int i = 0; i < 5; i++) {
		int before = syncs;

		put(fixture->store, "/a", "1");
		put(fixture->store, "/b", "2");
		assert_int_equal(syncs, before); /* together, at the end */
		assert_int_equal(rh_store_sync(fixture->store, &diag), RH_OK);
		assert_true(syncs > before);
		before = syncs;
		assert_int_equal(rh_store_sync(fixture->store, &diag), RH_OK);
		assert_int_equal(syncs, before); /* nothing was written */
	}
	vfs->xOpen = real_open;
	shut(fixture);
}

static void store_id_is_made_once(void **state)
{
	struct fixture      *fixture = *state;
	struct rh_store_info before, after;

	rh_store_info(fixture->store, &before);
	reopen(fixture);
	rh_store_info(fixture->store, &after);
	assert_memory_equal(before.id, after.id, sizeof before.id);
	for (size_t i = 0; i < sizeof before.id; i++)
		before.id[0] |= before.id[i];
	assert_int_not_equal(before.id[0], 0);
}

#define BOTH(test) \
	{ "memory: " #test, test, set_up_memory, tear_down, NULL }, \
	{ "sqlite: " #test, test, set_up_file, tear_down, NULL }
#define FILE_ONLY(test) { "sqlite: " #test, test, set_up_file, tear_down, NULL }

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(put_get_and_revisions),
		BOTH(compare_and_swap),
		BOTH(change_is_all_or_nothing),
		BOTH(list_by_prefix_and_page),
		BOTH(changes_since),
		BOTH(blobs_by_hash),
		BOTH(audit_is_a_chain),
		BOTH(limits_are_refused),
		BOTH(values_may_be_empty_or_binary),
		BOTH(store_id_is_made_once),
		FILE_ONLY(unsynced_is_gone),
		FILE_ONLY(each_sync_reaches_the_disk),
		{ "memory: sync fails", memory_sync_fails_and_undoes, set_up_memory,
		  tear_down, NULL },
		FILE_ONLY(truncated_is_refused),
		FILE_ONLY(foreign_is_refused),
		FILE_ONLY(newer_schema_is_refused),
		FILE_ONLY(damage_inside_is_refused),
		FILE_ONLY(lost_file_with_journal_is_refused),
		FILE_ONLY(second_opener_is_refused),
		FILE_ONLY(read_only_is_refused),
		FILE_ONLY(full_disk_refuses_writes),
		FILE_ONLY(full_disk_at_creation),
	};

	return cmocka_run_group_tests_name("center_store", tests, NULL, NULL);
}
