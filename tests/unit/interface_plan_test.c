#include "../../interface/emit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *read_all(const char *path)
{
	FILE  *in = fopen(path, "r");
	char  *text = calloc(1, 1 << 16);
	size_t len = in ? fread(text, 1, (1 << 16) - 1, in) : 0;

	assert_non_null(in);
	assert_true(len > 0);
	fclose(in);
	return text;
}

static void make(struct rh_plan *plan, const char *path)
{
	struct rh_diag diag = { 0 };

	if (rh_plan_make(plan, path, &diag) < 0)
		fail_msg("%s", diag.text);
}

static char *text_of(const struct rh_plan *plan)
{
	char  *text = NULL;
	size_t len;
	FILE  *out = open_memstream(&text, &len);

	rh_emit_text(out, plan);
	fclose(out);
	return text;
}

static void compare(const char *side, const char *golden)
{
	struct rh_plan plan;

	make(&plan, side);
	char *text = text_of(&plan), *wanted = read_all(golden);
	if (strcmp(text, wanted) != 0)
		print_error("%s", text);
	assert_string_equal(text, wanted);
	free(text);
	free(wanted);
	rh_plan_fini(&plan);
}

static void every_type_has_its_text(void **state)
{
	(void)state;
	compare(SOURCE "/tests/interface/every.side",
	        SOURCE "/tests/interface/every.txt");
}

static void libmagic_has_its_text(void **state)
{
	(void)state;
	if (access("/usr/include/magic.h", R_OK) < 0)
		skip();
	compare(SOURCE "/examples/tour/libmagic.side",
	        SOURCE "/tests/interface/libmagic.txt");
}

static const struct rh_function *row(const struct rh_plan *plan, const char *name)
{
	for (uint32_t i = 0; i < plan->interface.function_count; i++)
		if (strcmp(plan->interface.functions[i].name, name) == 0)
			return &plan->interface.functions[i];
	fail_msg("no row %s", name);
	return NULL;
}

static void rows_hold_what_the_marshaller_needs(void **state)
{
	struct rh_plan            plan;
	const struct rh_function *f;

	(void)state;
	make(&plan, SOURCE "/tests/interface/every.side");
	f = row(&plan, "every_fill_used");
	assert_int_equal(f->params[0].kind, RH_KIND_BYTES);
	assert_int_equal(f->params[0].direction, RH_OUT);
	assert_int_equal(f->params[0].len_param, 1);
	assert_int_equal(f->params[0].used_param, 2);
	assert_int_equal(f->params[2].flags, RH_PARAM_POINTER);
	assert_int_equal(f->params[2].kind, RH_KIND_UINT);
	assert_int_equal(f->params[2].size, 8);
	f = row(&plan, "every_words");
	assert_int_equal(f->params[0].size, 4);
	f = row(&plan, "every_peek");
	assert_int_equal(f->ret.kind, RH_KIND_BYTES);
	assert_int_equal(f->ret.len_param, 1);
	f = row(&plan, "every_open");
	assert_int_equal(f->flags, RH_FUNCTION_CREATES);
	assert_int_equal(f->ret.flags, RH_PARAM_CREATES);
	assert_int_equal(f->params[0].kind, RH_KIND_PATH);
	assert_int_equal(f->params[0].flags, RH_PARAM_NULLABLE);
	assert_int_equal(f->params[1].kind, RH_KIND_FD);
	assert_int_equal(f->on_error, RH_ON_ERROR_RETURN);
	assert_int_equal(f->error_errno, 5);
	f = row(&plan, "every_make");
	assert_int_equal(f->flags, RH_FUNCTION_CREATES);
	assert_int_equal(f->params[0].flags, RH_PARAM_CREATES | RH_PARAM_POINTER);
	assert_string_equal(plan.interface.handles[f->params[0].handle].name,
	                    "every_other");
	f = row(&plan, "every_id");
	assert_int_equal(f->params[0].kind, RH_KIND_STRUCT);
	assert_int_equal(f->params[0].size, 16);
	assert_int_equal(f->params[0].direction, RH_OUT);
	assert_int_equal(f->params[1].direction, RH_IN);
	f = row(&plan, "every_new_text");
	assert_int_equal(f->ret.flags, RH_PARAM_TRANSFER);
	assert_int_equal(f->params[1].flags, RH_PARAM_TRANSFER | RH_PARAM_POINTER);
	f = row(&plan, "every_structs");
	assert_int_equal(f->on_error, RH_ON_ERROR_ABORT);
	f = row(&plan, "every_event");
	assert_int_equal(f->flags, RH_FUNCTION_EVENT);
	rh_plan_fini(&plan);
}

static void handles_know_their_end(void **state)
{
	struct rh_plan plan;

	(void)state;
	make(&plan, SOURCE "/tests/interface/every.side");
	const struct rh_interface *interface = &plan.interface;
	assert_string_equal(interface->handles[0].name, "every_object_t");
	assert_int_equal(interface->handles[0].flags, RH_HANDLE_REPLAY);
	assert_string_equal(
		interface->functions[interface->handles[0].destructor].name,
		"every_close");
	assert_int_equal(interface->handles[1].destructor, -1);
	rh_plan_fini(&plan);
}

/* What cannot be carried still has a result that a failed call can return. */
/* An event goes one way, up: a function that asks something is none. */
static void an_event_only_returns(void **state)
{
	char           path[] = "/tmp/rhodes-event-XXXXXX.side";
	struct rh_diag diag = { 0 };
	struct rh_plan plan;
	int            fd = mkstemps(path, 5);

	(void)state;
	assert_true(fd >= 0);
	dprintf(fd, "interface every\nheader %s\nsoname libevery.so.3\nlibrary none\n"
	        "every_i32 event\n", SOURCE "/tests/interface/every.h");
	close(fd);
	assert_int_equal(rh_plan_make(&plan, path, &diag), RH_EINVAL);
	assert_non_null(strstr(diag.text, "every_i32: an event is a function"));
	unlink(path);
}

static void refused_rows_can_fail(void **state)
{
	struct rh_plan            plan;
	const struct rh_function *f;

	(void)state;
	make(&plan, SOURCE "/tests/interface/every.side");
	f = row(&plan, "every_bad_struct");
	assert_int_equal(f->ret.kind, RH_KIND_STRUCT);
	assert_int_equal(f->ret.size, 16);
	f = row(&plan, "every_get_callback");
	assert_int_equal(f->ret.size, 8);
	assert_int_equal(f->on_error, RH_ON_ERROR_RETURN);
	assert_int_equal(f->error_value, 0);
	f = row(&plan, "every_long_double");
	assert_int_equal(f->ret.size, 16);
	f = row(&plan, "every_exit");
	assert_int_equal(f->ret.kind, RH_KIND_VOID);
	f = row(&plan, "every_printf");
	assert_int_equal(f->flags, RH_FUNCTION_LOCAL);
	assert_int_equal(f->ret.kind, RH_KIND_INT);
	assert_int_equal(f->ret.size, 4);
	rh_plan_fini(&plan);
}

/* The same input gives the same hashes; names do not count, types do. */
static void hashes_are_stable(void **state)
{
	struct rh_plan plan, again;

	(void)state;
	make(&plan, SOURCE "/tests/interface/every.side");
	make(&again, SOURCE "/tests/interface/every.side");
	assert_true(plan.interface.hash == again.interface.hash);
	assert_int_equal(row(&plan, "every_open")->hash,
	                 rh_fnv1a(RH_FNV_SEED,
	                          "every_open(path?,fd)new handle every_object_t", 45));
	assert_int_equal(row(&plan, "every_f32")->hash,
	                 rh_fnv1a(RH_FNV_SEED, "every_f32(f32,f64)f32", 21));
	rh_plan_fini(&plan);
	rh_plan_fini(&again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_has_its_text),
		cmocka_unit_test(libmagic_has_its_text),
		cmocka_unit_test(rows_hold_what_the_marshaller_needs),
		cmocka_unit_test(handles_know_their_end),
		cmocka_unit_test(an_event_only_returns),
		cmocka_unit_test(refused_rows_can_fail),
		cmocka_unit_test(hashes_are_stable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
