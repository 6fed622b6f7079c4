/* Canonical text back to C: every form of type that there is, and what C refuses. */
#include "../../interface/declare.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/rhodes-declare-XXXXXX";

static int setup(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	return rmdir(folder);
}

static void make(struct rh_pool *pool, const char *text, struct rh_declare *ret)
{
	const struct rh_declare_request request = {
		.text = text, .name = "thing-2", .header = "thing.h",
		.soname = "libthing.so", .origin = "a test",
	};
	struct rh_diag diag = { 0 };

	if (rh_declare_make(pool, &request, ret, &diag) < 0)
		fail_msg("%s", diag.text);
}

/* Compiles what was made and compares it with the text; the reason, or "". */
static const char *compare(const struct rh_declare *made, const char *text)
{
	static struct rh_diag diag;
	char                  header[64], side[64];
	struct rh_plan        plan;

	diag = (struct rh_diag){ 0 };
	snprintf(header, sizeof header, "%s/thing.h", folder);
	snprintf(side, sizeof side, "%s/thing.side", folder);
	FILE *out = fopen(header, "w");
	assert_non_null(out);
	fputs(made->header, out);
	fclose(out);
	int result = rh_plan_make_text(&plan, side, made->side, strlen(made->side), &diag);
	unlink(header);
	if (result < 0)
		return diag.text;
	result = rh_declare_check(&plan, text, made, &diag);
	rh_plan_fini(&plan);
	return diag.text;
}

static char *read_every(void)
{
	char *text = calloc(1, 1 << 16);
	FILE *in = fopen(EVERY, "r");

	assert_non_null(in);
	assert_true(fread(text, 1, (1 << 16) - 1, in) > 0);
	fclose(in);
	return text;
}

/* The text of a header with every kind of type, made into another header. */
static void every_type_comes_back(void **state)
{
	struct rh_declare made;
	struct rh_pool    pool;
	char             *text = read_every();

	(void)state;
	rh_pool_init(&pool);
	make(&pool, text, &made);
	assert_int_equal(made.left_out, 1);   /* an object that is a value, too */
	assert_non_null(strstr(made.side, "\n# nocarry every_open_struct: "));
	assert_int_equal(made.carried, 27);
	const char *reason = compare(&made, text);
	if (reason[0])
		fail_msg("%s\n%s\n%s", reason, made.header, made.side);
	rh_pool_fini(&pool);
	free(text);
}

static void forms_that_no_header_has_come_back(void **state)
{
	static const char text[] =
		"packed, struct tight{u8 a@0;u32 b@1}:5|t, void\n"
		"grid, in i32[3][2]|g, out struct {f32[2] xy@0}:8|p, union u{i64 l@0;f64 d@0}:8\n"
		"handle, i32|int, i32|int, fd\n"
		"std, path?stdin|file, out fd|made, inout drop handle obj|o, new handle obj\n"
		"wide, inout bytes:12(cap 2 used return)|buffer, u32|room, i64\n"
		"texts, out string|borrowed, out own string?|owned, own string\n"
		"short_words, bytes:2(len 2)|words, i32|n, path\n";
	struct rh_declare made;
	struct rh_pool    pool;

	(void)state;
	rh_pool_init(&pool);
	make(&pool, text, &made);
	assert_int_equal(made.left_out, 0);
	assert_int_equal(made.carried, 7);
	const char *reason = compare(&made, text);
	if (reason[0])
		fail_msg("%s\n%s\n%s", reason, made.header, made.side);
	rh_pool_fini(&pool);
}

static void what_c_cannot_say_is_left_out_with_the_reason(void **state)
{
	static const struct { const char *line, *reason; } cases[] = {
		{ "while, i32|a, void", "C allows no such name" },
		{ "gap, struct g{u8 a@0;u8 b@3}:4|g, void", "C lays struct g out otherwise" },
		{ "word, struct w{i32 double@0}:4|w, void", "a name that C does not allow" },
		{ "long_double, f128|x, void", "'f128' is no plain type" },
		{ "by_value, i32[4]|x, void", "C passes no array by value" },
		{ "open, struct o{i32 a@0|x, void", "a struct does not end" },
		{ "lost, bytes(len 4)|x, u64|n, void", "bytes without a length" },
		{ "back, in i32|x, i32?", "a result has no direction" },
		{ "tail, i32x|x, void", "'i32x' is no plain type" },
	};
	struct rh_declare made;
	struct rh_pool    pool;

	(void)state;
	rh_pool_init(&pool);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		make(&pool, cases[i].line, &made);
		assert_int_equal(made.left_out, 1);
		assert_int_equal(made.carried, 0);
		if (!strstr(made.side, cases[i].reason))
			fail_msg("'%s' lacks '%s'", made.side, cases[i].reason);
	}
	rh_pool_fini(&pool);
}

/* The check is what stands between a mistake here and a wrong call. */
static void a_difference_is_found(void **state)
{
	static const char text[] = "f, i32|a, i64\ng, void\n";
	struct rh_declare made;
	struct rh_pool    pool;

	(void)state;
	rh_pool_init(&pool);
	make(&pool, text, &made);
	assert_string_equal(compare(&made, text), "");
	assert_non_null(strstr(compare(&made, "f, i32|a, i32\ng, void\n"),
	                       "f: C makes 'f, i32|a, i64' of it"));
	assert_non_null(strstr(compare(&made, "f, i32|a, i64\n"),
	                       "of 2 functions C declares 1"));
	rh_pool_fini(&pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_comes_back),
		cmocka_unit_test(forms_that_no_header_has_come_back),
		cmocka_unit_test(what_c_cannot_say_is_left_out_with_the_reason),
		cmocka_unit_test(a_difference_is_found),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
