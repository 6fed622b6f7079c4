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

static json_t *rule_with(const char *condition)
{
	return json_pack("{s:{s:[o]}}", "status", "conditions",
	                 json_loads(condition, 0, NULL));
}

static void rules(void **state)
{
	static const struct {
		const char   *condition, *text;
		enum rh_style style;
	} cases[] = {
		{ "{\"type\":\"Active\",\"status\":\"True\",\"reason\":\"InForce\","
		  "\"active\":2,\"total\":2}", "Active 2 of 2", RH_GOOD },
		{ "{\"type\":\"Active\",\"status\":\"False\",\"reason\":\"Rejected\","
		  "\"active\":1,\"total\":2}", "Rejected 1 of 2", RH_BAD },
		{ "{\"type\":\"Active\",\"status\":\"False\",\"reason\":\"Expired\"}",
		  "Expired", RH_BAD },
		{ "{\"type\":\"Other\",\"status\":\"True\",\"reason\":\"Ready\"}",
		  NULL, RH_BAD },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		json_t       *rule = rule_with(cases[i].condition);
		enum rh_style style;
		char          text[64];
		const char   *said = rh_show_in_force(rule, text, sizeof text, &style);

		if (cases[i].text)
			assert_string_equal(said, cases[i].text);
		else
			assert_null(said);
		assert_int_equal(style, cases[i].style);
		json_decref(rule);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(agents),
	                                    cmocka_unit_test(rules) };

	return cmocka_run_group_tests_name("cli_show", tests, NULL, NULL);
}
