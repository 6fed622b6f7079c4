/* rule_trial_child - the process that runs a rule on inputs; for rule_trial.c.
 *
 * It writes what it does to trial->page and never returns. */
#ifndef RH_CLI_RULE_TRIAL_CHILD_H
#define RH_CLI_RULE_TRIAL_CHILD_H

#include <stddef.h>

struct rh_trial;

/* Begins with that input. */
_Noreturn void rh_trial_child(struct rh_trial *trial, size_t first);

#endif
