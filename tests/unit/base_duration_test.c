/* Durations as people say them. */
#include "../../base/duration.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void it_says_what_a_person_would(void **state)
{
	static const uint64_t ms = 1000000u, s = 1000 * ms;
	const struct {
		uint64_t    ns;
		const char *text;
	} cases[] = {
		{ 0, "0ms" },
		{ 1, "1ms" },
		{ 437 * ms, "437ms" },
		{ 437 * ms + 1, "438ms" },
		{ 999 * ms, "999ms" },
		{ 999 * ms + 1, "1s" },
		{ 1 * s, "1s" },
		{ 9 * s + 1, "10s" },
		{ 60 * s, "1m" },
		{ 61 * s, "1m 1s" },
		{ 3598900 * ms, "59m 59s" },
		{ 3599900 * ms, "1h" },
		{ 3605 * s, "1h 5s" },
		{ 86399 * s, "23h 59m 59s" },
		{ 86400 * s, "24h" },
		{ UINT64_MAX, "5124095h 34m 34s" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char text[RH_DURATION_TEXT_MAX];

		assert_string_equal(rh_duration_text(cases[i].ns, text), cases[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_says_what_a_person_would),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
