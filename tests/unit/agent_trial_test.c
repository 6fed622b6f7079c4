/* When a rule that orders threads is on trial, fails it, or stays. */
#include "../../agent/agent.h"
#include "../../agent/loan.h"
#include "../../agent/result.h"
#include "../../agent/rules.h"
#include "../../base/clock.h"
#include "../../rules/hook.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* ---- the rest of the agent -------------------------------------------------- */

static uint64_t       rejected, proven, partial; /* the revision of the item; 0: it is not */
static unsigned       partials;
static struct rh_diag said;

void rh_rules_reject(struct rh_agent *agent, const char *caller, const char *callee,
                     uint64_t revision, const struct rh_diag *why)
{
	assert_string_equal(caller, agent->resource);
	assert_string_equal(callee, "");
	rejected = revision;
	said = *why;
}

void rh_rules_proven(struct rh_agent *agent, const char *caller, const char *callee,
                     uint64_t revision)
{
	assert_string_equal(caller, agent->resource);
	assert_string_equal(callee, "");
	proven = revision;
}

void rh_result_partial(struct rh_agent *agent, const char *caller, const char *callee,
                       uint64_t revision, const struct rh_diag *why)
{
	assert_string_equal(caller, agent->resource);
	assert_string_equal(callee, "");
	partial = revision;
	partials++;
	said = *why;
}

/* ---- a loan ----------------------------------------------------------------- */

static struct rh_agent    agent;
static struct rh_loan     loan;
static struct rh_codespec spec;
static struct rh_code     former, code;

/* The item of revision 7 brought it, in place of former. */
static void begin(const char *hook, int has_former)
{
	memset(&loan, 0, sizeof loan);
	memset(&code, 0, sizeof code);
	rejected = proven = partial = partials = 0;
	rh_list_init(&agent.loans);
	rh_list_add(&agent.loans, &loan.in_agent);
	strcpy(agent.resource, "encoder");
	strcpy(spec.rule, "order");
	code.spec = &spec;
	code.calls = 100;
	loan.hook = rh_hook_find(hook);
	loan.place.agent = &agent;
	loan.place.active = &code;
	loan.place.item = 7;
	rh_trial_begin(&loan, has_former ? &former : NULL);
}

static void fails(enum rh_rule_failure kind, uint64_t times)
{
	code.counters.failures[kind] += times;
	rh_trial_look(&loan, "it says why");
}

static int set_up(void **state)
{
	(void)state;
	memset(&former, 0, sizeof former);
	return 0;
}

/* ---- what becomes of it ----------------------------------------------------- */

static void one_failure_is_enough(void **state)
{
	static const enum rh_rule_failure kinds[] = {
		RH_FAILED_TRAP, RH_FAILED_FUEL, RH_FAILED_VALUE,
	};

	(void)state;
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		begin("sched", 1);
		assert_true(rh_trial_is_on(&agent, 7));
		assert_false(rh_trial_is_on(&agent, 8));
		rh_trial_look(&loan, "");
		assert_int_equal(rejected, 0);
		fails(kinds[i], 1);
		assert_int_equal(rejected, 7);
		assert_int_equal(said.code, RH_ERULE);
		assert_string_equal(said.text,
		                    "rule order failed in 1 of 100 calls: it says why");
		assert_false(rh_trial_is_on(&agent, 7));
	}
}

/* A crowded machine makes a call long, too: that is told, and many are the rule's fault. */
static void calls_that_take_too_long_are_many(void **state)
{
	(void)state;
	begin("sched", 1);
	fails(RH_FAILED_TIMEOUT, RH_RULE_FAILURES_MAX - 1);
	assert_int_equal(rejected, 0);
	assert_int_equal(partial, 7);
	fails(RH_FAILED_TIMEOUT, 1);
	assert_int_equal(rejected, 7);
}

static void what_is_not_its_fault_is_none(void **state)
{
	(void)state;
	begin("sched", 1);
	fails(RH_FAILED_MEMORY, 100);
	fails(RH_FAILED_RESTING, 100);
	assert_int_equal(rejected + partial, 0);
	assert_true(rh_trial_is_on(&agent, 7));
}

/* It stays, and is told of: again when it has become twice as much. */
static void without_a_good_one_before_it_stays(void **state)
{
	(void)state;
	begin("sched", 0);
	fails(RH_FAILED_TRAP, 1);
	fails(RH_FAILED_TRAP, 1);
	assert_int_equal(partials, 2);
	fails(RH_FAILED_TRAP, 1);
	assert_int_equal(partials, 2);
	fails(RH_FAILED_TRAP, 1);
	assert_int_equal(partials, 3);
	assert_string_equal(said.text, "rule order failed in 4 of 100 calls: it says why");
	former.counters.failures[RH_FAILED_VALUE] = 1;
	begin("sched", 1);
	assert_false(rh_trial_is_on(&agent, 7));
	fails(RH_FAILED_TRAP, 1);
	assert_int_equal(rejected, 0);
	assert_int_equal(partial, 7);
}

/* What is there now is not what the trial began with: nobody takes it back. */
static void another_change_ends_it(void **state)
{
	(void)state;
	begin("sched", 1);
	loan.place.item = 8;
	assert_false(rh_trial_is_on(&agent, 8));
	fails(RH_FAILED_TRAP, 1);
	assert_int_equal(rejected, 0);
	assert_int_equal(partial, 8);
}

static void it_is_proven_by_time_and_by_calls(void **state)
{
	(void)state;
	begin("sched", 1);
	code.calls = RH_TRIAL_CALLS;
	rh_trial_look(&loan, "");
	assert_int_equal(proven, 0);
	loan.trial.began_ns = rh_clock_ns() - RH_TRIAL_NS;
	code.calls = RH_TRIAL_CALLS - 1;
	rh_trial_look(&loan, "");
	assert_int_equal(proven, 0);
	code.calls = RH_TRIAL_CALLS;
	rh_trial_look(&loan, "");
	assert_int_equal(proven, 7);
	assert_false(rh_trial_is_on(&agent, 7));
	fails(RH_FAILED_TRAP, 1);
	assert_int_equal(rejected, 0);
	assert_int_equal(partial, 7);
}

static void one_that_goes_is_not_judged(void **state)
{
	static struct rh_code next;

	(void)state;
	begin("sched", 1);
	loan.place.next = &next;
	fails(RH_FAILED_TRAP, 1);
	assert_int_equal(rejected + partial, 0);
}

/* They say what becomes of a call that fails. */
static void other_hooks_have_no_trial(void **state)
{
	(void)state;
	begin("cache", 1);
	assert_false(rh_trial_is_on(&agent, 7));
	fails(RH_FAILED_TRAP, 1);
	assert_int_equal(rejected + partial, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(one_failure_is_enough, set_up),
		cmocka_unit_test_setup(calls_that_take_too_long_are_many, set_up),
		cmocka_unit_test_setup(what_is_not_its_fault_is_none, set_up),
		cmocka_unit_test_setup(without_a_good_one_before_it_stays, set_up),
		cmocka_unit_test_setup(another_change_ends_it, set_up),
		cmocka_unit_test_setup(it_is_proven_by_time_and_by_calls, set_up),
		cmocka_unit_test_setup(one_that_goes_is_not_judged, set_up),
		cmocka_unit_test_setup(other_hooks_have_no_trial, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
