/* A store that is put back from a backup is another store. */
#include "../../center/store/store.h"
#include "../../model/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char             directory[32];
static struct rh_store *store;
static char             seen[64];

static int set_up(void **state)
{
	(void)state;
	strcpy(directory, "/tmp/rhodes-mark-XXXXXX");
	return mkdtemp(directory) ? 0 : -1;
}

static void path_of(const char *name, char path[64])
{
	snprintf(path, 64, "%s/%s", directory, name);
}

static void close_store(void)
{
	rh_store_close(store);
	store = NULL;
}

static int tear_down(void **state)
{
	static const char *const names[] = { "store.db", "store.db-wal", "store.mark",
	                                     "backup" };
	char                     path[64];

	(void)state;
	close_store();
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		path_of(names[i], path);
		unlink(path);
	}
	return rmdir(directory);
}

static struct rh_store_info open_store(void)
{
	struct rh_store_info info;
	struct rh_diag       diag;

	assert_int_equal(rh_store_sqlite_open(directory, &store, &diag), RH_OK);
	rh_store_info(store, &info);
	return info;
}

static uint64_t write_value(const char *value)
{
	struct rh_store_op op = {
		.kind = RH_STORE_PUT, .key = "/a", .value = value,
		.value_bytes = strlen(value), .expected = RH_STORE_ANY,
	};
	struct rh_store_change change = { .ops = &op, .op_count = 1 };
	uint64_t               revision;

	assert_int_equal(rh_store_write(store, &change, &revision, NULL), RH_OK);
	return revision;
}

static uint64_t put(const char *value)
{
	uint64_t revision = write_value(value);

	assert_int_equal(rh_store_sync(store, NULL), RH_OK);
	return revision;
}

static int see(void *user, const struct rh_store_record *record)
{
	(void)user;
	snprintf(seen, sizeof seen, "%.*s@%llu", (int)record->value_bytes,
	         (const char *)record->value, (unsigned long long)record->revision);
	return 0;
}

static void copy_file(const char *from, const char *to)
{
	char   path[64], bytes[65536];
	size_t len;
	FILE  *in, *out;

	path_of(from, path);
	assert_non_null(in = fopen(path, "r"));
	path_of(to, path);
	assert_non_null(out = fopen(path, "w"));
	while ((len = fread(bytes, 1, sizeof bytes, in)) > 0)
		assert_int_equal(fwrite(bytes, 1, len, out), len);
	fclose(in);
	assert_int_equal(fclose(out), 0);
}

/* The backup is of revision 1, the store came to 2. */
static struct rh_store_info make_backup(void)
{
	struct rh_store_info info;

	open_store();
	put("1");
	close_store();
	copy_file("store.db", "backup");
	info = open_store();
	put("2");
	write_value("3"); /* not synced: not acknowledged */
	close_store();
	return info;
}

static void an_old_backup_is_another_store(void **state)
{
	struct rh_store_info before = make_backup(), after;

	(void)state;
	copy_file("backup", "store.db");
	after = open_store();
	assert_memory_not_equal(after.id, before.id, sizeof after.id);
	assert_int_equal(after.restored, 1);
	assert_int_equal(after.revision, 2); /* none is given out twice */
	assert_int_equal(rh_store_changes(store, 1, 9, see, NULL), RH_ESTALE);
	assert_int_equal(rh_store_get(store, "/a", see, NULL), 1);
	assert_string_equal(seen, "1@1");
	assert_int_equal(put("4"), 3);
}

static void it_is_told_once(void **state)
{
	struct rh_store_info first, then;

	(void)state;
	make_backup();
	copy_file("backup", "store.db");
	first = open_store();
	put("4");
	close_store();
	then = open_store();
	assert_int_equal(then.restored, 0);
	assert_memory_equal(then.id, first.id, sizeof then.id);
}

static void what_was_not_acknowledged_makes_no_backup(void **state)
{
	struct rh_store_info before = make_backup(), after = open_store();

	(void)state;
	assert_int_equal(after.restored, 0);
	assert_int_equal(after.revision, 2);
	assert_memory_equal(after.id, before.id, sizeof after.id);
}

static void without_a_mark_it_is_taken_for_what_it_was(void **state)
{
	struct rh_store_info before = make_backup(), after;
	char                 path[64];

	(void)state;
	copy_file("backup", "store.db");
	path_of("store.mark", path);
	assert_int_equal(truncate(path, 7), 0);
	after = open_store();
	assert_memory_equal(after.id, before.id, sizeof after.id);
	assert_int_equal(after.revision, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_old_backup_is_another_store),
		TEST(it_is_told_once),
		TEST(what_was_not_acknowledged_makes_no_backup),
		TEST(without_a_mark_it_is_taken_for_what_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
