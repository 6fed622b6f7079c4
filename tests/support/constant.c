/* constant - a rule of hook `softirq` for tests: says what its parameters say. */
#include <rhodes/hook/softirq.h>

RH_RULE(softirq);

int32_t rh_softirq_interrupt(void)
{
	rh_softirq.delay_us = (uint32_t)RH_PARAM_NUMBER("delay", 0);
	return (int32_t)RH_PARAM_NUMBER("interrupt", 0);
}

int32_t rh_softirq_budget(void)
{
	return (int32_t)RH_PARAM_NUMBER("budget", 1);
}

int32_t rh_softirq_next(int32_t left)
{
	(void)left;
	rh_softirq.delay_us = (uint32_t)RH_PARAM_NUMBER("delay", 0);
	return (int32_t)RH_PARAM_NUMBER("next", 0);
}
