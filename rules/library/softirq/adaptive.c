/* adaptive - a softirq rule: interrupts while little comes, rounds at a pace of their own
 * while much does.
 *
 * It keeps an average of how much the rounds find.  When that is enough to be worth it,
 * the next round is done without an interrupt, after a pause in which about `aim` pieces
 * come together; rounds that find nothing bring the interrupts back.  The idea is that of
 * Linux's NAPI with dynamic interrupt moderation (lib/dim).
 *
 * params  budget   pieces of work in a round (64)
 *         aim      pieces of work that a round should find (16)
 *         most_us  the longest pause (200)
 *         empty    so many rounds without work bring the interrupts back (2) */
#include <rhodes/hook/softirq.h>

RH_RULE(softirq);

#define SHIFT 3u /* the average is of 2^SHIFT rounds, and is kept times 2^SHIFT */

static struct {
	uint32_t found;   /* average of what a round finds, times 1 << SHIFT */
	uint32_t pause_us;
	uint32_t in_vain; /* rounds, one after the other                 */
} now;

static uint32_t budget, aim, most_us, empty;

int32_t rh_init(void)
{
	budget = (uint32_t)RH_PARAM_NUMBER("budget", 64);
	aim = (uint32_t)RH_PARAM_NUMBER("aim", 16);
	most_us = (uint32_t)RH_PARAM_NUMBER("most_us", 200);
	empty = (uint32_t)RH_PARAM_NUMBER("empty", 2);
	return budget == 0 || budget > RH_SOFTIRQ_BUDGET_MAX || aim == 0 || aim > budget ||
	       most_us == 0 || most_us > RH_SOFTIRQ_DELAY_MAX || empty == 0;
}

int32_t rh_softirq_interrupt(void)
{
	return RH_SOFTIRQ_WAKE;
}

int32_t rh_softirq_budget(void)
{
	return (int32_t)budget;
}

/* Longer while rounds find less than they should, shorter when they find more. */
static void set_pause(void)
{
	uint32_t least = 1 + most_us / 16;

	if (now.found < aim << SHIFT)
		now.pause_us += 1 + now.pause_us / 4;
	else
		now.pause_us -= now.pause_us / 4;
	if (now.pause_us < least)
		now.pause_us = least;
	if (now.pause_us > most_us)
		now.pause_us = most_us;
}

int32_t rh_softirq_next(int32_t left)
{
	now.found += rh_softirq.ran - (now.found >> SHIFT);
	now.in_vain = rh_softirq.ran ? 0 : now.in_vain + 1;
	if (left)
		return RH_SOFTIRQ_AGAIN;
	/* Two pieces a round are the least for which a timer is cheaper than interrupts. */
	if (now.found < 2u << SHIFT || now.in_vain >= empty) {
		now.pause_us = 0;
		return RH_SOFTIRQ_SLEEP;
	}
	set_pause();
	rh_softirq.delay_us = now.pause_us;
	return RH_SOFTIRQ_POLL;
}

int32_t rh_save(int32_t room)
{
	if ((uint32_t)room < sizeof now)
		return -1;
	__builtin_memcpy(rh_softirq.bytes, &now, sizeof now);
	return (int32_t)sizeof now;
}

int32_t rh_restore(int32_t length)
{
	if ((uint32_t)length != sizeof now)
		return 1;
	__builtin_memcpy(&now, rh_softirq.bytes, sizeof now);
	return 0;
}
