/* rule_start - the inputs that a new rule is first tested with. */
#ifndef RH_CLI_RULE_START_H
#define RH_CLI_RULE_START_H

#include <stdio.h>

struct rh_hook;

/* Writes them as rule_inputs.h reads them: those that show the hook, or one call of each
 * of its functions. */
void rh_rule_start_inputs(const struct rh_hook *hook, FILE *file);

#endif
