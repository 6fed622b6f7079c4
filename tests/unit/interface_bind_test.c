/* Plain types read back from the canonical text, and functions as a binding shows them. */
#include "../../interface/emit_bind.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static const char plain_text[] =
	"struct every_plain{u8[3] tag@0;i32 low@3.0:5;i32 high@4.0:11;f64 weight@8;"
	"union {f32 f@0;i32 i@0}:4 either@16;struct {i16 x@0;i16 y@2}:4 at@20}:24";

static struct rh_bind_type *read_type(struct rh_pool *pool, const char *text)
{
	struct rh_bind_types types;
	struct rh_bind_type *type = NULL;

	rh_bind_types_init(&types, pool);
	assert_int_equal(rh_bind_type_read(&types, text, &type), RH_OK);
	return type;
}

static void types_have_their_layout(void **state)
{
	struct rh_pool       pool;
	struct rh_bind_type *type;

	(void)state;
	rh_pool_init(&pool);
	type = read_type(&pool, "i32[3][2]");
	assert_int_equal(type->size, 24);
	assert_int_equal(type->count, 2);
	assert_int_equal(type->element->count, 3);
	type = read_type(&pool, "struct a{u8 x@0;u64 y@8;u8 z@16}:24");
	assert_true(type->is_natural);
	assert_int_equal(type->align, 8);
	type = read_type(&pool, "struct packed{u8 x@0;u64 y@1}:9");
	assert_false(type->is_natural);
	assert_int_equal(type->align, 1);
	type = read_type(&pool, "struct wide{u8 x@0}:16"); /* __attribute__((aligned(16))) */
	assert_false(type->is_natural);
	type = read_type(&pool, "struct bits{u32 a@0.0:5;u32 b@4.0:7}:8"); /* b behind :0 */
	assert_false(type->is_natural);
	type = read_type(&pool, plain_text);
	assert_false(type->is_natural);
	assert_int_equal(type->align, 8);
	assert_int_equal(type->count, 6);
	assert_int_equal(type->fields[2].width, 11);
	assert_int_equal(type->fields[4].type->kind, RH_BIND_UNION);
	assert_true(type->fields[5].type->is_natural);
	rh_pool_fini(&pool);
}

static void what_is_no_type_is_refused(void **state)
{
	static const char *const texts[] = {
		"", "i33", "i32 ", "u8[", "u8[x]", "u8[3", "struct a{", "struct a{i32 x@0}",
		"struct a{i32 x@}:4", "struct a{i32@0}:4", "struct a{i32 x@0.9:3}:4",
		"struct a{i32 x@0.0:0}:4", "struct a{i32 x@0;}:4", "struct a{}:0", "string",
		"u64[4294967295]",
	};
	struct rh_pool       pool;
	struct rh_bind_types types;
	struct rh_bind_type *type = NULL;

	(void)state;
	rh_pool_init(&pool);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		rh_bind_types_init(&types, &pool);
		if (rh_bind_type_read(&types, texts[i], &type) != RH_EINVAL)
			fail_msg("'%s' is read", texts[i]);
	}
	rh_pool_fini(&pool);
}

static const struct rh_bind_function *find(const struct rh_binding *binding,
                                           const char *name)
{
	for (uint32_t i = 0; i < binding->count; i++)
		if (strcmp(binding->functions[i].name, name) == 0)
			return &binding->functions[i];
	fail_msg("no function %s", name);
	return NULL;
}

static void functions_have_roles(void **state)
{
	struct rh_plan                 plan;
	struct rh_binding              binding;
	const struct rh_bind_function *function;

	(void)state;
	assert_int_equal(rh_plan_make(&plan, SOURCE "/tests/interface/every.side", NULL),
	                 RH_OK);
	assert_int_equal(rh_binding_make(&binding, &plan, NULL), RH_OK);
	function = find(&binding, "every_fill_inout");
	assert_int_equal(function->values[0].role, RH_BIND_BYTES);
	assert_int_equal(function->values[1].role, RH_BIND_LENGTH);
	assert_false(rh_bind_goes_in(&function->values[1]));
	assert_true(rh_bind_comes_out(&function->values[1]));
	assert_int_equal(rh_bind_out_count(function), 2);
	function = find(&binding, "every_peek");
	assert_int_equal(function->values[1].bytes, RH_USED_RETURN);
	assert_int_equal(rh_bind_out_count(function), 1);
	function = find(&binding, "every_pair");
	assert_string_equal(function->ret.type->name, "EveryPair");
	assert_string_equal(function->values[1].type->fields[5].type->name, "EveryPlainAt");
	function = find(&binding, "every_open_struct");
	assert_string_equal(binding.objects[function->values[0].param->handle].upper,
	                    "EveryOpen");
	assert_string_equal(function->values[1].type->name, "EveryOpen2");
	function = find(&binding, "every_close");
	assert_ptr_equal(binding.objects[function->values[0].param->handle].destroy, function);
	assert_false(rh_bind_is_served(find(&binding, "every_event")));
	assert_true(rh_bind_is_event(find(&binding, "every_event")));
	assert_false(rh_bind_is_event(find(&binding, "every_old")));
	rh_plan_fini(&plan);
}

/* Written twice it is the same, and each carried function is in it. */
static void rust_has_every_function(void **state)
{
	struct rh_plan    plan;
	struct rh_binding binding;
	char             *text = NULL, want[128];
	size_t            len = 0;
	FILE             *out = open_memstream(&text, &len);

	(void)state;
	assert_non_null(out);
	assert_int_equal(rh_plan_make(&plan, SOURCE "/tests/interface/every.side", NULL),
	                 RH_OK);
	assert_int_equal(rh_binding_make(&binding, &plan, NULL), RH_OK);
	rh_emit_rust(out, &binding);
	fclose(out);
	for (uint32_t i = 0; i < binding.count; i++) {
		snprintf(want, sizeof want, "pub fn %s(&self", binding.functions[i].name);
		assert_non_null(strstr(text, want));
	}
	free(text);
	rh_plan_fini(&plan);
}

/* Word for word: every kind of type, as TypeScript has it. */
static void node_is_as_it_should_be(void **state)
{
	static char       want[64 * 1024];
	struct rh_plan    plan;
	struct rh_binding binding;
	char             *text = NULL;
	size_t            len = 0;
	FILE             *out = open_memstream(&text, &len);
	FILE             *file = fopen(SOURCE "/tests/interface/every.d.ts", "r");

	(void)state;
	assert_non_null(out);
	assert_non_null(file);
	want[fread(want, 1, sizeof want - 1, file)] = '\0';
	fclose(file);
	assert_int_equal(rh_plan_make(&plan, SOURCE "/tests/interface/every.side", NULL),
	                 RH_OK);
	assert_int_equal(rh_binding_make(&binding, &plan, NULL), RH_OK);
	rh_emit_node(out, &binding);
	fclose(out);
	assert_string_equal(text, want);
	free(text);
	rh_plan_fini(&plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(types_have_their_layout),
		cmocka_unit_test(what_is_no_type_is_refused),
		cmocka_unit_test(functions_have_roles),
		cmocka_unit_test(rust_has_every_function),
		cmocka_unit_test(node_is_as_it_should_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
