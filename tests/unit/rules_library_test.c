/* The rules that come with Rhodes: one source, and the same decisions as native code and
 * as WebAssembly, with GS and without, on random inputs. */
#include "rules_three.h"

#include <rhodes/hook/cache_layout.h>
#include <rhodes/hook/filter_layout.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define INPUTS   1000000
#define CAPACITY 61u
#define KEYS     400u
#define NONE     UINT32_MAX
#define DEAR     30u /* keys, for the rule of that name */

/* ---- filters ---- */

static void fill(struct rh_filter_buffer *buffer, uint64_t random, uint64_t now_ns)
{
	for (size_t i = 0; i < 64; i++)
		buffer->bytes[i] = (uint8_t)(random >> i % 40);
	buffer->now_ns = now_ns;
	buffer->function = random * 31;
	buffer->caller = random % 7;
	buffer->length = buffer->visible = 64;
	buffer->instances = (uint32_t)(random % 5);
	buffer->chosen = RH_FILTER_ANY;
	buffer->error = buffer->delay_us = 0;
}

static void compare_filter(const char *name, unsigned *ret_denied)
{
	struct three three;
	uint64_t     random = 99, now_ns = 5000000000;

	three_load(&three, name, "filter");
	*ret_denied = 0;
	for (int n = 0; n < INPUTS; n++) {
		struct rh_filter_buffer *first = rh_rule_buffer(three.rules[0]);
		uint64_t                 bits = three_random(&random);

		now_ns += bits % 700000;
		for (int i = 0; i < BUILDS; i++)
			fill(rh_rule_buffer(three.rules[i]), bits, now_ns);
		*ret_denied += three_call(&three, RH_SLOT_FILTER_BEFORE, 0, 0) == RH_FILTER_DENY;
		for (int i = 1; i < BUILDS; i++)
			assert_memory_equal(rh_rule_buffer(three.rules[i]), first, 48 + 64);
	}
	three_unload(&three);
}

static void filters_decide_alike(void **state)
{
	unsigned denied;

	(void)state;
	three_params((struct rh_rule_param[]){ { "rate", "2000" }, { 0 } });
	compare_filter("limiter", &denied); /* 2000/s of about 2857/s */
	assert_in_range(denied, INPUTS * 25 / 100, INPUTS * 35 / 100);
	compare_filter("flaky", &denied); /* 2 % */
	assert_in_range(denied, INPUTS * 18 / 1000, INPUTS * 22 / 1000);
}

/* ---- who takes a call ---- */

#define PLACES  5u
#define CALLERS 2000u

static uint32_t place_of(struct three *three, uint64_t caller, uint32_t places)
{
	struct rh_filter_buffer *buffer = rh_rule_buffer(three->rules[0]);

	for (int i = 0; i < BUILDS; i++)
		fill(rh_rule_buffer(three->rules[i]), caller, 1);
	for (int i = 0; i < BUILDS; i++) {
		struct rh_filter_buffer *each = rh_rule_buffer(three->rules[i]);

		each->caller = caller;
		each->instances = places;
	}
	assert_int_equal(three_call(three, RH_SLOT_FILTER_BEFORE, 0, 0), RH_FILTER_ALLOW);
	three_compare(three, 0, 48 + 64);
	return buffer->chosen;
}

static void load_balance(struct three *three, const char *by, const char *offset)
{
	three_params((struct rh_rule_param[]){ { "by", by }, { "offset", offset }, { 0 } });
	three_load(three, "balance", "filter");
}

static void choices_are_made_alike(void **state)
{
	static const char *const by[] = { "caller", "turn", "key" };
	unsigned                 denied;

	(void)state;
	for (size_t i = 0; i < sizeof by / sizeof by[0]; i++) {
		three_params((struct rh_rule_param[]){ { "by", by[i] }, { 0 } });
		compare_filter("balance", &denied);
		assert_int_equal(denied, 0);
	}
}

/* One more takes its share from all, and nobody moves between those that were there. */
static void callers_stay_where_they_are(void **state)
{
	struct three three;

	(void)state;
	load_balance(&three, "caller", "0");
	assert_int_equal(place_of(&three, 7, 0), RH_FILTER_ANY);
	for (uint32_t places = 1; places <= PLACES; places++) {
		unsigned at[PLACES + 1] = { 0 };

		for (uint64_t caller = 1; caller <= CALLERS; caller++) {
			uint32_t place = place_of(&three, caller, places);
			uint32_t after = place_of(&three, caller, places + 1);

			assert_in_range(place, 0, places - 1);
			assert_true(after == place || after == places);
			at[place]++;
		}
		for (uint32_t i = 0; i < places; i++)
			assert_in_range(at[i], CALLERS / places * 8 / 10,
			                CALLERS / places * 12 / 10);
	}
	three_unload(&three);
}

static void each_has_its_turn(void **state)
{
	struct three three, next;

	(void)state;
	load_balance(&three, "turn", "0");
	for (uint32_t n = 0; n < 100; n++)
		assert_int_equal(place_of(&three, 7, 3), n % 3);
	load_balance(&next, "turn", "0");
	for (int i = 0; i < BUILDS; i++)
		assert_int_equal(rh_rule_swap(three.rules[i], next.rules[i], NULL), 1);
	assert_int_equal(place_of(&next, 7, 3), 100 % 3); /* and another rule goes on */
	three_unload(&next);
	three_unload(&three);
}

/* Of bytes 56 to 63 of 64; from 57 on they are not all there. */
static void the_same_key_goes_to_the_same(void **state)
{
	struct three three;
	uint32_t     place;

	(void)state;
	load_balance(&three, "key", "56");
	place = place_of(&three, 1234567, PLACES);
	assert_in_range(place, 0, PLACES - 1);
	assert_int_equal(place_of(&three, 1234567, PLACES), place);
	for (uint64_t other = 1; place_of(&three, other << 16, PLACES) == place; other++)
		assert_in_range(other, 1, 1000);
	three_unload(&three);
	load_balance(&three, "key", "57");
	assert_int_equal(place_of(&three, 1234567, PLACES), RH_FILTER_ANY);
	three_unload(&three);
}

/* ---- caches ---- */

/* A cache that does what the rule says, and knows when each slot was filled and used. */
struct cache {
	struct three *three;
	uint32_t      slot_of[KEYS];
	uint32_t      key_of[CAPACITY];
	uint64_t      came[CAPACITY], used[CAPACITY], clock;
	uint32_t      filled;
	unsigned      misses;
};

static void begin(struct cache *cache, struct three *three)
{
	memset(cache, 0, sizeof *cache);
	cache->three = three;
	memset(cache->slot_of, 0xff, sizeof cache->slot_of);
	memset(cache->key_of, 0xff, sizeof cache->key_of);
	assert_int_equal(three_call(three, RH_SLOT_CACHE_BEGIN, CAPACITY, 0), 0);
}

typedef bool is_right(const struct cache *cache, uint32_t victim);

static uint32_t free_slot(struct cache *cache, uint32_t key, is_right *check)
{
	uint32_t slot = 0;

	if (cache->filled < CAPACITY) {
		while (cache->key_of[slot] != NONE)
			slot++;
		cache->filled++;
		return slot;
	}
	slot = three_call(cache->three, RH_SLOT_CACHE_VICTIM, key, 0);
	assert_in_range(slot, 0, CAPACITY - 1);
	assert_true(cache->key_of[slot] != NONE);
	assert_true(!check || check(cache, slot));
	cache->slot_of[cache->key_of[slot]] = NONE;
	return slot;
}

static void use(struct cache *cache, uint32_t key, is_right *check)
{
	uint32_t slot = cache->slot_of[key];

	cache->clock++;
	if (slot != NONE) {
		three_call(cache->three, RH_SLOT_CACHE_HIT, slot, 0);
	} else {
		cache->misses++;
		slot = free_slot(cache, key, check);
		three_call(cache->three, RH_SLOT_CACHE_INSERT, slot, key);
		cache->slot_of[key] = slot;
		cache->key_of[slot] = key;
		cache->came[slot] = cache->clock;
	}
	cache->used[slot] = cache->clock;
}

static void discard(struct cache *cache, uint32_t key)
{
	uint32_t slot = cache->slot_of[key];

	if (slot == NONE)
		return;
	three_call(cache->three, RH_SLOT_CACHE_REMOVE, slot, 0);
	cache->slot_of[key] = cache->key_of[slot] = NONE;
	cache->filled--;
}

static bool is_lru(const struct cache *cache, uint32_t victim)
{
	for (uint32_t i = 0; i < CAPACITY; i++)
		if (cache->used[i] < cache->used[victim])
			return false;
	return true;
}

static bool is_mru(const struct cache *cache, uint32_t victim)
{
	for (uint32_t i = 0; i < CAPACITY; i++)
		if (cache->used[i] > cache->used[victim])
			return false;
	return true;
}

static bool is_fifo(const struct cache *cache, uint32_t victim)
{
	for (uint32_t i = 0; i < CAPACITY; i++)
		if (cache->came[i] < cache->came[victim])
			return false;
	return true;
}

/* Nothing dear goes while anything else is there, and of its kind the last used. */
static bool is_not_dear(const struct cache *cache, uint32_t victim)
{
	bool is_dear = cache->key_of[victim] < DEAR;

	for (uint32_t i = 0; i < CAPACITY; i++) {
		bool is_other = cache->key_of[i] >= DEAR;

		if ((is_dear && is_other) ||
		    (is_dear != is_other && cache->used[i] > cache->used[victim]))
			return false;
	}
	return true;
}

static const struct {
	const char *name;
	is_right   *check;
} caches[] = {
	{ "lru", is_lru }, { "mru", is_mru }, { "fifo", is_fifo }, { "sieve", NULL },
	{ "arc", NULL }, { "dear", is_not_dear },
};

/* Some keys often, all of them now and then, a scan in between, and removals. */
static uint32_t choose(uint64_t *random, int n)
{
	uint64_t bits = three_random(random);

	if (n / 1000 % 5 == 4)
		return (uint32_t)n % KEYS;
	return (uint32_t)(bits % 3 ? bits / 3 % 40 : bits / 3 % KEYS);
}

static void caches_decide_alike(void **state)
{
	(void)state;
	three_params((struct rh_rule_param[]){ { "index", "30" }, { 0 } });
	for (size_t i = 0; i < sizeof caches / sizeof caches[0]; i++) {
		static struct cache cache;
		struct three        three;
		uint64_t            random = 5;

		if (!three_wants(caches[i].name))
			continue;
		three_load(&three, caches[i].name, "cache");
		begin(&cache, &three);
		for (int n = 0; n < INPUTS; n++) {
			use(&cache, choose(&random, n), caches[i].check);
			if (three_random(&random) % 50 == 0)
				discard(&cache, choose(&random, n));
		}
		printf("%-6s %u misses of %u\n", caches[i].name, cache.misses, INPUTS);
		three_unload(&three);
	}
}

static unsigned misses_of(const char *name, uint32_t (*key)(uint64_t *random, int n))
{
	static struct cache cache;
	struct three        three;
	uint64_t            random = 11;

	three_load(&three, name, "cache");
	begin(&cache, &three);
	for (int n = 0; n < 20000; n++)
		use(&cache, key(&random, n), NULL);
	three_unload(&three);
	return cache.misses;
}

static uint32_t scan(uint64_t *random, int n)
{
	(void)random;
	return (uint32_t)n % (CAPACITY + 20);
}

static uint32_t hot_with_scans(uint64_t *random, int n)
{
	uint64_t bits = three_random(random);

	return n % 3 == 0 ? 100 + (uint32_t)n / 3 % 290 : (uint32_t)(bits % 50);
}

/* What each is there for. */
static void each_cache_rule_is_good_at_something(void **state)
{
	unsigned lru = misses_of("lru", scan), mru = misses_of("mru", scan);

	(void)state;
	assert_int_equal(lru, 20000); /* a scan that is too long: never a hit */
	assert_in_range(mru, 0, 20000 * 30 / 100);
	lru = misses_of("lru", hot_with_scans);
	assert_in_range(misses_of("sieve", hot_with_scans), 0, lru * 85 / 100);
	assert_in_range(misses_of("arc", hot_with_scans), 0, lru * 85 / 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(filters_decide_alike),
		cmocka_unit_test(choices_are_made_alike),
		cmocka_unit_test(callers_stay_where_they_are),
		cmocka_unit_test(each_has_its_turn),
		cmocka_unit_test(the_same_key_goes_to_the_same),
		cmocka_unit_test(caches_decide_alike),
		cmocka_unit_test(each_cache_rule_is_good_at_something),
	};

	if (!three_has_tools())
		return 77;
	return cmocka_run_group_tests_name("rules_library", tests, NULL, NULL);
}
