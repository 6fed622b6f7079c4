#include "plural.h"

const char *rh_plural(unsigned long long count)
{
	return count == 1 ? "" : "s";
}
