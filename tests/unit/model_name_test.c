#include "model_fixture.h"

#include "../../model/error.h"
#include "../../model/interface.h"

struct sample {
	const char *text;
	int         resource; /* 1 when it may name a resource */
	int         rule;     /* 1 when it may name a rule     */
};

static void grammar_accepts_and_refuses(void **state)
{
	static const struct sample samples[] = {
		{ "a", 1, 1 }, { "z9", 1, 1 }, { "file_system", 1, 1 },
		{ "a_", 1, 1 }, { "net_driver0", 1, 1 },
		{ "file-magic", 0, 1 }, { "v1.2", 0, 1 }, { "a.-_9", 0, 1 },
		{ "", 0, 0 }, { "_a", 0, 0 }, { "9a", 0, 0 }, { "-a", 0, 0 },
		{ ".a", 0, 0 }, { "A", 0, 0 }, { "aB", 0, 0 }, { "a b", 0, 0 },
		{ "a/b", 0, 0 }, { "a\n", 0, 0 }, { "\xc3\xa4", 0, 0 }, { "a\xff", 0, 0 },
		{ "`", 0, 0 }, { "{", 0, 0 }, { "a:", 0, 0 }, { "a,", 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
		const struct sample *s = &samples[i];
		size_t               len = strlen(s->text);
		int                  resource = s->resource ? RH_OK : RH_EINVAL;
		int                  rule = s->rule ? RH_OK : RH_EINVAL;

		assert_int_equal(rh_name_check(s->text, len), resource);
		assert_int_equal(rh_name_check_rule(s->text, len), rule);
	}
	/* A NUL inside is a byte like any other that may not stand there. */
	assert_int_equal(rh_name_check("a\0b", 3), RH_EINVAL);
}

static void length_has_a_limit(void **state)
{
	char           text[RH_NAME_MAX + 2];
	struct rh_name name, before;

	(void)state;
	memset(text, 'x', sizeof text);
	assert_int_equal(rh_name_init(&name, text, RH_NAME_MAX), RH_OK);
	assert_int_equal(name.len, RH_NAME_MAX);
	assert_int_equal(strlen(name.text), RH_NAME_MAX);

	before = name;
	assert_int_equal(rh_name_init(&name, text, RH_NAME_MAX + 1), RH_EINVAL);
	assert_int_equal(rh_name_init_rule(&name, text, RH_NAME_MAX + 1), RH_EINVAL);
	assert_int_equal(rh_name_init(&name, text, 0), RH_EINVAL);
	assert_memory_equal(&name, &before, sizeof name);
}

static void a_name_is_complete_and_comparable(void **state)
{
	struct rh_name a, b, c;

	(void)state;
	memset(&a, 0xff, sizeof a);
	memset(&b, 0x11, sizeof b);
	assert_int_equal(rh_name_init(&a, "magic_rest", 5), RH_OK);
	assert_int_equal(rh_name_init(&b, "magic", 5), RH_OK);
	c = name_of("magics");

	assert_memory_equal(&a, &b, sizeof a);
	assert_string_equal(a.text, "magic");
	assert_int_equal(a.hash, rh_fnv1a(RH_FNV_SEED, "magic", 5));
	assert_true(rh_name_equal(&a, &b));
	assert_false(rh_name_equal(&a, &c));
	assert_int_equal(rh_name_compare(&a, &b), 0);
	assert_true(rh_name_compare(&a, &c) < 0);
	assert_true(rh_name_compare(&c, &a) > 0);

	/* The same hash is not yet the same name. */
	c.hash = a.hash;
	assert_false(rh_name_equal(&a, &c));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grammar_accepts_and_refuses),
		cmocka_unit_test(length_has_a_limit),
		cmocka_unit_test(a_name_is_complete_and_comparable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
