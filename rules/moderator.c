#include "moderator.h"

#include "rule.h"

#include <rhodes/hook/softirq_layout.h>
#include <stdbool.h>
#include <stddef.h>

_Static_assert((int)RH_INTERRUPT_WAKE == (int)RH_SOFTIRQ_WAKE &&
               (int)RH_INTERRUPT_HOLD == (int)RH_SOFTIRQ_HOLD &&
               (int)RH_INTERRUPT_INLINE == (int)RH_SOFTIRQ_INLINE &&
               (int)RH_ROUND_SLEEP == (int)RH_SOFTIRQ_SLEEP &&
               (int)RH_ROUND_AGAIN == (int)RH_SOFTIRQ_AGAIN &&
               (int)RH_ROUND_POLL == (int)RH_SOFTIRQ_POLL, "softirq.def");

/* The buffer, filled, or NULL: there is no rule that answers. */
static struct rh_softirq_buffer *fill(struct rh_moderator *moderator,
                                      const struct rh_softirq_state *state)
{
	struct rh_softirq_buffer *buffer =
		moderator->rule ? rh_rule_buffer(moderator->rule) : NULL;

	if (!buffer)
		return NULL;
	buffer->now_ns = state->now_ns;
	buffer->told_ns = state->told_ns;
	buffer->interrupts = state->interrupts;
	buffer->done = state->done;
	buffer->pending = state->pending;
	buffer->ran = state->ran;
	buffer->budget = state->budget;
	buffer->delay_us = 0;
	return buffer;
}

/* One of three answers, of which one has a delay.  false: the rule gave none. */
static bool ask(struct rh_moderator *moderator, const struct rh_softirq_state *state,
                unsigned slot, uint64_t argument, uint32_t delayed, uint32_t *ret_answer,
                uint32_t *ret_delay_us)
{
	struct rh_softirq_buffer *buffer = fill(moderator, state);
	uint64_t                  value;

	if (!buffer || rh_rule_call(moderator->rule, slot, argument, 0, &value) < 0)
		return false;
	if ((uint32_t)value > 2) {
		rh_rule_blame(moderator->rule, "the rule's answer is none of the three");
		return false;
	}
	if ((uint32_t)value == delayed && buffer->delay_us > RH_SOFTIRQ_DELAY_MAX) {
		rh_rule_blame(moderator->rule, "the rule's delay_us is more than a second");
		return false;
	}
	*ret_answer = (uint32_t)value;
	*ret_delay_us = (uint32_t)value == delayed ? buffer->delay_us : 0;
	return true;
}

enum rh_on_interrupt rh_moderator_interrupt(struct rh_moderator *moderator,
                                            const struct rh_softirq_state *state,
                                            uint32_t *ret_delay_us)
{
	uint32_t answer;

	*ret_delay_us = 0;
	return ask(moderator, state, RH_SLOT_SOFTIRQ_INTERRUPT, 0, RH_SOFTIRQ_HOLD, &answer,
	           ret_delay_us) ? (enum rh_on_interrupt)answer : RH_INTERRUPT_WAKE;
}

uint32_t rh_moderator_budget(struct rh_moderator *moderator,
                             const struct rh_softirq_state *state)
{
	uint64_t value;

	if (!fill(moderator, state) ||
	    rh_rule_call(moderator->rule, RH_SLOT_SOFTIRQ_BUDGET, 0, 0, &value) < 0)
		return RH_MODERATOR_BUDGET;
	if ((uint32_t)value >= 1 && (uint32_t)value <= RH_SOFTIRQ_BUDGET_MAX)
		return (uint32_t)value;
	rh_rule_blame(moderator->rule, "the rule's budget is not from 1 to 4096");
	return RH_MODERATOR_BUDGET;
}

enum rh_after_round rh_moderator_next(struct rh_moderator *moderator,
                                      const struct rh_softirq_state *state, uint32_t left,
                                      uint32_t *ret_delay_us)
{
	uint32_t answer;

	*ret_delay_us = 0;
	if (!ask(moderator, state, RH_SLOT_SOFTIRQ_NEXT, left, RH_SOFTIRQ_POLL, &answer,
	         ret_delay_us))
		answer = RH_ROUND_SLEEP;
	return answer == RH_ROUND_SLEEP && left ? RH_ROUND_AGAIN : (enum rh_after_round)answer;
}
