/* @NAME@ - a filter: every call of an edge, before it leaves and when it ended. */
#include <rhodes/hook/filter.h>

RH_RULE(filter);

int32_t rh_filter_before(void)
{
	return RH_FILTER_ALLOW;
}
