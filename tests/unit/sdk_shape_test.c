#include "../../sdk/c/rhodes-language.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void test_a_number(void **state)
{
	static const struct { const char *text; enum rh_shape_kind kind; uint32_t size; } rows[] = {
		{ "i8", RH_SHAPE_INT, 1 },    { "u64", RH_SHAPE_UINT, 8 },
		{ "f32", RH_SHAPE_FLOAT, 4 }, { "inout i16", RH_SHAPE_INT, 2 },
		{ "out f64?", RH_SHAPE_FLOAT, 8 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rh_shape *shape = NULL;

		assert_int_equal(rh_shape_parse(rows[i].text, &shape), RH_OK);
		assert_int_equal(shape->kind, rows[i].kind);
		assert_int_equal(shape->size, rows[i].size);
		rh_shape_free(shape);
	}
}

static void test_a_struct_in_a_struct(void **state)
{
	struct rh_shape *shape = NULL;

	(void)state;
	assert_int_equal(rh_shape_parse(
		"out struct line{struct point{f64 x@0;f64 y@8}:16[2] ends@0;u8 width@32;"
		"u32 red@36.0:5;u32 blue@36.5:27}:40", &shape), RH_OK);
	assert_string_equal(shape->name, "line");
	assert_int_equal(shape->size, 40);
	assert_int_equal(shape->count, 4);
	assert_int_equal(shape->fields[0].shape->kind, RH_SHAPE_ARRAY);
	assert_int_equal(shape->fields[0].shape->count, 2);
	assert_int_equal(shape->fields[0].shape->size, 32);
	assert_string_equal(shape->fields[0].shape->element->fields[1].name, "y");
	assert_int_equal(shape->fields[0].shape->element->fields[1].offset, 8);
	assert_int_equal(shape->fields[1].offset, 32);
	assert_int_equal(shape->fields[1].bit_width, 0);
	assert_int_equal(shape->fields[3].bit, 5);
	assert_int_equal(shape->fields[3].bit_width, 27);
	rh_shape_free(shape);
}

/* char text[2][3]: two rows of three */
static void test_the_last_length_is_the_outermost(void **state)
{
	struct rh_shape *shape = NULL;

	(void)state;
	assert_int_equal(rh_shape_parse("in u8[3][2]", &shape), RH_OK);
	assert_int_equal(shape->count, 2);
	assert_int_equal(shape->element->count, 3);
	assert_int_equal(shape->size, 6);
	rh_shape_free(shape);
}

static void test_a_union_without_a_name(void **state)
{
	struct rh_shape *shape = NULL;

	(void)state;
	assert_int_equal(rh_shape_parse("union {u32 whole@0;u8[4] parts@0}:4", &shape), RH_OK);
	assert_int_equal(shape->kind, RH_SHAPE_UNION);
	assert_string_equal(shape->name, "");
	assert_int_equal(shape->count, 2);
	rh_shape_free(shape);
}

static void test_what_is_no_type(void **state)
{
	static const char *const texts[] = {
		"", "i", "i7", "i128", "f16", "string", "handle x", "i32 ", "i32[", "i32[]", "i32[2",
		"struct", "struct a{i32 x@0}", "struct a{i32 x@0}:", "struct a{i32 x}:4",
		"struct a{i32 x@0;}:4", "struct a{i32 x@2}:4", /* beyond its end */
		"struct a{u8[5] x@0}:4", "struct a{u32 x@0.7:33}:4", "struct a{u32 x@0.8:1}:4",
		"i32[99999999999]", "i32[1073741825]", "struct a{i32 x@4294967295}:4",
		/* deeper than anybody nests them */
		("struct {struct {struct {struct {struct {struct {struct {struct {struct {struct {"
		 "struct {struct {struct {struct {struct {struct {struct {i8 x@0}:1"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct rh_shape *shape = (struct rh_shape *)1;

		assert_int_equal(rh_shape_parse(texts[i], &shape), RH_EINVAL);
		assert_ptr_equal(shape, (struct rh_shape *)1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_number),
		cmocka_unit_test(test_a_struct_in_a_struct),
		cmocka_unit_test(test_the_last_length_is_the_outermost),
		cmocka_unit_test(test_a_union_without_a_name),
		cmocka_unit_test(test_what_is_no_type),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
