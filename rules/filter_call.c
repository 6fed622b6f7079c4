#include "filter_call.h"

#include "../base/clock.h"
#include "../model/check.h"
#include "../model/error.h"
#include "limits.h"

#include <rhodes/hook/filter_layout.h>
#include <stdio.h>
#include <string.h>

#define ERRNO_LAST 133u  /* of Linux; what is higher has a meaning of ours */
#define ERRNO_MAX  4095u

static const struct rh_filter_answer allow = {
	.verdict = RH_FILTER_ALLOW, .chosen = RH_FILTER_ANY,
};
static const struct rh_filter_answer deny = {
	.verdict = RH_FILTER_DENY, .chosen = RH_FILTER_ANY, .error = RH_ERULE,
};

void rh_filter_init(struct rh_filter *filter, struct rh_rule *rule,
                    enum rh_rule_policy policy)
{
	RH_CHECK(policy < RH_POLICIES);
	*filter = (struct rh_filter){ .rule = rule, .policy = policy, .last = allow };
}

void rh_filter_exchange(struct rh_filter *filter, struct rh_rule *rule)
{
	filter->rule = rule;
}

static void by_policy(const struct rh_filter *filter, struct rh_filter_answer *ret_answer)
{
	*ret_answer = filter->policy == RH_POLICY_FAIL_CLOSED ? deny :
	              filter->policy == RH_POLICY_FAIL_OPEN ? allow : filter->last;
	ret_answer->failed = true;
}

static void fill(struct rh_filter_buffer *buffer, const struct rh_filter_call *call)
{
	uint32_t visible = call->visible < sizeof buffer->bytes ? call->visible :
	                                                          sizeof buffer->bytes;

	buffer->now_ns = call->now_ns ? call->now_ns : rh_clock_ns();
	buffer->function = call->function;
	buffer->caller = call->caller;
	buffer->length = call->length;
	buffer->visible = visible;
	buffer->instances = call->instances;
	buffer->chosen = RH_FILTER_ANY;
	buffer->delay_us = 0;
	buffer->error = 0;
	if (visible)
		memcpy(buffer->bytes, call->bytes, visible);
}

/* Our own codes say that a call was lost, or may go again: a rule cannot know that. */
static int error_of(uint32_t number)
{
	return number > 0 && number <= ERRNO_LAST ? -(int)number : RH_ERULE;
}

/* NULL, or what is wrong with what the rule said. */
static const char *check(const struct rh_filter_buffer *buffer,
                         const struct rh_filter_call *call, uint32_t verdict,
                         bool is_after, struct rh_filter_answer *ret_answer)
{
	*ret_answer = allow;
	ret_answer->verdict = verdict;
	switch (verdict) {
	case RH_FILTER_ALLOW:
		break;
	case RH_FILTER_DENY:
		ret_answer->error = error_of(buffer->error);
		if (buffer->error > ERRNO_MAX)
			return "error is none";
		break;
	case RH_FILTER_DELAY:
		ret_answer->delay_us = buffer->delay_us;
		if (is_after || buffer->delay_us > RH_RULE_DELAY_US_MAX)
			return is_after ? "a reply cannot be delayed" : "delay_us is too long";
		break;
	case RH_FILTER_REWRITE:
		ret_answer->length = buffer->length;
		ret_answer->bytes = buffer->bytes;
		if (call->length > sizeof buffer->bytes || call->visible < call->length)
			return "it rewrites what it did not see whole";
		if (buffer->length > sizeof buffer->bytes)
			return "length is more than the buffer";
		break;
	default:
		return "no such verdict";
	}
	ret_answer->chosen = is_after ? RH_FILTER_ANY : buffer->chosen;
	if (ret_answer->chosen != RH_FILTER_ANY && ret_answer->chosen >= call->instances)
		return "chosen is no instance";
	return NULL;
}

/* The buffer is the rule's memory: what it says is read once, after the call. */
static void ask(struct rh_filter *filter, const struct rh_filter_call *call,
                unsigned slot, int status, struct rh_filter_answer *ret_answer)
{
	struct rh_filter_buffer *buffer = rh_rule_buffer(filter->rule);
	const char              *wrong;
	char                     text[96];
	uint64_t                 verdict;

	if (buffer)
		fill(buffer, call);
	if (!buffer ||
	    rh_rule_call(filter->rule, slot, (uint32_t)status, 0, &verdict) < 0) {
		by_policy(filter, ret_answer);
		return;
	}
	wrong = check(buffer, call, (uint32_t)verdict, slot == RH_SLOT_FILTER_AFTER,
	              ret_answer);
	if (!wrong)
		return;
	snprintf(text, sizeof text, "the rule's verdict %u makes no sense: %s",
	         (uint32_t)verdict, wrong);
	rh_rule_blame(filter->rule, text);
	by_policy(filter, ret_answer);
}

void rh_filter_before(struct rh_filter *filter, const struct rh_filter_call *call,
                      struct rh_filter_answer *ret_answer)
{
	ask(filter, call, RH_SLOT_FILTER_BEFORE, 0, ret_answer);
	if (ret_answer->failed)
		return;
	filter->last = *ret_answer;
	/* Bytes of one call are not another's, nor is the choice of who takes it. */
	filter->last.chosen = RH_FILTER_ANY;
	if (ret_answer->verdict == RH_FILTER_REWRITE)
		filter->last = allow;
}

bool rh_filter_has_after(const struct rh_filter *filter)
{
	return rh_rule_has(filter->rule, RH_SLOT_FILTER_AFTER);
}

void rh_filter_after(struct rh_filter *filter, const struct rh_filter_call *call,
                     int status, struct rh_filter_answer *ret_answer)
{
	*ret_answer = allow;
	if (!rh_filter_has_after(filter))
		return;
	ask(filter, call, RH_SLOT_FILTER_AFTER, status, ret_answer);
	/* The call ran: only who wants to be closed takes its reply away. */
	if (ret_answer->failed && filter->policy != RH_POLICY_FAIL_CLOSED) {
		*ret_answer = allow;
		ret_answer->failed = true;
	}
}
