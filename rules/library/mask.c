/* mask - a transform: digits that may be the number of a card or an account are not
 * carried in replies.
 *
 * Of every run of at least `least` digits all but the last four become #.
 *
 * params  least  digits of the shortest run that is masked (12) */
#include <rhodes/hook/transform.h>

#define KEPT 4

RH_RULE(transform);

static uint32_t least;

int32_t rh_init(void)
{
	least = (uint32_t)RH_PARAM_NUMBER("least", 12);
	return least <= KEPT || least > 64;
}

static uint32_t is_digit(uint8_t byte)
{
	return byte >= '0' && byte <= '9';
}

int32_t rh_transform_run(int32_t length)
{
	uint8_t *bytes = rh_transform.bytes;
	uint32_t end = (uint32_t)length, masked = 0;

	if (rh_transform.kind != RH_TRANSFORM_REPLY)
		return (int32_t)RH_TRANSFORM_SAME;
	for (uint32_t i = 0, run; i < end; i += run + 1) {
		for (run = 0; i + run < end && is_digit(bytes[i + run]); run++)
			;
		for (uint32_t j = 0; run >= least && j < run - KEPT; j++, masked++)
			bytes[i + j] = '#';
	}
	return masked ? length : (int32_t)RH_TRANSFORM_SAME;
}
