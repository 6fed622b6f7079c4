/* filter_call - one call of an edge, as a rule of hook `filter` is asked about it.
 *
 * It fills the buffer, calls the rule, checks what it said, and says what is to be
 * done with the call, also when the rule failed: then its policy decides.  Nonsense (an
 * unknown verdict, an instance that is not there, bytes outside of the buffer) is an
 * error of the rule, never of the call.
 *
 * Ownership  The caller owns struct rh_filter and the rule in it.
 * Threads    Those of the rule. */
#ifndef RH_RULES_FILTER_CALL_H
#define RH_RULES_FILTER_CALL_H

#include "rule.h"

struct rh_filter_answer {
	uint32_t       verdict; /* RH_FILTER_ALLOW, DENY, DELAY, REWRITE */
	uint32_t       chosen;  /* an instance, or RH_FILTER_ANY */
	uint32_t       delay_us;
	int            error;   /* with DENY: a negative code of model/error.h */
	uint32_t       length;  /* with REWRITE: of bytes */
	const uint8_t *bytes;   /* with REWRITE: in the rule, until it is called again */
	bool           failed;  /* the rule failed and its policy decided */
};

struct rh_filter {
	struct rh_rule         *rule;
	enum rh_rule_policy     policy;
	struct rh_filter_answer last; /* for keep-last; allow, at first */
};

/* What is asked about. */
struct rh_filter_call {
	uint64_t    function;  /* the hash of its name and types */
	uint64_t    caller;    /* the id of the calling process */
	uint64_t    now_ns;    /* the clock, if who asks has read it; 0: it is read */
	uint32_t    instances; /* of the callee, to choose from; 0: none can be chosen */
	uint32_t    length;    /* of the arguments, or of the reply */
	uint32_t    visible;   /* how many of them are at bytes; more than the buffer: cut */
	const void *bytes;
};

void rh_filter_init(struct rh_filter *filter, struct rh_rule *rule,
                    enum rh_rule_policy policy);

/* Another rule from now on; what the former said last stays for keep-last. */
void rh_filter_exchange(struct rh_filter *filter, struct rh_rule *rule);

/* Before the call leaves. */
void rh_filter_before(struct rh_filter *filter, const struct rh_filter_call *call,
                      struct rh_filter_answer *ret_answer);

/* Does the rule look at replies at all? */
bool rh_filter_has_after(const struct rh_filter *filter);

/* Before the reply is given to the program; status: 0 or the (positive) code of the
 * error.  The answer is ALLOW, DENY or REWRITE. */
void rh_filter_after(struct rh_filter *filter, const struct rh_filter_call *call,
                     int status, struct rh_filter_answer *ret_answer);

#endif
