/* rule_runs - how rules of code do, as the center tells it: a list of runs, and what
 * came between two such lists.
 *
 * Ownership   rh_rule_runs_fini frees the list.
 * Threads     One. */
#ifndef RH_CLI_RULE_RUNS_H
#define RH_CLI_RULE_RUNS_H

#include "../model/error.h"
#include "../rules/rule.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rh_rule_run {
	char     rule[72], agent[72], where[150]; /* "app -> lib", "lib" */
	uint64_t revision;
	bool     is_away;
	uint64_t calls, ns, instances, lines_dropped;
	uint64_t differences; /* of a shadow */
	uint64_t failures[RH_FAILURES];
};

struct rh_rule_runs {
	struct rh_rule_run *items; /* by rule, agent and place */
	size_t              count;
	uint64_t            left_out;
	uint64_t            time_ns;
};

/* Reads what the center answered; what is not as it should be is left out.  RH_ENOMEM. */
int  rh_rule_runs_read(const json_t *answer, struct rh_rule_runs *ret_runs);
void rh_rule_runs_fini(struct rh_rule_runs *runs);

/* What was counted since: a rule that was loaded anew in between counts from then. */
struct rh_rule_run rh_rule_run_since(const struct rh_rule_runs *before,
                                     const struct rh_rule_run *now);

/* "trap 3, timeout 1"; "" without any.  Returns text. */
const char *rh_rule_run_failures(const struct rh_rule_run *run, char *text, size_t cap);

#endif
