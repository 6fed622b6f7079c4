/* A call as a filter is asked about it: what it may say, and what becomes of the call
 * when it says nonsense or nothing. */
#include "rules_fixture.h"

#include "../../model/error.h"
#include "../../rules/filter_call.h"
#include "../../rules/hook.h"
#include "../../rules/limits.h"

#include <rhodes/hook/filter_layout.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* A filter that does what the call's bytes tell it: verdict, chosen, delay, error and
 * length, 4 bytes each.  Verdict 99 is a trap. */
static const char puppet[] =
	"(func (export \"rh_filter_before\") (result i32)"
	" i32.const 48 i32.load i32.const 99 i32.eq (if (then unreachable))"
	" i32.const 36 i32.const 52 i32.load i32.store"
	" i32.const 40 i32.const 56 i32.load i32.store"
	" i32.const 44 i32.const 60 i32.load i32.store"
	" i32.const 24 i32.const 64 i32.load i32.store"
	" i32.const 48 i32.load)"
	"(func (export \"rh_filter_after\") (param i32) (result i32)"
	" i32.const 44 local.get 0 i32.store i32.const 48 i32.load))";

struct words {
	uint32_t verdict, chosen, delay_us, error, length;
};

static struct rh_rule *load(int fd, enum rh_rule_mode mode, const char *rate)
{
	struct rh_rule_param  param = { "rate", rate };
	struct rh_rule_source source = {
		.hook = rh_hook_find("filter"), .mode = mode, .object_fd = fd,
		.params = &param, .param_count = rate ? 1 : 0,
	};
	struct rh_rule *rule = NULL;
	struct rh_diag  diag = { 0 };

	if (rh_rule_load(&source, &rule, &diag) < 0)
		fail_msg("%s", diag.text);
	return rule;
}

static struct rh_filter_answer ask(struct rh_filter *filter, struct words words)
{
	struct rh_filter_call call = {
		.function = 1, .caller = 2, .instances = 3, .length = sizeof words,
		.visible = sizeof words, .bytes = &words,
	};
	struct rh_filter_answer answer;

	rh_filter_before(filter, &call, &answer);
	return answer;
}

static const struct words allowed = { RH_FILTER_ALLOW, RH_FILTER_ANY, 0, 0, 0 };

static void a_filter_says_what_becomes_of_a_call(void **state)
{
	struct rh_rule         *rule = load(fixture_object(puppet, 0), RH_RULE_WASM, NULL);
	struct rh_filter        filter;
	struct rh_filter_answer answer;

	(void)state;
	rh_filter_init(&filter, rule, RH_POLICY_FAIL_CLOSED);
	answer = ask(&filter, allowed);
	assert_int_equal(answer.verdict, RH_FILTER_ALLOW);
	assert_false(answer.failed);
	answer = ask(&filter, (struct words){ RH_FILTER_ALLOW, 2, 0, 0, 0 });
	assert_int_equal(answer.chosen, 2);
	answer = ask(&filter, (struct words){ RH_FILTER_DENY, RH_FILTER_ANY, 0, 11, 0 });
	assert_int_equal(answer.verdict, RH_FILTER_DENY);
	assert_int_equal(answer.error, RH_EAGAIN);
	answer = ask(&filter, (struct words){ RH_FILTER_DENY, RH_FILTER_ANY, 0, 0, 0 });
	assert_int_equal(answer.error, RH_ERULE);
	answer = ask(&filter, (struct words){ RH_FILTER_DELAY, RH_FILTER_ANY, 1500, 0, 0 });
	assert_int_equal(answer.verdict, RH_FILTER_DELAY);
	assert_int_equal(answer.delay_us, 1500);
	answer = ask(&filter, (struct words){ RH_FILTER_REWRITE, RH_FILTER_ANY, 0, 0, 8 });
	assert_int_equal(answer.verdict, RH_FILTER_REWRITE);
	assert_int_equal(answer.length, 8);
	assert_int_equal(answer.bytes[0], RH_FILTER_REWRITE);
	assert_int_equal(rh_rule_counters(rule)->calls, 6);
	rh_rule_destroy(rule);
}

static const struct words nonsense[] = {
	{ 4, RH_FILTER_ANY, 0, 0, 0 },
	{ 0xffffffff, RH_FILTER_ANY, 0, 0, 0 },
	{ RH_FILTER_ALLOW, 3, 0, 0, 0 },
	{ RH_FILTER_DENY, RH_FILTER_ANY, 0, 4096, 0 },
	{ RH_FILTER_DELAY, RH_FILTER_ANY, RH_RULE_DELAY_US_MAX + 1, 0, 0 },
	{ RH_FILTER_REWRITE, RH_FILTER_ANY, 0, 0, 65537 },
};

static void nonsense_is_an_error_of_the_rule(void **state)
{
	struct rh_rule         *rule = load(fixture_object(puppet, 0), RH_RULE_WASM, NULL);
	struct rh_filter        filter;
	struct rh_filter_answer answer;
	size_t                  count = sizeof nonsense / sizeof nonsense[0];

	(void)state;
	rh_filter_init(&filter, rule, RH_POLICY_FAIL_OPEN);
	for (size_t i = 0; i < count; i++) {
		answer = ask(&filter, nonsense[i]);
		assert_true(answer.failed);
		assert_int_equal(answer.verdict, RH_FILTER_ALLOW);
		assert_int_equal(answer.chosen, RH_FILTER_ANY);
		assert_non_null(strstr(rh_rule_why(rule), "makes no sense"));
	}
	assert_int_equal(rh_rule_counters(rule)->failures[RH_FAILED_VALUE], count);
	rh_rule_destroy(rule);
}

static void bytes_that_were_not_seen_whole_are_not_rewritten(void **state)
{
	struct rh_rule         *rule = load(fixture_object(puppet, 0), RH_RULE_WASM, NULL);
	struct words            words = { RH_FILTER_REWRITE, RH_FILTER_ANY, 0, 0, 8 };
	struct rh_filter_call   call = { .length = 70000, .visible = sizeof words,
	                                 .bytes = &words };
	struct rh_filter        filter;
	struct rh_filter_answer answer;

	(void)state;
	rh_filter_init(&filter, rule, RH_POLICY_FAIL_OPEN);
	rh_filter_before(&filter, &call, &answer);
	assert_true(answer.failed);
	rh_rule_destroy(rule);
}

static void the_policy_decides_when_the_rule_fails(void **state)
{
	static const struct words trap = { 99, 0, 0, 0, 0 };
	static const struct words denied = { RH_FILTER_DENY, RH_FILTER_ANY, 0, 11, 0 };
	struct rh_rule           *rule = load(fixture_object(puppet, 0), RH_RULE_WASM, NULL);
	struct rh_filter          filter;
	struct rh_filter_answer   answer;

	(void)state;
	rh_filter_init(&filter, rule, RH_POLICY_KEEP_LAST);
	assert_int_equal(ask(&filter, trap).verdict, RH_FILTER_ALLOW); /* none yet */
	ask(&filter, denied);
	answer = ask(&filter, trap);
	assert_int_equal(answer.verdict, RH_FILTER_DENY);
	assert_int_equal(answer.error, RH_EAGAIN);
	assert_true(answer.failed);
	rh_filter_init(&filter, rule, RH_POLICY_FAIL_OPEN);
	ask(&filter, denied);
	assert_int_equal(ask(&filter, trap).verdict, RH_FILTER_ALLOW);
	rh_filter_init(&filter, rule, RH_POLICY_FAIL_CLOSED);
	ask(&filter, allowed);
	answer = ask(&filter, trap);
	assert_int_equal(answer.verdict, RH_FILTER_DENY);
	assert_int_equal(answer.error, RH_ERULE);
	/* Too many at once: it rests, and the policy decides without it. */
	for (unsigned i = 0; i < 2 * RH_RULE_FAILURES_MAX; i++)
		assert_int_equal(ask(&filter, trap).verdict, RH_FILTER_DENY);
	assert_true(rh_rule_counters(rule)->failures[RH_FAILED_RESTING] >=
	            RH_RULE_FAILURES_MAX);
	rh_rule_destroy(rule);
}

static void a_reply_is_seen_too(void **state)
{
	struct rh_rule         *rule = load(fixture_object(puppet, 0), RH_RULE_WASM, NULL);
	struct words            words = { .verdict = RH_FILTER_DENY };
	struct rh_filter_call   call = { .length = sizeof words, .visible = sizeof words,
	                                 .bytes = &words };
	struct rh_filter        filter;
	struct rh_filter_answer answer;

	(void)state;
	rh_filter_init(&filter, rule, RH_POLICY_FAIL_OPEN);
	assert_true(rh_filter_has_after(&filter));
	rh_filter_after(&filter, &call, 5, &answer);
	assert_int_equal(answer.verdict, RH_FILTER_DENY);
	assert_int_equal(answer.error, RH_EIO); /* the puppet gives the status back */
	words.verdict = RH_FILTER_DELAY;
	rh_filter_after(&filter, &call, 0, &answer);
	assert_true(answer.failed);
	assert_int_equal(answer.verdict, RH_FILTER_ALLOW);
	rh_rule_destroy(rule);
}

/* ---- the limiter, in both modes ---- */

/* -1: there was no compiler for modules. */
static int limiter_object(enum rh_rule_mode mode)
{
	size_t   len;
	uint8_t *module;
	int      fd;

	if (mode == RH_RULE_NATIVE)
		return fixture_freeze(RULES "/limiter.so");
	if (access(RULES "/limiter.wasm", R_OK) < 0) {
		printf("skipped: no clang and wasm-ld made limiter.wasm\n");
		return -1;
	}
	module = fixture_read(RULES "/limiter.wasm", &len);
	fd = fixture_build(module, len, FIXTURE_GS);
	free(module);
	return fd;
}

static unsigned allowed_of(struct rh_filter *filter, unsigned calls)
{
	unsigned count = 0;

	for (unsigned i = 0; i < calls; i++)
		count += ask(filter, allowed).verdict == RH_FILTER_ALLOW;
	return count;
}

static void a_limiter_limits_and_hands_its_state_over(void **state)
{
	(void)state;
	for (enum rh_rule_mode mode = RH_RULE_NATIVE; mode <= RH_RULE_WASM; mode++) {
		int              fd = limiter_object(mode);
		struct rh_rule  *old, *new, *fresh;
		struct rh_filter filter;
		struct rh_diag   diag = { 0 };

		if (fd < 0)
			continue;
		/* One token a second: none comes while this test runs. */
		old = load(fd, mode, "1");
		rh_filter_init(&filter, old, RH_POLICY_FAIL_OPEN);
		assert_int_equal(allowed_of(&filter, 100), 1);
		new = load(fd, mode, "1");
		assert_int_equal(rh_rule_swap(old, new, &diag), 1);
		rh_filter_exchange(&filter, new);
		assert_int_equal(allowed_of(&filter, 100), 0);
		/* Without it the bucket would be full again; objects share no state. */
		fresh = load(fd, mode, "1");
		rh_filter_exchange(&filter, fresh);
		assert_int_equal(allowed_of(&filter, 100), 1);
		rh_rule_destroy(old);
		rh_rule_destroy(new);
		rh_rule_destroy(fresh);
		close(fd);
	}
}

static void what_a_rule_refuses_is_not_loaded(void **state)
{
	struct rh_rule_param  param = { "rate", "0" };
	struct rh_rule_source source = {
		.hook = rh_hook_find("filter"), .mode = RH_RULE_NATIVE, .params = &param,
		.param_count = 1, .object_fd = limiter_object(RH_RULE_NATIVE),
	};
	struct rh_rule *rule = NULL;
	struct rh_diag  diag = { 0 };
	int             pair[2];

	(void)state;
	assert_int_equal(rh_rule_load(&source, &rule, &diag), RH_EINVAL);
	assert_non_null(strstr(diag.text, "rh_init of the rule said 1"));
	source.hook = rh_hook_find("cache");
	assert_int_equal(rh_rule_load(&source, &rule, &diag), RH_EINVAL);
	assert_non_null(strstr(diag.text, "exports no rh_cache_begin"));
	source.hook = rh_hook_find("filter");
	source.mode = RH_RULE_WASM;
	assert_int_equal(rh_rule_load(&source, &rule, &diag), RH_EINVAL);
	assert_non_null(strstr(diag.text, "was not built by rhodes"));
	close(source.object_fd);
	assert_int_equal(pipe(pair), 0);
	source.object_fd = pair[0];
	assert_int_equal(rh_rule_load(&source, &rule, &diag), RH_EPROTO);
	source.mode = RH_RULE_NATIVE;
	assert_int_equal(rh_rule_load(&source, &rule, &diag), RH_EPROTO);
	assert_null(rule);
	close(pair[0]);
	close(pair[1]);
}

#define SWAPS 2000

static void swapping_many_times_leaves_nothing(void **state)
{
	int              fd = limiter_object(RH_RULE_WASM);
	struct rh_rule  *rule, *next;
	struct rh_filter filter;
	long             rss = 0, size = 0;

	(void)state;
	if (fd < 0)
		return;
	rule = load(fd, RH_RULE_WASM, "1");
	rh_filter_init(&filter, rule, RH_POLICY_FAIL_OPEN);
	assert_int_equal(allowed_of(&filter, 10), 1);
	for (int i = 0; i < SWAPS; i++) {
		next = load(fd, RH_RULE_WASM, "1");
		assert_int_equal(rh_rule_swap(rule, next, NULL), 1);
		rh_filter_exchange(&filter, next);
		assert_int_equal(allowed_of(&filter, 3), 0);
		rh_rule_destroy(rule);
		rule = next;
		if (i == SWAPS / 10) {
			rss = fixture_rss_kb();
			size = fixture_size_kb();
		}
	}
	assert_in_range(fixture_rss_kb(), 0, rss + 512);
	assert_in_range(fixture_size_kb(), 0, size + 1024);
	rh_rule_destroy(rule);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_filter_says_what_becomes_of_a_call),
		cmocka_unit_test(nonsense_is_an_error_of_the_rule),
		cmocka_unit_test(bytes_that_were_not_seen_whole_are_not_rewritten),
		cmocka_unit_test(the_policy_decides_when_the_rule_fails),
		cmocka_unit_test(a_reply_is_seen_too),
		cmocka_unit_test(a_limiter_limits_and_hands_its_state_over),
		cmocka_unit_test(what_a_rule_refuses_is_not_loaded),
		cmocka_unit_test(swapping_many_times_leaves_nothing),
	};

	if (!fixture_has_tools())
		return 77;
	return cmocka_run_group_tests_name("rules_filter", tests, NULL, NULL);
}
