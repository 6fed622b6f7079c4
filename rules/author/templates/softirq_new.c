/* @NAME@ - says when the work that interrupts leave behind is done, and how much at a time. */
#include <rhodes/hook/softirq.h>

RH_RULE(softirq);

/* A handler tells that its device has work. */
int32_t rh_softirq_interrupt(void)
{
	return RH_SOFTIRQ_WAKE;
}

/* How many pieces of work the round that begins may do. */
int32_t rh_softirq_budget(void)
{
	return 64;
}

/* The round did rh_softirq.ran pieces of work.  To look again without an interrupt, put
 * the time until then into rh_softirq.delay_us and say RH_SOFTIRQ_POLL. */
int32_t rh_softirq_next(int32_t left)
{
	return left ? RH_SOFTIRQ_AGAIN : RH_SOFTIRQ_SLEEP;
}
