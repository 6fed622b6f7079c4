/* polling - a softirq rule: after the first interrupt there is no other; a round is done
 * every so often, whether there is work or not.
 *
 * params  budget     pieces of work in a round (256)
 *         period_us  from one round to the next (50); 0: without a pause */
#include <rhodes/hook/softirq.h>

RH_RULE(softirq);

static uint32_t budget, period_us;

int32_t rh_init(void)
{
	budget = (uint32_t)RH_PARAM_NUMBER("budget", 256);
	period_us = (uint32_t)RH_PARAM_NUMBER("period_us", 50);
	return budget == 0 || budget > RH_SOFTIRQ_BUDGET_MAX || period_us > RH_SOFTIRQ_DELAY_MAX;
}

int32_t rh_softirq_interrupt(void)
{
	return RH_SOFTIRQ_WAKE;
}

int32_t rh_softirq_budget(void)
{
	return (int32_t)budget;
}

int32_t rh_softirq_next(int32_t left)
{
	if (left)
		return RH_SOFTIRQ_AGAIN;
	rh_softirq.delay_us = period_us;
	return RH_SOFTIRQ_POLL;
}
