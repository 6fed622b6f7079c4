/* What a module is refused for, and with which words. */
#include "rules_fixture.h"

#include "../../model/error.h"
#include "../../rules/hook.h"
#include "../../rules/limits.h"
#include "../../rules/module.h"
#include "../../rules/rule.h"
#include "../../rules/wasm/build_text.h"

#include <rhodes/hook/filter_layout.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define MEMORY  "(memory (export \"memory\") 2)"
#define ABI     "(func (export \"rh_abi\") (result i32) i32.const 65537)"
#define BUFFER  "(func (export \"rh_buffer\") (result i32) i32.const 0)"
#define BEFORE  "(func (export \"rh_filter_before\") (result i32) i32.const 0)"
#define COMPLETE MEMORY ABI BUFFER BEFORE

struct refusal {
	const char *fields; /* of the module */
	int         code;
	const char *says;
};

static const struct refusal refusals[] = {
	{ MEMORY BUFFER BEFORE, RH_EINVAL,
	  "exports no function rh_abi () -> i32, which hook filter version 1 needs" },
	{ MEMORY ABI BUFFER, RH_EINVAL, "exports no function rh_filter_before () -> i32" },
	{ MEMORY ABI BUFFER "(func (export \"rh_filter_before\") (param i64) (result i32) "
	  "i32.const 0)", RH_EINVAL, "exports rh_filter_before as (i64) -> i32, hook filter "
	  "version 1 wants () -> i32" },
	{ COMPLETE "(func (export \"rh_save\"))", RH_EINVAL,
	  "exports rh_save as (), hook filter version 1 wants (i32) -> i32" },
	{ MEMORY ABI BUFFER "(global (export \"rh_filter_before\") i32 (i32.const 0))",
	  RH_EINVAL, "exports rh_filter_before as a global" },
	{ "(import \"rhodes\" \"now\" (func (result i64))) (export \"rh_filter_before\" (func 0))"
	  MEMORY ABI BUFFER, RH_EINVAL, "the function is an import or none" },
	{ "(import \"env\" \"abort\" (func (param i32 i32 i32 i32)))" COMPLETE, RH_EINVAL,
	  "imports env.abort; hook filter gives it only now, random, log, param" },
	{ "(import \"wasi_snapshot_preview1\" \"sock_send\" (func (param i32 i32 i32 i32 i32) "
	  "(result i32)))" COMPLETE, RH_EINVAL, "imports wasi_snapshot_preview1.sock_send, which "
	  "no capability gives" },
	{ "(import \"rhodes\" \"now\" (func (result i32)))" COMPLETE, RH_EINVAL,
	  "imports rhodes.now as () -> i32, it is () -> i64" },
	{ "(import \"env\" \"memory\" (memory 2))" ABI BUFFER BEFORE, RH_EINVAL,
	  "imports a memory" },
	{ "(import \"env\" \"table\" (table 2 funcref))" COMPLETE, RH_EINVAL,
	  "imports a table" },
	{ ABI BUFFER BEFORE, RH_EINVAL, "has no memory" },
	{ "(memory 2)" ABI BUFFER BEFORE, RH_EINVAL, "does not export its memory" },
	{ "(memory (export \"memory\") 1)" ABI BUFFER BEFORE, RH_EINVAL,
	  "begins with 65536 bytes of memory, the buffer of hook filter alone has 65584" },
	{ "(memory (export \"memory\") 17)" ABI BUFFER BEFORE, RH_EMSGSIZE,
	  "begins with 1088 KiB of memory, its limit is 1024 KiB" },
	{ COMPLETE "(table 100000 funcref)", RH_EMSGSIZE, "the tables have 100000 elements" },
	/* wasm2c writes the name of an export into a comment. */
	{ COMPLETE "(func (export \"*/ int evil(void) { return 1; } /*\"))", RH_EINVAL,
	  "has other characters than letters" },
	{ COMPLETE "(func (export \"\"))", RH_EINVAL, "not 1 to 256 of them" },
	{ COMPLETE "(func (export \"a\\00b\"))", RH_EINVAL, "has other characters" },
};

static uint8_t *assemble(const char *fields, size_t *ret_len)
{
	char text[4096];

	snprintf(text, sizeof text, "(module %s)", fields);
	return fixture_assemble(text, ret_len);
}

static void a_module_is_refused_with_place_and_reason(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
		const struct refusal *refusal = &refusals[i];
		struct rh_module      module = { .functions = 77 };
		struct rh_diag        diag = { 0 };
		size_t                len;
		uint8_t              *bytes = assemble(refusal->fields, &len);
		int err = rh_module_read(bytes, len, rh_hook_find("filter"), 1u << 20, &module,
		                         &diag);

		if (err != refusal->code || !strstr(diag.text, refusal->says))
			fail_msg("%s: %d %s", refusal->fields, err, diag.text);
		assert_int_equal(module.functions, 77);
		free(bytes);
	}
}

static int read_bytes(const void *bytes, size_t len, struct rh_diag *diag)
{
	struct rh_module module;

	return rh_module_read(bytes, len, rh_hook_find("filter"), 1u << 20, &module, diag);
}

static void what_is_no_module_is_refused(void **state)
{
	static const char text[] = "(module)", component[] = "\0asm\x0d\0\1\0";
	static const char after[] = "\0asm\1\0\0\0\x5\3\1\0\2\1\4\1\x60\0\0";
	struct rh_diag    diag;
	uint8_t          *large = calloc(1, RH_MODULE_BYTES_MAX + 1);

	(void)state;
	assert_int_equal(read_bytes(text, 8, &diag), RH_EINVAL);
	assert_non_null(strstr(diag.text, "does not begin with \\0asm"));
	assert_int_equal(read_bytes(component, 8, &diag), RH_EINVAL);
	assert_non_null(strstr(diag.text, "version 13 of WebAssembly's binary format"));
	assert_int_equal(read_bytes(after, sizeof after - 1, &diag), RH_EINVAL);
	assert_non_null(strstr(diag.text, "the type section comes twice or too late"));
	assert_int_equal(read_bytes(large, RH_MODULE_BYTES_MAX + 1, &diag), RH_EMSGSIZE);
	free(large);
}

/* Cut anywhere, it is refused or still a module; never read beyond its end. */
static void a_module_that_is_cut_short_is_refused(void **state)
{
	size_t   len;
	uint8_t *whole = assemble(COMPLETE, &len);

	(void)state;
	assert_int_equal(read_bytes(whole, len, NULL), RH_OK);
	for (size_t cut = 0; cut < len; cut++) {
		uint8_t *part = malloc(cut + 1); /* exact, for the sanitizer */

		memcpy(part, whole, cut);
		assert_true(read_bytes(part, cut, NULL) < 0);
		free(part);
	}
	free(whole);
}

static void names_and_debug_data_are_stripped(void **state)
{
	static const char custom[] = "\0\x6\4evil\1"; /* section 0, 6 bytes */
	size_t            len, stripped;
	uint8_t          *bytes = assemble(COMPLETE, &len);
	uint8_t          *with = malloc(len + 8), *out = malloc(len + 8);

	(void)state;
	memcpy(with, bytes, len);
	memcpy(with + len, custom, 8);
	assert_int_equal(read_bytes(with, len + 8, NULL), RH_OK);
	stripped = rh_module_strip(with, len + 8, out);
	assert_int_equal(stripped, len);
	assert_memory_equal(out, bytes, len);
	free(bytes);
	free(with);
	free(out);
}

static int build(const char *fields, uint32_t seconds, struct rh_diag *diag)
{
	size_t          len;
	uint8_t        *bytes = assemble(fields, &len);
	struct rh_built built;
	struct rh_build job = {
		.hook = rh_hook_find("filter"), .module = bytes, .module_bytes = len,
		.seconds = seconds,
	};
	int err = rh_build_run(&job, &built, diag);

	free(bytes);
	return err;
}

static void invalid_code_is_refused_by_the_build(void **state)
{
	struct rh_diag diag = { 0 };

	(void)state;
	assert_int_equal(build(MEMORY ABI BUFFER "(func (export \"rh_filter_before\") "
	                       "(result i32) i64.const 0)", 0, &diag), RH_EINVAL);
	assert_non_null(strstr(diag.text, "the module is not valid WebAssembly: "));
	assert_non_null(strstr(diag.text, "type mismatch"));
	assert_int_equal(build(COMPLETE "(func v128.const i32x4 0 0 0 0 drop)", 0, &diag),
	                 RH_EINVAL);
}

/* A body that gcc takes long over: many blocks in one another, all with their jumps. */
static void a_module_that_makes_the_compiler_slow_is_given_up(void **state)
{
	char          *text = malloc(1u << 20), *at = text;
	struct rh_diag diag = { 0 };
	size_t         len;
	uint8_t       *bytes;
	struct rh_built built;

	(void)state;
	at += sprintf(at, "(module %s (func (export \"slow\") (param i32) (result i32)", COMPLETE);
	for (int i = 0; i < 12000; i++)
		at += sprintf(at, " local.get 0 if local.get 0 i32.load i32.const %d i32.mul "
		              "local.set 0 end", i);
	sprintf(at, " local.get 0))");
	bytes = fixture_assemble(text, &len);
	struct rh_build job = {
		.hook = rh_hook_find("filter"), .module = bytes, .module_bytes = len, .seconds = 1,
	};
	assert_int_equal(rh_build_run(&job, &built, &diag), RH_ETIMEDOUT);
	assert_non_null(strstr(diag.text, "gcc did not end in"));
	free(bytes);
	free(text);
}

static uint8_t *put_leb(uint8_t *at, uint32_t number)
{
	for (; number > 0x7f; number >>= 7)
		*at++ = (uint8_t)(number | 0x80);
	*at++ = (uint8_t)number;
	return at;
}

/* A module that reads what is at address length of its memory, and so many random bytes
 * of data from 131072 on. */
static uint8_t *module_with_data(uint32_t bytes, size_t *ret_len)
{
	static const uint8_t head[] = { 1, 0, 0x41, 0x80, 0x80, 8, 0xb }; /* 131072 */
	uint64_t random = 9;
	size_t   len;
	uint8_t *code = fixture_assemble(
		"(module (memory (export \"memory\") 132) " ABI BUFFER
		"(func (export \"rh_filter_before\") (result i32)"
		" i32.const 24 i32.load i32.load8_u))", &len);
	uint8_t *module = malloc(len + bytes + 64), *at = module + len;

	memcpy(module, code, len);
	free(code);
	*at++ = 11;
	at = put_leb(at, (uint32_t)sizeof head + 4 + bytes); /* 4: of the length below */
	memcpy(at, head, sizeof head);
	at = put_leb(at + sizeof head, bytes);
	for (uint32_t i = 0; i < bytes; i++) {
		random = random * 6364136223846793005u + 1;
		*at++ = (uint8_t)(random >> 33);
	}
	*ret_len = (size_t)(at - module);
	return module;
}

static void the_largest_module_works(void **state)
{
	uint32_t       bytes = RH_MODULE_BYTES_MAX - 1024;
	size_t         len;
	uint8_t       *module = module_with_data(bytes, &len);
	struct rh_diag diag = { 0 };
	struct rh_rule *rule = NULL;
	uint64_t       value;

	(void)state;
	struct rh_rule_source source = {
		.hook = rh_hook_find("filter"), .mode = RH_RULE_WASM,
		.object_fd = fixture_build(module, len, FIXTURE_GS),
	};
	if (rh_rule_load(&source, &rule, &diag) < 0)
		fail_msg("%s", diag.text);
	for (uint32_t at = 0; at < bytes; at += bytes / 97) {
		uint32_t address = 131072 + at;

		memcpy((uint8_t *)rh_rule_buffer(rule) + offsetof(struct rh_filter_buffer, length),
		       &address, 4);
		assert_int_equal(rh_rule_call(rule, RH_SLOT_FILTER_BEFORE, 0, 0, &value), RH_OK);
		assert_int_equal(value, module[len - bytes + at]);
	}
	rh_rule_destroy(rule);
	close(source.object_fd);
	free(module);
}

/* Refused by their size or by what they announce, before anything of it is read. */
static void endless_functions_are_refused(void **state)
{
	static const uint8_t many[] = {
		0, 'a', 's', 'm', 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 3, 4, 0x81, 0x80, 4, 0,
	};
	size_t         large_bytes = 100u << 20;
	uint8_t       *large = calloc(1, large_bytes);
	struct rh_diag diag;

	(void)state;
	memcpy(large, many, sizeof many);
	assert_int_equal(read_bytes(large, large_bytes, &diag), RH_EMSGSIZE);
	assert_non_null(strstr(diag.text, "at most 8388608 are allowed"));
	free(large);
	assert_int_equal(read_bytes(many, sizeof many, &diag), RH_EMSGSIZE);
	assert_non_null(strstr(diag.text, "65537 entries in the function section"));
}

/* gcc loses the segment of such accesses; see build_text.h. */
static void accesses_that_lost_their_segment_are_mended(void **state)
{
	static const char text[] = "f:\n\tmovabsl\t4294967295, %eax\n\tmovabsb\t%al, 4294967280\n"
	                           "\tmovabsq\t$8589934576, %rax\n\tret";
	char          *whole = NULL;
	size_t         len = 0;
	struct rh_diag diag;

	(void)state;
	assert_int_equal(rh_build_assembly(text, true, &whole, &len, &diag), RH_OK);
	assert_string_equal(whole, "f:\n\tmovabsl\t%gs:4294967295, %eax\n"
	                    "\tmovabsb\t%al, %gs:4294967280\n"
	                    "\tmovabsq\t$8589934576, %rax\n\tret");
	free(whole);
	assert_int_equal(rh_build_assembly(text, false, &whole, &len, &diag), RH_EINVAL);
	assert_int_equal(rh_build_assembly("\tmovabsl\tnonsense, %eax\n", true, &whole, &len,
	                                   &diag), RH_EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_module_is_refused_with_place_and_reason),
		cmocka_unit_test(what_is_no_module_is_refused),
		cmocka_unit_test(a_module_that_is_cut_short_is_refused),
		cmocka_unit_test(names_and_debug_data_are_stripped),
		cmocka_unit_test(invalid_code_is_refused_by_the_build),
		cmocka_unit_test(a_module_that_makes_the_compiler_slow_is_given_up),
		cmocka_unit_test(the_largest_module_works),
		cmocka_unit_test(endless_functions_are_refused),
		cmocka_unit_test(accesses_that_lost_their_segment_are_mended),
	};

	if (!fixture_has_tools())
		return 77;
	return cmocka_run_group_tests_name("rules_module", tests, NULL, NULL);
}
