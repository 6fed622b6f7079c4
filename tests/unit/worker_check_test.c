#include "../../interface/library.h"
#include "../../worker/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <dlfcn.h>
#include <string.h>

static const struct rh_param params[] = {
	{ .name = "x", .type = "f64", .kind = RH_KIND_FLOAT, .size = 8 },
};

static struct rh_function functions[] = {
	{ .name = "cos", .params = params, .param_count = 1,
	  .ret = { .name = "", .type = "f64", .kind = RH_KIND_FLOAT, .size = 8 } },
	{ .name = "no_such_name", .flags = RH_FUNCTION_NOCARRY,
	  .ret = { .name = "", .type = "?" } },
};

static struct rh_interface interface = {
	.abi = RH_INTERFACE_ABI, .function_count = 2, .name = "libm",
	.soname = "libm.so.6", .version = "", .functions = functions,
};

static void the_right_library_is_taken(void **state)
{
	struct rh_diag diag = { 0 };
	void          *library = dlopen("libm.so.6", RTLD_NOW);

	(void)state;
	assert_int_equal(rh_check_library(&interface, NULL, &diag), 0);
	assert_int_equal(rh_check_library(&interface, library, &diag), 0);
	dlclose(library);
}

static void a_missing_function_is_named(void **state)
{
	struct rh_diag diag = { 0 };

	(void)state;
	functions[0].name = "cosinus";
	assert_int_equal(rh_check_library(&interface, NULL, &diag), RH_EINTERFACE);
	functions[0].name = "cos";
	assert_non_null(strstr(diag.text, "cosinus"));
}

static void another_library_is_refused(void **state)
{
	struct rh_diag diag = { 0 };
	void          *library = dlopen("libdl.so.2", RTLD_NOW);

	(void)state;
	assert_non_null(library);
	assert_int_equal(rh_check_library(&interface, library, &diag), RH_EINTERFACE);
	assert_non_null(strstr(diag.text, "libm.so.6"));
	dlclose(library);
}

static void another_version_is_refused(void **state)
{
	struct rh_diag diag = { 0 };
	char           path[4096], version[128];

	(void)state;
	assert_int_equal(rh_library_find("libm.so.6", NULL, path, sizeof path, &diag), 0);
	if (rh_library_version(path, version, sizeof version) < 0)
		skip();
	interface.version = version;
	assert_int_equal(rh_check_library(&interface, NULL, &diag), 0);
	interface.version = "0.1";
	assert_int_equal(rh_check_library(&interface, NULL, &diag), RH_EINTERFACE);
	assert_non_null(strstr(diag.text, version));
	assert_non_null(strstr(diag.text, "0.1"));
	interface.version = "";
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_right_library_is_taken),
		cmocka_unit_test(a_missing_function_is_named),
		cmocka_unit_test(another_library_is_refused),
		cmocka_unit_test(another_version_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
