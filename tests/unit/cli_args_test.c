#include "../../cli/args.h"
#include "../../model/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct rh_option common[] = {
	{ "system", 'S', "NAME", "", RH_COMPLETE_NOTHING },
	{ "help", 'h', NULL, "", RH_COMPLETE_NOTHING },
	{ 0 },
};

static const struct rh_option own[] = {
	{ "file", 'f', "FILE", "", RH_COMPLETE_FILE },
	{ "dry-run", 0, NULL, "", RH_COMPLETE_NOTHING },
	{ "count", 'n', "N", "", RH_COMPLETE_NOTHING },
	{ 0 },
};

#define WORDS_MAX 12

/* argv is reordered, so every case has its own. */
static int parse(struct rh_args *args, char **argv, bool stop_early, struct rh_diag *diag)
{
	const struct rh_option *const tables[2] = { common, own };

	memset(args, 0, sizeof *args);
	return rh_args_parse(args, tables, argv, stop_early, diag);
}

#define ARGV(...) ((char *[WORDS_MAX]){ (char *)(uintptr_t)"verb", __VA_ARGS__, NULL })
#define W(text) ((char *)(uintptr_t)(text))

static void options_stand_anywhere(void **state)
{
	struct rh_args args;
	(void)state;

	assert_int_equal(parse(&args,
	                       ARGV(W("a"), W("-f"), W("x"), W("b"), W("--dry-run"),
	                            W("--file=y"), W("-Szz")),
	                       false, NULL),
	                 RH_OK);
	assert_int_equal(args.word_count, 2);
	assert_string_equal(args.words[0], "a");
	assert_string_equal(args.words[1], "b");
	assert_null(args.words[2]);
	assert_true(rh_args_has(&args, "dry-run"));
	assert_string_equal(rh_args_value(&args, "dry-run"), "");
	assert_false(rh_args_has(&args, "help"));
	assert_string_equal(rh_args_nth(&args, "file", 0), "x");
	assert_string_equal(rh_args_nth(&args, "file", 1), "y");
	assert_null(rh_args_nth(&args, "file", 2));
	assert_string_equal(rh_args_value(&args, "file"), "y");
	assert_string_equal(rh_args_value(&args, "system"), "zz");
}

static void a_double_dash_ends_them(void **state)
{
	struct rh_args args;
	(void)state;

	assert_int_equal(parse(&args, ARGV(W("file"), W("-n"), W("3"), W("--"), W("ls"),
	                                   W("-f"), W("--"), W("--nope")), false, NULL),
	                 RH_OK);
	assert_int_equal(args.word_count, 5);
	assert_string_equal(args.words[0], "file");
	assert_string_equal(args.words[1], "ls");
	assert_string_equal(args.words[2], "-f");
	assert_string_equal(args.words[3], "--");
	assert_string_equal(args.words[4], "--nope");
	assert_false(rh_args_has(&args, "file"));
}

static void the_first_word_may_end_them(void **state)
{
	struct rh_args args;
	(void)state;

	assert_int_equal(parse(&args, ARGV(W("-S"), W("s"), W("get"), W("-n"), W("1")),
	                       true, NULL),
	                 RH_OK);
	assert_int_equal(args.word_count, 3);
	assert_string_equal(args.words[0], "get");
	assert_string_equal(args.words[1], "-n");
}

static void assert_refused(char **argv, const char *reason)
{
	struct rh_args args;
	struct rh_diag diag = { 0 };

	assert_int_equal(parse(&args, argv, false, &diag), RH_EINVAL);
	if (!strstr(diag.text, reason))
		print_error("%s\n", diag.text);
	assert_non_null(strstr(diag.text, reason));
	assert_int_equal(args.given_count, 0); /* untouched */
}

static void what_is_wrong_is_named(void **state)
{
	(void)state;
	assert_refused(ARGV(W("--nope")), "there is no option --nope");
	assert_refused(ARGV(W("a"), W("--nope=3")), "there is no option --nope=3");
	assert_refused(ARGV(W("-x")), "there is no option -x");
	assert_refused(ARGV(W("a"), W("-f")), "the option -f needs a value");
	assert_refused(ARGV(W("a"), W("--file")), "the option --file needs a value");
	assert_refused(ARGV(W("--dry-run=1")), "the option --dry-run=1 takes no value");
}

static void too_many_options_are_refused(void **state)
{
	const struct rh_option *const tables[2] = { common, own };
	char          *argv[RH_ARGS_MAX + 3] = { W("verb") };
	struct rh_args args;
	(void)state;

	for (size_t i = 1; i <= RH_ARGS_MAX + 1; i++)
		argv[i] = W("-h");
	assert_int_equal(rh_args_parse(&args, tables, argv, false, NULL), RH_EINVAL);
	argv[RH_ARGS_MAX + 1] = NULL;
	assert_int_equal(rh_args_parse(&args, tables, argv, false, NULL), RH_OK);
	assert_int_equal(args.given_count, RH_ARGS_MAX);
}

static void numbers_have_a_range(void **state)
{
	static const struct { const char *text; int result; long number; } cases[] = {
		{ "1", RH_OK, 1 }, { "10", RH_OK, 10 }, { "0", RH_EINVAL, 77 },
		{ "11", RH_EINVAL, 77 }, { "x", RH_EINVAL, 77 }, { "", RH_EINVAL, 77 },
		{ "1x", RH_EINVAL, 77 }, { "-1", RH_EINVAL, 77 },
		{ "99999999999999999999", RH_EINVAL, 77 },
	};
	struct rh_args args;
	long           number;
	(void)state;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		number = 77;
		assert_int_equal(
			parse(&args, ARGV(W("-n"), W(cases[i].text)), false, NULL),
			RH_OK);
		assert_int_equal(rh_args_number(&args, "count", 1, 10, &number, NULL),
		                 cases[i].result);
		assert_int_equal(number, cases[i].number);
	}
	assert_int_equal(parse(&args, ARGV(W("a")), false, NULL), RH_OK);
	assert_int_equal(rh_args_number(&args, "count", 1, 10, &number, NULL), RH_ENOENT);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_stand_anywhere),
		cmocka_unit_test(a_double_dash_ends_them),
		cmocka_unit_test(the_first_word_may_end_them),
		cmocka_unit_test(what_is_wrong_is_named),
		cmocka_unit_test(too_many_options_are_refused),
		cmocka_unit_test(numbers_have_a_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
