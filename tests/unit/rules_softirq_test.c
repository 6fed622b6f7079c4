/* What the rule of hook softirq says, when it says nonsense, and that native code and
 * WebAssembly say the same. */
#include "rules_three.h"

#include "../../model/error.h"
#include "../../rules/hook.h"
#include "../../rules/moderator.h"

#include <rhodes/hook/softirq_layout.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define DECISIONS 1000000

/* ---- answers ---- */

static struct rh_rule *constant(const char *name, const char *value, const char *delay)
{
	struct rh_rule_param  params[] = { { name, value }, { "delay", delay } };
	struct rh_rule_source source = {
		.hook = rh_hook_find("softirq"), .mode = RH_RULE_NATIVE,
		.object_fd = fixture_freeze(CONSTANT), .params = params, .param_count = 2,
	};
	struct rh_rule *rule = NULL;
	struct rh_diag  diag;

	if (rh_rule_load(&source, &rule, &diag) < 0)
		fail_msg("%s", diag.text);
	close(source.object_fd);
	return rule;
}

static const struct rh_softirq_state somehow = { .now_ns = 5, .interrupts = 1 };

static int ask(const char *question, const char *answer, const char *delay, uint32_t left,
               uint32_t *ret_delay_us, uint64_t *ret_nonsense)
{
	struct rh_moderator moderator = { constant(question, answer, delay) };
	int                 said;

	if (strcmp(question, "interrupt") == 0)
		said = (int)rh_moderator_interrupt(&moderator, &somehow, ret_delay_us);
	else if (strcmp(question, "budget") == 0)
		said = (int)rh_moderator_budget(&moderator, &somehow);
	else
		said = (int)rh_moderator_next(&moderator, &somehow, left, ret_delay_us);
	*ret_nonsense = rh_rule_counters(moderator.rule)->failures[RH_FAILED_VALUE];
	rh_rule_destroy(moderator.rule);
	return said;
}

static void what_makes_no_sense_is_answered_as_without_a_rule(void **state)
{
	static const struct {
		const char *question, *answer, *delay;
		uint32_t    left;
		int         said;
		uint32_t    delay_us;
		int         is_nonsense;
	} cases[] = {
		{ "interrupt", "0", "9", 0, RH_INTERRUPT_WAKE, 0, 0 },
		{ "interrupt", "1", "1000000", 0, RH_INTERRUPT_HOLD, 1000000, 0 },
		{ "interrupt", "1", "1000001", 0, RH_INTERRUPT_WAKE, 0, 1 },
		{ "interrupt", "2", "9", 0, RH_INTERRUPT_INLINE, 0, 0 },
		{ "interrupt", "3", "9", 0, RH_INTERRUPT_WAKE, 0, 1 },
		{ "budget", "1", "0", 0, 1, 0, 0 },
		{ "budget", "4096", "0", 0, 4096, 0, 0 },
		{ "budget", "0", "0", 0, RH_MODERATOR_BUDGET, 0, 1 },
		{ "budget", "4097", "0", 0, RH_MODERATOR_BUDGET, 0, 1 },
		{ "next", "0", "9", 0, RH_ROUND_SLEEP, 0, 0 },
		{ "next", "0", "9", 1, RH_ROUND_AGAIN, 0, 0 },
		{ "next", "1", "9", 0, RH_ROUND_AGAIN, 0, 0 },
		{ "next", "2", "9", 1, RH_ROUND_POLL, 9, 0 },
		{ "next", "2", "1000001", 0, RH_ROUND_SLEEP, 0, 1 },
		{ "next", "2", "1000001", 1, RH_ROUND_AGAIN, 0, 1 },
		{ "next", "4294967295", "9", 0, RH_ROUND_SLEEP, 0, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		uint32_t delay_us = 0;
		uint64_t nonsense;
		int      said = ask(cases[i].question, cases[i].answer, cases[i].delay,
		                    cases[i].left, &delay_us, &nonsense);

		if (said != cases[i].said || delay_us != cases[i].delay_us ||
		    nonsense != (uint64_t)cases[i].is_nonsense)
			fail_msg("case %zu: %d, %u us, %d times nonsense", i, said, delay_us,
			         (int)nonsense);
	}
}

static void without_a_rule_each_interrupt_wakes_and_nothing_is_left_waiting(void **state)
{
	struct rh_moderator moderator = { NULL };
	uint32_t            delay_us = 7;

	(void)state;
	assert_int_equal(rh_moderator_interrupt(&moderator, &somehow, &delay_us),
	                 RH_INTERRUPT_WAKE);
	assert_int_equal(delay_us, 0);
	assert_int_equal(rh_moderator_budget(&moderator, &somehow), RH_MODERATOR_BUDGET);
	assert_int_equal(rh_moderator_next(&moderator, &somehow, 0, &delay_us), RH_ROUND_SLEEP);
	assert_int_equal(rh_moderator_next(&moderator, &somehow, 3, &delay_us), RH_ROUND_AGAIN);
}

/* ---- the rules that come with Rhodes ---- */

static void stand(struct three *three, uint64_t random, uint64_t now_ns)
{
	struct rh_softirq_buffer buffer;

	memset(&buffer, 0, offsetof(struct rh_softirq_buffer, bytes));
	buffer.now_ns = now_ns;
	buffer.told_ns = now_ns - random % 1000000;
	buffer.pending = (uint32_t)(random >> 20) % 4;
	buffer.budget = 64;
	buffer.ran = (random >> 30) % 3 == 0 ? 0 : (uint32_t)(random >> 24) % 65;
	three_put(three, 0, &buffer, offsetof(struct rh_softirq_buffer, bytes));
}

static void compare(const char *name)
{
	struct three three;
	uint64_t     seed = 11, now_ns = 1000000000;
	unsigned     answers[3] = { 0 };

	three_load(&three, name, "softirq");
	for (int i = 0; i < DECISIONS; i++) {
		uint64_t random = three_random(&seed);
		uint32_t left = (random >> 10) % 8 ? 0 : 1, answer;

		now_ns += random % 100000;
		stand(&three, random, now_ns);
		answer = random % 4 == 0 ? three_call(&three, RH_SLOT_SOFTIRQ_INTERRUPT, 0, 0) :
		         random % 4 == 1 ? three_call(&three, RH_SLOT_SOFTIRQ_BUDGET, 0, 0) :
		         three_call(&three, RH_SLOT_SOFTIRQ_NEXT, left, 0);
		three_compare(&three, offsetof(struct rh_softirq_buffer, delay_us), 4);
		if (random % 4 > 1) {
			assert_in_range(answer, 0, 2);
			answers[answer]++;
		}
	}
	/* A rule that says one thing only compares nothing; `interrupt` does by its nature. */
	if (strcmp(name, "softirq/adaptive") == 0)
		for (int i = 0; i < 3; i++)
			assert_in_range(answers[i], DECISIONS / 100, DECISIONS);
	three_unload(&three);
}

static void the_rules_say_the_same_in_every_mode(void **state)
{
	static const char *const names[] = { "softirq/interrupt", "softirq/polling",
	                                     "softirq/adaptive" };

	(void)state;
	if (!three_has_tools())
		skip();
	three_params(NULL);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		compare(names[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_makes_no_sense_is_answered_as_without_a_rule),
		cmocka_unit_test(without_a_rule_each_interrupt_wakes_and_nothing_is_left_waiting),
		cmocka_unit_test(the_rules_say_the_same_in_every_mode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
