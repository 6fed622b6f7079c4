/* interrupt - a softirq rule: each interrupt wakes ksoftirqd, which sleeps again as soon
 * as nothing is left.
 *
 * params  budget  pieces of work in a round (64) */
#include <rhodes/hook/softirq.h>

RH_RULE(softirq);

static uint32_t budget;

int32_t rh_init(void)
{
	budget = (uint32_t)RH_PARAM_NUMBER("budget", 64);
	return budget == 0 || budget > RH_SOFTIRQ_BUDGET_MAX;
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
	(void)left;
	return RH_SOFTIRQ_SLEEP;
}
