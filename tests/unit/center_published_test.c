/* The table of what was published last, against a list that is searched from end to
 * end. */
#include "../../center/item.h"
#include "../../center/missed.h"
#include "../../center/published.h"
#include "../../model/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define KEYS 2000u

struct known {
	unsigned value;
	uint64_t revision; /* 0: not noted */
};

static uint64_t seed;

static unsigned any(unsigned below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(seed >> 33) % below;
}

static struct rh_item_key key_of(unsigned i)
{
	char caller[16], callee[16];

	sprintf(caller, "r%u", i % 50);
	sprintf(callee, "r%u", i / 50);
	return rh_item_key_of(caller, i < 50 ? NULL : callee);
}

static void random_work_equals_a_list(void **state)
{
	static struct known known[KEYS];
	struct rh_published published;
	size_t              used = 0;

	(void)state;
	rh_published_init(&published);
	for (unsigned turn = 1; turn < 200000; turn++) {
		unsigned           i = any(KEYS), value = any(3);
		struct rh_item_key key = key_of(i);

		if (any(3) == 0) {
			rh_published_forget(&published, &key);
			used -= known[i].revision != 0;
			known[i] = (struct known){ 0, 0 };
		} else {
			int is_new = !known[i].revision || known[i].value != value;

			used += known[i].revision == 0;
			assert_int_equal(rh_published_note(&published, &key, &value,
			                                   sizeof value, turn), is_new);
			if (is_new)
				known[i] = (struct known){ value, turn };
		}
		assert_int_equal(rh_published_revision(&published, &key),
		                 known[i].revision);
		assert_int_equal(published.used, used);
		i = any(KEYS);
		key = key_of(i);
		assert_int_equal(rh_published_revision(&published, &key),
		                 known[i].revision);
	}
	assert_true(published.cap <= 4 * KEYS);
	rh_published_fini(&published);
}

static void missed_never_falls(void **state)
{
	struct rh_item_key a = rh_item_key_of("a", NULL), b = rh_item_key_of("b", NULL);
	struct rh_missed   missed;

	(void)state;
	assert_int_equal(rh_missed_init(&missed, 5), RH_OK);
	assert_int_equal(rh_missed_revision(&missed, &a.caller), 5);
	rh_missed_note(&missed, &a.caller, 9);
	rh_missed_note(&missed, &a.caller, 7);
	assert_int_equal(rh_missed_revision(&missed, &a.caller), 9);
	assert_int_equal(rh_missed_revision(&missed, &b.caller), 5);
	rh_missed_note_all(&missed, 8);
	assert_int_equal(rh_missed_revision(&missed, &a.caller), 9);
	assert_int_equal(rh_missed_revision(&missed, &b.caller), 8);
	rh_missed_fini(&missed);
}

int main(void)
{
	const char *given = getenv("RHODES_SEED");
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_work_equals_a_list),
		cmocka_unit_test(missed_never_falls),
	};

	seed = given ? strtoull(given, NULL, 10) : 20240607;
	print_message("seed %llu\n", (unsigned long long)seed);
	return cmocka_run_group_tests_name("center_published", tests, NULL, NULL);
}
