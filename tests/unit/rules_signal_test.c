/* Signals that are not the rule's go where they went; forks, kicks and imports. */
#include "../support/scene.h"
#include "rules_fixture.h"

#include "../../model/error.h"
#include "../../rules/author/rhodes/rule_host.h"
#include "../../rules/hook.h"
#include "../../rules/wasm/thread.h"

#include <rhodes/hook/filter_layout.h>

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define BEFORE "(func (export \"rh_filter_before\") (result i32) "

static const char trapping[] = BEFORE "i32.const -8 i32.load))";
static const char endless[] = BEFORE "(loop br 0) i32.const 0))";
static const char asking[] = BEFORE "call $now drop i32.const 5))";

static struct rh_rule *load(const char *rest, const struct rh_rule_host *host)
{
	struct rh_rule_source source = {
		.hook = rh_hook_find("filter"), .mode = RH_RULE_WASM,
		.object_fd = fixture_object(rest, 0), .host = host, .limits = { .time_us = 5000 },
	};
	struct rh_rule *rule = NULL;
	struct rh_diag  diag = { 0 };

	if (rh_rule_load(&source, &rule, &diag) < 0) {
		fprintf(stderr, "%s\n", diag.text);
		abort();
	}
	return rule;
}

static int call(struct rh_rule *rule)
{
	uint64_t value;

	if (!rh_rule_buffer(rule))
		return RH_ENOMEM;
	return rh_rule_call(rule, RH_SLOT_FILTER_BEFORE, 0, 0, &value);
}

static sigjmp_buf back;
static long       deaf_until_ms;

static void take(int number, siginfo_t *info, void *context)
{
	(void)number, (void)info, (void)context;
	siglongjmp(back, 1);
}

static void fault(void)
{
	volatile char *at = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	*at = 1;
}

/* In a child: cmocka has handlers of its own. */
static int handler_of_the_program_gets_its_faults(void *none)
{
	struct sigaction action = { .sa_sigaction = take, .sa_flags = SA_SIGINFO };
	struct rh_rule  *rule;

	(void)none;
	sigaction(SIGSEGV, &action, NULL);
	rule = load(trapping, NULL);
	for (int i = 0; i < 3; i++) {
		if (call(rule) != RH_ERULE)
			return 1;
		if (sigsetjmp(back, 1) == 0) {
			fault();
			return 2;
		}
	}
	rh_rule_destroy(rule);
	return 0;
}

static int without_one_the_program_dies(void *none)
{
	(void)none;
	signal(SIGSEGV, SIG_DFL);
	load(trapping, NULL);
	fault();
	return 0;
}

static struct sigaction ours;

static void chain(int number, siginfo_t *info, void *context)
{
	ours.sa_sigaction(number, info, context);
}

/* Each has the other for the one before it. */
static int handlers_in_a_ring_do_not_go_round(void *none)
{
	struct sigaction action = { .sa_sigaction = chain, .sa_flags = SA_SIGINFO };

	(void)none;
	signal(SIGSEGV, SIG_DFL);
	load(trapping, NULL);
	sigaction(SIGSEGV, &action, &ours);
	load(trapping, NULL);
	fault();
	return 0;
}

static void faults_of_others_go_where_they_went(void **state)
{
	(void)state;
	fixture_object(trapping, 0); /* built here, for the children */
	assert_int_equal(scene_child(handler_of_the_program_gets_its_faults, NULL), 0);
	assert_true(scene_child(without_one_the_program_dies, NULL) > 2);
	assert_int_equal(scene_child(handlers_in_a_ring_do_not_go_round, NULL),
	                 128 + SIGSEGV);
}

/* The watchdog is a thread, of which a child has none until it calls. */
static int call_endless(void *user)
{
	return call(user) == RH_ERULE ? 0 : 1;
}

static void a_child_is_watched_over_too(void **state)
{
	struct rh_rule *rule = load(endless, NULL);

	(void)state;
	assert_int_equal(call(rule), RH_ERULE);
	assert_int_equal(scene_child(call_endless, rule), 0);
	assert_int_equal(call(rule), RH_ERULE);
	rh_rule_destroy(rule);
}

/* An import that takes longer than the rule may: the call ends when it returns, and
 * what the import had begun is whole. */
static unsigned begun, ended;

static uint64_t slow_now(void *user)
{
	struct timespec from, to;

	(void)user;
	begun++;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
	do
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
	while ((to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000 < 60);
	ended++;
	return 0;
}

static void a_kick_waits_for_the_end_of_an_import(void **state)
{
	struct rh_rule_host host = { .now = slow_now };
	struct rh_rule     *rule = load(asking, &host);

	(void)state;
	assert_int_equal(call(rule), RH_ERULE);
	assert_int_equal(begun, 1);
	assert_int_equal(ended, 1);
	assert_int_equal(rh_rule_counters(rule)->failures[RH_FAILED_TIMEOUT], 1);
	rh_rule_destroy(rule);
}

/* The watchdog's word may come when the call that it is about has ended. */
/* A thread that gets no processor for long takes nothing either; here it refuses to. */
static uint64_t deaf_now(void *user)
{
	sigset_t        all, kept;
	struct timespec used;

	(void)user;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &kept);
	do
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
	while (used.tv_sec * 1000 + used.tv_nsec / 1000000 < deaf_until_ms);
	pthread_sigmask(SIG_SETMASK, &kept, NULL);
	return 0;
}

/* All at once they would need more of the signal stack than there is. */
static void kicks_do_not_pile_up(void **state)
{
	struct rh_rule_host host = { .now = deaf_now };
	struct rh_rule     *rule = load(asking, &host);
	struct timespec     used;

	(void)state;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
	deaf_until_ms = used.tv_sec * 1000 + used.tv_nsec / 1000000 + 500;
	assert_int_equal(call(rule), RH_ERULE);
	assert_int_equal(rh_rule_counters(rule)->failures[RH_FAILED_TIMEOUT], 1);
	deaf_until_ms = 0;
	assert_int_equal(call(rule), RH_OK);
	rh_rule_destroy(rule);
}

static uint64_t late_kick(void *user)
{
	(void)user;
	rh_thread_kick(rh_thread_self->mark - RH_CALL_NEXT, NULL);
	return 0;
}

static void a_kick_for_a_former_call_is_dropped(void **state)
{
	struct rh_rule_host host = { .now = late_kick };
	struct rh_rule     *rule = load(asking, &host);

	(void)state;
	for (int i = 0; i < 10; i++)
		assert_int_equal(call(rule), RH_OK);
	rh_rule_destroy(rule);
}

/* What a call from within an import was told must not reach the next one from there, nor
 * the call outside. */
static uint64_t inner_mark;

static uint64_t inner_now(void *user)
{
	(void)user;
	if (inner_mark)
		rh_thread_kick(inner_mark, NULL);
	inner_mark = rh_thread_self->mark;
	return 0;
}

static uint64_t twice_within(void *user)
{
	uint64_t failed = 0;

	inner_mark = 0;
	for (int i = 0; i < 3; i++)
		failed += call(user) != RH_OK;
	rh_thread_kick(inner_mark, NULL);
	return failed;
}

static void a_kick_for_a_former_inner_call_is_dropped(void **state)
{
	struct rh_rule_host inner_host = { .now = inner_now };
	struct rh_rule     *inner = load(asking, &inner_host);
	struct rh_rule_host host = { .user = inner, .now = twice_within };
	struct rh_rule     *rule = load(asking, &host);

	(void)state;
	for (int i = 0; i < 10; i++)
		assert_int_equal(call(rule), RH_OK);
	assert_int_equal(rh_rule_counters(inner)->calls, 30);
	assert_int_equal(rh_rule_counters(inner)->failures[RH_FAILED_TIMEOUT], 0);
	rh_rule_destroy(rule);
	rh_rule_destroy(inner);
}

/* A rule that is called from another one's import, with other memory. */
static uint64_t nested_now(void *user)
{
	return call(user) == RH_OK ? 1 : 0;
}

static void a_rule_may_be_called_from_an_import(void **state)
{
	static const char counting[] = BEFORE
		"i32.const 70000 i32.const 70000 i32.load i32.const 1 i32.add i32.store i32.const 0))";
	static const char outer[] = BEFORE
		"i32.const 70000 i32.const 7 i32.store call $now drop "
		"i32.const 70000 i32.load))";
	struct rh_rule     *inner = load(counting, NULL), *failing = load(trapping, NULL);
	struct rh_rule_host host = { .user = inner, .now = nested_now };
	struct rh_rule     *rule = load(outer, &host);
	uint64_t            value = 0;

	(void)state;
	for (int i = 0; i < 6; i++) {
		host.user = i % 2 ? failing : inner;
		assert_non_null(rh_rule_buffer(rule));
		assert_int_equal(rh_rule_call(rule, RH_SLOT_FILTER_BEFORE, 0, 0, &value), RH_OK);
		assert_int_equal(value, 7);
	}
	assert_int_equal(rh_rule_counters(inner)->calls, 3);
	assert_int_equal(rh_rule_counters(failing)->failures[RH_FAILED_TRAP], 3);
	rh_rule_destroy(rule);
	rh_rule_destroy(failing);
	rh_rule_destroy(inner);
}

/* And from its own: the call outside is not lost over it. */
static uint64_t own_now(void *user)
{
	static bool is_within;
	uint64_t    result = 0;

	if (!is_within) {
		is_within = true;
		result = call(*(struct rh_rule **)user) == RH_OK;
		is_within = false;
	}
	return result;
}

static void a_rule_may_be_called_from_its_own_import(void **state)
{
	struct rh_rule     *rule = NULL;
	struct rh_rule_host host = { .user = &rule, .now = own_now };

	(void)state;
	rule = load(asking, &host);
	for (int i = 0; i < 5; i++)
		assert_int_equal(call(rule), RH_OK);
	assert_int_equal(rh_rule_counters(rule)->calls, 10);
	rh_rule_destroy(rule);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faults_of_others_go_where_they_went),
		cmocka_unit_test(a_child_is_watched_over_too),
		cmocka_unit_test(a_kick_waits_for_the_end_of_an_import),
		cmocka_unit_test(kicks_do_not_pile_up),
		cmocka_unit_test(a_kick_for_a_former_call_is_dropped),
		cmocka_unit_test(a_kick_for_a_former_inner_call_is_dropped),
		cmocka_unit_test(a_rule_may_be_called_from_an_import),
		cmocka_unit_test(a_rule_may_be_called_from_its_own_import),
	};

	if (!fixture_has_tools())
		return 77;
	return cmocka_run_group_tests_name("rules_signal", tests, NULL, NULL);
}
