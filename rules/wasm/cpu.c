#include "cpu.h"

#include <sys/auxv.h>

#define HAS_FSGSBASE 2ul /* HWCAP2 of x86-64 */

bool rh_cpu_has_gs(void)
{
#ifdef __x86_64__
	return getauxval(AT_HWCAP2) & HAS_FSGSBASE;
#else
	return false;
#endif
}

bool rh_cpu_has_rules(void)
{
#ifdef __x86_64__
	return true;
#else
	return false;
#endif
}
