/* What hostile modules do to the process that runs them: nothing. */
#include "rules_fixture.h"

#include "../../model/error.h"
#include "../../rules/hook.h"
#include "../../rules/limits.h"

#include <rhodes/hook/filter_layout.h>

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define BEFORE "(func (export \"rh_filter_before\") (result i32) "

/* How often each hostile module is called; those that end by their limit of time less
 * often, unless the program is told how often (./test soak). */
#define TIMES      1000
#define TIMES_SLOW 25

static int times_slow = TIMES_SLOW;

struct hostile {
	const char          *name;
	const char          *rest;
	enum rh_rule_failure failure;
	const char          *why;
	bool                 is_slow;
};

static const struct hostile hostiles[] = {
	{ "load behind the end", BEFORE "i32.const 131072 i32.load))", RH_FAILED_TRAP,
	  "an access outside", false },
	{ "load one byte over", BEFORE "i32.const 131069 i32.load))", RH_FAILED_TRAP,
	  "an access outside", false },
	{ "load below the begin", BEFORE "i32.const -1 i32.load))", RH_FAILED_TRAP,
	  "an access outside", false },
	{ "load at the farthest", BEFORE "i32.const -1 i64.load offset=4294967295 i32.wrap_i64))",
	  RH_FAILED_TRAP, "an access outside", false },
	{ "store behind the end", BEFORE "i32.const 131072 i32.const 7 i32.store i32.const 0))",
	  RH_FAILED_TRAP, "an access outside", false },
	{ "store at 2 GiB", BEFORE "i32.const 0x80000000 i64.const 7 i64.store i32.const 0))",
	  RH_FAILED_TRAP, "an access outside", false },
	{ "fill over the end", BEFORE "i32.const 131000 i32.const 1 i32.const 100 memory.fill "
	  "i32.const 0))", RH_FAILED_TRAP, "an access outside", false },
	{ "copy from behind", BEFORE "i32.const 0 i32.const 131000 i32.const 1000 memory.copy "
	  "i32.const 0))", RH_FAILED_TRAP, "an access outside", false },
	{ "unreachable", BEFORE "unreachable))", RH_FAILED_TRAP, "unreachable", false },
	{ "division by zero", BEFORE "i32.const 1 i32.const 0 i32.load i32.div_u))",
	  RH_FAILED_TRAP, "a division by zero", false },
	{ "division that overflows", BEFORE "i32.const 0x80000000 i32.const -1 i32.div_s))",
	  RH_FAILED_TRAP, "does not fit", false },
	{ "not a number", BEFORE "f64.const nan i32.trunc_f64_s))", RH_FAILED_TRAP,
	  "no number", false },
	{ "recursion", "(func $f (param i32) (result i32) local.get 0 i32.const 1 i32.add "
	  "call $f i32.const 3 i32.mul local.get 0 i32.xor)" BEFORE "i32.const 0 call $f))",
	  RH_FAILED_TRAP, "its stack was full", false },
	{ "recursion through an import", "(func $f (param i32) (result i32) call $now drop "
	  "local.get 0 i32.const 1 i32.add call $f i32.const 3 i32.mul local.get 0 i32.xor)"
	  BEFORE "i32.const 0 call $f))",
	  RH_FAILED_TRAP, "its stack was full", false },
	{ "call of no function", "(table 4 funcref) (type $t (func (result i32)))" BEFORE
	  "i32.const 3 call_indirect (type $t)))", RH_FAILED_TRAP, "a call of no function",
	  false },
	{ "call behind the table", "(table 4 funcref) (type $t (func (result i32)))" BEFORE
	  "i32.const -1 call_indirect (type $t)))", RH_FAILED_TRAP, "a call of no function",
	  false },
	{ "call of another type", "(table 4 funcref) (elem (i32.const 0) $g)"
	  "(func $g (param i64 i64) (result i64) local.get 1) (type $t (func (result i32)))"
	  BEFORE "i32.const 0 call_indirect (type $t)))", RH_FAILED_TRAP,
	  "a call of no function", false },
	{ "endless", BEFORE "(loop br 0) i32.const 0))", RH_FAILED_TIMEOUT, "longer", true },
	{ "endless with memory", BEFORE "(loop i32.const 8 i32.const 8 i32.load i32.const 1 "
	  "i32.add i32.store br 0) i32.const 0))", RH_FAILED_TIMEOUT, "longer", true },
	{ "endless in imports", BEFORE "(loop call $now drop br 0) i32.const 0))",
	  RH_FAILED_TIMEOUT, "longer", true },
	{ "endless logging", BEFORE "(loop i32.const 0 i32.const 100 call $log br 0) "
	  "i32.const 0))",
	  RH_FAILED_TIMEOUT, "longer", true },
	{ "a storm of growing", BEFORE "(loop i32.const 1 memory.grow drop br 0) i32.const 0))",
	  RH_FAILED_TIMEOUT, "longer", true },
	{ "a storm of tables", "(table 1 funcref)" BEFORE "(loop ref.null func i32.const 100 "
	  "table.grow 0 drop br 0) i32.const 0))", RH_FAILED_TIMEOUT, "longer", true },
	{ "recursion through a table", "(table 1 funcref) (elem (i32.const 0) $f)"
	  "(type $t (func (param i32) (result i32)))"
	  "(func $f (type $t) local.get 0 i32.const 1 i32.add i32.const 0 call_indirect (type $t) "
	  "i32.const 3 i32.mul)" BEFORE "i32.const 0 i32.const 0 call_indirect (type $t)))",
	  RH_FAILED_TRAP, "its stack was full", false },
	{ "all memory, touched", "(func $touch (local i32) i32.const 131072 local.set 0 "
	  "(loop local.get 0 i32.const 7 i32.store8 local.get 0 i32.const 4096 i32.add "
	  "local.tee 0 memory.size i32.const 16 i32.shl i32.lt_u br_if 0))" BEFORE
	  "i32.const 14 memory.grow drop call $touch unreachable))", RH_FAILED_TRAP,
	  "unreachable", false },
	{ "more memory than there is", BEFORE "i32.const 65534 memory.grow i32.const -1 i32.eq "
	  "if unreachable end i32.const 0))", RH_FAILED_TRAP, "unreachable", false },
	{ "a jump into nothing", "(global $g (mut i32) (i32.const 9))" BEFORE
	  "(block (block (block global.get $g br_table 0 1 2)) (loop br 0)) unreachable))",
	  RH_FAILED_TRAP, "unreachable", false },
	{ "log of what is not there", BEFORE "i32.const -16 i32.const 100 call $log i32.const 0))",
	  RH_FAILED_TRAP, "an access outside", false },
};

enum { HOSTILES = sizeof hostiles / sizeof hostiles[0] };

/* Its calls are counted in memory: a rule beside the hostile ones. */
static const char good[] = BEFORE
	"i32.const 70000 i32.const 70000 i32.load i32.const 1 i32.add i32.store "
	"i32.const 70000 i32.load))";

static struct rh_rule *load_with(int fd, uint64_t fuel, uint32_t time_us)
{
	struct rh_rule_source source = {
		.hook = rh_hook_find("filter"),
		.mode = RH_RULE_WASM,
		.object_fd = fd,
		.limits = { .time_us = time_us, .fuel = fuel },
	};
	struct rh_rule *rule = NULL;
	struct rh_diag  diag = { 0 };

	if (rh_rule_load(&source, &rule, &diag) < 0)
		fail_msg("%s", diag.text);
	return rule;
}

static struct rh_rule *load(int fd, uint64_t fuel)
{
	return load_with(fd, fuel, 20000);
}

static uint64_t call(struct rh_rule *rule)
{
	uint64_t value = 0;

	assert_non_null(rh_rule_buffer(rule));
	assert_int_equal(rh_rule_call(rule, RH_SLOT_FILTER_BEFORE, 0, 0, &value), RH_OK);
	return value;
}

/* A rule that failed too often rests; here each call is to run. */
static void call_hostile(const struct hostile *hostile, int fd, int times)
{
	while (times > 0) {
		struct rh_rule *rule = load_with(fd, 0, hostile->is_slow ? RH_RULE_TIME_US_MIN :
		                                                        RH_RULE_TIME_US_MAX);
		int             once = times < (int)RH_RULE_FAILURES_MAX ? times :
		                                                 (int)RH_RULE_FAILURES_MAX;
		uint64_t        value = 77;

		for (int i = 0; i < once; i++) {
			assert_non_null(rh_rule_buffer(rule));
			if (rh_rule_call(rule, RH_SLOT_FILTER_BEFORE, 0, 0, &value) != RH_ERULE)
				fail_msg("%s: returned %d", hostile->name, (int)value);
			if (!strstr(rh_rule_why(rule), hostile->why))
				fail_msg("%s: %s", hostile->name, rh_rule_why(rule));
		}
		assert_int_equal(value, 77);
		assert_int_equal(rh_rule_counters(rule)->failures[hostile->failure], once);
		assert_int_equal(rh_rule_counters(rule)->instances, once);
		rh_rule_destroy(rule);
		times -= once;
	}
}

static void hostile_modules_hurt_nobody(unsigned flags)
{
	struct rh_rule *other = load(fixture_object(good, flags), 0);
	uint64_t        count = 0;

	struct fixture_usage before = { 0 }, after;

	/* The first round makes what stays: the stack of the thread, the loader's memory. */
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < HOSTILES; i++) {
			call_hostile(&hostiles[i], fixture_object(hostiles[i].rest, flags),
			             !round ? 2 : hostiles[i].is_slow ? times_slow : TIMES);
			assert_int_equal(call(other), ++count);
		}
		if (!round)
			before = fixture_usage();
	}
	after = fixture_usage();
	assert_in_range(after.rss_kb, 0, before.rss_kb + 1024);
	assert_in_range(after.size_kb, 0, before.size_kb + 1024);
	assert_in_range(after.mappings, 0, before.mappings + 8);
	assert_int_equal(after.threads, before.threads);
	assert_int_equal(after.descriptors, before.descriptors);
	assert_int_equal(rh_rule_counters(other)->failures[RH_FAILED_TRAP], 0);
	rh_rule_destroy(other);
}

static void hostile_modules_hurt_nobody_with_gs(void **state)
{
	(void)state;
	hostile_modules_hurt_nobody(FIXTURE_GS);
}

static void hostile_modules_hurt_nobody_without_gs(void **state)
{
	(void)state;
	hostile_modules_hurt_nobody(FIXTURE_PORTABLE);
}

static void the_last_bytes_can_be_reached(void **state)
{
	static const char rest[] = BEFORE
		"i32.const 131068 i32.const 0x12345678 i32.store i32.const 131068 i32.load))";
	struct rh_rule *rule;

	(void)state;
	for (unsigned flags = FIXTURE_GS; flags <= FIXTURE_PORTABLE; flags++) {
		rule = load(fixture_object(rest, flags), 0);
		assert_int_equal(call(rule), 0x12345678);
		rh_rule_destroy(rule);
	}
}

static void fuel_ends_a_call(void **state)
{
	static const char endless[] = BEFORE "(loop br 0) i32.const 0))";
	struct rh_rule   *rule = load(fixture_object(endless, FIXTURE_FUEL), 100000);
	uint64_t          value;

	(void)state;
	assert_non_null(rh_rule_buffer(rule));
	assert_int_equal(rh_rule_call(rule, RH_SLOT_FILTER_BEFORE, 0, 0, &value), RH_ERULE);
	assert_string_equal(rh_rule_why(rule),
	                    "the rule was stopped in rh_filter_before: its fuel was used up");
	assert_int_equal(rh_rule_counters(rule)->failures[RH_FAILED_FUEL], 1);
	rh_rule_destroy(rule);
}

/* Its own globals are as the trap left them: the next call must not see them. */
static void a_trapped_instance_is_never_used_again(void **state)
{
	static const char rest[] = "(global $g (mut i32) (i32.const 5))" BEFORE
		"global.get $g i32.const 1 i32.add global.set $g "
		"i32.const 24 i32.load (if (then unreachable)) global.get $g))";
	struct rh_rule          *rule = load(fixture_object(rest, FIXTURE_GS), 0);
	struct rh_filter_buffer *buffer;
	uint64_t                 value;

	(void)state;
	assert_int_equal(call(rule), 6);
	assert_int_equal(call(rule), 7);
	buffer = rh_rule_buffer(rule);
	buffer->length = 1;
	assert_int_equal(rh_rule_call(rule, RH_SLOT_FILTER_BEFORE, 0, 0, &value), RH_ERULE);
	assert_int_equal(call(rule), 6);
	assert_int_equal(rh_rule_counters(rule)->instances, 2);
	rh_rule_destroy(rule);
}

static void a_rule_that_always_fails_rests(void **state)
{
	static const char rest[] = BEFORE "unreachable))";
	struct rh_rule   *rule = load(fixture_object(rest, FIXTURE_GS), 0);
	uint64_t          value;

	(void)state;
	for (unsigned i = 0; i < RH_RULE_FAILURES_MAX; i++) {
		assert_non_null(rh_rule_buffer(rule));
		rh_rule_call(rule, RH_SLOT_FILTER_BEFORE, 0, 0, &value);
	}
	assert_null(rh_rule_buffer(rule));
	assert_null(rh_rule_buffer(rule));
	assert_int_equal(rh_rule_counters(rule)->failures[RH_FAILED_RESTING], 2);
	assert_int_equal(rh_rule_counters(rule)->failures[RH_FAILED_TRAP],
	                 RH_RULE_FAILURES_MAX);
	rh_rule_destroy(rule);
}

/* Rules that do it when they are loaded. */
static const struct {
	const char *rest;
	int         code;
	const char *says;
} refused[] = {
	{ BEFORE "i32.const 0) (func $s (loop br 0)) (start $s))", RH_EINVAL,
	  "the rule was stopped in its start: it took longer than its limit" },
	{ BEFORE "i32.const 0) (func $s unreachable) (start $s))", RH_EINVAL,
	  "the rule was stopped in its start: it gave up" },
	{ BEFORE "i32.const 0) (data (i32.const 131070) \"abc\"))", RH_EINVAL,
	  "the rule was stopped in its start: an access outside" },
	{ BEFORE "i32.const 0) (table 2 funcref) (elem (i32.const 1) 2 2))", RH_EINVAL,
	  "the rule was stopped in its start: an access outside" },
	{ BEFORE "i32.const 0) (func (export \"rh_init\") (result i32) (loop br 0) i32.const 0))",
	  RH_EINVAL, "the rule was stopped in rh_init: it took longer" },
	{ BEFORE "i32.const 0) (func (export \"rh_init\") (result i32) i32.const -3))",
	  RH_EINVAL, "rh_init of the rule said -3" },
};

static int try_to_load(int fd, uint32_t memory_bytes, struct rh_diag *diag)
{
	struct rh_rule_source source = {
		.hook = rh_hook_find("filter"), .mode = RH_RULE_WASM, .object_fd = fd,
		.limits = { .memory_bytes = memory_bytes },
	};
	struct rh_rule *rule = NULL;
	int             err = rh_rule_load(&source, &rule, diag);

	rh_rule_destroy(rule);
	return err;
}

static void what_fails_when_it_is_loaded_is_refused(void **state)
{
	long size = 0;

	(void)state;
	for (int round = 0; round < 20; round++) {
		for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
			struct rh_diag diag = { 0 };
			int err = try_to_load(fixture_object(refused[i].rest, 0), 0, &diag);

			if (err != refused[i].code || !strstr(diag.text, refused[i].says))
				fail_msg("%s: %d %s", refused[i].says, err, diag.text);
		}
		if (round == 2)
			size = fixture_size_kb();
	}
	assert_in_range(fixture_size_kb(), 0, size + 1024); /* no reservation stays */
}

/* The limit may be smaller than the one that the module was built for. */
static void more_memory_than_the_limit_is_refused(void **state)
{
	struct rh_diag diag = { 0 };

	(void)state;
	assert_int_equal(try_to_load(fixture_object(good, 0), 65536, &diag), RH_ENOMEM);
	assert_non_null(strstr(diag.text, "in its start: more memory than its limit"));
	assert_int_equal(try_to_load(fixture_object(good, 0), 131072, &diag), RH_OK);
}

static void another_abi_or_a_buffer_that_is_not_there_is_refused(void **state)
{
	static const struct {
		const char *text;
		int         code;
		const char *says;
	} wrong[] = {
		{ "(module (memory (export \"memory\") 2) (func (export \"rh_abi\") (result i32) "
		  "i32.const 65538) (func (export \"rh_buffer\") (result i32) i32.const 0)" BEFORE
		  "i32.const 0))", RH_EVERSION, "the rule is for hook 1 version 2, not for filter (1) "
		  "version 1" },
		{ "(module (memory (export \"memory\") 2) (func (export \"rh_abi\") (result i32) "
		  "i32.const 65537) (func (export \"rh_buffer\") (result i32) i32.const 65496)" BEFORE
		  "i32.const 0))", RH_EINVAL, "rh_buffer says 65496: there are no 65584 bytes" },
		{ "(module (memory (export \"memory\") 2) (func (export \"rh_abi\") (result i32) "
		  "i32.const 65537) (func (export \"rh_buffer\") (result i32) i32.const 4)" BEFORE
		  "i32.const 0))", RH_EINVAL, "at a multiple of 8" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		struct rh_diag diag = { 0 };
		size_t         len;
		uint8_t       *module = fixture_assemble(wrong[i].text, &len);
		int            fd = fixture_build(module, len, 0);

		assert_int_equal(try_to_load(fd, 0, &diag), wrong[i].code);
		if (!strstr(diag.text, wrong[i].says))
			fail_msg("%s: %s", wrong[i].says, diag.text);
		free(module);
		close(fd);
	}
}

#define THREADS 4
#define RULES_EACH   4
#define CALLS   20000

struct worker {
	struct rh_rule *rules[RULES_EACH];
	int             wrong;
};

/* Each rule counts in its own memory: one call with the GS of another shows. */
static void *alternate(void *user)
{
	struct worker *worker = user;
	uint64_t       value;

	for (uint64_t i = 1; i <= CALLS; i++)
		for (int k = 0; k < RULES_EACH; k++)
			if (!rh_rule_buffer(worker->rules[k]) ||
			    rh_rule_call(worker->rules[k], RH_SLOT_FILTER_BEFORE, 0, 0, &value) < 0 ||
			    value != i)
				worker->wrong++;
	return NULL;
}

static void threads_with_many_instances_see_their_own_memory(void **state)
{
	struct worker workers[THREADS] = { 0 };
	pthread_t     threads[THREADS];
	int           fd = fixture_object(good, FIXTURE_GS);

	(void)state;
	for (int i = 0; i < THREADS; i++) {
		for (int k = 0; k < RULES_EACH; k++)
			workers[i].rules[k] = load(fd, 0);
		assert_int_equal(pthread_create(&threads[i], NULL, alternate, &workers[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(workers[i].wrong, 0);
		for (int k = 0; k < RULES_EACH; k++)
			rh_rule_destroy(workers[i].rules[k]);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_bytes_can_be_reached),
		cmocka_unit_test(hostile_modules_hurt_nobody_with_gs),
		cmocka_unit_test(hostile_modules_hurt_nobody_without_gs),
		cmocka_unit_test(fuel_ends_a_call),
		cmocka_unit_test(a_trapped_instance_is_never_used_again),
		cmocka_unit_test(a_rule_that_always_fails_rests),
		cmocka_unit_test(what_fails_when_it_is_loaded_is_refused),
		cmocka_unit_test(more_memory_than_the_limit_is_refused),
		cmocka_unit_test(another_abi_or_a_buffer_that_is_not_there_is_refused),
		cmocka_unit_test(threads_with_many_instances_see_their_own_memory),
	};

	if (argc > 1)
		times_slow = atoi(argv[1]);
	if (!fixture_has_tools())
		return 77; /* skipped, says meson */
	return cmocka_run_group_tests_name("rules_trap", tests, NULL, NULL);
}
