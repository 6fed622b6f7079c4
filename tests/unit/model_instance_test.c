#include "model_fixture.h"

#include "../../model/error.h"
#include "../../model/instance.h"

static void init(struct rh_instance_table *table, uint32_t resources,
                 uint32_t capacity)
{
	size_t bytes = rh_instance_bytes(resources, capacity);
	void  *memory = aligned_alloc(RH_ALIGN, bytes);

	assert_non_null(memory);
	memset(memory, 0x5a, bytes);
	rh_instance_init(table, resources, capacity, 5, memory);
}

static int add(struct rh_instance_table *table, uint64_t id, uint32_t resource,
               uint32_t node, uint32_t role)
{
	struct rh_instance instance = {
		.id = id, .resource = resource, .pid = (uint32_t)id + 1000,
		.node = node, .role = role,
	};

	return rh_instance_add(table, &instance);
}

struct seen {
	uint64_t ids[8];
	int      count;
};

static void note(void *user, const struct rh_instance *instance)
{
	struct seen *seen = user;

	assert_true(seen->count < 8);
	seen->ids[seen->count++] = instance->id;
}

static void leases_come_and_go(void **state)
{
	struct rh_instance_table  table;
	const struct rh_instance *found;

	(void)state;
	init(&table, 3, 8);
	assert_int_equal(add(&table, 11, 1, 0, RH_LEASE_CALLEE), RH_OK);
	assert_int_equal(add(&table, 0, 1, 0, RH_LEASE_CALLER), RH_OK);
	found = rh_instance_find(&table, 11);
	assert_non_null(found);
	assert_int_equal(found->pid, 1011);
	assert_int_equal(found->resource, 1);
	assert_int_equal(rh_instance_count(&table, 1, RH_LEASE_CALLEE), 1);
	assert_int_equal(rh_instance_count(&table, 1, RH_LEASE_CALLER), 1);
	assert_int_equal(rh_instance_count(&table, 1, RH_LEASE_AGENT), 0);
	assert_int_equal(rh_instance_remove(&table, 11), RH_OK);
	assert_int_equal(rh_instance_remove(&table, 11), RH_ENOENT);
	assert_null(rh_instance_find(&table, 11));
	assert_int_equal(rh_instance_count(&table, 1, RH_LEASE_CALLEE), 0);
	assert_non_null(rh_instance_find(&table, 0));
	free(table.slots);
}

static void what_does_not_fit_is_refused(void **state)
{
	struct rh_instance_table table;

	(void)state;
	init(&table, 2, 2);
	assert_int_equal(add(&table, RH_MAP_NONE, 0, 0, 0), RH_EINVAL);
	assert_int_equal(add(&table, 1, 2, 0, 0), RH_EINVAL);
	assert_int_equal(add(&table, 1, 0, 0, RH_LEASES), RH_EINVAL);
	assert_int_equal(add(&table, 1, 0, 0, RH_LEASE_CALLER), RH_OK);
	assert_int_equal(add(&table, 1, 1, 0, RH_LEASE_CALLEE), RH_EEXIST);
	assert_int_equal(add(&table, 2, 0, 0, RH_LEASE_CALLER), RH_OK);
	assert_int_equal(add(&table, 3, 0, 0, RH_LEASE_CALLER), RH_ENOSPC);
	assert_null(rh_instance_find(&table, 3));
	assert_int_equal(rh_instance_remove(&table, 1), RH_OK);
	assert_int_equal(add(&table, 3, 1, 0, RH_LEASE_CALLER), RH_OK);
	assert_int_equal(rh_instance_count(&table, 0, RH_LEASE_CALLER), 1);
	assert_int_equal(rh_instance_count(&table, 1, RH_LEASE_CALLER), 1);
	assert_int_equal(rh_instance_count(&table, 2, RH_LEASE_CALLER), 0);
	assert_int_equal(rh_instance_count(&table, 0, RH_LEASES), 0);
	assert_int_equal(rh_instance_count(&table, 0, -1), 0);
	free(table.slots);
}

static void walked_oldest_first_and_dropped_by_node(void **state)
{
	struct rh_instance_table table;
	struct seen              seen = { .count = 0 }, gone = { .count = 0 };

	(void)state;
	init(&table, 2, 8);
	for (uint64_t id = 1; id <= 6; id++)
		assert_int_equal(add(&table, id, id == 4, (uint32_t)id % 2,
		                     RH_LEASE_CALLEE), RH_OK);
	assert_int_equal(rh_instance_walk(&table, 0, note, &seen), 5);
	assert_int_equal(seen.ids[0], 1);
	assert_int_equal(seen.ids[3], 5);
	assert_int_equal(seen.ids[4], 6);

	/* The link of the agent on node 1 is lost: 1, 3 and 5 end. */
	assert_int_equal(rh_instance_remove_all(&table, 0, 1, note, &gone), 3);
	assert_int_equal(gone.ids[0], 1);
	assert_int_equal(gone.ids[1], 3);
	assert_int_equal(gone.ids[2], 5);
	seen.count = 0;
	assert_int_equal(rh_instance_walk(&table, 0, note, &seen), 2);
	assert_int_equal(seen.ids[0], 2);
	assert_int_equal(seen.ids[1], 6);
	assert_int_equal(rh_instance_remove_all(&table, 0, RH_ANY_NODE, NULL, NULL), 2);
	assert_int_equal(rh_instance_walk(&table, 0, note, &seen), 0);
	assert_int_equal(rh_instance_count(&table, 1, RH_LEASE_CALLEE), 1);
	free(table.slots);
}

#define IDS 24

static void agrees_with_a_plain_array(void **state)
{
	uint64_t                 seed = 4711;
	int                      owner[IDS]; /* resource + 1, 0 when gone */
	uint32_t                 used = 0;
	struct rh_instance_table table;

	(void)state;
	print_message("seed %llu\n", (unsigned long long)seed);
	memset(owner, 0, sizeof owner);
	init(&table, 3, 16);
	for (int step = 0; step < 20000; step++) {
		uint32_t id = random_below(&seed, IDS);
		uint32_t resource = random_below(&seed, 3);
		int      want;

		if (random_below(&seed, 2)) {
			want = owner[id] ? (int)RH_EEXIST :
			       used == 16 ? (int)RH_ENOSPC : (int)RH_OK;
			assert_int_equal(add(&table, id, resource, 0, RH_LEASE_CALLER),
			                 want);
			if (want == RH_OK) {
				owner[id] = (int)resource + 1;
				used++;
			}
		} else {
			want = owner[id] ? RH_OK : RH_ENOENT;
			assert_int_equal(rh_instance_remove(&table, id), want);
			used -= owner[id] != 0;
			owner[id] = 0;
		}
		for (uint32_t r = 0; r < 3; r++) {
			uint32_t count = 0;

			for (uint32_t i = 0; i < IDS; i++)
				count += owner[i] == (int)r + 1;
			assert_int_equal(rh_instance_count(&table, r, RH_LEASE_CALLER),
			                 count);
		}
	}
	assert_int_equal(table.used, used);
	free(table.slots);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leases_come_and_go),
		cmocka_unit_test(what_does_not_fit_is_refused),
		cmocka_unit_test(walked_oldest_first_and_dropped_by_node),
		cmocka_unit_test(agrees_with_a_plain_array),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
