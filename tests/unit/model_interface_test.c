#include "model_fixture.h"

#include "../../model/error.h"
#include "../../model/interface.h"
#include "../../model/text.h"

#define P(n, t) { .name = n, .type = t }

static const struct rh_param xmit_params[] = { P("skb", "bytes"), P("ring", "i32") };
static const struct rh_param file_params[] = {
	P("cookie", "handle magic_t"), P("filename", "path"),
};

static const struct rh_function functions[] = {
	{ .name = "igb_xmit_frame_ring", .params = xmit_params, .param_count = 2,
	  .ret = P("", "i32"), .hash = 0x10 },
	{ .name = "magic_file", .params = file_params, .param_count = 2,
	  .ret = P("", "string"), .hash = 0x20 },
	{ .name = "magic_version", .ret = P("", "i32"), .hash = 0x30 },
};

/* The published test vectors of FNV-1a, 64 bit. */
static void fnv1a_is_the_published_function(void **state)
{
	(void)state;
	assert_int_equal(rh_fnv1a(RH_FNV_SEED, "", 0), 0xcbf29ce484222325ull);
	assert_int_equal(rh_fnv1a(RH_FNV_SEED, "a", 1), 0xaf63dc4c8601ec8cull);
	assert_int_equal(rh_fnv1a(RH_FNV_SEED, "foobar", 6), 0x85944171f73967e8ull);
	assert_int_equal(rh_fnv1a(rh_fnv1a(RH_FNV_SEED, "foo", 3), "bar", 3),
	                 0x85944171f73967e8ull);
	assert_int_equal(rh_fnv1a(RH_FNV_SEED, "\xff", 1),
	                 (RH_FNV_SEED ^ 0xff) * 0x100000001b3ull);
}

static void text_is_canonical(void **state)
{
	static const char *const texts[] = {
		"igb_xmit_frame_ring, bytes|skb, i32|ring, i32",
		"magic_file, handle magic_t|cookie, path|filename, string",
		"magic_version, i32",
	};
	char text[RH_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		int len = rh_function_text(&functions[i], text, sizeof text);

		assert_int_equal(len, strlen(texts[i]));
		assert_string_equal(text, texts[i]);
	}
}

static void text_that_does_not_fit_is_refused(void **state)
{
	char text[64];
	size_t len = strlen("magic_version, i32");

	(void)state;
	memset(text, 'x', sizeof text);
	assert_int_equal(rh_function_text(&functions[2], text, len + 1), (int)len);
	for (size_t cap = 0; cap <= len; cap++) {
		memset(text, 'x', sizeof text);
		assert_int_equal(rh_function_text(&functions[2], text, cap), RH_EMSGSIZE);
		assert_int_equal(text[cap], 'x');
	}
}

static uint64_t fnv(const char *text)
{
	return rh_fnv1a(RH_FNV_SEED, text, strlen(text));
}

static void hash_is_over_name_and_types(void **state)
{
	static const struct rh_param renamed[] = { P("a", "bytes"), P("b", "i32") };
	static const struct rh_param retyped[] = { P("skb", "bytes"), P("ring", "u32") };
	struct rh_function function = functions[0];
	uint64_t           hash = rh_function_hash(&function);

	(void)state;
	assert_int_equal(hash, fnv("igb_xmit_frame_ring(bytes,i32)i32"));
	assert_int_equal(rh_function_hash(&functions[2]), fnv("magic_version()i32"));

	function.params = renamed;
	assert_int_equal(rh_function_hash(&function), hash);
	function.params = retyped;
	assert_int_not_equal(rh_function_hash(&function), hash);
	function = functions[0];
	function.param_count = 1;
	assert_int_not_equal(rh_function_hash(&function), hash);
	function = functions[0];
	function.ret.type = "void";
	assert_int_not_equal(rh_function_hash(&function), hash);
	function = functions[0];
	function.name = "igb_xmit_frame_rin";
	assert_int_not_equal(rh_function_hash(&function), hash);
}

static void interface_hash_counts_every_function_in_order(void **state)
{
	struct rh_function  swapped[3] = { functions[1], functions[0], functions[2] };
	struct rh_interface all = { .functions = functions, .function_count = 3 };
	struct rh_interface fewer = { .functions = functions, .function_count = 2 };
	struct rh_interface other = { .functions = swapped, .function_count = 3 };
	struct rh_interface none = { .function_count = 0 };
	unsigned char       bytes[24];

	(void)state;
	for (size_t i = 0; i < 24; i++)
		bytes[i] = (unsigned char)(rh_function_hash(&functions[i / 8]) >>
		                           (8 * (i % 8)));
	assert_int_equal(rh_interface_hash(&all), rh_fnv1a(RH_FNV_SEED, bytes, 24));
	assert_int_equal(rh_interface_hash(&none), RH_FNV_SEED);
	assert_int_not_equal(rh_interface_hash(&fewer), rh_interface_hash(&all));
	assert_int_not_equal(rh_interface_hash(&other), rh_interface_hash(&all));
}

static void numbers_are_written_in_decimal(void **state)
{
	char           buffer[64];
	struct rh_text text;

	(void)state;
	rh_text_init(&text, buffer, sizeof buffer);
	rh_text_add_u64(&text, 0);
	rh_text_add(&text, " ");
	rh_text_add_u64(&text, 1090);
	rh_text_add(&text, " ");
	rh_text_add_u64(&text, UINT64_MAX);
	assert_int_equal(rh_text_end(&text), 27);
	assert_string_equal(buffer, "0 1090 18446744073709551615");
}

static void a_cut_text_stays_a_text(void **state)
{
	char           buffer[8] = "xxxxxxx";
	struct rh_text text;

	(void)state;
	rh_text_init(&text, buffer, 5);
	rh_text_add(&text, "abc");
	assert_int_equal(rh_text_end(&text), 3);
	rh_text_add(&text, "def");
	assert_int_equal(rh_text_end(&text), RH_EMSGSIZE);
	assert_string_equal(buffer, "abcd");
	assert_int_equal(buffer[5], 'x');
	rh_text_add(&text, "");
	assert_int_equal(rh_text_end(&text), RH_EMSGSIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fnv1a_is_the_published_function),
		cmocka_unit_test(text_is_canonical),
		cmocka_unit_test(text_that_does_not_fit_is_refused),
		cmocka_unit_test(hash_is_over_name_and_types),
		cmocka_unit_test(interface_hash_counts_every_function_in_order),
		cmocka_unit_test(numbers_are_written_in_decimal),
		cmocka_unit_test(a_cut_text_stays_a_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
