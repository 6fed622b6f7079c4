/* adapter_front - what asks the rule of a place, by its hook: the front of rules/ that
 * fills the buffer and checks the answer, and how it gets another rule.
 *
 *   rh_front_cache    struct rh_keeper     capacity: of the cache
 *   rh_front_softirq  struct rh_moderator
 *   rh_front_user     struct rh_user
 *
 * Others may have fronts of their own (interceptors/fiber has one for hook sched).
 *
 * Ownership   Of the adapter, from create to destroy.
 * Threads     Under the adapter's lock. */
#ifndef RH_SDK_ADAPTER_FRONT_H
#define RH_SDK_ADAPTER_FRONT_H

#include "../../rules/rule.h"

/* A rule that comes to a place. */
struct rh_adapter_rule {
	struct rh_rule              *rule;   /* NULL: there is none any more            */
	const struct rh_rule_source *source; /* what it was loaded from; more of it may be
	                                        loaded while exchange runs              */
	const char                  *name;
	enum rh_rule_policy          policy;
};

struct rh_adapter_front {
	const char *hook;

	/* RH_EINVAL, RH_ENOMEM, with diag. */
	int  (*create)(uint32_t capacity, void **ret_front, struct rh_diag *diag);
	void (*destroy)(void *front);

	/* next takes over from former, or NULL.  On an error the former one stays:
	 * RH_EINVAL, RH_ERULE, with diag. */
	int  (*exchange)(void *front, struct rh_rule *former,
	                 const struct rh_adapter_rule *next, struct rh_diag *diag);

	/* Of all that it has loaded of the rule in force; NULL: of the adapter's alone. */
	void (*count)(void *front, struct rh_rule_counters *ret);

	/* How one of them failed last, at most cap bytes with the NUL; with count. */
	void (*why)(void *front, char *text, size_t cap);
};

extern const struct rh_adapter_front rh_front_cache, rh_front_softirq, rh_front_user;

#endif
