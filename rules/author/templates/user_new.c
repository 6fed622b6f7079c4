/* @NAME@ - what a program asks at a place of its own: the key of the rule names it. */
#include <rhodes/hook/user.h>

RH_RULE(user);

/* The question is in rh_user.bytes, and so is the answer. */
int32_t rh_user_run(int32_t length)
{
	(void)length;
	return (int32_t)RH_USER_DEFAULT;
}
