#include "model_fixture.h"

#include "../../model/error.h"
#include "../../model/map.h"

static void init(struct rh_map *map, uint32_t capacity, uint64_t seed)
{
	void *memory = aligned_alloc(RH_ALIGN, rh_map_bytes(capacity));

	assert_non_null(memory);
	rh_map_init(map, capacity, seed, memory);
}

static void fini(struct rh_map *map)
{
	free(map->keys);
}

static void inserts_finds_sets_removes(void **state)
{
	struct rh_map map;
	uint32_t      value = 99;

	(void)state;
	init(&map, 4, 0);
	assert_int_equal(rh_map_find(&map, 5, &value), RH_ENOENT);
	assert_int_equal(value, 99);
	assert_int_equal(rh_map_insert(&map, 5, 50), RH_OK);
	assert_int_equal(rh_map_insert(&map, 0, 1), RH_OK);
	assert_int_equal(rh_map_insert(&map, 5, 51), RH_EEXIST);
	assert_int_equal(rh_map_find(&map, 5, &value), RH_OK);
	assert_int_equal(value, 50);
	assert_int_equal(rh_map_set(&map, 5, 52), RH_OK);
	assert_int_equal(rh_map_find(&map, 5, &value), RH_OK);
	assert_int_equal(value, 52);
	assert_int_equal(rh_map_set(&map, 6, 60), RH_ENOENT);
	assert_true(rh_map_has(&map, 0));
	assert_false(rh_map_has(&map, 6));
	assert_false(rh_map_has(&map, RH_MAP_NONE));
	assert_int_equal(rh_map_remove(&map, RH_MAP_NONE), RH_ENOENT);
	assert_int_equal(rh_map_remove(&map, 6), RH_ENOENT);
	assert_int_equal(rh_map_remove(&map, 5), RH_OK);
	assert_int_equal(rh_map_remove(&map, 5), RH_ENOENT);
	assert_false(rh_map_has(&map, 5));
	fini(&map);
}

static void full_is_refused_and_moves_nothing(void **state)
{
	struct rh_map map;
	uint32_t      value;

	(void)state;
	for (uint32_t capacity = 1; capacity <= 40; capacity++) {
		init(&map, capacity, capacity);
		for (uint32_t i = 0; i < capacity; i++)
			assert_int_equal(rh_map_insert(&map, i, i), RH_OK);
		assert_int_equal(rh_map_insert(&map, capacity, 0), RH_ENOSPC);
		assert_int_equal(rh_map_insert(&map, 0, 7), RH_EEXIST);
		for (uint32_t i = 0; i < capacity; i++) {
			assert_int_equal(rh_map_find(&map, i, &value), RH_OK);
			assert_int_equal(value, i);
		}
		assert_false(rh_map_has(&map, capacity));
		fini(&map);
	}
}

/* 24 bytes an entry, as the matrix counts on. */
static void is_small(void **state)
{
	(void)state;
	assert_true(rh_map_bytes(1000000) <= 24000000 + 128);
	assert_int_equal(rh_map_bytes(7) % RH_ALIGN, 0);
}

#define KEYS     64
#define CAPACITY 48

/* The bucket where the key stands in a map that holds nothing else. */
static uint32_t home_of(struct rh_map *map, uint64_t key)
{
	uint32_t slot = 0;

	assert_int_equal(rh_map_insert(map, key, 0), RH_OK);
	while (map->keys[slot] != key)
		slot++;
	assert_int_equal(rh_map_remove(map, key), RH_OK);
	return slot / 8;
}

/* Keys whose homes are the last two buckets and the first, so that buckets run
 * over, over several buckets, and around the end. */
static void choose_keys(struct rh_map *map, uint64_t keys[KEYS])
{
	uint64_t key = 1;

	for (int count = 0; count < KEYS; key++) {
		uint32_t home = home_of(map, key);

		if (home == 0 || home + 2 >= map->buckets)
			keys[count++] = key;
	}
}

/* Random work against a plain array. */
static void agrees_with_a_plain_array(void **state)
{
	uint64_t      seed = 20240607;
	uint64_t      keys[KEYS];
	uint32_t      model[KEYS], present[KEYS] = { 0 };
	uint32_t      used = 0, value;
	int           strayed = 0;
	struct rh_map map;

	(void)state;
	print_message("seed %llu\n", (unsigned long long)seed);
	init(&map, CAPACITY, 3);
	choose_keys(&map, keys);
	for (int step = 0; step < 40000; step++) {
		uint32_t k = random_below(&seed, KEYS);
		int      insert = random_below(&seed, 100) < 55;

		if (insert) {
			int want = present[k] ? (int)RH_EEXIST :
			           used == CAPACITY ? (int)RH_ENOSPC : (int)RH_OK;

			assert_int_equal(rh_map_insert(&map, keys[k], (uint32_t)step),
			                 want);
			if (want == RH_OK) {
				present[k] = 1;
				model[k] = (uint32_t)step;
				used++;
			}
		} else {
			int want = present[k] ? RH_OK : RH_ENOENT;

			assert_int_equal(rh_map_remove(&map, keys[k]), want);
			used -= present[k];
			present[k] = 0;
		}
		assert_int_equal(map.used, used);
		rh_map_verify(&map);
		strayed += map.keys[3 * 8 - 1] != RH_MAP_NONE;
		for (uint32_t i = 0; i < KEYS; i++) {
			int r = rh_map_find(&map, keys[i], &value);

			assert_int_equal(r, present[i] ? RH_OK : RH_ENOENT);
			if (present[i])
				assert_int_equal(value, model[i]);
		}
	}
	/* Bucket 2 is nobody's home: that it filled means the run was long. */
	assert_true(strayed > 100);
	fini(&map);
}

static void a_copy_of_its_memory_can_be_used(void **state)
{
	struct rh_map map, copy;
	uint32_t      value;

	(void)state;
	init(&map, 10, 1);
	for (uint32_t i = 0; i < 10; i++)
		assert_int_equal(rh_map_insert(&map, i, i + 100), RH_OK);
	copy = map;
	void *memory = aligned_alloc(RH_ALIGN, rh_map_bytes(10));
	assert_non_null(memory);
	memcpy(memory, map.keys, rh_map_bytes(10));
	rh_map_rebase(&copy, memory);
	memset(map.keys, 0, rh_map_bytes(10));
	for (uint32_t i = 0; i < 10; i++) {
		assert_int_equal(rh_map_find(&copy, i, &value), RH_OK);
		assert_int_equal(value, i + 100);
	}
	fini(&map);
	fini(&copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(inserts_finds_sets_removes),
		cmocka_unit_test(full_is_refused_and_moves_nothing),
		cmocka_unit_test(is_small),
		cmocka_unit_test(agrees_with_a_plain_array),
		cmocka_unit_test(a_copy_of_its_memory_can_be_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
