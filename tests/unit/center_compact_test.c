/* A store forgets its oldest deletions, and then says so to who asks for them. */
#include "../../base/diag.h"
#include "../../center/store/sqlite.h"
#include "../../center/store/store.h"
#include "../../model/error.h"
#include "../support/scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { KEYS = 4096, CHANGES = RH_STORE_TOMBSTONES_KEEP / KEYS + 2 };

static char             dir[SCENE_PATH];
static struct rh_store *store;

static void open_store(void)
{
	struct rh_diag diag = { 0 };

	assert_int_equal(rh_store_sqlite_open(dir, &store, &diag), RH_OK);
}

/* One change of so many keys, which are its own. */
static void change_all(enum rh_store_op_kind kind, unsigned number)
{
	static struct rh_store_op ops[KEYS];
	static char               keys[KEYS][24];
	struct rh_store_change    change = { .ops = ops, .op_count = KEYS };
	struct rh_diag            diag = { 0 };
	uint64_t                  revision;

	for (unsigned i = 0; i < KEYS; i++) {
		snprintf(keys[i], sizeof keys[i], "/k/%06u", number * KEYS + i);
		ops[i] = (struct rh_store_op){
			.kind = kind, .key = keys[i], .value = "", .expected = RH_STORE_ANY,
		};
	}
	assert_int_equal(rh_store_write(store, &change, &revision, &diag), RH_OK);
}

static int count(void *user, const struct rh_store_record *record)
{
	assert_null(record->value);
	(*(unsigned *)user)++;
	return 0;
}

static void check_what_is_known(void)
{
	struct rh_store_info info;
	unsigned             seen = 0;

	rh_store_info(store, &info);
	assert_true(info.compacted > CHANGES && info.compacted < info.revision);
	for (uint64_t since = 0; since < info.compacted; since++)
		assert_int_equal(rh_store_changes(store, since, 1, count, &seen),
		                 RH_ESTALE);
	assert_int_equal(seen, 0);
	assert_true(rh_store_changes(store, info.compacted, UINT32_MAX, count, &seen) > 0);
	assert_true(seen >= RH_STORE_TOMBSTONES_KEEP - KEYS);
	assert_true(seen <= RH_STORE_TOMBSTONES_KEEP + KEYS);
}

static void who_asks_for_what_was_forgotten_is_told(void **state)
{
	struct rh_diag diag = { 0 };

	(void)state;
	scene_dir(dir);
	open_store();
	for (unsigned i = 0; i < CHANGES; i++)
		change_all(RH_STORE_PUT, i);
	for (unsigned i = 0; i < CHANGES; i++)
		change_all(RH_STORE_DELETE, i);
	assert_int_equal(rh_store_sync(store, &diag), RH_OK);
	check_what_is_known();
	rh_store_close(store);
	open_store();
	check_what_is_known();
	rh_store_close(store);
	scene_remove(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_asks_for_what_was_forgotten_is_told),
	};

	return cmocka_run_group_tests_name("center_compact", tests, NULL, NULL);
}
