#include "../../interface/generator.h"
#include "../../interface/package.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_BYTES 4096

static char folder[] = "/tmp/rhodes-new-XXXXXX";

static const char *given(const char *name)
{
	const char *value = getenv(name);

	assert_non_null(value);
	return value;
}

static int setup(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static void path_of(char *path, const char *name)
{
	assert_true(snprintf(path, PATH_BYTES, "%s/%s", folder, name) < PATH_BYTES);
}

static int teardown(void **state)
{
	static const char *const names[] = {
		"libsample.side", "libsample.yaml", "libmagic.side", "libmagic.yaml",
	};
	char path[PATH_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		path_of(path, names[i]);
		unlink(path);
	}
	return rmdir(folder);
}

static char *read_all(const char *name)
{
	char   path[PATH_BYTES];
	char  *text = calloc(1, 1 << 16);

	path_of(path, name);
	FILE *in = fopen(path, "r");
	assert_non_null(in);
	assert_true(fread(text, 1, (1 << 16) - 1, in) > 0);
	fclose(in);
	return text;
}

static int propose(const char *subject, const char *header, bool overwrite,
                   struct rh_diag *diag)
{
	const struct rh_interface_new_options options = {
		.subject = subject, .header = header, .folder = folder,
		.overwrite = overwrite,
	};
	FILE *out = fopen("/dev/null", "w");
	int   result = rh_interface_new(&options, out, diag);

	fclose(out);
	return result;
}

static int propose_sample(bool overwrite, struct rh_diag *diag)
{
	char library[PATH_BYTES], header[PATH_BYTES];

	snprintf(library, sizeof library, "%s/libsample.so.2", given("BUILT"));
	snprintf(header, sizeof header, "%s/sample.h", given("SOURCES"));
	return propose(library, header, overwrite, diag);
}

static void a_library_of_ones_own(void **state)
{
	static const char *const wanted[] = {
		"interface  libsample\n", "soname     libsample.so.2\n",
		"\nsample_new -> new\n", "\nsample_free (_ destroys)\n",
		"\n# sample_divide (_, _, out|quotient, out|rest)\n",
		"\n# sample_callback: parameter callback: int (*)(int) is a callback\n",
		"\n# handle struct sample replay\n",
		/* the old version of sample_answer, and what no header declares */
		"# 2 more are exported, but these headers do not declare them",
	};
	struct rh_diag diag = { 0 };
	char           path[PATH_BYTES];

	(void)state;
	if (propose_sample(false, &diag) < 0)
		fail_msg("%s", diag.text);
	char *side = read_all("libsample.side"), *manifest = read_all("libsample.yaml");
	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
		if (!strstr(side, wanted[i]))
			fail_msg("'%s' lacks '%s'", side, wanted[i]);
	assert_non_null(strstr(manifest, "\n  interface: libsample\n"));
	assert_non_null(strstr(manifest, "metadata: {name: sample}"));
	assert_non_null(strstr(manifest, "serve: {library: libsample.so.2,"));
	free(side);
	free(manifest);
	path_of(path, "libsample.side");
	FILE *out = fopen("/dev/null", "w");
	assert_int_equal(rh_interface_check(path, out, &diag), RH_OK);
	fclose(out);
}

static void what_is_there_is_kept(void **state)
{
	struct rh_diag diag = { 0 };

	(void)state;
	assert_int_equal(propose_sample(true, &diag), RH_OK);
	assert_int_equal(propose_sample(false, &diag), RH_EEXIST);
	assert_non_null(strstr(diag.text, "libsample.side"));
	assert_int_equal(propose_sample(true, &diag), RH_OK);
}

static void what_is_missing_is_named(void **state)
{
	struct rh_diag diag = { 0 };
	char           library[PATH_BYTES];

	(void)state;
	assert_int_equal(propose("no-such-library", NULL, false, &diag), RH_ENOENT);
	assert_non_null(strstr(diag.text, "no-such-library"));
	snprintf(library, sizeof library, "%s/libsample.so.2", given("BUILT"));
	assert_int_equal(propose(library, "/usr/include/no-such.h", true, &diag),
	                 RH_EINVAL);
	assert_non_null(strstr(diag.text, "no-such.h"));
	assert_int_equal(propose("/usr/include/stdio.h", "stdio.h", true, &diag),
	                 RH_ENOENT);
}

static void an_installed_package(void **state)
{
	static const char *const names[] = { "libmagic-dev", "libmagic", "libmagic.so.1" };
	struct rh_diag diag = { 0 };

	(void)state;
	if (access("/usr/include/magic.h", R_OK) < 0 ||
	    access("/usr/bin/dpkg-query", X_OK) < 0)
		skip();
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (propose(names[i], NULL, true, &diag) < 0)
			fail_msg("%s: %s", names[i], diag.text);
		char *side = read_all("libmagic.side");
		assert_non_null(strstr(side, "header     magic.h\n"));
		assert_non_null(strstr(side, "package    libmagic-dev\n"));
		assert_non_null(strstr(side, "\nmagic_open -> new\n"));
		assert_non_null(strstr(side, "\nmagic_close (_ destroys)\n"));
		free(side);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_library_of_ones_own),
		cmocka_unit_test(what_is_there_is_kept),
		cmocka_unit_test(what_is_missing_is_named),
		cmocka_unit_test(an_installed_package),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
