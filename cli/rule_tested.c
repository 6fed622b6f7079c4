#include "rule_test.h"

#include <string.h>
#include <unistd.h>

const char *rh_rule_test_mode_name(enum rh_rule_test_mode mode)
{
	static const char *const names[RH_TEST_MODES] = {
		"native", "wasm", "wasm portable", "wasm with fuel", "ebpf",
	};

	return names[mode];
}

enum rh_rule_test_mode rh_rule_tested_first(const struct rh_rule_tested *tested)
{
	unsigned mode = 0;

	while (mode < RH_TEST_MODES && !tested->modes[mode].is_run)
		mode++;
	return (enum rh_rule_test_mode)mode;
}

static const struct rh_trial_answer *answer_of(const struct rh_rule_tested *tested,
                                               unsigned mode, size_t input)
{
	return &tested->modes[mode].trial.page->answers[input];
}

bool rh_rule_tested_agree(const struct rh_rule_tested *tested, size_t input)
{
	unsigned first = rh_rule_tested_first(tested);

	for (unsigned mode = first + 1; mode < RH_TEST_MODES; mode++) {
		if (tested->modes[mode].is_run &&
		    !rh_trial_is_same(answer_of(tested, first, input),
		                      answer_of(tested, mode, input)))
			return false;
	}
	return true;
}

/* ---- what was expected ---- */

static bool has_fields(const struct rh_hook *hook, const struct rh_rule_expected *expected,
                       const struct rh_trial_answer *answer)
{
	unsigned out = 0;

	for (unsigned i = 0; i + 1 < hook->field_count && out < RH_TRIAL_OUT_MAX; i++) {
		if (!hook->fields[i].is_out)
			continue;
		if (expected->mask & 1u << i && expected->fields[i] != answer->fields[out])
			return false;
		out++;
	}
	return true;
}

bool rh_rule_tested_expected(const struct rh_rule_tested *tested, size_t input)
{
	const struct rh_rule_expected *expected = tested->inputs->items[input].expected;
	const struct rh_trial_answer  *answer = answer_of(tested, rh_rule_tested_first(tested),
	                                                  input);

	if (answer->state != RH_TRIAL_ANSWERED)
		return answer->state == RH_TRIAL_FAILED && expected &&
		       expected->fails == answer->failure;
	if (!expected)
		return true;
	return expected->fails < 0 && !answer->misplaced &&
	       (!expected->has_result || expected->result == answer->value) &&
	       has_fields(tested->inputs->hook, expected, answer) &&
	       (!expected->bytes ||
	        (expected->len == answer->len &&
	         rh_rule_hash(expected->bytes, expected->len) == answer->bytes));
}

void rh_rule_tested_judge(struct rh_rule_tested *tested)
{
	tested->differences = tested->unexpected = 0;
	for (size_t i = 0; i < tested->inputs->count; i++) {
		tested->differences += !rh_rule_tested_agree(tested, i);
		tested->unexpected += !rh_rule_tested_expected(tested, i);
	}
}

void rh_rule_tested_fini(struct rh_rule_tested *tested)
{
	for (unsigned mode = 0; mode < RH_TEST_MODES; mode++) {
		struct rh_trial *trial = &tested->modes[mode].trial;

		rh_trial_fini(trial);
		if (trial->object_fd >= 0)
			close(trial->object_fd);
		trial->object_fd = -1;
	}
}
