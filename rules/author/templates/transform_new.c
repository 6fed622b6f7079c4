/* @NAME@ - a transform: the arguments of a call before they leave, and its reply before the
 * program gets it. */
#include <rhodes/hook/transform.h>

RH_RULE(transform);

/* What is in rh_transform.bytes may be changed; then the new length is returned. */
int32_t rh_transform_run(int32_t length)
{
	(void)length;
	return (int32_t)RH_TRANSFORM_SAME;
}
