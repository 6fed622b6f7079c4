/* escalate - an event rule: what happens too often becomes an event of its own.
 *
 * When `count` events came within `seconds` it emits one named `emit`, which carries what
 * the last of them did, and begins to count anew.
 *
 * params  emit     the name of the event that is to follow
 *         count    so many (3, at most 64) ...
 *         seconds  ... in this time (10) */
#include <rhodes/hook/event.h>

#define COUNT_MAX 64u
#define SECOND    1000000000u

RH_RULE(event);

static char     emit[sizeof rh_event.emit_name];
static uint64_t count, window_ns;
static uint64_t when[COUNT_MAX]; /* a ring of the last `count` */
static uint64_t seen;

int32_t rh_init(void)
{
	int32_t len = rh_param("emit", 4, emit, sizeof emit - 1);

	count = RH_PARAM_NUMBER("count", 3);
	window_ns = RH_PARAM_NUMBER("seconds", 10) * SECOND;
	return len <= 0 || count == 0 || count > COUNT_MAX || window_ns == 0;
}

int32_t rh_event_see(void)
{
	uint32_t carried = rh_event.length < sizeof rh_event.emit ? rh_event.length :
	                                                            sizeof rh_event.emit;

	when[seen++ % count] = rh_event.now_ns;
	if (seen < count || rh_event.now_ns - when[seen % count] > window_ns)
		return RH_EVENT_PASS;
	seen = 0;
	__builtin_memcpy(rh_event.emit_name, emit, sizeof emit);
	__builtin_memcpy(rh_event.emit, rh_event.bytes, carried);
	rh_event.emit_length = carried;
	return RH_EVENT_PASS;
}
