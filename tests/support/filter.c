/* filter - CMOCKA_TEST_FILTER: which cases of a test run, a name with * and ?.  Cmocka 1.1
 * has that as a function alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void __attribute__((constructor)) choose(void)
{
	const char *wanted = getenv("CMOCKA_TEST_FILTER");

	if (wanted)
		cmocka_set_test_filter(wanted);
}
