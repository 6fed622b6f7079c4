/* What an agent remembers of modules: which may follow, and how it lies on the disk. */
#include "../../agent/floor.h"
#include "../../model/error.h"
#include "../../wire/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct rh_floor floor_of(const char *caller, const char *rule, uint64_t version,
                                uint64_t revision)
{
	struct rh_floor floor = { .version = version, .revision = revision };

	snprintf(floor.caller, sizeof floor.caller, "%s", caller);
	snprintf(floor.callee, sizeof floor.callee, "lib");
	snprintf(floor.rule, sizeof floor.rule, "%s", rule);
	snprintf(floor.name, sizeof floor.name, "limiter");
	return floor;
}

static int judge(const struct rh_floors *floors, const struct rh_floor *wanted,
                 uint64_t leaves)
{
	struct rh_diag why;

	return rh_floors_judge(floors, wanted, leaves, &why);
}

static void what_may_follow(void **unused)
{
	struct rh_floors floors = { 0 };
	struct rh_floor  now = floor_of("app", "r", 20, 25);
	struct rh_floor  old = floor_of("app", "r", 19, 30);

	(void)unused;
	assert_int_equal(judge(&floors, &old, 0), RH_OK); /* nothing is known */
	assert_int_equal(rh_floors_put(&floors, &now), 1);
	assert_int_equal(rh_floors_put(&floors, &now), 0);
	assert_int_equal(judge(&floors, &now, 0), RH_OK);
	assert_int_equal(judge(&floors, &old, 0), RH_EPERM);
	assert_int_equal(judge(&floors, &old, 24), RH_EPERM); /* of before it was put */
	assert_int_equal(judge(&floors, &old, 25), RH_OK);
	/* Elsewhere, or for another rule or module, it says nothing. */
	struct rh_floor elsewhere = floor_of("app2", "r", 1, 1);
	struct rh_floor other = floor_of("app", "r2", 1, 1);

	assert_int_equal(judge(&floors, &elsewhere, 0), RH_OK);
	assert_int_equal(judge(&floors, &other, 0), RH_OK);
	other = floor_of("app", "r", 1, 1);
	other.name[0] = 0;
	assert_int_equal(judge(&floors, &other, 0), RH_OK);
	other = floor_of("app", "r", 1, 1);
	other.callee[0] = 0;
	assert_int_equal(judge(&floors, &other, 0), RH_OK);
	/* A store that counts anew: the version is above the revision of the rule. */
	now.revision = 3;
	assert_int_equal(rh_floors_put(&floors, &now), 1);
	assert_int_equal(judge(&floors, &old, 19), RH_EPERM);
	assert_int_equal(judge(&floors, &old, 20), RH_OK);
	/* Gone back: from there on. */
	assert_int_equal(rh_floors_put(&floors, &old), 1);
	assert_int_equal(floors.count, 1);
	assert_int_equal(judge(&floors, &old, 0), RH_OK);
	rh_floors_fini(&floors);
}

static void the_first_makes_room(void **unused)
{
	struct rh_floors floors = { 0 };
	struct rh_floor  floor, low;
	char             name[16];

	(void)unused;
	for (unsigned i = 0; i <= RH_FLOORS_MAX; i++) {
		snprintf(name, sizeof name, "app%u", i);
		floor = floor_of(name, "r", 20, 25);
		assert_int_equal(rh_floors_put(&floors, &floor), 1);
	}
	assert_int_equal(floors.count, RH_FLOORS_MAX);
	low = floor_of("app0", "r", 1, 1);
	assert_int_equal(judge(&floors, &low, 0), RH_OK);
	low = floor_of("app1", "r", 1, 1);
	assert_int_equal(judge(&floors, &low, 0), RH_EPERM);
	assert_int_equal(judge(&floors, &floor, 0), RH_OK);
	rh_floors_fini(&floors);
}

static void it_comes_back_from_the_disk(void **unused)
{
	unsigned char           bytes[1024];
	struct rh_floors        floors = { 0 }, again = { 0 };
	struct rh_floor         first = floor_of("app", "r", 20, 25);
	struct rh_floor         second = floor_of("app", "s", UINT64_MAX, 1);
	struct rh_record_writer writer;
	struct rh_record_reader reader;
	struct rh_record        record;

	(void)unused;
	memset(second.callee, 0, sizeof second.callee);
	memset(second.name, 0, sizeof second.name);
	rh_floors_put(&floors, &first);
	rh_floors_put(&floors, &second);
	assert_true(rh_floors_bytes(&floors) <= sizeof bytes);
	rh_record_begin(&writer, bytes, rh_floors_bytes(&floors));
	rh_floors_write(&floors, &writer);
	rh_record_read(&reader, bytes, writer.used);
	while (rh_record_next(&reader, &record) > 0) {
		assert_int_equal(record.tag, RH_TAG_FLOOR_ITEM);
		assert_int_equal(rh_floors_read(&again, &record), RH_OK);
	}
	assert_int_equal(again.count, 2);
	assert_memory_equal(again.at, floors.at, 2 * sizeof *again.at);
	/* What is cut off is none. */
	rh_record_read(&reader, bytes, writer.used);
	assert_int_equal(rh_record_next(&reader, &record), 1);
	for (uint32_t whole = record.len, len = 0; len < whole; len++) {
		record.len = len;
		assert_int_equal(rh_floors_read(&again, &record), RH_EPROTO);
	}
	assert_int_equal(again.count, 2);
	rh_floors_fini(&floors);
	rh_floors_fini(&again);
}

/* As many as there may be, with the longest names: the room that is said is enough. */
static void the_longest_fits(void **unused)
{
	struct rh_floors        floors = { 0 };
	struct rh_floor         floor = { .version = 1, .revision = 1 };
	struct rh_record_writer writer;

	(void)unused;
	memset(floor.caller, 'a', RH_NAME_MAX);
	memset(floor.callee, 'b', RH_NAME_MAX);
	memset(floor.rule, 'c', RH_NAME_MAX);
	memset(floor.name, 'd', RH_NAME_MAX);
	rh_floors_put(&floors, &floor);
	size_t len = rh_floors_bytes(&floors);
	void  *bytes = malloc(len);

	assert_non_null(bytes);
	rh_record_begin(&writer, bytes, len);
	rh_floors_write(&floors, &writer);
	assert_int_equal(writer.used, len);
	free(bytes);
	rh_floors_fini(&floors);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_may_follow), cmocka_unit_test(the_first_makes_room),
		cmocka_unit_test(it_comes_back_from_the_disk), cmocka_unit_test(the_longest_fits),
	};

	return cmocka_run_group_tests_name("agent_floor", tests, NULL, NULL);
}
