/* rule_test - the modes in which a rule is tested, and what came of each.
 *
 * Ownership   rh_rule_tested_fini frees; the inputs are borrowed.
 * Threads     One. */
#ifndef RH_CLI_RULE_TEST_H
#define RH_CLI_RULE_TEST_H

#include "rule_trial.h"

#include "../model/error.h"

#include <jansson.h>
#include <stdio.h>

enum rh_rule_test_mode {
	RH_TEST_NATIVE,   /* gcc -O2 of the source */
	RH_TEST_WASM,     /* as agents run it where the processor has FSGSBASE */
	RH_TEST_PORTABLE, /* as they run it elsewhere */
	RH_TEST_FUEL,     /* with fuel counted */
	RH_TEST_EBPF,     /* in the kernel, where the project builds it for that */
	RH_TEST_MODES
};

struct rh_rule_tested_mode {
	bool            is_run;
	char            why[RH_DIAG_MAX]; /* it was not run; "": nobody wanted that */
	struct rh_trial trial;
};

struct rh_rule_tested {
	const struct rh_rule_inputs *inputs;
	struct rh_rule_tested_mode   modes[RH_TEST_MODES];
	size_t                       differences; /* inputs */
	size_t                       unexpected;  /* inputs, in the first mode that ran */
};

const char *rh_rule_test_mode_name(enum rh_rule_test_mode mode);

/* The first mode that ran, with which the others are compared; RH_TEST_MODES: none. */
enum rh_rule_test_mode rh_rule_tested_first(const struct rh_rule_tested *tested);

/* Does every mode that ran say the same to that input? */
bool rh_rule_tested_agree(const struct rh_rule_tested *tested, size_t input);

/* Is it what the input expects?  Without expectation: anything but a failure. */
bool rh_rule_tested_expected(const struct rh_rule_tested *tested, size_t input);

/* Counts both. */
void rh_rule_tested_judge(struct rh_rule_tested *tested);

void    rh_rule_tested_print(const struct rh_rule_tested *tested, FILE *out,
                             bool has_color);
json_t *rh_rule_tested_json(const struct rh_rule_tested *tested);

void rh_rule_tested_fini(struct rh_rule_tested *tested);

#endif
