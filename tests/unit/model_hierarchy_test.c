#include "model_fixture.h"

#include "../../model/error.h"
#include "../../model/hierarchy.h"

static void types_have_names(void **state)
{
	static const char *const texts[] = {
		"application", "service", "driver", "hardware",
	};

	(void)state;
	for (int i = 0; i < RH_TYPES; i++) {
		assert_string_equal(rh_type_text(i), texts[i]);
		assert_int_equal(rh_type_parse(texts[i], strlen(texts[i])), i);
		assert_int_equal(rh_type_set(i), "ASDH"[i]);
	}
	assert_int_equal(rh_type_parse("", 0), RH_EINVAL);
	assert_int_equal(rh_type_parse("drive", 5), RH_EINVAL);
	assert_int_equal(rh_type_parse("drivers", 7), RH_EINVAL);
	assert_int_equal(rh_type_parse("Driver", 6), RH_EINVAL);
	assert_int_equal(rh_type_parse("driver\0", 7), RH_EINVAL);
	assert_string_equal(rh_type_text(RH_TYPES), "unregistered");
	assert_string_equal(rh_type_text(-1), "unregistered");
	assert_int_equal(rh_type_set(RH_TYPES), '?');
	assert_int_equal(rh_type_set(-1), '?');
}

static void privileges_have_names(void **state)
{
	(void)state;
	assert_int_equal(rh_privilege_parse("user", 4), RH_PRIVILEGE_USER);
	assert_int_equal(rh_privilege_parse("kernel", 6), RH_PRIVILEGE_KERNEL);
	assert_int_equal(rh_privilege_parse("root", 4), RH_EINVAL);
	assert_string_equal(rh_privilege_text(RH_PRIVILEGE_USER), "user");
	assert_string_equal(rh_privilege_text(RH_PRIVILEGE_KERNEL), "kernel");
	assert_string_equal(rh_privilege_text(RH_PRIVILEGES), "unknown");
	assert_string_equal(rh_privilege_text(-1), "unknown");
}

static void default_allows_all_below_and_nothing_else(void **state)
{
	static const int expected[RH_TYPES][RH_TYPES] = {
		{ 0, 1, 1, 1 },
		{ 0, 0, 1, 1 },
		{ 0, 0, 0, 1 },
		{ 0, 0, 0, 0 },
	};
	struct rh_hierarchy hierarchy;

	(void)state;
	memset(&hierarchy, 0xff, sizeof hierarchy);
	rh_hierarchy_init(&hierarchy, 3);
	assert_int_equal(hierarchy.revision, 3);
	for (int i = -1; i <= RH_TYPES; i++) {
		for (int j = -1; j <= RH_TYPES; j++) {
			int is_pair = i >= 0 && i < RH_TYPES && j >= 0 && j < RH_TYPES;

			assert_int_equal(rh_hierarchy_allows(&hierarchy, i, j),
			                 is_pair ? expected[i][j] : 0);
		}
	}
}

/* Every cell alone: set, seen there and nowhere else, and taken back. */
static void every_cell_is_its_own(void **state)
{
	struct rh_hierarchy hierarchy, empty;

	(void)state;
	rh_hierarchy_clear(&empty, 0);
	rh_hierarchy_clear(&hierarchy, 1);
	assert_true(rh_hierarchy_equal(&hierarchy, &empty));
	for (int cell = 0; cell < RH_TYPES * RH_TYPES; cell++) {
		int i = cell / RH_TYPES, j = cell % RH_TYPES;

		assert_int_equal(rh_hierarchy_set(&hierarchy, i, j, 1), RH_OK);
		for (int other = 0; other < RH_TYPES * RH_TYPES; other++)
			assert_int_equal(rh_hierarchy_allows(&hierarchy, other / RH_TYPES,
			                                     other % RH_TYPES),
			                 other == cell);
		assert_false(rh_hierarchy_equal(&hierarchy, &empty));
		assert_int_equal(rh_hierarchy_set(&hierarchy, i, j, 0), RH_OK);
	}
	assert_true(rh_hierarchy_equal(&hierarchy, &empty));
}

static void a_wrong_cell_is_refused(void **state)
{
	struct rh_hierarchy hierarchy, before;

	(void)state;
	rh_hierarchy_init(&hierarchy, 1);
	before = hierarchy;
	assert_int_equal(rh_hierarchy_set(&hierarchy, -1, 0, 1), RH_EINVAL);
	assert_int_equal(rh_hierarchy_set(&hierarchy, RH_TYPES, 0, 1), RH_EINVAL);
	assert_int_equal(rh_hierarchy_set(&hierarchy, 0, -1, 1), RH_EINVAL);
	assert_int_equal(rh_hierarchy_set(&hierarchy, 0, RH_TYPES, 1), RH_EINVAL);
	assert_int_equal(rh_hierarchy_set(&hierarchy, 0, 0, 2), RH_EINVAL);
	assert_int_equal(rh_hierarchy_set(&hierarchy, 0, 0, -1), RH_EINVAL);
	assert_memory_equal(&hierarchy, &before, sizeof before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(types_have_names),
		cmocka_unit_test(privileges_have_names),
		cmocka_unit_test(default_allows_all_below_and_nothing_else),
		cmocka_unit_test(every_cell_is_its_own),
		cmocka_unit_test(a_wrong_cell_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
