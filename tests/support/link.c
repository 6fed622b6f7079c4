/* link - a rule of hook `event` that does what its parameters say. */
#include <rhodes/hook/event.h>

RH_RULE(event);

enum { PASS, CHANGE, DROP, NONSENSE, LONG, BAD_NAME, OURS, EMIT_LONG, TRAP };

static uint64_t how;
static char     emit[64];

int32_t rh_init(void)
{
	how = RH_PARAM_NUMBER("how", PASS);
	rh_param("emit", 4, emit, sizeof emit - 1);
	return 0;
}

/* Adds the place in the chain to what the event carries. */
static void add_order(void)
{
	rh_event.bytes[rh_event.length++] = (uint8_t)('0' + rh_event.order);
}

static void put_name(const char *name)
{
	uint32_t i = 0;

	do {
		rh_event.emit_name[i] = (uint8_t)name[i];
	} while (name[i++]);
}

int32_t rh_event_see(void)
{
	if (emit[0]) {
		put_name(emit);
		rh_event.emit[0] = (uint8_t)('0' + rh_event.depth);
		rh_event.emit_length = 1;
	}
	switch (how) {
	case CHANGE:
		add_order();
		return RH_EVENT_CHANGE;
	case DROP:
		return RH_EVENT_DROP;
	case NONSENSE:
		return 7;
	case LONG:
		rh_event.length = 70000;
		return RH_EVENT_CHANGE;
	case BAD_NAME:
		put_name("Not a name");
		return RH_EVENT_PASS;
	case OURS:
		put_name("instance.up");
		return RH_EVENT_PASS;
	case EMIT_LONG:
		rh_event.emit_length = 5000;
		return RH_EVENT_PASS;
	case TRAP:
		__builtin_trap();
	default:
		return RH_EVENT_PASS;
	}
}
