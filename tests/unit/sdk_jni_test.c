/* Texts between C and a JVM, which here is a table of functions: every code point there
 * and back, and what is none. */
#include "../../sdk/c/jni_env.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A String: units on the heap, so that a byte too many is seen. */
struct string {
	uint16_t *units;
	int32_t   len;
};

static char thrown[128]; /* class and message; "" none */

static void *find_class(rh_jni_env *env, const char *name)
{
	(void)env;
	snprintf(thrown, sizeof thrown, "%s", name);
	return thrown;
}

static int32_t throw_new(rh_jni_env *env, void *class, const char *text)
{
	(void)env;
	assert_ptr_equal(class, thrown);
	size_t len = strlen(thrown);
	snprintf(thrown + len, sizeof thrown - len, ": %s", text);
	return 0;
}

static uint8_t exception_check(rh_jni_env *env)
{
	(void)env;
	return thrown[0] != '\0';
}

static void *new_string(rh_jni_env *env, const uint16_t *units, int32_t len)
{
	struct string *string = malloc(sizeof *string);

	(void)env;
	assert_non_null(string);
	string->len = len;
	string->units = malloc((size_t)len * sizeof *units + 1);
	assert_non_null(string->units);
	memcpy(string->units, units, (size_t)len * sizeof *units);
	return string;
}

static int32_t get_length(rh_jni_env *env, void *object)
{
	const struct string *string = object;

	(void)env;
	return string->len;
}

static void get_region(rh_jni_env *env, void *object, int32_t start, int32_t len, void *to)
{
	const struct string *string = object;

	(void)env;
	assert_true(start >= 0 && len >= 0 && start + len <= string->len);
	memcpy(to, string->units + start, (size_t)len * sizeof *string->units);
}

/* The numbers are those of the specification. */
static rh_jni_function *const table[233] = {
	[6] = (rh_jni_function *)find_class,    [14] = (rh_jni_function *)throw_new,
	[163] = (rh_jni_function *)new_string,  [164] = (rh_jni_function *)get_length,
	[220] = (rh_jni_function *)get_region,  [228] = (rh_jni_function *)exception_check,
};
static rh_jni_env env = table;

static void drop(struct string *string)
{
	free(string->units);
	free(string);
}

/* The code point as UTF-16; returns its units. */
static size_t units_of(uint32_t c, uint16_t units[2])
{
	if (c < 0x10000) {
		units[0] = (uint16_t)c;
		return 1;
	}
	units[0] = (uint16_t)(0xd800 | (c - 0x10000) >> 10);
	units[1] = (uint16_t)(0xdc00 | ((c - 0x10000) & 0x3ff));
	return 2;
}

static void every_code_point_comes_back(void **state)
{
	(void)state;
	for (uint32_t c = 1; c <= 0x10ffff; c++) {
		uint16_t      units[2];
		struct string given = { units, (int32_t)units_of(c, units) };
		bool          is_half = c >= 0xd800 && c < 0xe000;

		thrown[0] = '\0';
		char *text = rh_jni_text(&env, &given, "f", "t");
		assert_int_equal(text == NULL, is_half);
		assert_int_equal(thrown[0] != '\0', is_half);
		if (is_half)
			continue;
		assert_int_equal(strlen(text), c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4);
		struct string *back = rh_jni_string(&env, text);
		assert_non_null(back);
		assert_int_equal(back->len, given.len);
		assert_memory_equal(back->units, units, (size_t)given.len * sizeof *units);
		drop(back);
		free(text);
	}
}

static void a_text_of_several_is_known(void **state)
{
	uint16_t      units[] = { 'a', 0xfc, 0x20ac, 0xd83d, 0xde00, 'z' };
	struct string given = { units, 6 };

	(void)state;
	thrown[0] = '\0';
	char *text = rh_jni_text(&env, &given, "f", "t");
	assert_string_equal(text, "a\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80z");
	free(text);
}

static void what_c_cannot_have_is_thrown(void **state)
{
	static uint16_t bads[][3] = { { 'a', 0, 'b' }, { 'a', 'b', 0xd83d }, { 0xd83d, 'a', 'b' },
	                              { 0xde00, 'a', 'b' }, { 0xd83d, 0xd83d, 0xde00 } };

	(void)state;
	for (size_t i = 0; i < sizeof bads / sizeof *bads; i++) {
		struct string given = { bads[i], 3 };

		thrown[0] = '\0';
		assert_null(rh_jni_text(&env, &given, "f", "t"));
		assert_string_equal(thrown, i == 0 ? "java/lang/IllegalArgumentException: "
		                    "f: t holds a NUL"
		                    : "java/lang/IllegalArgumentException: "
		                    "f: t has half a surrogate pair, which has no UTF-8");
	}
}

/* Cut, over-long, halves of pairs, beyond Unicode, tails without a head. */
static void what_is_no_utf8_is_thrown(void **state)
{
	static const char *const bads[] = {
		"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc3", "\xc3(", "\xe2\x82", "\xe2(\xac",
		"\xe0\x9f\xbf", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf",
		"\xf0\x9f\x98", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "ok\xfe",
	};

	(void)state;
	for (size_t i = 0; i < sizeof bads / sizeof *bads; i++) {
		char *exact = strdup(bads[i]);

		assert_non_null(exact);
		thrown[0] = '\0';
		assert_null(rh_jni_string(&env, exact));
		assert_non_null(strstr(thrown, "IllegalArgumentException: the text that came"));
		free(exact);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_code_point_comes_back),
		cmocka_unit_test(a_text_of_several_is_known),
		cmocka_unit_test(what_c_cannot_have_is_thrown),
		cmocka_unit_test(what_is_no_utf8_is_thrown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
