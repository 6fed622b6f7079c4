/* user_call - one question of a program, as a rule of hook `user` is asked it.
 *
 * It fills the buffer, calls the rule, checks the length that it said, and says what the
 * program gets, also when the rule failed: then its policy decides.  fail-open is the
 * program's own default, keep-last the rule's last answer (none yet: the default).
 *
 * Ownership  The caller owns struct rh_user and the rule in it.
 * Threads    Those of the rule. */
#ifndef RH_RULES_USER_CALL_H
#define RH_RULES_USER_CALL_H

#include "rule.h"

#define RH_USER_BYTES 65536u /* of a question or an answer */

struct rh_user {
	struct rh_rule     *rule;
	enum rh_rule_policy policy;
	uint32_t            last_length;
	bool                has_last; /* for keep-last */
	uint8_t             last[RH_USER_BYTES];
};

void rh_user_init(struct rh_user *user, struct rh_rule *rule, enum rh_rule_policy policy);

/* Another rule from now on; what the former said last stays for keep-last. */
void rh_user_exchange(struct rh_user *user, struct rh_rule *rule,
                      enum rh_rule_policy policy);

/* 1 and the answer, in the rule or in user until the next question; 0: the program does
 * what it does without a rule.
 * RH_EMSGSIZE the question is longer than RH_USER_BYTES.
 * RH_ERULE    the rule failed and its policy is fail-closed. */
int rh_user_ask(struct rh_user *user, const void *question, size_t length,
                const uint8_t **ret_answer, uint32_t *ret_length);

#endif
