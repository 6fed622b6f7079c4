/* rule_sense - does what a rule said make sense?  As the fronts of the hooks judge it
 * (rules/filter_call.h, keeper.h, ...): nonsense is a failure of the rule.
 *
 * Of hooks that are not listed nothing is nonsense. */
#ifndef RH_CLI_RULE_SENSE_H
#define RH_CLI_RULE_SENSE_H

#include "rule_trial.h"

/* Of hook sched, what the record of the task in question says, which stands in the buffer;
 * of other hooks it is fine.  has_running: the slice may be said later. */
enum rh_trial_record rh_rule_task(const struct rh_hook *hook,
                                  const struct rh_rule_input *input,
                                  const uint8_t *buffer, bool has_running);

/* NULL, or what is wrong with the answer. */
const char *rh_rule_nonsense(const struct rh_hook *hook, const struct rh_rule_input *input,
                             const struct rh_trial_answer *answer);

#endif
