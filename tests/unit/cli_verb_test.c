#include "../../cli/cli.h"
#include "../../cli/kind.h"
#include "../../cli/verb.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What a function prints on a FILE, as a text that the caller frees. */
#define PRINTED(text, call) do { \
		size_t len_; \
		FILE  *file = open_memstream(&(text), &len_); \
		assert_non_null(file); \
		call; \
		fclose(file); \
	} while (0)

static void check_options(const struct rh_verb *verb)
{
	for (const struct rh_option *o = verb->options; o && o->name; o++) {
		assert_non_null(o->help);
		assert_true(o->complete < RH_COMPLETE_COUNT);
		for (const struct rh_option *p = rh_verb_common; p->name; p++) {
			assert_string_not_equal(o->name, p->name);
			assert_true(o->letter == 0 || o->letter != p->letter);
		}
		for (const struct rh_option *p = o + 1; p->name; p++) {
			assert_string_not_equal(o->name, p->name);
			assert_true(o->letter == 0 || o->letter != p->letter);
		}
	}
}

static void every_entry_is_whole(void **state)
{
	size_t count = 0;
	(void)state;

	for (const struct rh_verb *verb = rh_verbs; verb->name; verb++, count++) {
		assert_ptr_equal(rh_verb_find(verb->name), verb); /* no name twice */
		assert_non_null(verb->run);
		assert_non_null(verb->words);
		assert_true(verb->word_least <= verb->word_most);
		assert_true(strlen(verb->help) > 10 && strlen(verb->help) <= 66);
		assert_true(verb->help[strlen(verb->help) - 1] != '.');
		assert_true(verb->about[strlen(verb->about) - 1] == '.' ||
		            strcmp(verb->name, "completion") == 0);
		check_options(verb);
	}
	assert_int_equal(count, 25);
}

static void a_typing_error_is_guessed(void **state)
{
	(void)state;
	assert_string_equal(rh_verb_guess("gte")->name, "get");
	assert_string_equal(rh_verb_guess("aply")->name, "apply");
	assert_string_equal(rh_verb_guess("discribe")->name, "describe");
	assert_null(rh_verb_guess("xyzzy"));
	assert_null(rh_verb_guess(""));
	assert_null(rh_verb_guess("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
}

static void help_shows_every_option(void **state)
{
	char *text = NULL;
	(void)state;

	for (const struct rh_verb *verb = rh_verbs; verb->name; verb++) {
		PRINTED(text, rh_verb_print_help(verb, file));
		assert_non_null(strstr(text, verb->help));
		for (const struct rh_option *o = verb->options; o && o->name; o++) {
			assert_non_null(strstr(text, o->name));
			assert_non_null(strstr(text, o->help));
		}
		for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
			assert_true(strlen(line) <= 90);
		free(text);
	}
	PRINTED(text, rh_verb_print_list(file));
	for (const struct rh_verb *verb = rh_verbs; verb->name; verb++)
		assert_non_null(strstr(text, verb->help));
	free(text);
}

static void completion_knows_every_verb_and_option(void **state)
{
	char          *words[] = { (char *)(uintptr_t)"bash", NULL };
	struct rh_cli  cli = { .verb = rh_verb_find("completion"), .err = stderr };
	char          *text = NULL;
	char           word[80];
	(void)state;

	cli.args.words = words;
	cli.args.word_count = 1;
	PRINTED(text, (cli.out = file, assert_int_equal(rh_verb_completion(&cli), 0)));
	for (const struct rh_verb *verb = rh_verbs; verb->name; verb++) {
		snprintf(word, sizeof word, "\t%s)", verb->name);
		assert_int_equal(strstr(text, word) == NULL, verb->is_raw);
		for (const struct rh_option *o = verb->options; o && o->name; o++) {
			snprintf(word, sizeof word, " --%s", o->name);
			assert_non_null(strstr(text, word));
		}
	}
	free(text);
}

/* The page as plain text: without the fonts and the escaped hyphens. */
static char *page_text(void)
{
	static char text[65536];
	FILE       *file = fopen(SOURCE "/docs/man/rhodes.1", "r");
	size_t      used = 0;
	int         c;

	assert_non_null(file);
	while ((c = getc(file)) != EOF && used + 1 < sizeof text) {
		if (c == '\\') {
			c = getc(file);
			if (c == 'f') {
				getc(file);
				continue;
			}
		}
		text[used++] = (char)c;
	}
	text[used] = '\0';
	fclose(file);
	return text;
}

static void the_page_has_every_verb_and_option(void **state)
{
	char *text = page_text();
	char  word[80];
	(void)state;

	for (const struct rh_verb *verb = rh_verbs; verb->name; verb++) {
		snprintf(word, sizeof word, ".SS rhodes %s", verb->name);
		char *section = strstr(text, word), *end;

		if (!section)
			print_error("no section of %s\n", verb->name);
		assert_non_null(section);
		end = strstr(section + 1, "\n.S");
		assert_non_null(end);
		*end = '\0';
		for (const struct rh_option *o = verb->options; o && o->name; o++) {
			snprintf(word, sizeof word, "--%s", o->name);
			if (!strstr(section, word))
				print_error("%s lacks %s\n", verb->name, word);
			assert_non_null(strstr(section, word));
		}
		*end = '\n';
	}
}

static void exit_codes_are_those_of_the_page(void **state)
{
	(void)state;
	assert_int_equal(rh_cli_exit_of(RH_OK), 0);
	assert_int_equal(rh_cli_exit_of(RH_EINVAL), 1);
	assert_int_equal(rh_cli_exit_of(RH_EACCES), 1);
	assert_int_equal(rh_cli_exit_of(RH_ELAYER), 1);
	assert_int_equal(rh_cli_exit_of(RH_EDOWN), 3);
	assert_int_equal(rh_cli_exit_of(RH_EDETACHED), 3);
	assert_int_equal(rh_cli_exit_of(RH_ENOENT), 4);
	assert_int_equal(rh_cli_exit_of(RH_ESTALE), 5);
	assert_int_equal(rh_cli_exit_of(RH_EEXIST), 5);
	assert_int_equal(rh_cli_exit_of(RH_EBUSY), 5);
	assert_int_equal(RH_EXIT_USAGE, 2);
}

static void kinds_have_paths(void **state)
{
	char path[100];
	(void)state;

	assert_ptr_equal(rh_kind_find("resource"), rh_kind_find("resources"));
	assert_ptr_equal(rh_kind_find("Resource"), rh_kind_find("resources"));
	assert_null(rh_kind_find("thing"));
	assert_null(rh_kind_find(""));
	rh_kind_path(rh_kind_find("rule"), NULL, path, sizeof path);
	assert_string_equal(path, "/apis/v1/rules");
	rh_kind_path(rh_kind_find("rule"), "a/b?c d\xff", path, sizeof path);
	assert_string_equal(path, "/apis/v1/rules/a%2Fb%3Fc%20d%FF");
	rh_kind_path(rh_kind_find("rule"), "a////////////////", path, 24);
	assert_true(strlen(path) < 24);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_entry_is_whole),
		cmocka_unit_test(a_typing_error_is_guessed),
		cmocka_unit_test(help_shows_every_option),
		cmocka_unit_test(completion_knows_every_verb_and_option),
		cmocka_unit_test(the_page_has_every_verb_and_option),
		cmocka_unit_test(exit_codes_are_those_of_the_page),
		cmocka_unit_test(kinds_have_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
