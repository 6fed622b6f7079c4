/* A filter that does what its parameters say, for agent_module and agent_filter.
 *
 * params  verdict, error, delay   what it says before a call (0, 0, 0)
 *         length                  with REWRITE: so many bytes of `mark`
 *         mark                    a letter, as a number (77)
 *         only                    verdicts but for arguments of so many bytes: allow
 *         after, after_error, after_length   the same for replies (0)
 *         choose                  the place of an instance, where there are any
 *         count                   1: denies with 40 and the number of instances
 *         say                     1: writes a line for each call
 *         init                    what rh_init returns (0) */
#include <rhodes/hook/filter.h>

RH_RULE(filter);

/* So that it comes in several parts. */
__attribute__((used)) static const unsigned char ballast[180000] = { 1, 2, 3 };

static uint64_t verdict, error, delay, length, mark, only, say;
static uint64_t choose, count;
static uint64_t after, after_error, after_length;

int32_t rh_init(void)
{
	verdict = RH_PARAM_NUMBER("verdict", 0);
	error = RH_PARAM_NUMBER("error", 0);
	delay = RH_PARAM_NUMBER("delay", 0);
	length = RH_PARAM_NUMBER("length", 0);
	mark = RH_PARAM_NUMBER("mark", 77);
	only = RH_PARAM_NUMBER("only", 0);
	say = RH_PARAM_NUMBER("say", 0);
	choose = RH_PARAM_NUMBER("choose", RH_FILTER_ANY);
	count = RH_PARAM_NUMBER("count", 0);
	after = RH_PARAM_NUMBER("after", 0);
	after_error = RH_PARAM_NUMBER("after_error", 0);
	after_length = RH_PARAM_NUMBER("after_length", 0);
	return (int32_t)RH_PARAM_NUMBER("init", 0);
}

static int32_t speak(uint64_t what, uint64_t code, uint64_t bytes)
{
	rh_filter.error = (uint32_t)code;
	rh_filter.delay_us = (uint32_t)delay;
	if (what != RH_FILTER_REWRITE)
		return (int32_t)what;
	rh_filter.length = (uint32_t)bytes;
	for (uint64_t i = 0; i < bytes && i < sizeof rh_filter.bytes; i++)
		rh_filter.bytes[i] = (unsigned char)mark;
	return RH_FILTER_REWRITE;
}

int32_t rh_filter_before(void)
{
	if (say)
		rh_log("seen", 4);
	if (only && rh_filter.length != only)
		return RH_FILTER_ALLOW;
	if (count) {
		rh_filter.error = 40 + rh_filter.instances;
		return RH_FILTER_DENY;
	}
	if (rh_filter.instances > 0)
		rh_filter.chosen = (uint32_t)choose;
	return speak(verdict, error, length);
}

int32_t rh_filter_after(int32_t status)
{
	(void)status;
	return speak(after, after_error, after_length);
}
