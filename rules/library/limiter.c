/* limiter - a filter: so many calls a second, and a few at once.
 *
 * A bucket of tokens: `rate` come in each second, up to `burst`; a call takes one, and
 * without one it is denied with `error`.
 *
 * params  rate   calls a second (1000)
 *         burst  calls at once (rate / 10, at least 1)
 *         error  the errno of a denied call (11, EAGAIN) */
#include <rhodes/hook/filter.h>

#define SECOND 1000000000u

RH_RULE(filter);

/* Tokens are counted in billionths, so that no part of one is lost. */
struct state {
	uint64_t tokens;
	uint64_t last_ns;
	uint64_t is_begun;
};

static uint64_t     rate, full, error;
static struct state state;

int32_t rh_init(void)
{
	uint64_t burst;

	rate = RH_PARAM_NUMBER("rate", 1000);
	burst = RH_PARAM_NUMBER("burst", rate / 10 ? rate / 10 : 1);
	error = RH_PARAM_NUMBER("error", 11);
	if (rate == 0 || rate > SECOND || burst == 0 || burst > SECOND || error > 4095)
		return 1;
	full = burst * SECOND;
	return 0;
}

static void fill(uint64_t now_ns)
{
	uint64_t passed = now_ns - state.last_ns;

	if (!state.is_begun || passed >= full / rate)
		state.tokens = full;
	else if ((state.tokens += passed * rate) > full)
		state.tokens = full;
	state.is_begun = 1;
	state.last_ns = now_ns;
}

int32_t rh_filter_before(void)
{
	fill(rh_filter.now_ns);
	if (state.tokens >= SECOND) {
		state.tokens -= SECOND;
		return RH_FILTER_ALLOW;
	}
	rh_filter.error = (uint32_t)error;
	return RH_FILTER_DENY;
}

int32_t rh_save(int32_t room)
{
	if ((uint32_t)room < sizeof state)
		return -1;
	*(struct state *)(void *)rh_filter.bytes = state;
	return (int32_t)sizeof state;
}

int32_t rh_restore(int32_t length)
{
	if ((uint32_t)length != sizeof state)
		return 1;
	state = *(struct state *)(void *)rh_filter.bytes;
	return 0;
}
