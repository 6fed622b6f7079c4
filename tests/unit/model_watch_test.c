#include "model_fixture.h"

#include "../../model/error.h"
#include "../../model/map.h"
#include "../../model/watch.h"

static void init(struct rh_watch_table *table, uint32_t capacity, uint32_t subscribers)
{
	size_t bytes = rh_watch_bytes(capacity, subscribers);
	void  *memory = aligned_alloc(RH_ALIGN, bytes);

	assert_non_null(memory);
	assert_int_equal(bytes % RH_ALIGN, 0);
	memset(memory, 0x5a, bytes);
	rh_watch_init(table, capacity, subscribers, 77, memory);
	rh_watch_verify(table);
}

static void fini(struct rh_watch_table *table)
{
	rh_watch_verify(table);
	free(table->slots);
}

static int add(struct rh_watch_table *table, uint32_t subscriber, const char *prefix)
{
	return rh_watch_add(table, subscriber, prefix, strlen(prefix));
}

static int take(struct rh_watch_table *table, uint32_t subscriber, const char *prefix)
{
	return rh_watch_remove(table, subscriber, prefix, strlen(prefix));
}

static int has(const struct rh_watch_table *table, uint32_t subscriber, const char *name)
{
	return rh_watch_has(table, subscriber, name, strlen(name));
}

struct seen {
	uint32_t who[32];
	int      count;
};

static void note(void *user, uint32_t subscriber)
{
	struct seen *seen = user;

	assert_true(seen->count < 32);
	seen->who[seen->count++] = subscriber;
}

static struct seen match(const struct rh_watch_table *table, const char *name)
{
	struct seen seen = { .count = 0 };
	int         count = rh_watch_match(table, name, strlen(name), note, &seen);

	assert_int_equal(count, seen.count);
	return seen;
}

static void shorter_prefixes_hear_first(void **state)
{
	struct rh_watch_table table;
	struct seen           seen;

	(void)state;
	init(&table, 8, 8);
	assert_int_equal(add(&table, 3, "out/file/magic"), RH_OK);
	assert_int_equal(add(&table, 1, "out/file/"), RH_OK);
	assert_int_equal(add(&table, 0, "out/"), RH_OK);
	assert_int_equal(add(&table, 2, "/"), RH_OK);
	seen = match(&table, "out/file/magic");
	assert_int_equal(seen.count, 3);
	assert_int_equal(seen.who[0], 0);
	assert_int_equal(seen.who[1], 1);
	assert_int_equal(seen.who[2], 3);
	seen = match(&table, "out/file/");
	assert_int_equal(seen.count, 2);
	seen = match(&table, "/out/");
	assert_int_equal(seen.count, 1);
	assert_int_equal(seen.who[0], 2);
	fini(&table);
}

static void a_prefix_without_a_slash_is_a_name(void **state)
{
	struct rh_watch_table table;

	(void)state;
	init(&table, 8, 2);
	assert_int_equal(add(&table, 0, "out/file"), RH_OK);
	assert_int_equal(match(&table, "out/file").count, 1);
	assert_int_equal(match(&table, "out/file/").count, 0);
	assert_int_equal(match(&table, "out/file/magic").count, 0);
	assert_int_equal(match(&table, "out/files").count, 0);
	assert_int_equal(match(&table, "out/fil").count, 0);
	assert_int_equal(match(&table, "").count, 0);
	assert_true(has(&table, 0, "out/file"));
	assert_false(has(&table, 0, "out/file/magic"));
	assert_false(has(&table, 1, "out/file"));
	assert_false(has(&table, 7, "out/file"));
	assert_false(has(&table, 0, ""));
	fini(&table);
}

static void two_watches_of_one_are_two_visits(void **state)
{
	struct rh_watch_table table;

	(void)state;
	init(&table, 4, 2);
	assert_int_equal(add(&table, 1, "in/"), RH_OK);
	assert_int_equal(add(&table, 1, "in/a/b"), RH_OK);
	assert_int_equal(match(&table, "in/a/b").count, 2);
	assert_int_equal(take(&table, 1, "in/"), RH_OK);
	assert_int_equal(match(&table, "in/a/b").count, 1);
	assert_true(has(&table, 1, "in/a/b"));
	fini(&table);
}

static void what_does_not_fit_is_refused(void **state)
{
	struct rh_watch_table table;
	char                  name[RH_WATCH_NAME_MAX + 2];

	(void)state;
	init(&table, 3, 2);
	memset(name, 'x', sizeof name);
	assert_int_equal(rh_watch_add(&table, 0, name, 0), RH_EINVAL);
	assert_int_equal(rh_watch_add(&table, 0, name, RH_WATCH_NAME_MAX + 1), RH_EINVAL);
	assert_int_equal(rh_watch_add(&table, 2, name, 1), RH_EINVAL);
	assert_int_equal(rh_watch_add(&table, 0, name, RH_WATCH_NAME_MAX), RH_OK);
	assert_int_equal(rh_watch_add(&table, 0, name, RH_WATCH_NAME_MAX), RH_EEXIST);
	assert_true(rh_watch_has(&table, 0, name, RH_WATCH_NAME_MAX));
	/* One byte more is another name, though its first bytes are the same. */
	assert_false(rh_watch_has(&table, 0, name, RH_WATCH_NAME_MAX + 1));
	assert_int_equal(rh_watch_match(&table, name, RH_WATCH_NAME_MAX + 1, note, NULL),
	                 0);

	assert_int_equal(add(&table, 0, "a"), RH_OK);
	assert_int_equal(add(&table, 1, "a"), RH_OK);
	assert_int_equal(add(&table, 1, "b"), RH_ENOSPC);
	assert_int_equal(add(&table, 1, "a"), RH_EEXIST);
	assert_int_equal(table.used, 3);
	fini(&table);
}

static void what_is_not_there_is_not_removed(void **state)
{
	struct rh_watch_table table;

	(void)state;
	init(&table, 3, 2);
	assert_int_equal(add(&table, 0, "a/"), RH_OK);
	assert_int_equal(take(&table, 1, "a/"), RH_ENOENT);
	assert_int_equal(take(&table, 0, "a"), RH_ENOENT);
	assert_int_equal(take(&table, 0, ""), RH_ENOENT);
	assert_int_equal(take(&table, 9, "a/"), RH_ENOENT);
	assert_int_equal(rh_watch_remove_all(&table, 1), 0);
	assert_int_equal(rh_watch_remove_all(&table, 9), 0);
	assert_true(has(&table, 0, "a/b"));
	assert_int_equal(take(&table, 0, "a/"), RH_OK);
	assert_int_equal(take(&table, 0, "a/"), RH_ENOENT);
	assert_int_equal(table.used, 0);
	fini(&table);
}

static void the_end_of_a_subscriber_ends_only_its_watches(void **state)
{
	struct rh_watch_table table;
	struct seen           seen;

	(void)state;
	init(&table, 6, 3);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(add(&table, i, "a/"), RH_OK);
		assert_int_equal(add(&table, i, "a/b"), RH_OK);
	}
	assert_int_equal(rh_watch_remove_all(&table, 1), 2);
	rh_watch_verify(&table);
	seen = match(&table, "a/b");
	assert_int_equal(seen.count, 4);
	for (int i = 0; i < 4; i++)
		assert_int_not_equal(seen.who[i], 1);
	/* Its place is free again. */
	assert_int_equal(add(&table, 1, "c"), RH_OK);
	assert_int_equal(add(&table, 1, "d"), RH_OK);
	assert_int_equal(add(&table, 1, "e"), RH_ENOSPC);
	fini(&table);
}

/* Prefixes and names of a small alphabet, so that they meet often. */
#define PREFIXES    40
#define SUBSCRIBERS 5
#define CAPACITY    90

static size_t random_name(uint64_t *seed, char *name)
{
	size_t len = 1 + random_below(seed, 5);

	for (size_t i = 0; i < len; i++)
		name[i] = "a/b"[random_below(seed, 3)];
	name[len] = '\0';
	return len;
}

struct plain {
	char prefix[PREFIXES][8];
	int  watches[PREFIXES][SUBSCRIBERS];
	int  used;
};

static int hears(const char *prefix, const char *name)
{
	size_t len = strlen(prefix);

	return strncmp(prefix, name, len) == 0 &&
	       (name[len] == '\0' || prefix[len - 1] == '/');
}

static void compare(const struct rh_watch_table *table, const struct plain *plain,
                    const char *name)
{
	struct seen seen = match(table, name);
	int         want = 0;
	int         heard[SUBSCRIBERS] = { 0 };

	for (int i = 0; i < PREFIXES; i++) {
		for (int k = 0; k < SUBSCRIBERS; k++) {
			if (plain->watches[i][k] && hears(plain->prefix[i], name)) {
				want++;
				heard[k]++;
			}
		}
	}
	assert_int_equal(seen.count, want);
	for (int i = 0; i < seen.count; i++)
		assert_true(heard[seen.who[i]]-- > 0);
	for (uint32_t k = 0; k < SUBSCRIBERS; k++) {
		int is_heard = 0;

		for (int i = 0; i < PREFIXES; i++)
			is_heard |= plain->watches[i][k] && hears(plain->prefix[i], name);
		assert_int_equal(has(table, k, name), is_heard);
	}
}

static void step(struct rh_watch_table *table, struct plain *plain, uint64_t *seed)
{
	uint32_t i = random_below(seed, PREFIXES), k = random_below(seed, SUBSCRIBERS);
	int     *watches = &plain->watches[i][k];
	uint32_t dice = random_below(seed, 100);

	if (dice < 60) {
		int want = *watches ? (int)RH_EEXIST :
		           plain->used == CAPACITY ? (int)RH_ENOSPC : (int)RH_OK;

		assert_int_equal(add(table, k, plain->prefix[i]), want);
		plain->used += want == RH_OK;
		*watches |= want == RH_OK;
	} else if (dice < 98) {
		assert_int_equal(take(table, k, plain->prefix[i]),
		                 *watches ? RH_OK : RH_ENOENT);
		plain->used -= *watches;
		*watches = 0;
	} else {
		int count = 0;

		for (int p = 0; p < PREFIXES; p++) {
			count += plain->watches[p][k];
			plain->watches[p][k] = 0;
		}
		assert_int_equal(rh_watch_remove_all(table, k), count);
		plain->used -= count;
	}
}

static void agrees_with_a_plain_list(void **state)
{
	struct rh_watch_table table;
	struct plain          plain = { .used = 0 };
	uint64_t              seed = 424243;
	int                   count = 0, was_full = 0;

	(void)state;
	print_message("seed %llu\n", (unsigned long long)seed);
	init(&table, CAPACITY, SUBSCRIBERS);
	while (count < PREFIXES) {
		int is_new = 1;

		random_name(&seed, plain.prefix[count]);
		for (int i = 0; i < count; i++)
			is_new &= strcmp(plain.prefix[i], plain.prefix[count]) != 0;
		count += is_new;
	}
	for (int i = 0; i < 20000; i++) {
		char name[8];

		step(&table, &plain, &seed);
		was_full += plain.used == CAPACITY;
		assert_int_equal(table.used, plain.used);
		random_name(&seed, name);
		compare(&table, &plain, name);
		rh_watch_verify(&table);
	}
	assert_true(was_full > 100);
	fini(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shorter_prefixes_hear_first),
		cmocka_unit_test(a_prefix_without_a_slash_is_a_name),
		cmocka_unit_test(two_watches_of_one_are_two_visits),
		cmocka_unit_test(what_does_not_fit_is_refused),
		cmocka_unit_test(what_is_not_there_is_not_removed),
		cmocka_unit_test(the_end_of_a_subscriber_ends_only_its_watches),
		cmocka_unit_test(agrees_with_a_plain_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
