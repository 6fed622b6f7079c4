#include "../../cli/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char *printed(const struct rh_table *table, bool has_headings, bool has_color)
{
	char  *text = NULL;
	size_t len;
	FILE  *file = open_memstream(&text, &len);

	assert_non_null(file);
	rh_table_print(table, file, has_headings, has_color);
	fclose(file);
	return text;
}

static void assert_printed(const struct rh_table *table, bool has_headings,
                           bool has_color, const char *expected)
{
	char *text = printed(table, has_headings, has_color);

	assert_string_equal(text, expected);
	free(text);
}

static void columns_are_as_wide_as_needed(void **state)
{
	static const char *const headings[] = { "NAME", "+CALLS", "NOTE", NULL };
	struct rh_table table;
	(void)state;

	rh_table_init(&table, headings);
	rh_table_text(&table, "a");
	rh_table_number(&table, 5);
	rh_table_text(&table, "first");
	rh_table_text(&table, "longer name");
	rh_table_number(&table, 123456);
	rh_table_text(&table, NULL);
	assert_int_equal(rh_table_rows(&table), 2);
	assert_printed(&table, true, false, "NAME          CALLS  NOTE\n"
	                                    "a                 5  first\n"
	                                    "longer name  123456  -\n");
	assert_printed(&table, false, false, "a                 5  first\n"
	                                     "longer name  123456  -\n");
	rh_table_fini(&table);
	assert_int_equal(rh_table_rows(&table), 0);
}

static void characters_count_not_bytes(void **state)
{
	static const char *const headings[] = { "A", "B", NULL };
	struct rh_table table;
	(void)state;

	rh_table_init(&table, headings);
	rh_table_text(&table, "\xc3\xa9\xe2\x82\xac"); /* e acute, euro */
	rh_table_text(&table, "x");
	rh_table_text(&table, "abcd");
	rh_table_text(&table, "y");
	assert_printed(&table, true, false, "A     B\n"
	                                    "\xc3\xa9\xe2\x82\xac    x\n"
	                                    "abcd  y\n");
	rh_table_fini(&table);
}

static void control_bytes_do_not_pass(void **state)
{
	static const char *const headings[] = { "A", NULL };
	struct rh_table table;
	(void)state;

	rh_table_init(&table, headings);
	rh_table_text(&table, "a\033[31mb\n\x7f\xc2\x9b\xff\xc0\xaf\xed\xa0\x80");
	assert_printed(&table, false, false, "a?[31mb??????????\n");
	rh_table_fini(&table);
}

static void colours_only_where_they_show(void **state)
{
	static const char *const headings[] = { "A", "B", NULL };
	struct rh_table table;
	(void)state;

	rh_table_init(&table, headings);
	rh_table_cell(&table, "yes", RH_GOOD);
	rh_table_cell(&table, "no", RH_BAD);
	assert_printed(&table, false, false, "yes  no\n");
	assert_printed(&table, false, true, "\033[32myes\033[0m  \033[31mno\033[0m\n");
	rh_table_fini(&table);
}

static void a_cell_has_an_end(void **state)
{
	static const char *const headings[] = { "A", NULL };
	struct rh_table table;
	char            long_text[5000], *text;
	(void)state;

	memset(long_text, 'x', sizeof long_text - 1);
	long_text[sizeof long_text - 1] = '\0';
	rh_table_init(&table, headings);
	rh_table_text(&table, long_text);
	text = printed(&table, false, false);
	assert_int_equal(strlen(text), 1024);
	free(text);
	rh_table_fini(&table);
}

static void counts_and_times_are_short(void **state)
{
	static const struct { double value; const char *count, *time; } cases[] = {
		{ 0, "0", "0ns" },            { 7, "7", "7ns" },
		{ 999, "999", "999ns" },      { 1000, "1000", "1.0us" },
		{ 9999, "9999", "10.0us" },   { 10000, "10.0k", "10.0us" },
		{ 123456, "123k", "123us" },  { 1500000, "1500k", "1.5ms" },
		{ 12500000, "12.5M", "12.5ms" }, { 2e9, "2000M", "2.0s" },
		{ 5e12, "5000G", "5000s" },
	};
	char text[32];
	(void)state;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_string_equal(rh_text_count(cases[i].value, text, sizeof text),
		                    cases[i].count);
		assert_string_equal(rh_text_duration(cases[i].value, text, sizeof text),
		                    cases[i].time);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_are_as_wide_as_needed),
		cmocka_unit_test(characters_count_not_bytes),
		cmocka_unit_test(control_bytes_do_not_pass),
		cmocka_unit_test(colours_only_where_they_show),
		cmocka_unit_test(a_cell_has_an_end),
		cmocka_unit_test(counts_and_times_are_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
