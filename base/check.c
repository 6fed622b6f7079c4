#include "../model/check.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void rh_check_failed(const char *text, const char *file, int line)
{
	fprintf(stderr, "rhodes: bug: %s does not hold at %s:%d\n", text, file, line);
	abort();
}
