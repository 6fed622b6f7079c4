#include "adapter.h"
#include "adapter_front.h"

#include "rhodes-rule.h"
#include "session.h"

#include "../../rules/user_call.h"

#include <string.h>

#define EXPORT __attribute__((visibility("default")))

_Static_assert(RH_RULE_BYTES_MAX == RH_USER_BYTES, "rhodes-rule.h");

EXPORT int rh_rule_open(const char *key, uint64_t timeout_ns,
                        struct rh_adapter **ret_place)
{
	uint64_t deadline = rh_deadline(timeout_ns);
	int      r = rh_adapter_open(&rh_front_user, key, 0, ret_place);

	if (r == RH_OK)
		rh_adapter_await(*ret_place, deadline);
	return r;
}

EXPORT void rh_rule_close(struct rh_adapter *place)
{
	rh_adapter_close(place);
}

/* Under the adapter's lock. */
static int ask(struct rh_adapter *place, void *bytes, size_t length, size_t room,
               size_t *ret_length)
{
	const uint8_t *answer;
	uint32_t       answer_length;
	int            r;

	if (!place->rule)
		return 0;
	r = rh_user_ask(place->front, bytes, length, &answer, &answer_length);
	if (r == RH_ERULE)
		return rh_fail(r, "rule %s, at %s: %s", place->name, place->key,
		               rh_rule_why(place->rule));
	if (r == 1 && answer_length > room)
		return rh_fail(RH_EMSGSIZE, "the answer of rule %s, at %s, has %u bytes, there "
		               "is room for %zu", place->name, place->key, answer_length, room);
	if (r == 1) {
		memcpy(bytes, answer, answer_length);
		*ret_length = answer_length;
	}
	return r;
}

EXPORT int rh_rule_run(struct rh_adapter *place, void *bytes, size_t length, size_t room,
                       size_t *ret_length)
{
	uint64_t began;
	int      r;

	if (length > RH_RULE_BYTES_MAX)
		return rh_fail(RH_EMSGSIZE, "a question has at most %u bytes, this one has %zu",
		               RH_RULE_BYTES_MAX, length);
	began = rh_adapter_begin(place);
	r = ask(place, bytes, length, room, ret_length);
	rh_adapter_end(place, began);
	return r;
}

EXPORT int rh_rule_name(struct rh_adapter *place, char *name, size_t cap)
{
	return rh_adapter_name(place, name, cap);
}
