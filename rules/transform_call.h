/* transform_call - a message of an edge, as a rule of hook `transform` makes another of it.
 *
 * It shows the rule the message part by part, checks what it says, and puts the parts
 * together.  When the rule fails over one part, its policy decides for the whole message:
 * as it was, or not at all.
 *
 * Ownership  The caller owns struct rh_transform, and the rule in it.
 * Threads    Those of the rule.
 * Limits     Messages of RH_TRANSFORM_MESSAGE_MAX bytes; longer ones are a failure of the
 *            rule. */
#ifndef RH_RULES_TRANSFORM_CALL_H
#define RH_RULES_TRANSFORM_CALL_H

#include "rule.h"

#define RH_TRANSFORM_MESSAGE_MAX (8u << 20)

struct rh_transform {
	struct rh_rule     *rule;
	enum rh_rule_policy policy;
	uint8_t            *whole; /* RH_TRANSFORM_MESSAGE_MAX of it, once one was changed */
};

struct rh_transform_message {
	uint64_t    function; /* the hash of its name and types */
	uint64_t    caller;   /* the id of the calling process */
	bool        is_reply;
	int         status;   /* of a reply: 0 or the (positive) code of the error */
	uint32_t    length;
	const void *bytes;
};

void rh_transform_init(struct rh_transform *transform, struct rh_rule *rule,
                       enum rh_rule_policy policy);
void rh_transform_fini(struct rh_transform *transform);

/* Another rule from now on. */
void rh_transform_exchange(struct rh_transform *transform, struct rh_rule *rule);

/* 1 when the message is another one now: message->bytes and length say which, until the
 * next run.  0: it stays as it is.  RH_ERULE: the rule failed and wants such a message
 * to be stopped.  *ret_failed: the rule failed and its policy decided. */
int rh_transform_run(struct rh_transform *transform, struct rh_transform_message *message,
                     bool *ret_failed);

#endif
