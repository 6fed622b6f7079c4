/* flaky - a filter that makes calls fail now and then, to see what others make of it.
 *
 * params  permille  how many of 1000 calls (20)
 *         error     their errno (5, EIO) */
#include <rhodes/hook/filter.h>

RH_RULE(filter);

static uint64_t permille, error;

int32_t rh_init(void)
{
	permille = RH_PARAM_NUMBER("permille", 20);
	error = RH_PARAM_NUMBER("error", 5);
	return permille > 1000 || error > 4095;
}

int32_t rh_filter_before(void)
{
	if (rh_random() % 1000 >= permille)
		return RH_FILTER_ALLOW;
	rh_filter.error = (uint32_t)error;
	return RH_FILTER_DENY;
}
