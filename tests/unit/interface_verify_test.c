/* What a binary says of itself, against what was registered; and binaries that lie. */
#include "../../interface/btf.h"
#include "../../interface/generator.h"
#include "../../interface/tool.h"
#include "../../interface/verify.h"
#include "../../model/interface.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_BYTES 4096

static char folder[] = "/tmp/rhodes-verify-XXXXXX";
static char plain[PATH_BYTES], own_btf[PATH_BYTES], dwarf[PATH_BYTES];
static char *registered;

static const char *given(const char *name)
{
	const char *value = getenv(name);

	assert_non_null(value);
	return value;
}

static bool tool(const char *const *argv)
{
	char said[PATH_BYTES];

	if (rh_tool_run(argv, true, said, sizeof said) >= 0)
		return true;
	print_message("%s: %s\n", argv[0], said);
	return false;
}

static bool compile(const char *flag, const char *path)
{
	char source[PATH_BYTES], map[PATH_BYTES];

	snprintf(source, sizeof source, "%s/sample.c", given("SOURCES"));
	snprintf(map, sizeof map, "-Wl,--version-script=%s/sample.map", given("SOURCES"));
	const char *const argv[] = {
		"gcc", "-shared", "-fPIC", "-O2", flag, map, "-Wl,-soname,libsample.so.2",
		"-o", path, source, NULL,
	};

	return tool(argv);
}

static int setup(void **state)
{
	size_t         len;
	char           side[PATH_BYTES];
	struct rh_diag diag = { 0 };

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(plain, sizeof plain, "%s/plain.so", folder);
	snprintf(own_btf, sizeof own_btf, "%s/btf.so", folder);
	snprintf(dwarf, sizeof dwarf, "%s/dwarf.so", folder);
	assert_true(compile("-g0", plain));
	assert_true(compile("-gbtf", own_btf));
	snprintf(side, sizeof side, "%s/sample.side", given("BUILT"));
	FILE *out = open_memstream(&registered, &len);
	if (rh_interface_show(side, RH_INTERFACE_TEXT, out, &diag) < 0)
		fail_msg("%s", diag.text);
	fclose(out);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(plain);
	unlink(own_btf);
	unlink(dwarf);
	free(registered);
	return rmdir(folder);
}

static int verify(const char *library, const char *text, struct rh_diag *diag)
{
	const struct rh_verify_request request = {
		.library = library, .text = text, .len = strlen(text),
		.soname = "libsample.so.2",
	};

	diag->text[0] = '\0';
	return rh_verify_library(&request, diag);
}

/* The registered text with one word in place of another. */
static char *changed(const char *from, const char *to)
{
	const char *at = strstr(registered, from);
	char       *text = NULL;

	assert_non_null(at);
	assert_true(asprintf(&text, "%.*s%s%s", (int)(at - registered), registered, to,
	                     at + strlen(from)) > 0);
	return text;
}

static void types_of_the_binary_agree(void **state)
{
	struct rh_diag diag;
	int            compared = verify(own_btf, registered, &diag);

	(void)state;
	if (compared < 0)
		fail_msg("%s", diag.text);
	assert_int_equal(compared, 7);
}

static void pahole_without_floats_agrees(void **state)
{
	const char *const plain_argv[] = { "pahole", "-J", dwarf, NULL };
	const char *const float_argv[] = {
		"pahole", "-J", "--btf_gen_floats", dwarf, NULL,
	};
	const char *const version[] = { "pahole", "--version", NULL };
	struct rh_diag    diag;

	(void)state;
	if (rh_tool_run(version, false, NULL, 0) < 0) {
		print_message("pahole is not installed: skipped\n");
		skip();
	}
	for (int i = 0; i < 2; i++) {
		assert_true(compile("-g", dwarf));
		assert_true(tool(i ? float_argv : plain_argv));
		if (verify(dwarf, registered, &diag) != 7)
			fail_msg("%s", diag.text);
	}
}

static void a_binary_without_types_is_judged_by_its_names(void **state)
{
	struct rh_diag diag;

	(void)state;
	assert_int_equal(verify(plain, registered, &diag), 0);
	char *text = changed("sample_name, ", "sample_nome, ");
	assert_int_equal(verify(plain, text, &diag), RH_EINTERFACE);
	assert_non_null(strstr(diag.text, "does not export"));
	assert_non_null(strstr(diag.text, "sample_nome"));
	free(text);
}

static void each_change_of_a_type_is_found(void **state)
{
	static const struct {
		const char *from;
		const char *to;
	} changes[] = {
		{ "f32|by", "f64|by" },                /* size of a float          */
		{ "f32|by", "u32|by" },                /* another register class   */
		{ "f64 x@0;f32 y@8", "f64 x@0;i32 y@8" },
		{ "i32 n@12}:16|point", "i32 n@12}:24|point" },
		{ "i8|first", "i16|first" },
		{ "u64|count, i64", "u32|count, i64" },
		{ "u64|count, i64", "u64|count, i32" },
		{ "string|name", "i64|name" },
		{ "i32|a, i32|b, out", "i32|a, out" },
		{ "out i32|quotient", "out i64|quotient" },
		{ "out i32|quotient", "i32|quotient" },
		{ "bytes:4(len 2)|values", "i32|values" },
	};
	struct rh_diag diag;

	(void)state;
	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
		char *text = changed(changes[i].from, changes[i].to);

		if (verify(own_btf, text, &diag) != RH_EINTERFACE)
			fail_msg("%s -> %s was not found", changes[i].from, changes[i].to);
		assert_non_null(strstr(diag.text, "registered as"));
		free(text);
	}
}

/* The side file's knowledge is believed as long as the C type allows it. */
static void roles_do_not_count_as_types(void **state)
{
	struct rh_diag diag;
	char          *text = changed("string|name", "path?stdin|name");

	(void)state;
	assert_int_equal(verify(own_btf, text, &diag), 7);
	free(text);
	text = changed("i32|a, i32|b, out", "fd|a, i32|b, out");
	assert_int_equal(verify(own_btf, text, &diag), 7);
	free(text);
}

static void another_soname_is_found(void **state)
{
	struct rh_diag                 diag = { 0 };
	const struct rh_verify_request request = {
		.library = plain, .text = "", .soname = "libother.so.1",
	};

	(void)state;
	assert_int_equal(rh_verify_library(&request, &diag), RH_EINTERFACE);
	assert_non_null(strstr(diag.text, "libsample.so.2"));
	assert_non_null(strstr(diag.text, "libother.so.1"));
}

static void text_that_is_none_is_refused(void **state)
{
	static const char *const bads[] = {
		"sample_name\n", "sample_name, \n", ", void\n",
		"sample_name, string, void\n", "sample_name, |x, void\n",
	};
	struct rh_diag diag;

	(void)state;
	for (size_t i = 0; i < sizeof bads / sizeof *bads; i++)
		assert_int_equal(verify(plain, bads[i], &diag), RH_EINVAL);
	assert_int_equal(verify("/nonexistent", "", &diag), RH_ENOENT);
	assert_int_equal(verify(given("TEXTFILE"), "", &diag), RH_EPROTO);
}

/* Everything the agent does with foreign bytes, on a private copy of exact size. */
static void swallow(const unsigned char *bytes, size_t len)
{
	struct rh_pool        pool;
	struct rh_elf         elf;
	struct rh_elf_exports exports;
	struct rh_elf_span    section;
	struct rh_btf         btf;
	unsigned char        *copy = malloc(len ? len : 1);

	memcpy(copy, bytes, len);
	rh_pool_init(&pool);
	if (rh_elf_init(&elf, copy, len, NULL) >= 0) {
		int result = rh_elf_exports(&pool, &elf, &exports, NULL);

		if (result >= 0 && rh_elf_section(&elf, ".BTF", &section) >= 0)
			rh_btf_read(&pool, section.bytes, section.len, &exports, &btf, NULL);
	}
	rh_pool_fini(&pool);
	free(copy);
}

static void a_cut_file_is_refused(void **state)
{
	struct rh_elf_span file;

	(void)state;
	assert_int_equal(rh_elf_map(own_btf, &file, NULL), RH_OK);
	for (size_t len = 0; len < file.len; len += len < 512 ? 1 : 61)
		swallow(file.bytes, len);
	rh_elf_unmap(&file);
}

/* All of the names run on into whatever stands behind their table. */
static void names_end_inside_of_their_table(void **state)
{
	struct rh_elf_span    file, names;
	struct rh_elf_exports exports;
	struct rh_diag        diag = { 0 };
	struct rh_pool        pool;
	struct rh_elf         elf;

	(void)state;
	assert_int_equal(rh_elf_map(plain, &file, NULL), RH_OK);
	unsigned char *copy = malloc(file.len);
	memcpy(copy, file.bytes, file.len);
	assert_int_equal(rh_elf_init(&elf, copy, file.len, NULL), RH_OK);
	assert_int_equal(rh_elf_section(&elf, ".dynstr", &names), RH_OK);
	memset(copy + (names.bytes - copy) + 1, 'x', names.len - 1);
	rh_pool_init(&pool);
	assert_int_equal(rh_elf_exports(&pool, &elf, &exports, &diag), RH_EPROTO);
	assert_non_null(strstr(diag.text, "outside of its table"));
	rh_pool_fini(&pool);
	free(copy);
	rh_elf_unmap(&file);
}

static void a_changed_byte_never_hurts(void **state)
{
	static const unsigned char values[] = { 0x00, 0x01, 0x7f, 0x80, 0xff };
	struct rh_elf_span file;
	uint32_t           seed = 12345;

	(void)state;
	assert_int_equal(rh_elf_map(own_btf, &file, NULL), RH_OK);
	unsigned char *copy = malloc(file.len);
	for (int round = 0; round < 3000; round++) {
		memcpy(copy, file.bytes, file.len);
		for (int i = 0; i < 1 + round % 4; i++) {
			seed = seed * 1664525u + 1013904223u;
			copy[(seed >> 8) % file.len] = values[seed % sizeof values];
		}
		swallow(copy, file.len);
	}
	free(copy);
	rh_elf_unmap(&file);
}

/* The section alone, so that nearly every change hits a record. */
static void changed_types_never_hurt(void **state)
{
	struct rh_elf_span file, section;
	struct rh_elf      elf;
	uint32_t           seed = 99;

	(void)state;
	assert_int_equal(rh_elf_map(own_btf, &file, NULL), RH_OK);
	assert_int_equal(rh_elf_init(&elf, file.bytes, file.len, NULL), RH_OK);
	assert_int_equal(rh_elf_section(&elf, ".BTF", &section), RH_OK);
	unsigned char *copy = malloc(section.len);
	for (int round = 0; round < 20000; round++) {
		struct rh_pool pool;
		struct rh_btf  btf = { 0 };
		char           text[RH_TEXT_MAX];

		memcpy(copy, section.bytes, section.len);
		for (int i = 0; i < 1 + round % 3; i++) {
			seed = seed * 1664525u + 1013904223u;
			copy[(seed >> 8) % section.len] = (unsigned char)(seed >> 24);
		}
		rh_pool_init(&pool);
		rh_btf_read(&pool, copy, section.len, NULL, &btf, NULL);
		for (uint32_t i = 0; i < btf.function_count; i++)
			for (uint32_t k = 0; k < btf.functions[i].param_count; k++)
				rh_verify_derive(btf.functions[i].params[k].type, "out u8[3]?",
				                 text, sizeof text);
		rh_pool_fini(&pool);
	}
	free(copy);
	rh_elf_unmap(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(types_of_the_binary_agree),
		cmocka_unit_test(pahole_without_floats_agrees),
		cmocka_unit_test(a_binary_without_types_is_judged_by_its_names),
		cmocka_unit_test(each_change_of_a_type_is_found),
		cmocka_unit_test(roles_do_not_count_as_types),
		cmocka_unit_test(another_soname_is_found),
		cmocka_unit_test(text_that_is_none_is_refused),
		cmocka_unit_test(a_cut_file_is_refused),
		cmocka_unit_test(names_end_inside_of_their_table),
		cmocka_unit_test(a_changed_byte_never_hurts),
		cmocka_unit_test(changed_types_never_hurt),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
