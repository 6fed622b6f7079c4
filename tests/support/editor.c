/* editor - a rule of hook `transform` that does what its parameter says. */
#include <rhodes/hook/transform.h>

RH_RULE(transform);

enum { DOUBLE, HALVE, UPPER, LIE, TRAP, GROW };

static uint64_t how;

int32_t rh_init(void)
{
	how = RH_PARAM_NUMBER("how", DOUBLE);
	return 0;
}

static int32_t upper(int32_t length)
{
	for (int32_t i = 0; i < length; i++)
		if (rh_transform.bytes[i] >= 'a' && rh_transform.bytes[i] <= 'z')
			rh_transform.bytes[i] -= 32;
	return length;
}

int32_t rh_transform_run(int32_t length)
{
	switch (how) {
	case DOUBLE:
		__builtin_memcpy(rh_transform.bytes + length, rh_transform.bytes,
		                 (size_t)length);
		return 2 * length;
	case HALVE:
		return length / 2;
	case UPPER: /* replies stay */
		return rh_transform.kind == RH_TRANSFORM_CALL ? upper(length) :
		                                                (int32_t)RH_TRANSFORM_SAME;
	case LIE:
		return 70000;
	case TRAP: /* in the second part */
		if (rh_transform.at > 0)
			__builtin_trap();
		return upper(length);
	default:
		return rh_transform.at > 0 ? length - 1 : upper(length);
	}
}
