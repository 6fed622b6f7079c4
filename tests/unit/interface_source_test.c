/* Files of other languages: their canonical text, and that the header and the side file
 * made of it say the same.  tests/interface/sources holds a file of each language, and
 * beside it the text it must have. */
#include "../../interface/canon.h"
#include "../../interface/elf.h"
#include "../../interface/generator.h"
#include "../../interface/source.h"
#include "../../interface/tool.h"
#include "../../base/diag.h"
#include "../support/scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_BYTES 4096
#define TEXT_BYTES (1 << 17)

static char folder[] = "/tmp/rhodes-source-XXXXXX";

static int setup(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	return scene_remove(folder);
}

static char *below(const char *name)
{
	static char paths[8][PATH_BYTES];
	static int  next;
	char       *path = paths[next++ % 8];

	assert_true(snprintf(path, PATH_BYTES, "%s/%s", folder, name) < PATH_BYTES);
	return path;
}

static char *source(const char *name)
{
	static char paths[8][PATH_BYTES];
	static int  next;
	char       *path = paths[next++ % 8];

	assert_true(snprintf(path, PATH_BYTES, SOURCES "/%s", name) < PATH_BYTES);
	return path;
}

static char *read_all(const char *path)
{
	char *text = calloc(1, TEXT_BYTES);
	FILE *in = fopen(path, "r");

	assert_non_null(in);
	assert_true(fread(text, 1, TEXT_BYTES - 1, in) > 0);
	fclose(in);
	return text;
}

static char *show(const char *path)
{
	char          *text = NULL;
	size_t         len = 0;
	struct rh_diag diag = { 0 };
	FILE          *out = open_memstream(&text, &len);

	if (rh_interface_show(path, RH_INTERFACE_TEXT, out, &diag) < 0)
		fail_msg("%s: %s", path, diag.text);
	fclose(out);
	return text;
}

/* The hash of an interface whose functions are those of the text. */
static uint64_t hash_of(const char *text, uint32_t *ret_count)
{
	char    *copy = strdup(text), *rest = copy;
	uint64_t hash = RH_FNV_SEED;

	*ret_count = 0;
	for (char *line; (line = strsep(&rest, "\n"));) {
		struct rh_param      params[RH_PARAMS_MAX] = { 0 };
		struct rh_canon_line split;

		if (line[0] == '#' || line[0] == '\0')
			continue;
		assert_int_equal(rh_canon_split(line, &split), RH_OK);
		for (uint8_t i = 0; i < split.count; i++)
			params[i].type = split.types[i];
		struct rh_function row = {
			.name = split.function, .params = params,
			.param_count = split.count, .ret = { .type = split.ret },
		};
		uint64_t one = rh_function_hash(&row);
		hash = rh_fnv1a(hash, &one, sizeof one);
		++*ret_count;
	}
	free(copy);
	return hash;
}

static void assert_same_text(const char *wanted, const char *found)
{
	const char *a = wanted, *b = found;

	while (*a && *b) {
		size_t a_len = strcspn(a, "\n"), b_len = strcspn(b, "\n");

		if (a_len != b_len || memcmp(a, b, a_len) != 0)
			fail_msg("wanted '%.*s'\n found '%.*s'", (int)a_len, a, (int)b_len, b);
		a += a_len + (a[a_len] != '\0');
		b += b_len + (b[b_len] != '\0');
	}
	if (*a || *b)
		fail_msg("wanted '%.80s', found '%.80s'", a, b);
}

static int propose(const char *path, struct rh_diag *diag)
{
	const struct rh_interface_new_options options = {
		.subject = path, .folder = folder, .overwrite = true,
	};
	FILE *out = fopen("/dev/null", "w");
	int   result = rh_interface_new(&options, out, diag);

	fclose(out);
	return result;
}

/* What C says of the file is what the file says. */
static void assert_round_trip(const char *path, const char *name, const char *text)
{
	struct rh_diag diag = { 0 };
	char           side[256];
	uint32_t       count, again;

	if (propose(path, &diag) < 0)
		fail_msg("%s: %s", path, diag.text);
	snprintf(side, sizeof side, "%s.side", name);
	char *made = show(below(side));
	assert_true(hash_of(text, &count) == hash_of(made, &again));
	assert_true(count > 0);
	assert_int_equal(count, again);
	free(made);
}

static void assert_reads(const char *file, const char *name)
{
	char  golden[256];
	char *text = show(source(file));

	snprintf(golden, sizeof golden, "%s.txt", file);
	char *wanted = read_all(source(golden));
	assert_same_text(wanted, text);
	assert_round_trip(source(file), name, text);
	free(wanted);
	free(text);
}

static const char *write_file(const char *name, const void *bytes, size_t len)
{
	char *path = below(name);
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	assert_int_equal(fwrite(bytes, 1, len, out), len);
	fclose(out);
	return path;
}

static void assert_refused(const char *path, int wanted, const char *reason)
{
	struct rh_diag diag = { 0 };
	FILE          *out = fopen("/dev/null", "w");
	int            result = rh_interface_show(path, RH_INTERFACE_TEXT, out, &diag);

	fclose(out);
	if (!strstr(diag.text, reason))
		fail_msg("'%s' lacks '%s'", diag.text, reason);
	assert_int_equal(result, wanted);
}

/* --- Python -------------------------------------------------------------------------- */

static void python_is_read_by_its_hints(void **state)
{
	(void)state;
	assert_reads("pricing.py", "pricing");
}

static void broken_python_is_told_with_its_place(void **state)
{
	static const char broken[] = "def f(a: int) -> int: ...\ndef g(:\n";
	static const char latin[] = "# caf\xe9\n";
	char             *deep = calloc(1, 100001);

	(void)state;
	assert_refused(write_file("broken.py", broken, sizeof broken - 1), RH_EINVAL,
	               "broken.py:2:7: invalid syntax");
	assert_refused(write_file("latin.py", latin, sizeof latin - 1), RH_EINVAL,
	               "latin.py:5: no UTF-8 from this byte on");
	memset(deep, '(', 100000);
	assert_refused(write_file("deep.py", deep, 100000), RH_EINVAL, "deep.py:1:");
	free(deep);
	char *huge = calloc(1, RH_SOURCE_BYTES_MAX + 1);
	assert_refused(write_file("huge.py", huge, RH_SOURCE_BYTES_MAX + 1), RH_EMSGSIZE,
	               "has 1048577 bytes, the limit is 1048576");
	free(huge);
	assert_refused(below("none.py"), RH_ENOENT, "none.py: No such file");
	assert_refused(below("any.js"), RH_EINVAL, "any.js: JavaScript tells no types");
}

static void what_carries_nothing_makes_no_interface(void **state)
{
	static const char empty[] = "def f(a): ...\n";
	struct rh_diag    diag = { 0 };

	(void)state;
	assert_int_equal(propose(write_file("empty.py", empty, sizeof empty - 1), &diag),
	                 RH_EINVAL);
	assert_non_null(strstr(diag.text, "nothing of it can be carried"));
	assert_int_equal(access(below("empty.h"), F_OK), -1);
}

static void what_stands_there_is_kept(void **state)
{
	const struct rh_interface_new_options options = {
		.subject = source("pricing.py"), .folder = folder,
	};
	static const char own[] = "mine\n";
	struct rh_diag    diag = { 0 };
	FILE             *out = fopen("/dev/null", "w");

	(void)state;
	write_file("pricing.h", own, sizeof own - 1);
	assert_int_equal(rh_interface_new(&options, out, &diag), RH_EEXIST);
	fclose(out);
	assert_non_null(strstr(diag.text, "pricing.h: is there already"));
	char *text = read_all(below("pricing.h"));
	assert_string_equal(text, own);
	free(text);
}

/* --- Rust, Go, TypeScript --------------------------------------------------------------- */

static void rust_is_read_by_its_extern_items(void **state)
{
	(void)state;
	assert_reads("textstat.rs", "textstat");
}

static void go_is_read_by_its_exported_functions(void **state)
{
	(void)state;
	assert_reads("money.go", "money");
}

static void typescript_is_read_by_its_declarations(void **state)
{
	(void)state;
	assert_reads("quotes.d.ts", "quotes");
}

static void broken_text_is_told_with_its_place(void **state)
{
	static const struct { const char *name, *text, *reason; } cases[] = {
		{ "a.rs", "extern \"C\" {\n fn f(a: i32;", "a.rs:2:14: a bracket is not closed" },
		{ "b.rs", "#[no_mangle]\nextern \"C\" fn f(a i32) {}", "b.rs:2:19: ':' is wanted" },
		{ "a.go", "package a\nfunc F(a int {\n", "a.go:3:1: a bracket is not closed" },
		{ "b.go", "func F(a \"\n", "b.go:1:10: a word that the language does not know" },
		{ "a.ts", "export function f(a: {", "a.ts:1:23: a bracket is not closed" },
		{ "b.ts", "interface P {\n 5: number }\nexport function f(a: P): void;",
		  "b.ts:2:2: a name is wanted here" },
		{ "c.ts", "export function f(a: `", "c.ts:1:22: a word that" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_refused(write_file(cases[i].name, cases[i].text,
		                          strlen(cases[i].text)),
		               RH_EINVAL, cases[i].reason);
}

/* However deep it goes, and wherever it is cut off, the reader comes to an end. */
static void text_of_any_depth_ends(void **state)
{
	static const struct { const char *name, *begin, *again; } cases[] = {
		{ "deep.rs", "#[no_mangle] extern \"C\" fn f(a: ", "*const " },
		{ "deep.go", "package a\nfunc F(a ", "[3]" },
		{ "deep.ts", "export function f(a: ", "Promise<" },
	};
	static char text[100000];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct rh_diag diag = { 0 };
		FILE          *out = fopen("/dev/null", "w");
		size_t         len = (size_t)sprintf(text, "%s", cases[i].begin);

		while (len < sizeof text - 16)
			len += (size_t)sprintf(text + len, "%s", cases[i].again);
		assert_true(rh_interface_show(write_file(cases[i].name, text, len),
		                              RH_INTERFACE_TEXT, out, &diag) < 0);
		assert_non_null(strstr(diag.text, cases[i].name));
		fclose(out);
	}
}

/* --- binaries ------------------------------------------------------------------------ */

static bool has_program(const char *name)
{
	const char *const argv[] = { name, "--version", NULL };

	return rh_tool_run(argv, false, NULL, 0) >= 0;
}

/* Runs words parted by blanks; below(out) is the last. */
static void compile(const char *words, const char *file, const char *out)
{
	char        copy[512], said[4096];
	const char *argv[24] = { 0 };
	size_t      count = 0;
	char       *rest = copy;

	assert_true(snprintf(copy, sizeof copy, "%s", words) < (int)sizeof copy);
	for (char *word; (word = strsep(&rest, " ")) && count < 18;)
		argv[count++] = word;
	argv[count++] = "-w";
	argv[count++] = "-fvisibility=hidden";
	argv[count++] = "-o";
	argv[count++] = below(out);
	argv[count++] = source(file);
	if (rh_tool_run(argv, true, said, sizeof said) < 0)
		fail_msg("%s: %s", words, said);
}

/* Lines of the golden text without those of the functions named, with one text for
 * another. */
static char *adapted(const char *golden, const char *const *without, const char *from,
                     const char *to)
{
	char  *text = read_all(source(golden)), *rest = text, *made = NULL;
	size_t len = 0;
	FILE  *out = open_memstream(&made, &len);

	for (char *line; (line = strsep(&rest, "\n"));) {
		bool  skips = line[0] == '\0';
		char *at = from ? strstr(line, from) : NULL;

		for (size_t i = 0; without && without[i]; i++)
			skips = skips || strstr(line, without[i]);
		if (!skips && at)
			fprintf(out, "%.*s%s%s\n", (int)(at - line), line, to,
			        at + strlen(from));
		else if (!skips)
			fprintf(out, "%s\n", line);
	}
	fclose(out);
	free(text);
	return made;
}

/* Without libdw there is no reader of DWARF. */
static void need_dwarf(void)
{
#ifndef RH_HAS_LIBDW
	skip();
#endif
}

static void assert_describes(const char *words, const char *file, const char *wanted)
{
	compile(words, "described.c", file);
	char *text = show(below(file));
	assert_same_text(wanted, text);
	assert_round_trip(below(file), "libdescribed", text);
	free(text);
}

#define SHARED " -fPIC -shared -Wl,-soname,libdescribed.so.1"

static void a_library_is_read_by_its_dwarf(void **state)
{
	static const char *const ways[] = {
		"gcc -g" SHARED, "gcc -g -O2" SHARED, "gcc -gdwarf-4 -O2" SHARED,
		"gcc -gdwarf-3" SHARED, "gcc -g -O2 -fdebug-types-section" SHARED,
		"gcc -g -gz" SHARED, "clang -g" SHARED, "clang -gdwarf-4 -O2" SHARED,
	};
	char *wanted = read_all(source("described.c.txt"));

	(void)state;
	need_dwarf();
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
		if (strncmp(ways[i], "clang", 5) != 0 || has_program("clang"))
			assert_describes(ways[i], "libdescribed.so", wanted);
	assert_describes("gcc -g -c", "libdescribed.o", wanted);
	free(wanted);
}

/* DWARF 2 has other places for fields, and does not know who never returns. */
static void old_dwarf_says_the_same(void **state)
{
	char *wanted = adapted("described.c.txt", NULL, "# nocarry leaves: it never returns",
	                       "leaves, void");

	(void)state;
	need_dwarf();
	assert_describes("gcc -gdwarf-2 -gstrict-dwarf" SHARED, "libdescribed.so", wanted);
	free(wanted);
}

static void of_cpp_only_what_is_extern_c(void **state)
{
	static const char *const without[] = { " knr", NULL };
	char                    *rest, wanted[1 << 14];

	(void)state;
	need_dwarf();
	if (!has_program("g++"))
		skip();
	rest = adapted("described.c.txt", without, NULL, NULL);
	snprintf(wanted, sizeof wanted, "# nocarry _Z7mangledi: C++: only what is extern "
	         "\"C\" has a form that others know\n%s", rest);
	assert_describes("g++ -x c++ -g" SHARED, "libdescribed.so", wanted);
	free(rest);
}

static void a_stripped_library_is_read_by_its_btf(void **state)
{
	static const char *const without[] = { " knr", " leaves", NULL };
	const char *const pahole[] = { "pahole", "-J", "--btf_gen_floats",
		                       below("libdescribed.so"), NULL };
	const char *const strip[] = { "strip", below("libdescribed.so"), NULL };

	(void)state;
	if (!has_program("pahole"))
		skip();
	compile("gcc -g -DBY_PAHOLE" SHARED, "described.c", "libdescribed.so");
	assert_int_equal(rh_tool_run(pahole, true, NULL, 0), RH_OK);
	assert_int_equal(rh_tool_run(strip, true, NULL, 0), RH_OK);
	char *wanted = adapted("described.c.txt", without, "i16[3][2]", "i16[6]");
	char *text = show(below("libdescribed.so"));
	assert_same_text(wanted, text);
	assert_round_trip(below("libdescribed.so"), "libdescribed", text);
	free(wanted);
	free(text);
}

static void without_debug_data_it_says_so(void **state)
{
	struct rh_diag diag = { 0 };

	(void)state;
	compile("gcc" SHARED, "described.c", "libplain.so");
	assert_refused(below("libplain.so"), RH_ENOENT, "BTF");
	assert_int_equal(propose(below("libplain.so"), &diag), RH_ENOENT);
	assert_non_null(strstr(diag.text, "-H"));
	assert_int_equal(access(below("libplain.h"), F_OK), -1);
}

/* Types that hold themselves, and one that is nowhere. */
static void rings_are_refused_function_by_function(void **state)
{
	static const char wanted[] =
		"# nocarry nowhere: result: a type like long double has no wire form\n"
		"# nocarry ring_array: result: a type like long double has no wire form\n"
		"# nocarry ring_pointer: result: pointer * is a pointer to a pointer: say out "
		"string or out handle\n"
		"# nocarry ring_struct: result: struct ring holds a pointer or worse in field "
		"inside\n"
		"# nocarry ring_typedef: result: a type like long double has no wire form\n"
		"sound, i32\n";

	(void)state;
	need_dwarf();
	compile("gcc -shared", "rings.S", "librings.so");
	char *text = show(below("librings.so"));
	assert_same_text(wanted, text);
	free(text);
}

/* Each byte of the debug data wrong in turn, and the file cut off everywhere: whatever
 * comes, it ends. */
static void broken_binaries_end(void **state)
{
	static uint8_t bytes[1 << 16];

	(void)state;
	need_dwarf();
	compile("gcc -shared -Wl,-z,noseparate-code", "rings.S", "librings.so");
	FILE  *in = fopen(below("librings.so"), "r");
	size_t len = fread(bytes, 1, sizeof bytes, in);
	fclose(in);
	assert_true(len > 1000 && len < sizeof bytes);
	for (size_t at = 0; at < len; at += 7) {
		FILE *out = fopen("/dev/null", "w");

		bytes[at] ^= 0xff;
		rh_interface_show(write_file("broken.so", bytes, len), RH_INTERFACE_TEXT,
		                  out, NULL);
		bytes[at] ^= 0xff;
		rh_interface_show(write_file("short.so", bytes, at + 4), RH_INTERFACE_TEXT,
		                  out, NULL);
		fclose(out);
	}
}

/* --- Java ---------------------------------------------------------------------------- */

static void run(const char *const *argv)
{
	char said[4096];

	if (rh_tool_run(argv, true, said, sizeof said) < 0)
		fail_msg("%s: %s", argv[0], said);
}

/* The classes of NetDriver.java in folder/net, and in net.jar. */
static void compile_java(void)
{
	const char *const javac[] = { "javac", "-parameters", "-encoding", "UTF-8", "-d",
		                      folder, source("NetDriver.java"), NULL };
	const char *const jar[] = { "jar", "cf", below("net.jar"), "-C", folder, "net",
		                    NULL };

#ifndef RH_HAS_ZLIB
	skip();
#endif
	if (!has_program("javac") || !has_program("jar"))
		skip();
	if (access(below("net.jar"), F_OK) == 0)
		return;
	run(javac);
	run(jar);
}

static void java_is_read_by_its_class_files(void **state)
{
	const char *const of_jar[] = { below("net.jar"), below("net.jar!net/NetDriver") };

	(void)state;
	compile_java();
	char *wanted = read_all(source("NetDriver.java.txt"));
	char *text = show(below("net/NetDriver.class"));
	assert_same_text(wanted, text);
	assert_round_trip(below("net/NetDriver.class"), "netdriver", text);
	free(text);
	for (size_t i = 0; i < 2; i++) {
		text = show(of_jar[i]);
		assert_same_text(wanted, text);
		assert_round_trip(of_jar[i], i ? "netdriver" : "net", text);
		free(text);
	}
	free(wanted);
	text = show(below("net.jar!net/NetDriver$Session"));
	assert_string_equal(text, "");
	free(text);
}

static void broken_classes_are_told_with_their_place(void **state)
{
	static uint8_t bytes[1 << 16];

	(void)state;
	compile_java();
	FILE  *in = fopen(below("net/NetDriver.class"), "r");
	size_t len = fread(bytes, 1, sizeof bytes, in);
	fclose(in);
	assert_refused(write_file("Short.class", bytes, 500), RH_EINVAL,
	               "the class file is cut off, or breaks the format here");
	assert_refused(write_file("None.class", "PK", 2), RH_EINVAL,
	               "byte 0: it is no class file");
	assert_refused(write_file("none.jar", bytes, len), RH_EINVAL,
	               "it is no archive, or is cut off");
	assert_refused(below("net.jar!net/Nothing"), RH_ENOENT,
	               "it has no class net/Nothing");
	char *huge = calloc(1, (1 << 20) + 1);
	assert_refused(write_file("Huge.class", huge, (1 << 20) + 1), RH_EINVAL,
	               "a class of 1048577 bytes, the limit is 1048576");
	free(huge);
}

static void every_byte_of_java_may_be_wrong(void **state)
{
	static const char *const names[][2] = {
		{ "net/NetDriver.class", "Broken.class" }, { "net.jar", "broken.jar" },
	};
	static uint8_t bytes[1 << 16];

	(void)state;
	compile_java();
	for (size_t i = 0; i < 2; i++) {
		FILE  *in = fopen(below(names[i][0]), "r");
		FILE  *out = fopen("/dev/null", "w");
		size_t len = fread(bytes, 1, sizeof bytes, in);

		fclose(in);
		assert_true(len > 1000 && len < sizeof bytes);
		for (size_t at = 0; at < len; at += 3) {
			bytes[at] ^= 0xff;
			rh_interface_show(write_file(names[i][1], bytes, len),
			                  RH_INTERFACE_TEXT, out, NULL);
			bytes[at] ^= 0xff;
			assert_true(rh_interface_show(write_file(names[i][1], bytes, at),
			                              RH_INTERFACE_TEXT, out, NULL) < 0);
		}
		fclose(out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(python_is_read_by_its_hints),
		cmocka_unit_test(broken_python_is_told_with_its_place),
		cmocka_unit_test(what_carries_nothing_makes_no_interface),
		cmocka_unit_test(what_stands_there_is_kept),
		cmocka_unit_test(rust_is_read_by_its_extern_items),
		cmocka_unit_test(go_is_read_by_its_exported_functions),
		cmocka_unit_test(typescript_is_read_by_its_declarations),
		cmocka_unit_test(broken_text_is_told_with_its_place),
		cmocka_unit_test(text_of_any_depth_ends),
		cmocka_unit_test(a_library_is_read_by_its_dwarf),
		cmocka_unit_test(old_dwarf_says_the_same),
		cmocka_unit_test(of_cpp_only_what_is_extern_c),
		cmocka_unit_test(a_stripped_library_is_read_by_its_btf),
		cmocka_unit_test(without_debug_data_it_says_so),
		cmocka_unit_test(rings_are_refused_function_by_function),
		cmocka_unit_test(broken_binaries_end),
		cmocka_unit_test(java_is_read_by_its_class_files),
		cmocka_unit_test(broken_classes_are_told_with_their_place),
		cmocka_unit_test(every_byte_of_java_may_be_wrong),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
