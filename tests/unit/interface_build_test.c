/* Builds shadow libraries and skeletons with the compilers of this machine, and
 * runs an unmodified program over them.  The paths come from meson's test(). */
#include "../../interface/elf.h"
#include "../../interface/generator.h"
#include "../../interface/library.h"
#include "../../interface/tool.h"
#include "../support/scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES 4096

static char folder[] = "/tmp/rhodes-interface-XXXXXX";

static const char *given(const char *name)
{
	const char *value = getenv(name);

	assert_non_null(value);
	return value;
}

static char *below(const char *name)
{
	static char paths[8][PATH_BYTES];
	static int  next;
	char       *path = paths[next++ % 8];

	assert_true(snprintf(path, PATH_BYTES, "%s/%s", folder, name) < PATH_BYTES);
	return path;
}

static int setup(void **state)
{
	char path[PATH_BYTES];

	(void)state;
	assert_non_null(mkdtemp(folder));
	assert_int_equal(mkdir(below("lib"), 0755), 0);
	snprintf(path, sizeof path, "%s/librhodes.so.0", given("BUILT"));
	assert_int_equal(symlink(path, below("lib/librhodes.so.0")), 0);
	return setenv("RHODES_SDK_DIR", folder, 1);
}

static int teardown(void **state)
{
	(void)state;
	return scene_remove(folder);
}

static bool has_program(const char *name)
{
	const char *const argv[] = { name, "--version", NULL };

	return rh_tool_run(argv, false, NULL, 0) >= 0;
}

static void build(const char *side, const char *name, const char *compiler)
{
	struct rh_diag diag = { 0 };
	const struct rh_interface_build_options options = {
		.side = side, .folder = below(name), .compiler = compiler,
		.pedantic = true,
	};

	if (rh_interface_build(&options, stderr, &diag) < 0)
		fail_msg("%s", diag.text);
}

struct exported {
	struct rh_pool        pool;
	struct rh_elf_span    file;
	struct rh_elf_exports exports;
};

static void open_exports(struct exported *exported, const char *path)
{
	struct rh_elf elf;

	rh_pool_init(&exported->pool);
	assert_int_equal(rh_elf_map(path, &exported->file, NULL), RH_OK);
	assert_int_equal(rh_elf_init(&elf, exported->file.bytes, exported->file.len,
	                             NULL), RH_OK);
	assert_int_equal(rh_elf_exports(&exported->pool, &elf, &exported->exports, NULL),
	                 RH_OK);
}

static void close_exports(struct exported *exported)
{
	rh_elf_unmap(&exported->file);
	rh_pool_fini(&exported->pool);
}

static void same_text(const char *a, const char *b)
{
	assert_int_equal(a == NULL, b == NULL);
	if (a)
		assert_string_equal(a, b);
}

/* Its tables, which the real library has not. */
static uint32_t drop_tables(struct rh_elf_exports *exports)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < exports->symbol_count; i++) {
		if (strcmp(exports->symbols[i].name, "rh_shadow") != 0)
			exports->symbols[kept++] = exports->symbols[i];
	}
	uint32_t dropped = exports->symbol_count - kept;
	exports->symbol_count = kept;
	return dropped;
}

/* The shadow offers exactly what the real library offers, and its tables. */
static void same_exports(const char *shadow_path, const char *real_path)
{
	struct exported shadow, real;

	open_exports(&shadow, shadow_path);
	open_exports(&real, real_path);
	assert_int_equal(drop_tables(&shadow.exports), 1);
	same_text(shadow.exports.soname, real.exports.soname);
	assert_int_equal(shadow.exports.symbol_count, real.exports.symbol_count);
	for (uint32_t i = 0; i < real.exports.symbol_count; i++) {
		const struct rh_elf_symbol *a = &shadow.exports.symbols[i];
		const struct rh_elf_symbol *b = &real.exports.symbols[i];

		assert_string_equal(a->name, b->name);
		same_text(a->version, b->version);
		assert_int_equal(a->is_default, b->is_default);
		assert_int_equal(a->kind, b->kind);
		if (b->kind != RH_ELF_FUNCTION)
			assert_int_equal(a->size, b->size);
	}
	assert_int_equal(shadow.exports.version_count, real.exports.version_count);
	for (uint32_t i = 0; i < real.exports.version_count; i++) {
		assert_string_equal(shadow.exports.versions[i].name,
		                    real.exports.versions[i].name);
		same_text(shadow.exports.versions[i].parent,
		          real.exports.versions[i].parent);
	}
	close_exports(&shadow);
	close_exports(&real);
}

static bool has_export(const struct exported *exported, const char *name)
{
	for (uint32_t i = 0; i < exported->exports.symbol_count; i++)
		if (strcmp(exported->exports.symbols[i].name, name) == 0)
			return true;
	return false;
}

/* Names with the types of their parameters, so that no other types are misread. */
static void java_finds_native_methods(void **state)
{
	static const struct { const char *name; bool is_there; } symbols[] = {
		{ "Java_JniProgram_kinds_1sum___3BJ", true },
		{ "Java_JniProgram_kindsSum___3B", true },
		{ "Java_JniProgram_sum___3B", true },
		{ "Java_JniProgram_kindsSum32___3I", true },
		{ "Java_JniProgram_textLength__Ljava_lang_String_2", true },
		{ "Java_JniProgram_potPour__J_3J", true },
		{ "Java_JniProgram_00024Numbers_u32__J", true },
		{ "Java_JniProgram_00024Numbers_u32__I", true },
		{ "Java_JniProgram_00024Numbers_divide__II_3I_3I", true },
		{ "Java_JniProgram_sum", false },
		{ "Java_JniProgram_sum__J", false },
		{ "Java_JniProgram_turn__J", false },
	};
	struct exported shadow;
	char            side[PATH_BYTES];

	(void)state;
	snprintf(side, sizeof side, "%s/../java/libkinds.side", given("SOURCES"));
	build(side, "kinds", NULL);
	open_exports(&shadow, below("kinds/lib/libkinds.so.1"));
	for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++)
		if (has_export(&shadow, symbols[i].name) != symbols[i].is_there)
			fail_msg("%s", symbols[i].name);
	close_exports(&shadow);
}

static void what_java_cannot_have_is_named(void **state)
{
	struct rh_diag diag = { 0 };
	char           side[PATH_BYTES], *text = NULL;
	size_t         len;
	FILE          *out = open_memstream(&text, &len);

	(void)state;
	snprintf(side, sizeof side, "%s/../java/libkinds.side", given("SOURCES"));
	assert_non_null(out);
	assert_int_equal(rh_interface_check(side, out, &diag), RH_OK);
	fclose(out);
	assert_non_null(strstr(text, "  java     kinds_turn: JNI has no struct"));
	assert_null(strstr(text, "kinds_sum:"));
	free(text);
}

static void sample_path(char *path, const char *name)
{
	snprintf(path, PATH_BYTES, "%s/%s", given("BUILT"), name);
}

static void compile_with(const char *compiler)
{
	char side[PATH_BYTES], real[PATH_BYTES];

	if (!has_program(compiler))
		skip();
	sample_path(side, "sample.side");
	sample_path(real, "libsample.so.2");
	build(given("EVERY"), "every", compiler);
	build(side, "sample", compiler);
	same_exports(below("sample/lib/libsample.so.2"), real);
}

static void gcc_compiles_it(void **state)
{
	(void)state;
	compile_with("gcc");
}

static void clang_compiles_it(void **state)
{
	(void)state;
	compile_with("clang");
}

/* As in CC="ccache gcc". */
static void a_compiler_may_be_several_words(void **state)
{
	char side[PATH_BYTES];

	(void)state;
	if (!has_program("gcc"))
		skip();
	sample_path(side, "sample.side");
	build(side, "words", " env  gcc ");
}

static void artifacts_are_where_they_belong(void **state)
{
	static const char *const names[] = {
		"interface.txt", "interface.json", "lib/libsample.so.2",
		"lib/libsample.so", "lib/libsample.a", "skeleton.so", "src/shadow.c",
	};
	char side[PATH_BYTES], path[PATH_BYTES];

	(void)state;
	sample_path(side, "sample.side");
	build(side, "sample", NULL);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(path, sizeof path, "sample/%s", names[i]);
		assert_int_equal(access(below(path), R_OK), 0);
	}
}

/* The same input gives the same bytes: modules are named by their hash. */
static void builds_are_repeatable(void **state)
{
	char side[PATH_BYTES];
	struct rh_elf_span one, two;

	(void)state;
	sample_path(side, "sample.side");
	build(side, "once", NULL);
	build(side, "again", NULL);
	static const char *const names[] = { "lib/libsample.so.2", "skeleton.so" };
	for (size_t i = 0; i < 2; i++) {
		char path[PATH_BYTES];

		snprintf(path, sizeof path, "once/%s", names[i]);
		assert_int_equal(rh_elf_map(below(path), &one, NULL), RH_OK);
		snprintf(path, sizeof path, "again/%s", names[i]);
		assert_int_equal(rh_elf_map(below(path), &two, NULL), RH_OK);
		assert_int_equal(one.len, two.len);
		assert_memory_equal(one.bytes, two.bytes, one.len);
		rh_elf_unmap(&one);
		rh_elf_unmap(&two);
	}
}

static void run(const char *program, const char *argument, char *text)
{
	const char *const argv[] = { program, argument, NULL };

	if (rh_tool_run(argv, true, text, PATH_BYTES) < 0)
		fail_msg("%s: %s", program, text);
}

static void govern(const char *name)
{
	char loopback[3 * PATH_BYTES], libraries[3 * PATH_BYTES];

	snprintf(loopback, sizeof loopback, "%s/%s/skeleton.so:%s/libsample.so.2", folder,
	         name, given("BUILT"));
	snprintf(libraries, sizeof libraries, "%s/%s/lib:%s/lib", folder, name, folder);
	setenv("RHODES_LOOPBACK", loopback, 1);
	setenv("LD_LIBRARY_PATH", libraries, 1);
}

static void release(void)
{
	unsetenv("LD_LIBRARY_PATH");
	unsetenv("RHODES_LOOPBACK");
}

/* Cuts the last line, which tells what the refused function answered. */
static char *last_line(char *text)
{
	char *line = strstr(text, "callback ");

	assert_non_null(line);
	char *copy = strdup(line);
	*line = '\0';
	return copy;
}

static void compare_runs(char *real, char *governed)
{
	char *real_last = last_line(real), *governed_last = last_line(governed);

	assert_string_equal(real_last, "callback 42 errno 0\n");
	assert_string_equal(governed_last, "callback -1 errno 5\n");
	assert_string_equal(real, governed);
	free(real_last);
	free(governed_last);
}

static void an_unmodified_program_sees_no_difference(void **state)
{
	char side[PATH_BYTES], caller[PATH_BYTES], real[PATH_BYTES] = "";
	char governed[PATH_BYTES] = "";

	(void)state;
	sample_path(side, "sample.side");
	sample_path(caller, "sample_caller");
	build(side, "run", NULL);
	run(caller, NULL, real);
	/* the program finds its library by a run path; a link in front of it wins */
	govern("run");
	setenv("LD_PRELOAD", below("run/lib/libsample.so.2"), 1);
	run(caller, NULL, governed);
	unsetenv("LD_PRELOAD");
	release();
	compare_runs(real, governed);
}

static void the_static_shadow_does_the_same(void **state)
{
	char side[PATH_BYTES], source[PATH_BYTES], caller[PATH_BYTES];
	char real[PATH_BYTES] = "", governed[PATH_BYTES] = "";

	(void)state;
	sample_path(side, "sample.side");
	sample_path(caller, "sample_caller");
	snprintf(source, sizeof source, "%s/sample_caller.c", given("SOURCES"));
	build(side, "static", NULL);
	char program[PATH_BYTES], archive[PATH_BYTES];
	snprintf(program, sizeof program, "%s/static_caller", folder);
	snprintf(archive, sizeof archive, "%s/static/lib/libsample.a", folder);
	const char *const argv[] = {
		"cc", "-D_GNU_SOURCE", "-o", program, source, archive,
		below("lib/librhodes.so.0"), NULL,
	};
	char said[PATH_BYTES];
	if (rh_tool_run(argv, true, said, sizeof said) < 0)
		fail_msg("%s", said);
	run(caller, "static", real);
	govern("static");
	run(program, "static", governed);
	release();
	compare_runs(real, governed);
}

static void a_shadow_is_passed_over(void **state)
{
	char side[PATH_BYTES], wanted[PATH_BYTES], path[PATH_BYTES];
	char libraries[3 * PATH_BYTES];
	struct rh_diag diag = { 0 };

	(void)state;
	sample_path(side, "sample.side");
	sample_path(wanted, "libsample.so.2");
	build(side, "passed", NULL);
	snprintf(libraries, sizeof libraries, "%s/passed/lib:%s", folder, given("BUILT"));
	setenv("LD_LIBRARY_PATH", libraries, 1);
	assert_int_equal(rh_library_find("libsample.so.2", NULL, path, sizeof path, &diag),
	                 RH_OK);
	assert_string_equal(path, wanted);
	setenv("LD_LIBRARY_PATH", below("passed/lib"), 1);
	assert_int_equal(rh_library_find("libsample.so.2", NULL, path, sizeof path, &diag),
	                 RH_ENOENT);
	unsetenv("LD_LIBRARY_PATH");
	assert_non_null(strstr(diag.text, "libsample.so.2"));
	assert_int_equal(rh_library_find("libc.so.6", NULL, path, sizeof path, &diag),
	                 RH_OK);
	assert_int_equal(rh_library_find("libc.so.6", NULL, path, 4, &diag), RH_ENOENT);
	assert_int_equal(rh_library_find("./LICENSE", given("SOURCES"), path, sizeof path,
	                                 &diag), RH_ENOENT);
}

static void a_foreign_folder_is_left_alone(void **state)
{
	struct rh_diag diag = { 0 };
	char           side[PATH_BYTES];

	(void)state;
	sample_path(side, "sample.side");
	assert_int_equal(mkdir(below("foreign"), 0755), 0);
	FILE *file = fopen(below("foreign/mine"), "w");
	assert_non_null(file);
	fclose(file);
	const struct rh_interface_build_options options = {
		.side = side, .folder = below("foreign"),
	};
	assert_int_equal(rh_interface_build(&options, stderr, &diag), RH_EEXIST);
	assert_non_null(strstr(diag.text, "holds no interface"));
	assert_int_equal(access(below("foreign/mine"), F_OK), 0);
}

static void a_failed_build_changes_nothing(void **state)
{
	struct rh_diag diag = { 0 };
	char           side[PATH_BYTES];

	(void)state;
	sample_path(side, "sample.side");
	build(side, "kept", NULL);
	const struct rh_interface_build_options options = {
		.side = side, .folder = below("kept"), .compiler = "false",
	};
	assert_int_equal(rh_interface_build(&options, NULL, &diag), RH_EIO);
	assert_int_equal(access(below("kept/skeleton.so"), R_OK), 0);
	const struct rh_interface_build_options missing = {
		.side = side, .folder = below("kept"), .compiler = "no-such-compiler",
	};
	assert_int_equal(rh_interface_build(&missing, NULL, &diag), RH_ENOENT);
	assert_non_null(strstr(diag.text, "no-such-compiler"));
}

static void mistakes_in_the_side_file_name_their_place(void **state)
{
	static const struct {
		const char *line;
		const char *message;
	} bads[] = {
		{ "sample_nothing state", "exports no such function" },
		{ "sample_sum (bytes|value len=count)", "names no parameter 'value'" },
		{ "sample_sum (bytes|count len=count, _)", "parameter 1 is 'values'" },
		{ "sample_sum (bytes|values len=cnt)", "there is no parameter 'cnt'" },
		{ "sample_sum (path|values)", "is no string" },
		{ "sample_divide (in bytes|quotient len=rest, out|rest)",
		  "'rest' tells no length before the call" },
		{ "sample_divide (out bytes|quotient cap=a used=b, out|rest)",
		  "'b' tells no length after the call" },
		{ "sample_sum (_, out|count)", "a direction needs a pointer" },
		{ "sample_divide (out|quotient nullable, out long|rest)",
		  "long has 8 bytes" },
		{ "sample_divide (a_t|a)", "6:16: the headers know no C type 'a_t'" },
		{ "sample_scale (fd|point)", "is no descriptor" },
		{ "sample_scale (in|point)", "a direction needs a pointer" },
		{ "sample_scale (_, _ nullable)", "can never be NULL" },
		{ "sample_name on_error: return -1", "const char * cannot be -1" },
		{ "sample_free on_error: return 0", "void cannot be 0" },
		{ "sample_name local", "is an object of the callee" },
		{ "sample_free (_ destroys) -> new", "is no handle" },
		{ "sample_new (handle|name)", "say which" },
		{ "sample_scale event", "an event is a function that returns" },
	};
	char text[1024], *path = below("bad.side");

	(void)state;
	for (size_t i = 0; i < sizeof bads / sizeof *bads; i++) {
		struct rh_diag diag = { 0 };
		FILE          *file = fopen(path, "w");

		assert_non_null(file);
		snprintf(text, sizeof text, "interface libsample\nheader sample.h\n"
		         "cflags -I%s\nlibrary %s/libsample.so.2\nhandle sample_t\n%s\n",
		         given("SOURCES"), given("BUILT"), bads[i].line);
		fputs(text, file);
		fclose(file);
		int result = rh_interface_check(path, stderr, &diag);
		if (result != RH_EINVAL)
			fail_msg("%s: accepted", bads[i].line);
		if (!strstr(diag.text, bads[i].message) ||
		    !strstr(diag.text, "bad.side:6:"))
			fail_msg("%s: '%s' lacks '%s'", bads[i].line, diag.text,
			         bads[i].message);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gcc_compiles_it),
		cmocka_unit_test(clang_compiles_it),
		cmocka_unit_test(a_compiler_may_be_several_words),
		cmocka_unit_test(artifacts_are_where_they_belong),
		cmocka_unit_test(builds_are_repeatable),
		cmocka_unit_test(an_unmodified_program_sees_no_difference),
		cmocka_unit_test(the_static_shadow_does_the_same),
		cmocka_unit_test(a_shadow_is_passed_over),
		cmocka_unit_test(a_foreign_folder_is_left_alone),
		cmocka_unit_test(a_failed_build_changes_nothing),
		cmocka_unit_test(java_finds_native_methods),
		cmocka_unit_test(what_java_cannot_have_is_named),
		cmocka_unit_test(mistakes_in_the_side_file_name_their_place),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
