/* What a table says of an agent. */
#include "../../cli/show.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void agents(void **state)
{
	static const struct {
		const char   *json;
		const char   *text;
		enum rh_style style;
	} cases[] = {
		{ "{}", "", RH_PLAIN },
		{ "{\"stalled\":false,\"wireVersion\":1}", "", RH_PLAIN },
		{ "{\"lag\":0,\"source\":\"live\",\"unsettled\":[]}", "up to date", RH_GOOD },
		{ "{\"lag\":3,\"source\":\"live\",\"unsettled\":[]}", "3 behind", RH_PLAIN },
		{ "{\"lag\":0,\"source\":\"cache\",\"unsettled\":[]}", "not heard yet",
		  RH_PLAIN },
		{ "{\"lag\":0,\"source\":\"live\",\"unsettled\":[{\"state\":\"staged\"}]}",
		  "1 on the way", RH_PLAIN },
		{ "{\"lag\":5,\"source\":\"live\",\"unsettled\":[{\"state\":\"staged\"},"
		  "{\"state\":\"rejected\"},{\"state\":\"rejected\"}]}", "2 rejected",
		  RH_BAD },
		{ "{\"lag\":5,\"source\":\"live\",\"unsettled\":[{\"state\":\"rejected\"}],"
		  "\"stalled\":true}", "does not read", RH_BAD },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		json_t       *agent = json_loads(cases[i].json, 0, NULL);
		enum rh_style style;
		char          text[64];

		assert_non_null(agent);
		assert_string_equal(rh_show_agent(agent, text, sizeof text, &style),
		                    cases[i].text);
		assert_int_equal(style, cases[i].style);
		json_decref(agent);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(agents) };

	return cmocka_run_group_tests_name("cli_show", tests, NULL, NULL);
}
