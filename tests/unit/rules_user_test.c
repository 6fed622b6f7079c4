/* A question of a program, and a rule that answers, has no answer, or fails. */
#include "rules_fixture.h"

#include "../../model/error.h"
#include "../../rules/hook.h"
#include "../../rules/user_call.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct rh_user user;

static int object_of(enum rh_rule_mode mode)
{
	size_t          len;
	uint8_t        *module;
	struct rh_built built;
	struct rh_diag  diag;

	if (mode == RH_RULE_NATIVE)
		return fixture_freeze(ANSWER ".so");
	module = fixture_read(ANSWER ".wasm", &len);
	struct rh_build job = { .hook = rh_hook_find("user"), .module = module,
	                        .module_bytes = len };

	if (rh_build_run(&job, &built, &diag) < 0)
		fail_msg("%s", diag.text);
	free(module);
	return built.fd;
}

static struct rh_rule *load(enum rh_rule_mode mode, const char *name, const char *value)
{
	struct rh_rule_param  params[] = { { name, value } };
	struct rh_rule_source source = {
		.hook = rh_hook_find("user"), .mode = mode, .object_fd = object_of(mode),
		.params = params, .param_count = name ? 1 : 0,
		.limits = { .time_us = 1000 },
	};
	struct rh_rule *rule = NULL;
	struct rh_diag  diag;

	if (rh_rule_load(&source, &rule, &diag) < 0)
		fail_msg("%s", diag.text);
	close(source.object_fd);
	return rule;
}

static int ask(const char *question, const uint8_t **ret_answer, uint32_t *ret_length)
{
	return rh_user_ask(&user, question, strlen(question), ret_answer, ret_length);
}

static void an_answer_is_what_the_rule_left_in_the_buffer(void **state)
{
	static uint8_t  long_one[RH_USER_BYTES + 1];
	const uint8_t  *answer;
	uint32_t        length;

	(void)state;
	for (int mode = RH_RULE_NATIVE; mode <= RH_RULE_WASM; mode++) {
		struct rh_rule *rule = load((enum rh_rule_mode)mode, NULL, NULL);

		rh_user_init(&user, rule, RH_POLICY_FAIL_CLOSED);
		assert_int_equal(ask("reviled", &answer, &length), 1);
		assert_int_equal(length, 7);
		assert_memory_equal(answer, "deliver", 7);
		assert_int_equal(ask("d", &answer, &length), 0);
		assert_int_equal(rh_user_ask(&user, NULL, 0, &answer, &length), 0);
		long_one[0] = 'r';
		assert_int_equal(rh_user_ask(&user, long_one, RH_USER_BYTES, &answer, &length),
		                 1);
		assert_int_equal(length, RH_USER_BYTES);
		assert_int_equal(answer[RH_USER_BYTES - 1], 'r');
		assert_int_equal(rh_user_ask(&user, long_one, RH_USER_BYTES + 1, &answer,
		                             &length), RH_EMSGSIZE);
		rh_rule_destroy(rule);
	}
}

/* What the program gets when the rule fails, before it said anything and after. */
static void a_failure_is_the_policys_to_answer(void **state)
{
	static const struct {
		const char          *question;
		enum rh_rule_failure failure;
	} kinds[] = {
		{ "n", RH_FAILED_VALUE }, { "t", RH_FAILED_TRAP }, { "l", RH_FAILED_TIMEOUT },
	};
	const uint8_t *answer;
	uint32_t       length;

	(void)state;
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		struct rh_rule *rule = load(RH_RULE_WASM, NULL, NULL);

		rh_user_init(&user, rule, RH_POLICY_FAIL_CLOSED);
		assert_int_equal(ask(kinds[i].question, &answer, &length), RH_ERULE);
		rh_user_init(&user, rule, RH_POLICY_FAIL_OPEN);
		assert_int_equal(ask(kinds[i].question, &answer, &length), 0);
		rh_user_init(&user, rule, RH_POLICY_KEEP_LAST);
		assert_int_equal(ask(kinds[i].question, &answer, &length), 0);
		assert_int_equal(ask("rab", &answer, &length), 1);
		assert_int_equal(ask("d", &answer, &length), 0); /* that is no answer */
		assert_int_equal(ask(kinds[i].question, &answer, &length), 1);
		assert_int_equal(length, 3);
		assert_memory_equal(answer, "bar", 3);
		assert_int_equal(rh_rule_counters(rule)->failures[kinds[i].failure], 4);
		rh_rule_destroy(rule);
	}
}

static uint32_t asked(const uint8_t *answer, uint32_t *ret_mark)
{
	uint32_t count;

	memcpy(ret_mark, answer, 4);
	memcpy(&count, answer + 4, 4);
	return count;
}

static void a_new_version_goes_on_where_the_old_one_was(void **state)
{
	struct rh_rule *rules[] = {
		load(RH_RULE_WASM, "mark", "1"), load(RH_RULE_NATIVE, "mark", "2"),
		load(RH_RULE_WASM, "fresh", "1"),
	};
	const uint8_t  *answer;
	uint32_t        length, mark;
	struct rh_diag  diag;

	(void)state;
	rh_user_init(&user, rules[0], RH_POLICY_KEEP_LAST);
	assert_int_equal(ask("r1", &answer, &length), 1);
	assert_int_equal(rh_rule_swap(rules[0], rules[1], &diag), 1);
	rh_user_exchange(&user, rules[1], RH_POLICY_KEEP_LAST);
	assert_int_equal(ask("n", &answer, &length), 1); /* what the former said last */
	assert_memory_equal(answer, "1r", 2);
	assert_int_equal(ask("m", &answer, &length), 1);
	assert_int_equal(asked(answer, &mark), 3);
	assert_int_equal(mark, 2);
	assert_int_equal(rh_rule_swap(rules[1], rules[2], &diag), 0);
	rh_user_exchange(&user, rules[2], RH_POLICY_KEEP_LAST);
	assert_int_equal(ask("m", &answer, &length), 1);
	assert_int_equal(asked(answer, &mark), 1);
	for (int i = 0; i < 3; i++)
		rh_rule_destroy(rules[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_is_what_the_rule_left_in_the_buffer),
		cmocka_unit_test(a_failure_is_the_policys_to_answer),
		cmocka_unit_test(a_new_version_goes_on_where_the_old_one_was),
	};

	if (!fixture_has_tools() || access(ANSWER ".wasm", R_OK) != 0)
		return 77;
	return cmocka_run_group_tests_name("rules_user", tests, NULL, NULL);
}
