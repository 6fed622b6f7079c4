/* adapter_front - what asks the rule of a place, by its hook: the front of rules/ that
 * fills the buffer and checks the answer, and how it gets another rule.
 *
 *   hook cache    struct rh_keeper     capacity: of the cache
 *   hook softirq  struct rh_moderator
 *   hook user     struct rh_user
 *
 * Ownership   Of the adapter, from create to destroy.
 * Threads     Under the adapter's lock. */
#ifndef RH_SDK_ADAPTER_FRONT_H
#define RH_SDK_ADAPTER_FRONT_H

#include "../../rules/rule.h"

struct rh_adapter_front {
	const char *hook;

	/* RH_EINVAL, RH_ENOMEM, with diag. */
	int  (*create)(uint32_t capacity, void **ret_front, struct rh_diag *diag);
	void (*destroy)(void *front);

	/* rule, or NULL for none, takes over from former, or NULL.  On an error the former
	 * one stays: RH_EINVAL, RH_ERULE, with diag. */
	int  (*exchange)(void *front, struct rh_rule *former, struct rh_rule *rule,
	                 enum rh_rule_policy policy, struct rh_diag *diag);
};

/* NULL: no place of a program has that hook. */
const struct rh_adapter_front *rh_adapter_front_find(const char *hook);

#endif
