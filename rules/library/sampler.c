/* sampler - an event rule: of many events a few go on.
 *
 * params  every  one of so many passes, the first one of them (10) */
#include <rhodes/hook/event.h>

RH_RULE(event);

static uint64_t every, seen;

int32_t rh_init(void)
{
	every = RH_PARAM_NUMBER("every", 10);
	return every == 0;
}

int32_t rh_event_see(void)
{
	return seen++ % every == 0 ? RH_EVENT_PASS : RH_EVENT_DROP;
}

int32_t rh_save(int32_t room)
{
	if ((uint32_t)room < sizeof seen)
		return -1;
	__builtin_memcpy(rh_event.bytes, &seen, sizeof seen);
	return (int32_t)sizeof seen;
}

int32_t rh_restore(int32_t length)
{
	if ((uint32_t)length != sizeof seen)
		return 1;
	__builtin_memcpy(&seen, rh_event.bytes, sizeof seen);
	return 0;
}
