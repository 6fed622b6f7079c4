/* What a rule gets of WASI: each function, with pointers into its memory and outside. */
#include "rules_fixture.h"

#include "../../model/error.h"
#include "../../rules/author/rhodes/rule_host.h"
#include "../../rules/hook.h"
#include "../../rules/limits.h"
#include "../../rules/wasi.h"
#include "../../rules/wasm/preview1.h"

#include <rhodes/hook/filter_layout.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define MEMORY_BYTES 131072u
#define FREE_AT      70000u /* behind the buffer */
#define ARGS_AT      offsetof(struct rh_filter_buffer, bytes)
#define HEAD \
	"(memory (export \"memory\") 2)" \
	"(func (export \"rh_abi\") (result i32) i32.const 65537)" \
	"(func (export \"rh_buffer\") (result i32) i32.const 0)"

/* ---- a module that calls whichever function it is told ---- */

static char *put_import(char *at, unsigned i)
{
	const char *letter = rh_wasi_functions[i].signature;

	at += sprintf(at, "(import \"" RH_WASI_MODULE "\" \"%s\" (func $f%u (param",
	              rh_wasi_functions[i].name, i);
	for (; *letter != ':'; letter++)
		at += sprintf(at, *letter == 'i' ? " i32" : " i64");
	return at + sprintf(at, letter[1] ? ") (result i32)))" : ")))");
}

static char *put_call(char *at, unsigned i)
{
	const char *letter = rh_wasi_functions[i].signature;

	at += sprintf(at, "i32.const %zu i32.load i32.const %u i32.eq if ",
	              offsetof(struct rh_filter_buffer, function), i);
	for (unsigned k = 0; *letter != ':'; letter++, k++)
		at += sprintf(at, "i32.const %zu %s.load ", ARGS_AT + 8 * k,
		              *letter == 'i' ? "i32" : "i64");
	return at + sprintf(at, "call $f%u %s return end ", i,
	                    letter[1] ? "" : "i32.const 0");
}

static int object_of_all(unsigned flags)
{
	static int fds[2];
	char       text[16384], *at = text + sprintf(text, "(module ");
	size_t     len;
	uint8_t   *module;

	if (fds[flags])
		return fds[flags];
	for (unsigned i = 0; i < RH_WASI_FUNCTIONS; i++)
		at = put_import(at, i);
	at += sprintf(at, HEAD "(func (export \"rh_filter_before\") (result i32) ");
	for (unsigned i = 0; i < RH_WASI_FUNCTIONS; i++)
		at = put_call(at, i);
	sprintf(at, "i32.const 99))");
	module = fixture_assemble(text, &len);
	fds[flags] = fixture_build(module, len, flags);
	free(module);
	return fds[flags];
}

/* ---- a rule of it ---- */

static char lines[8][RH_RULE_LOG_MAX + 1];
static int  line_count;

static void take_line(void *user, const char *text)
{
	(void)user;
	snprintf(lines[line_count++ % 8], sizeof lines[0], "%s", text);
}

static struct rh_rule *load_with(const struct rh_rule_host *host, unsigned flags)
{
	static const struct rh_rule_param params[] = { { "rate", "1000" }, { "mode", "" } };
	struct rh_rule_source source = {
		.hook = rh_hook_find("filter"), .mode = RH_RULE_WASM,
		.object_fd = object_of_all(flags), .params = params, .param_count = 2,
		.log = take_line, .host = host,
	};
	struct rh_rule *rule = NULL;
	struct rh_diag  diag = { 0 };

	line_count = 0;
	if (rh_rule_load(&source, &rule, &diag) < 0)
		fail_msg("%s", diag.text);
	return rule;
}

/* Its memory: the buffer begins there. */
static uint8_t *memory_of(struct rh_rule *rule)
{
	uint8_t *memory = rh_rule_buffer(rule);

	assert_non_null(memory);
	return memory;
}

static int try_call(struct rh_rule *rule, enum rh_wasi function, const uint64_t args[4],
                    uint64_t *ret_value)
{
	uint8_t *memory = memory_of(rule);
	uint64_t number = function;

	memcpy(memory + offsetof(struct rh_filter_buffer, function), &number, 8);
	memcpy(memory + ARGS_AT, args, 4 * 8);
	return rh_rule_call(rule, RH_SLOT_FILTER_BEFORE, 0, 0, ret_value);
}

static uint32_t call(struct rh_rule *rule, enum rh_wasi function, uint64_t a, uint64_t b,
                     uint64_t c, uint64_t d)
{
	uint64_t value = 0;

	if (try_call(rule, function, (uint64_t[]){ a, b, c, d }, &value) != RH_OK)
		fail_msg("%s: %s", rh_wasi_functions[function].name, rh_rule_why(rule));
	return (uint32_t)value;
}

static uint32_t u32_at(struct rh_rule *rule, uint32_t at)
{
	uint32_t value;

	memcpy(&value, memory_of(rule) + at, 4);
	return value;
}

static uint64_t u64_at(struct rh_rule *rule, uint32_t at)
{
	return u32_at(rule, at) | (uint64_t)u32_at(rule, at + 4) << 32;
}

static void set_u32(struct rh_rule *rule, uint32_t at, uint32_t value)
{
	memcpy(memory_of(rule) + at, &value, 4);
}

/* ---- what each does ---- */

static void there_are_three_descriptors(void **state)
{
	struct rh_rule *rule = load_with(NULL, FIXTURE_GS);

	(void)state;
	for (uint32_t fd = 0; fd < 3; fd++) {
		assert_int_equal(call(rule, RH_WASI_fd_close, fd, 0, 0, 0), 0);
		assert_int_equal(call(rule, RH_WASI_fd_seek, fd, 0, 0, FREE_AT), RH_PREVIEW1_SPIPE);
		assert_int_equal(call(rule, RH_WASI_fd_fdstat_set_flags, fd, 1, 0, 0),
		                 RH_PREVIEW1_NOTSUP);
		memset(memory_of(rule) + FREE_AT, 0xaa, 32);
		assert_int_equal(call(rule, RH_WASI_fd_fdstat_get, fd, FREE_AT, 0, 0), 0);
		assert_int_equal(u64_at(rule, FREE_AT), 2); /* a character device, no flags */
		assert_int_equal(u64_at(rule, FREE_AT + 8), fd ? 1u << 6 : 1u << 1);
		assert_int_equal(u64_at(rule, FREE_AT + 16), 0);
		assert_int_equal(u32_at(rule, FREE_AT + 24), 0xaaaaaaaa);
	}
	assert_int_equal(call(rule, RH_WASI_fd_close, 3, 0, 0, 0), RH_PREVIEW1_BADF);
	assert_int_equal(call(rule, RH_WASI_fd_seek, 3, 0, 0, FREE_AT), RH_PREVIEW1_BADF);
	assert_int_equal(call(rule, RH_WASI_fd_fdstat_get, UINT32_MAX, FREE_AT, 0, 0),
	                 RH_PREVIEW1_BADF);
	assert_int_equal(call(rule, RH_WASI_fd_fdstat_set_flags, 3, 0, 0, 0), RH_PREVIEW1_BADF);
	for (uint32_t fd = 0; fd < 5; fd++) {
		assert_int_equal(call(rule, RH_WASI_fd_prestat_get, fd, FREE_AT, 0, 0),
		                 RH_PREVIEW1_BADF);
		assert_int_equal(call(rule, RH_WASI_fd_prestat_dir_name, fd, FREE_AT, 9, 0),
		                 RH_PREVIEW1_BADF);
	}
	rh_rule_destroy(rule);
}

static void there_is_nothing_to_read_and_no_waiting(void **state)
{
	struct rh_rule *rule = load_with(NULL, FIXTURE_GS);

	(void)state;
	set_u32(rule, FREE_AT, 77);
	assert_int_equal(call(rule, RH_WASI_fd_read, 0, FREE_AT + 8, 1, FREE_AT), 0);
	assert_int_equal(u32_at(rule, FREE_AT), 0);
	assert_int_equal(call(rule, RH_WASI_fd_read, 1, FREE_AT + 8, 1, FREE_AT),
	                 RH_PREVIEW1_BADF);
	assert_int_equal(call(rule, RH_WASI_poll_oneoff, FREE_AT, FREE_AT, 1, FREE_AT),
	                 RH_PREVIEW1_NOTSUP);
	assert_int_equal(call(rule, RH_WASI_sched_yield, 0, 0, 0, 0), 0);
	rh_rule_destroy(rule);
}

/* Two vectors at FREE_AT: their bytes lie behind them. */
static uint32_t print(struct rh_rule *rule, uint32_t fd, const char *first,
                      const char *second)
{
	uint32_t at = FREE_AT + 64, one = (uint32_t)strlen(first), two = (uint32_t)strlen(second);

	memcpy(memory_of(rule) + at, first, one);
	memcpy(memory_of(rule) + at + one, second, two);
	set_u32(rule, FREE_AT, at);
	set_u32(rule, FREE_AT + 4, one);
	set_u32(rule, FREE_AT + 8, at + one);
	set_u32(rule, FREE_AT + 12, two);
	assert_int_equal(call(rule, RH_WASI_fd_write, fd, FREE_AT, 2, FREE_AT + 16), 0);
	return u32_at(rule, FREE_AT + 16);
}

static void what_is_written_comes_line_by_line(void **state)
{
	struct rh_rule *rule = load_with(NULL, FIXTURE_GS);
	char            longer[RH_RULE_LOG_MAX + 3];

	(void)state;
	assert_int_equal(print(rule, 1, "one\ntwo ", "and more"), 16);
	assert_int_equal(line_count, 1);
	assert_string_equal(lines[0], "one");
	assert_int_equal(print(rule, 2, "an error", "\n"), 9); /* not mixed */
	assert_string_equal(lines[1], "an error");
	assert_int_equal(print(rule, 1, "", "\n"), 1);
	assert_string_equal(lines[2], "two and more");
	memset(longer, 'x', sizeof longer);
	longer[sizeof longer - 1] = 0;
	assert_int_equal(print(rule, 1, longer, "\n"), sizeof longer);
	assert_int_equal(line_count, 5);
	assert_int_equal(strlen(lines[3]), RH_RULE_LOG_MAX);
	assert_string_equal(lines[4], "xx");
	assert_int_equal(print(rule, 1, "\33[0m\n", ""), 5);
	assert_string_equal(lines[5], "?[0m");
	for (uint32_t fd = 0; fd < 4; fd++)
		if (fd != 1 && fd != 2)
			assert_int_equal(call(rule, RH_WASI_fd_write, fd, FREE_AT, 0, FREE_AT),
			                 RH_PREVIEW1_BADF);
	rh_rule_destroy(rule);
}

/* No watchdog can end an import: what one may take is limited. */
static void one_write_is_not_endless(void **state)
{
	struct rh_rule *rule = load_with(NULL, FIXTURE_GS);

	(void)state;
	assert_int_equal(call(rule, RH_WASI_fd_write, 1, FREE_AT, 1025, 0), RH_PREVIEW1_INVAL);
	for (uint32_t i = 0; i < 1024; i++) {
		set_u32(rule, FREE_AT + 8 * i, 0);
		set_u32(rule, FREE_AT + 8 * i + 4, MEMORY_BYTES);
	}
	assert_int_equal(call(rule, RH_WASI_fd_write, 1, FREE_AT, 1024, MEMORY_BYTES - 4), 0);
	assert_int_equal(u32_at(rule, MEMORY_BYTES - 4), 65536);
	assert_int_equal(call(rule, RH_WASI_random_get, 0, 65537, 0, 0), RH_PREVIEW1_INVAL);
	rh_rule_destroy(rule);
}

static uint64_t fixed_now(void *user)
{
	(void)user;
	return 0x123456789abcdef0;
}

static uint64_t fixed_random(void *user)
{
	(void)user;
	return 0x0807060504030201;
}

static void clock_and_random_numbers_are_the_hosts(void **state)
{
	static const struct rh_rule_host host = { .now = fixed_now, .random = fixed_random };
	struct rh_rule *rule = load_with(&host, FIXTURE_GS);
	time_t          before = time(NULL);

	(void)state;
	assert_int_equal(call(rule, RH_WASI_clock_time_get, 1, 1, FREE_AT, 0), 0);
	assert_int_equal(u64_at(rule, FREE_AT), 0x123456789abcdef0);
	assert_int_equal(call(rule, RH_WASI_clock_time_get, 0, 1, FREE_AT, 0), 0);
	assert_true(u64_at(rule, FREE_AT) / 1000000000u >= (uint64_t)before);
	assert_true(u64_at(rule, FREE_AT) / 1000000000u <= (uint64_t)time(NULL));
	assert_int_equal(call(rule, RH_WASI_clock_time_get, 2, 1, FREE_AT, 0),
	                 RH_PREVIEW1_INVAL);
	assert_int_equal(call(rule, RH_WASI_clock_res_get, 1, FREE_AT, 0, 0), 0);
	assert_int_equal(u64_at(rule, FREE_AT), 1);
	assert_int_equal(call(rule, RH_WASI_clock_res_get, 7, FREE_AT, 0, 0),
	                 RH_PREVIEW1_INVAL);
	memset(memory_of(rule) + FREE_AT, 0, 16);
	assert_int_equal(call(rule, RH_WASI_random_get, FREE_AT, 11, 0, 0), 0);
	assert_memory_equal(memory_of(rule) + FREE_AT, "\1\2\3\4\5\6\7\10\1\2\3\0\0", 13);
	/* A host without a list of parameters: none. */
	assert_int_equal(call(rule, RH_WASI_environ_sizes_get, FREE_AT, FREE_AT + 4, 0, 0), 0);
	assert_int_equal(u64_at(rule, FREE_AT), 0);
	rh_rule_destroy(rule);
}

static void parameters_are_arguments_and_environment(void **state)
{
	struct rh_rule *rule = load_with(NULL, FIXTURE_PORTABLE);
	const char     *text;

	(void)state;
	assert_int_equal(call(rule, RH_WASI_environ_sizes_get, FREE_AT, FREE_AT + 4, 0, 0), 0);
	assert_int_equal(u32_at(rule, FREE_AT), 2);
	assert_int_equal(u32_at(rule, FREE_AT + 4), 10 + 6);
	assert_int_equal(call(rule, RH_WASI_environ_get, FREE_AT, FREE_AT + 64, 0, 0), 0);
	text = (const char *)memory_of(rule);
	assert_string_equal(text + u32_at(rule, FREE_AT), "rate=1000");
	assert_string_equal(text + u32_at(rule, FREE_AT + 4), "mode=");
	assert_int_equal(call(rule, RH_WASI_args_sizes_get, FREE_AT, FREE_AT + 4, 0, 0), 0);
	assert_int_equal(u32_at(rule, FREE_AT), 3);
	assert_int_equal(u32_at(rule, FREE_AT + 4), 5 + 10 + 6);
	assert_int_equal(call(rule, RH_WASI_args_get, FREE_AT, FREE_AT + 64, 0, 0), 0);
	assert_string_equal(text + u32_at(rule, FREE_AT), "rule");
	assert_string_equal(text + u32_at(rule, FREE_AT + 8), "mode=");
	rh_rule_destroy(rule);
}

static void who_ends_itself_is_replaced(void **state)
{
	struct rh_rule *rule = load_with(NULL, FIXTURE_GS);
	uint64_t        value;

	(void)state;
	assert_int_equal(try_call(rule, RH_WASI_proc_exit, (uint64_t[4]){ 0 }, &value), RH_ERULE);
	assert_string_equal(rh_rule_why(rule), "the rule was stopped in rh_filter_before: it "
	                    "ended itself (proc_exit)");
	assert_int_equal(call(rule, RH_WASI_sched_yield, 0, 0, 0, 0), 0);
	assert_int_equal(rh_rule_counters(rule)->instances, 2);
	rh_rule_destroy(rule);
}

/* ---- pointers outside ---- */

/* A call that is right, but for one pointer, behind which so many bytes must be. */
static const struct {
	enum rh_wasi function;
	uint64_t     args[4];
	unsigned     pointer;
	uint32_t     bytes;
} pointers[] = {
	{ RH_WASI_environ_sizes_get, { 0, FREE_AT }, 0, 4 },
	{ RH_WASI_environ_sizes_get, { FREE_AT, 0 }, 1, 4 },
	{ RH_WASI_environ_get, { 0, FREE_AT }, 0, 8 },
	{ RH_WASI_environ_get, { FREE_AT, 0 }, 1, 16 },
	{ RH_WASI_args_sizes_get, { 0, FREE_AT }, 0, 4 },
	{ RH_WASI_args_sizes_get, { FREE_AT, 0 }, 1, 4 },
	{ RH_WASI_args_get, { 0, FREE_AT }, 0, 12 },
	{ RH_WASI_args_get, { FREE_AT, 0 }, 1, 21 },
	{ RH_WASI_fd_fdstat_get, { 1, 0 }, 1, 24 },
	{ RH_WASI_fd_read, { 0, FREE_AT, 0, 0 }, 3, 4 },
	{ RH_WASI_fd_write, { 1, 0, 2, FREE_AT }, 1, 16 },
	{ RH_WASI_fd_write, { 1, FREE_AT, 1, 0 }, 3, 4 },
	{ RH_WASI_clock_res_get, { 0, 0 }, 1, 8 },
	{ RH_WASI_clock_time_get, { 0, 0, 0 }, 2, 8 },
	{ RH_WASI_clock_time_get, { 1, 0, 0 }, 2, 8 },
	{ RH_WASI_random_get, { 0, 9 }, 0, 9 },
};

static void a_pointer_outside_of_its_memory_is_told(void **state)
{
	struct rh_rule *rule = load_with(NULL, FIXTURE_GS);

	(void)state;
	memset(memory_of(rule) + FREE_AT, 0, 256);
	for (size_t i = 0; i < sizeof pointers / sizeof pointers[0]; i++) {
		uint32_t bytes = pointers[i].bytes;
		uint32_t outside[] = { MEMORY_BYTES - bytes + 1, MEMORY_BYTES - 1, MEMORY_BYTES,
		                       0x80000000, UINT32_MAX - bytes + 1, UINT32_MAX };
		uint64_t args[4], value = 0;

		memcpy(args, pointers[i].args, sizeof args);
		for (size_t k = 0; k < sizeof outside / sizeof outside[0]; k++) {
			args[pointers[i].pointer] = outside[k];
			value = call(rule, pointers[i].function, args[0], args[1], args[2], args[3]);
			if (value != RH_PREVIEW1_FAULT)
				fail_msg("%s (%zu): %x gave %d", rh_wasi_functions[pointers[i].function].name,
				         i, outside[k], (int)value);
		}
		args[pointers[i].pointer] = MEMORY_BYTES - bytes; /* the last that is right */
		memset(memory_of(rule) + MEMORY_BYTES - bytes, 0, bytes);
		if (call(rule, pointers[i].function, args[0], args[1], args[2], args[3]) != 0)
			fail_msg("%s (%zu): the last bytes", rh_wasi_functions[pointers[i].function].name,
			         i);
	}
	assert_int_equal(rh_rule_counters(rule)->instances, 1);
	rh_rule_destroy(rule);
}

static void vectors_may_not_point_outside(void **state)
{
	static const uint32_t wrong[][2] = {
		{ MEMORY_BYTES, 1 }, { MEMORY_BYTES - 1, 2 }, { 0, MEMORY_BYTES + 1 },
		{ UINT32_MAX, UINT32_MAX }, { 8, UINT32_MAX }, { UINT32_MAX - 3, 4 },
	};
	struct rh_rule *rule = load_with(NULL, FIXTURE_GS);

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		memcpy(memory_of(rule) + FREE_AT, (uint32_t[]){ FREE_AT + 64, 2 }, 8);
		memcpy(memory_of(rule) + FREE_AT + 8, wrong[i], 8);
		memcpy(memory_of(rule) + FREE_AT + 64, "x\n", 2);
		assert_int_equal(call(rule, RH_WASI_fd_write, 1, FREE_AT, 2, FREE_AT + 32),
		                 RH_PREVIEW1_FAULT);
	}
	assert_int_equal(line_count, 0); /* nor is a part written */
	assert_int_equal(call(rule, RH_WASI_fd_write, 1, UINT32_MAX - 7, 1024, FREE_AT),
	                 RH_PREVIEW1_FAULT);
	rh_rule_destroy(rule);
}

/* ---- what is given ---- */

static int build(const char *fields, uint32_t capabilities, int *ret_fd, struct rh_diag *diag)
{
	char     text[2048];
	size_t   len;
	uint8_t *module;

	snprintf(text, sizeof text, "(module %s)", fields);
	module = fixture_assemble(text, &len);
	struct rh_build job = {
		.hook = rh_hook_find("filter"), .module = module, .module_bytes = len,
		.capabilities = capabilities,
	};
	struct rh_built built = { .fd = -1 };
	int             err = rh_build_run(&job, &built, diag);
	free(module);
	*ret_fd = built.fd;
	return err;
}

#define BEFORE "(func (export \"rh_filter_before\") (result i32) i32.const 0)"
#define WRITE \
	"(import \"" RH_WASI_MODULE "\" \"fd_write\" (func (param i32 i32 i32 i32) (result i32)))"
#define CLOSE "(import \"" RH_WASI_MODULE "\" \"fd_close\" (func (param i32) (result i32)))"
#define OPEN  "(import \"" RH_WASI_MODULE "\" \"path_open\" (func (param i32) (result i32)))"
#define CROOKED \
	"(import \"" RH_WASI_MODULE "\" \"fd_close\" (func (param i64) (result i32)))"

static void nothing_is_given_that_is_not_named(void **state)
{
	static const struct {
		const char *fields;
		uint32_t    capabilities;
		const char *says; /* NULL: it is built */
	} cases[] = {
		{ CLOSE HEAD BEFORE, 0, ".fd_close, which the capability wasi gives: name it" },
		{ CLOSE HEAD BEFORE, 1u << RH_CAPABILITY_WASI, NULL },
		{ CLOSE HEAD BEFORE, 1u << RH_CAPABILITY_CLOCK, NULL },
		{ CLOSE WRITE HEAD BEFORE, 1u << RH_CAPABILITY_WASI | 1u << RH_CAPABILITY_CLOCK,
		  ".fd_write, which the capability stdout gives" },
		{ CLOSE WRITE HEAD BEFORE, 1u << RH_CAPABILITY_STDOUT, NULL },
		{ OPEN HEAD BEFORE, UINT32_MAX, ".path_open, which no capability gives" },
		{ CROOKED HEAD BEFORE, UINT32_MAX, ".fd_close as (i64) -> i32, it is (i32) -> i32" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct rh_diag diag = { 0 };
		int            fd;
		int err = build(cases[i].fields, cases[i].capabilities, &fd, &diag);

		if (err != (cases[i].says ? RH_EINVAL : RH_OK) ||
		    (cases[i].says && !strstr(diag.text, cases[i].says)))
			fail_msg("case %zu: %d %s", i, err, diag.text);
		if (fd >= 0)
			close(fd);
	}
	assert_int_equal(rh_capability_find("stdout"), RH_CAPABILITY_STDOUT);
	assert_int_equal(rh_capability_find("files"), -1);
}

/* ---- constructors ---- */

static int load(const char *fields, struct rh_diag *diag)
{
	struct rh_rule *rule = NULL;
	int             fd, err = build(fields, 0, &fd, diag);

	if (err < 0)
		return err;
	struct rh_rule_source source = {
		.hook = rh_hook_find("filter"), .mode = RH_RULE_WASM, .object_fd = fd,
	};
	err = rh_rule_load(&source, &rule, diag);
	rh_rule_destroy(rule);
	close(fd);
	return err;
}

static void a_reactor_is_initialized_before_all_else(void **state)
{
	struct rh_diag diag = { 0 };

	(void)state;
	/* rh_abi and rh_buffer are right only when it ran. */
	assert_int_equal(load("(memory (export \"memory\") 2) (global $g (mut i32) (i32.const 0))"
	                      "(func (export \"_initialize\") i32.const 65537 global.set $g)"
	                      "(func (export \"rh_abi\") (result i32) global.get $g)"
	                      "(func (export \"rh_buffer\") (result i32) i32.const 0)" BEFORE,
	                      &diag), RH_OK);
	assert_int_equal(load("(func (export \"_initialize\") unreachable)" HEAD BEFORE, &diag),
	                 RH_EINVAL);
	assert_non_null(strstr(diag.text, "in its start: it gave up"));
	assert_int_equal(load("(func (export \"_initialize\") (loop br 0))" HEAD BEFORE, &diag),
	                 RH_EINVAL);
	assert_non_null(strstr(diag.text, "in its start: it took longer"));
	assert_int_equal(load("(func (export \"_initialize\") (param i32))" HEAD BEFORE, &diag),
	                 RH_EINVAL);
	assert_non_null(strstr(diag.text, "exports _initialize as (i32), a reactor's is ()"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_are_three_descriptors),
		cmocka_unit_test(there_is_nothing_to_read_and_no_waiting),
		cmocka_unit_test(what_is_written_comes_line_by_line),
		cmocka_unit_test(one_write_is_not_endless),
		cmocka_unit_test(clock_and_random_numbers_are_the_hosts),
		cmocka_unit_test(parameters_are_arguments_and_environment),
		cmocka_unit_test(who_ends_itself_is_replaced),
		cmocka_unit_test(a_pointer_outside_of_its_memory_is_told),
		cmocka_unit_test(vectors_may_not_point_outside),
		cmocka_unit_test(nothing_is_given_that_is_not_named),
		cmocka_unit_test(a_reactor_is_initialized_before_all_else),
	};

	if (!fixture_has_tools())
		return 77;
	return cmocka_run_group_tests_name("rules_wasi", tests, NULL, NULL);
}
