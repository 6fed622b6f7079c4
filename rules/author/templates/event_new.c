/* @NAME@ - a rule for events: sees those of the name and resource that its manifest says. */
#include <rhodes/hook/event.h>

RH_RULE(event);

/* To have another event follow, put its name into rh_event.emit_name. */
int32_t rh_event_see(void)
{
	return RH_EVENT_PASS;
}
