#include "user_call.h"

#include "../base/clock.h"
#include "../model/check.h"
#include "../model/error.h"

#include <rhodes/hook/user_layout.h>
#include <stdio.h>
#include <string.h>

_Static_assert(sizeof((struct rh_user_buffer *)0)->bytes == RH_USER_BYTES, "user.def");

void rh_user_init(struct rh_user *user, struct rh_rule *rule, enum rh_rule_policy policy)
{
	RH_CHECK(policy < RH_POLICIES);
	user->rule = rule;
	user->policy = policy;
	user->has_last = false;
}

void rh_user_exchange(struct rh_user *user, struct rh_rule *rule,
                      enum rh_rule_policy policy)
{
	RH_CHECK(policy < RH_POLICIES);
	user->rule = rule;
	user->policy = policy;
}

static int by_policy(struct rh_user *user, const uint8_t **ret_answer,
                     uint32_t *ret_length)
{
	if (user->policy == RH_POLICY_FAIL_CLOSED)
		return RH_ERULE;
	if (user->policy == RH_POLICY_FAIL_OPEN || !user->has_last)
		return 0;
	*ret_answer = user->last;
	*ret_length = user->last_length;
	return 1;
}

/* A program with another policy does not pay for the copy. */
static void keep(struct rh_user *user, const uint8_t *answer, uint32_t length)
{
	if (user->policy != RH_POLICY_KEEP_LAST)
		return;
	memcpy(user->last, answer, length);
	user->last_length = length;
	user->has_last = true;
}

int rh_user_ask(struct rh_user *user, const void *question, size_t length,
                const uint8_t **ret_answer, uint32_t *ret_length)
{
	struct rh_user_buffer *buffer;
	char                   text[96];
	uint64_t               value;

	if (length > RH_USER_BYTES)
		return RH_EMSGSIZE;
	if (!(buffer = rh_rule_buffer(user->rule)))
		return by_policy(user, ret_answer, ret_length);
	buffer->now_ns = rh_clock_ns();
	if (length > 0)
		memcpy(buffer->bytes, question, length);
	if (rh_rule_call(user->rule, RH_SLOT_USER_RUN, length, 0, &value) < 0)
		return by_policy(user, ret_answer, ret_length);
	if ((uint32_t)value == RH_USER_DEFAULT)
		return 0;
	if ((uint32_t)value > RH_USER_BYTES) {
		snprintf(text, sizeof text, "the rule's answer has %u bytes, more than the "
		         "buffer", (uint32_t)value);
		rh_rule_blame(user->rule, text);
		return by_policy(user, ret_answer, ret_length);
	}
	keep(user, buffer->bytes, (uint32_t)value);
	*ret_answer = buffer->bytes;
	*ret_length = (uint32_t)value;
	return 1;
}
