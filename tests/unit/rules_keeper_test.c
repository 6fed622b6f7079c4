/* A cache whose rule is exchanged while it is full, or fails. */
#include "rules_fixture.h"

#include "../../model/error.h"
#include "../../rules/hook.h"
#include "../../rules/keeper.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define CAPACITY 32u
#define KEYS     200u
#define NONE     UINT32_MAX

struct cache {
	struct rh_keeper *keeper;
	uint32_t          slot_of[KEYS], key_of[CAPACITY];
	unsigned          misses;
};

static struct rh_rule *load_object(int fd, enum rh_rule_mode mode)
{
	struct rh_rule_source source = { .hook = rh_hook_find("cache"), .mode = mode,
	                                 .object_fd = fd };
	struct rh_rule *rule = NULL;
	struct rh_diag  diag = { 0 };

	if (rh_rule_load(&source, &rule, &diag) < 0)
		fail_msg("%s", diag.text);
	return rule;
}

static struct rh_rule *load(const char *name)
{
	char            path[512];
	struct rh_rule *rule;
	int             fd;

	snprintf(path, sizeof path, "%s/%s.so", RULES, name);
	fd = fixture_freeze(path);
	rule = load_object(fd, RH_RULE_NATIVE);
	close(fd);
	return rule;
}

/* All but what a victim is: that traps for odd keys, and is nonsense for others. */
static struct rh_rule *load_hostile(void)
{
	static const char text[] =
		"(module (memory (export \"memory\") 2)"
		" (func (export \"rh_abi\") (result i32) i32.const 131073)"
		" (func (export \"rh_buffer\") (result i32) i32.const 0)"
		" (func (export \"rh_cache_begin\") (param i32) (result i32) i32.const 0)"
		" (func (export \"rh_cache_hit\") (param i32) (result i32) i32.const 0)"
		" (func (export \"rh_cache_insert\") (param i32 i64) (result i32) i32.const 0)"
		" (func (export \"rh_cache_remove\") (param i32) (result i32) i32.const 0)"
		" (func (export \"rh_cache_victim\") (param i64) (result i32)"
		"  local.get 0 i32.wrap_i64 i32.const 1 i32.and (if (then unreachable))"
		"  i32.const 1000))";
	size_t          len;
	uint8_t        *module = fixture_assemble(text, &len);
	struct rh_build job = { .hook = rh_hook_find("cache"), .module = module,
	                        .module_bytes = len };
	struct rh_built built;
	struct rh_diag  diag;
	struct rh_rule *rule;

	if (rh_build_run(&job, &built, &diag) < 0)
		fail_msg("%s", diag.text);
	rule = load_object(built.fd, RH_RULE_WASM);
	close(built.fd);
	free(module);
	return rule;
}

static void begin(struct cache *cache, struct rh_rule *rule)
{
	struct rh_diag diag;

	memset(cache, 0xff, sizeof *cache);
	cache->misses = 0;
	assert_int_equal(rh_keeper_create(rule, CAPACITY, &cache->keeper, &diag), RH_OK);
}

static void use(struct cache *cache, uint32_t key)
{
	uint32_t slot = cache->slot_of[key];
	bool     was_full;

	if (slot != NONE) {
		rh_keeper_hit(cache->keeper, slot);
		return;
	}
	cache->misses++;
	assert_true(rh_keeper_admits(cache->keeper, key));
	slot = rh_keeper_place(cache->keeper, key, &was_full);
	assert_in_range(slot, 0, CAPACITY - 1);
	assert_int_equal(was_full, cache->key_of[slot] != NONE);
	if (was_full)
		cache->slot_of[cache->key_of[slot]] = NONE;
	cache->slot_of[key] = slot;
	cache->key_of[slot] = key;
}

static unsigned scan(struct cache *cache, unsigned times)
{
	unsigned before = cache->misses;

	for (unsigned i = 0; i < times * (CAPACITY + 8); i++)
		use(cache, i % (CAPACITY + 8));
	return cache->misses - before;
}

static void an_exchange_of_the_rule_keeps_what_is_there(void **state)
{
	struct rh_rule *lru = load("lru"), *mru = load("mru");
	struct cache    cache;
	unsigned        misses;

	(void)state;
	begin(&cache, lru);
	for (uint32_t key = 0; key < CAPACITY; key++)
		use(&cache, key);
	assert_int_equal(rh_keeper_exchange(cache.keeper, mru, NULL), RH_OK);
	misses = cache.misses;
	for (uint32_t key = 0; key < CAPACITY; key++)
		use(&cache, key);
	assert_int_equal(cache.misses, misses); /* all of it is still there */
	assert_int_equal(rh_keeper_exchange(cache.keeper, lru, NULL), RH_OK);
	/* It was told in the order of use: what goes first is key 0. */
	use(&cache, 100);
	assert_int_equal(cache.slot_of[0], NONE);
	/* A scan that is too long: never a hit, and many with the other rule. */
	assert_int_equal(scan(&cache, 10), 10 * (CAPACITY + 8));
	assert_int_equal(rh_keeper_exchange(cache.keeper, mru, NULL), RH_OK);
	assert_in_range(scan(&cache, 10), 0, 10 * (CAPACITY + 8) * 40 / 100);
	rh_keeper_destroy(cache.keeper);
	rh_rule_destroy(lru);
	rh_rule_destroy(mru);
}

/* By itself the keeper empties the slots in the order in which they were filled. */
static void a_cache_without_a_rule_is_first_in_first_out(void **state)
{
	struct rh_rule *fifo = load("fifo"), *mru = load("mru");
	struct cache    alone, ruled;
	unsigned        misses;

	(void)state;
	begin(&alone, NULL);
	begin(&ruled, fifo);
	for (unsigned i = 0; i < 2000; i++) {
		use(&alone, (i * i + i / 3) % KEYS);
		use(&ruled, (i * i + i / 3) % KEYS);
		assert_memory_equal(alone.slot_of, ruled.slot_of, sizeof alone.slot_of);
	}
	/* A rule comes, and goes again: what is there stays. */
	misses = alone.misses;
	assert_int_equal(rh_keeper_exchange(alone.keeper, mru, NULL), RH_OK);
	for (uint32_t slot = 0; slot < CAPACITY; slot++)
		use(&alone, alone.key_of[slot]);
	assert_int_equal(alone.misses, misses);
	use(&alone, (alone.key_of[CAPACITY - 1] + 1) % KEYS);
	assert_int_equal(rh_keeper_exchange(alone.keeper, NULL, NULL), RH_OK);
	misses = alone.misses;
	for (uint32_t slot = 0; slot < CAPACITY; slot++)
		use(&alone, alone.key_of[slot]);
	assert_int_equal(alone.misses, misses);
	assert_true(rh_keeper_admits(alone.keeper, 7));
	rh_keeper_remove(alone.keeper, 3);
	rh_keeper_destroy(alone.keeper);
	rh_keeper_destroy(ruled.keeper);
	rh_rule_destroy(fifo);
	rh_rule_destroy(mru);
}

static void the_cache_goes_on_when_its_rule_fails(void **state)
{
	struct rh_rule *hostile = load_hostile(), *lru = load("lru");
	struct cache    cache;
	unsigned        misses;
	uint64_t        trap, value;

	(void)state;
	begin(&cache, hostile);
	for (unsigned i = 0; i < 2000; i++)
		use(&cache, (i * i + i / 3) % KEYS);
	trap = rh_rule_counters(hostile)->failures[RH_FAILED_TRAP];
	value = rh_rule_counters(hostile)->failures[RH_FAILED_VALUE];
	assert_true(trap > 0 && value > 0);
	/* It is told again now and then, not at every use. */
	assert_in_range(trap + value, 2, 2000 / CAPACITY + 2);
	/* A good one takes over where it is. */
	assert_int_equal(rh_keeper_exchange(cache.keeper, lru, NULL), RH_OK);
	misses = cache.misses;
	for (uint32_t slot = 0; slot < CAPACITY; slot++)
		use(&cache, cache.key_of[slot]);
	assert_int_equal(cache.misses, misses);
	rh_keeper_destroy(cache.keeper);
	rh_rule_destroy(hostile);
	rh_rule_destroy(lru);
}

static void what_is_removed_makes_room(void **state)
{
	struct rh_rule *sieve = load("sieve");
	struct cache    cache;

	(void)state;
	begin(&cache, sieve);
	for (uint32_t key = 0; key < CAPACITY; key++)
		use(&cache, key);
	for (uint32_t key = 0; key < CAPACITY; key += 2) {
		uint32_t slot = cache.slot_of[key];

		rh_keeper_remove(cache.keeper, slot);
		cache.slot_of[key] = cache.key_of[slot] = NONE;
	}
	for (uint32_t key = 0; key < CAPACITY / 2; key++)
		use(&cache, 100 + key);
	for (uint32_t key = 1; key < CAPACITY; key += 2)
		assert_true(cache.slot_of[key] != NONE); /* nothing had to go */
	rh_keeper_destroy(cache.keeper);
	rh_rule_destroy(sieve);
}

static void a_size_that_no_rule_can_have_is_refused(void **state)
{
	struct rh_rule   *lru = load("lru");
	struct rh_keeper *keeper = NULL;
	struct rh_diag    diag;

	(void)state;
	assert_int_equal(rh_keeper_create(lru, 0, &keeper, &diag), RH_EINVAL);
	assert_int_equal(rh_keeper_create(lru, 65537, &keeper, &diag), RH_EINVAL);
	assert_null(keeper);
	assert_int_equal(rh_keeper_create(lru, 65536, &keeper, &diag), RH_OK);
	rh_keeper_destroy(keeper);
	rh_rule_destroy(lru);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_exchange_of_the_rule_keeps_what_is_there),
		cmocka_unit_test(a_cache_without_a_rule_is_first_in_first_out),
		cmocka_unit_test(the_cache_goes_on_when_its_rule_fails),
		cmocka_unit_test(what_is_removed_makes_room),
		cmocka_unit_test(a_size_that_no_rule_can_have_is_refused),
	};

	if (!fixture_has_tools())
		return 77;
	return cmocka_run_group_tests_name("rules_keeper", tests, NULL, NULL);
}
