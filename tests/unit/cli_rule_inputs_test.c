/* What a rule is tested with, as it is read from a file. */
#include "../../cli/rule_inputs.h"
#include "../../cli/rule_start.h"
#include "../../model/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int read_text(struct rh_rule_inputs *inputs, const char *hook, const char *text,
                     struct rh_diag *diag)
{
	FILE *file = fmemopen((char *)(uintptr_t)text, strlen(text), "r");
	int   err;

	assert_non_null(file);
	*inputs = (struct rh_rule_inputs){ .hook = rh_hook_find(hook) };
	err = rh_rule_inputs_read(inputs, file, "x", diag);
	fclose(file);
	return err;
}

/* Of a field, by its name. */
static uint64_t field(const struct rh_rule_inputs *inputs, size_t i, const char *name)
{
	for (unsigned at = 0; at < inputs->hook->field_count; at++) {
		if (strcmp(inputs->hook->fields[at].name, name) == 0)
			return inputs->items[i].fields[at];
	}
	fail_msg("no field %s", name);
	return 0;
}

static void fields_and_bytes_are_read(void **state)
{
	struct rh_rule_inputs inputs;
	struct rh_diag        diag = { 0 };

	(void)state;
	assert_int_equal(read_text(&inputs, "filter",
		"# nothing\n\n  \n"
		"{\"params\": {\"rate\": \"2\", \"burst\": \"\"}}\n"
		"{\"call\": \"rh_filter_before\", \"function\": \"0xfedcba9876543210\","
		" \"caller\": 7, \"text\": \"a\\u0000b\"}\n"
		"{\"call\": \"rh_filter_after\", \"status\": -5, \"hex\": \"00 ff\","
		" \"length\": 9, \"now_ns\": 5}\n"
		"{\"call\": \"rh_filter_before\", \"base64\": \"aGk=\"}", &diag), RH_OK);
	assert_int_equal(inputs.count, 3);
	assert_int_equal(inputs.param_count, 2);
	assert_string_equal(inputs.params[0].name, "rate");
	assert_string_equal(inputs.params[1].value, "");
	assert_int_equal(inputs.items[0].line, 5);
	assert_true(field(&inputs, 0, "function") == 0xfedcba9876543210u);
	assert_int_equal(field(&inputs, 0, "caller"), 7);
	assert_int_equal(field(&inputs, 0, "length"), 3);
	assert_true(field(&inputs, 0, "chosen") == UINT32_MAX); /* any */
	assert_int_equal(field(&inputs, 0, "now_ns"), 1000000);
	assert_memory_equal(inputs.items[0].bytes, "a\0b", 3);
	assert_true(inputs.items[1].args[0] == (uint32_t)-5);
	assert_int_equal(field(&inputs, 1, "length"), 9);
	assert_int_equal(field(&inputs, 1, "visible"), 2);
	assert_int_equal(field(&inputs, 1, "now_ns"), 5);
	assert_memory_equal(inputs.items[1].bytes, "\0\xff", 2);
	assert_int_equal(field(&inputs, 2, "now_ns"), 3000000);
	assert_memory_equal(inputs.items[2].bytes, "hi", 2);
	assert_null(inputs.items[2].expected);
	rh_rule_inputs_fini(&inputs);
}

static void places_of_arrays_are_read(void **state)
{
	static const struct {
		const char *keys, *why;
	} wrong[] = {
		{ "\"tasks\": 5", "tasks must be an object" },
		{ "\"tasks\": {\"1024\": {}}", "\"1024\" is none of its places, 0 to 1023" },
		{ "\"tasks\": {\"x\": {}}", "\"x\" is none of its places" },
		{ "\"tasks\": {\"0\": 1}", "a place must be an object" },
		{ "\"tasks\": {\"0\": {\"wight\": 1}}", "wight is no member of it" },
		{ "\"tasks\": {\"0\": {\"weight\": 4294967296}}", "weight has 32 bits" },
		{ "\"own\": {\"8\": 1}", "\"8\" is none of its places" },
		{ "\"vclock\": \"x\"", "vclock is no integer" },
	};
	struct rh_rule_inputs inputs;
	struct rh_diag        diag = { 0 };

	(void)state;
	assert_int_equal(read_text(&inputs, "sched",
		"{\"call\": \"rh_sched_enqueue\", \"task\": 3, \"vclock\": 7, \"own\": {\"2\": 5},"
		" \"tasks\": {\"3\": {\"weight\": 9, \"own\": {\"1\": -1}}},"
		" \"expect\": {\"tasks\": {\"1023\": {\"queue\": 8}}}}", &diag), RH_OK);
	assert_int_equal(inputs.items[0].places.count, 4);
	for (unsigned i = 0; i < 4; i++) {
		static const struct rh_rule_place wanted[] = {
			{ 24, 8, 7 }, { 40 + 16, 8, 5 }, { 192 + 3 * 128 + 104, 4, 9 },
			{ 192 + 3 * 128 + 88, 8, UINT64_MAX },
		};

		assert_int_equal(inputs.items[0].places.items[i].offset, wanted[i].offset);
		assert_int_equal(inputs.items[0].places.items[i].bytes, wanted[i].bytes);
		assert_true(inputs.items[0].places.items[i].value == wanted[i].value);
	}
	assert_int_equal(inputs.items[0].expected->places.count, 1);
	assert_int_equal(inputs.items[0].expected->places.items[0].offset,
	                 192 + 1023 * 128 + 112);
	rh_rule_inputs_fini(&inputs);
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		char text[200];

		snprintf(text, sizeof text, "{\"call\": \"rh_sched_enqueue\", %s}",
		         wrong[i].keys);
		assert_int_equal(read_text(&inputs, "sched", text, &diag), RH_EINVAL);
		if (!strstr(diag.text, wrong[i].why))
			fail_msg("%s: %s", wrong[i].keys, diag.text);
		rh_rule_inputs_fini(&inputs);
	}
}

static void a_name_may_be_both_parameter_and_field(void **state)
{
	struct rh_rule_inputs inputs;
	struct rh_diag        diag = { 0 };

	(void)state;
	assert_int_equal(read_text(&inputs, "cache",
		"{\"call\": \"rh_cache_begin\", \"capacity\": 4}\n"
		"{\"call\": \"rh_cache_insert\", \"key\": -1, \"slot\": 3, \"used\": 3,"
		" \"expect\": {\"result\": -1}}\n", &diag), RH_OK);
	assert_int_equal(inputs.items[0].args[0], 4);
	assert_int_equal(field(&inputs, 0, "capacity"), 4);
	assert_int_equal(inputs.items[1].args[0], 3);
	assert_true(inputs.items[1].args[1] == UINT64_MAX);
	assert_true(inputs.items[1].expected->result == UINT32_MAX);
	rh_rule_inputs_fini(&inputs);
}

static void what_is_expected_is_read(void **state)
{
	struct rh_rule_inputs inputs;
	struct rh_diag        diag = { 0 };

	(void)state;
	assert_int_equal(read_text(&inputs, "filter",
		"{\"call\": \"rh_filter_before\", \"expect\": {\"result\": 3, \"error\": 11,"
		" \"length\": 2, \"text\": \"ab\"}}\n"
		"{\"call\": \"rh_filter_before\", \"expect\": {\"fails\": \"timeout\"}}\n",
		&diag), RH_OK);
	const struct rh_rule_expected *expected = inputs.items[0].expected;
	assert_true(expected->has_result);
	assert_int_equal(expected->result, 3);
	assert_int_equal(__builtin_popcount(expected->mask), 2);
	assert_int_equal(expected->len, 2);
	assert_int_equal(expected->fails, -1);
	assert_int_equal(inputs.items[1].expected->fails, RH_FAILED_TIMEOUT);
	rh_rule_inputs_fini(&inputs);
}

static void other_places_of_bytes_are_texts(void **state)
{
	struct rh_rule_inputs inputs;
	struct rh_diag        diag = { 0 };
	char                  whole[64] = "next";

	(void)state;
	assert_int_equal(read_text(&inputs, "event",
		"{\"call\": \"rh_event_see\", \"name\": \"door\", \"text\": \"open\","
		" \"expect\": {\"emit_name\": \"next\"}}\n"
		"{\"call\": \"rh_event_see\"}\n", &diag), RH_OK);
	unsigned name = 0;
	while (strcmp(inputs.hook->fields[name].name, "name") != 0)
		name++;
	assert_string_equal(inputs.items[0].texts[name], "door");
	assert_null(inputs.items[0].texts[name + 1]);
	assert_null(inputs.items[1].texts);
	assert_int_equal(field(&inputs, 0, "length"), 4);
	const struct rh_rule_expected *expected = inputs.items[0].expected;
	unsigned emitted = (unsigned)__builtin_ctz(expected->mask);
	assert_string_equal(inputs.hook->fields[emitted].name, "emit_name");
	assert_true(expected->fields[emitted] == rh_rule_hash(whole, sizeof whole));
	rh_rule_inputs_fini(&inputs);
	assert_int_equal(read_text(&inputs, "event", "{\"call\": \"rh_event_see\", \"name\": 3}",
	                           &diag), RH_EINVAL);
	assert_non_null(strstr(diag.text, "name must be a string"));
	rh_rule_inputs_fini(&inputs);
	assert_int_equal(read_text(&inputs, "event", "{\"call\": \"rh_event_see\", \"name\": \""
		"12345678901234567890123456789012345678901234567890123456789012345\"}", &diag),
		RH_EINVAL);
	assert_non_null(strstr(diag.text, "name has room for 64 bytes"));
	rh_rule_inputs_fini(&inputs);
	assert_int_equal(read_text(&inputs, "transform", "{\"call\": \"rh_transform_run\","
	                           " \"text\": \"abc\"}", &diag), RH_OK);
	assert_int_equal(inputs.items[0].args[0], 3);
	assert_int_equal(field(&inputs, 0, "total"), 3);
	rh_rule_inputs_fini(&inputs);
}

static void what_is_wrong_is_told_with_its_place(void **state)
{
#define BEFORE "{\"call\": \"rh_filter_before\""
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "{", "x:1: column " },
		{ "\n[]", "x:2: is no JSON object" },
		{ "{}", "x:1: says no \"call\"" },
		{ "{\"call\": \"rh_init\"}", "rh_init is no function of hook filter, such as "
		  "rh_filter_before" },
		{ BEFORE ", \"slot\": 1}", "x:1: slot is no parameter of rh_filter_before and no "
		  "field of hook filter: now_ns, " },
		{ BEFORE ", \"caller\": \"7x\"}", "caller is no integer" },
		{ BEFORE ", \"caller\": 1.5}", "caller is no integer" },
		{ BEFORE ", \"length\": 4294967296}", "length has 32 bits" },
		{ BEFORE ", \"length\": -2147483649}", "length has 32 bits" },
		{ BEFORE ", \"caller\": 1, \"caller\": 2}", "duplicate" },
		{ BEFORE ", \"hex\": \"0\"}", "this is no text of hexadecimal digits" },
		{ BEFORE ", \"hex\": \"zz\"}", "this is no text of hexadecimal digits" },
		{ BEFORE ", \"base64\": \"a\"}", "this is no base64" },
		{ BEFORE ", \"base64\": \"\", \"text\": \"\"}", "the bytes are said twice" },
		{ BEFORE ", \"bytes\": \"a\"}", "bytes is no parameter" },
		{ BEFORE ", \"expect\": 1}", "expect must be an object" },
		{ BEFORE ", \"expect\": {\"caller\": 1}}", "caller is none of result, fails" },
		{ BEFORE ", \"expect\": {\"fails\": \"resting\"}}", "is one of trap" },
		{ "{\"params\": {\"a\": 1}}", "params: a: a name has" },
		{ "{\"params\": {}, \"call\": \"x\"}", "alone on its line" },
		{ BEFORE "}\n{\"params\": {}}", "x:2: params come once" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct rh_rule_inputs inputs;
		struct rh_diag        diag = { 0 };

		assert_int_equal(read_text(&inputs, "filter", cases[i].text, &diag), RH_EINVAL);
		if (!strstr(diag.text, cases[i].why))
			fail_msg("%s: %s", cases[i].text, diag.text);
		rh_rule_inputs_fini(&inputs);
	}
}

static void bytes_beyond_the_buffer_are_refused(void **state)
{
	struct rh_rule_inputs inputs;
	struct rh_diag        diag = { 0 };
	size_t                len = rh_hook_find("filter")->state_bytes;
	char                 *text = malloc(len + 64);

	(void)state;
	for (size_t more = 0; more < 2; more++) {
		int used = sprintf(text, BEFORE ", \"text\": \"");

		memset(text + used, 'a', len + more);
		strcpy(text + (size_t)used + len + more, "\"}");
		assert_int_equal(read_text(&inputs, "filter", text, &diag),
		                 more ? RH_EINVAL : RH_OK);
		rh_rule_inputs_fini(&inputs);
	}
	free(text);
}

static void a_new_rule_has_inputs_for_every_hook(void **state)
{
	(void)state;
	for (unsigned i = 0; i < rh_hook_count; i++) {
		struct rh_rule_inputs inputs = { .hook = &rh_hooks[i] };
		struct rh_diag        diag = { 0 };
		char                 *text = NULL;
		size_t                len = 0;
		if (rh_hooks[i].is_ebpf)
			continue; /* the kernel calls it */
		FILE *file = open_memstream(&text, &len);

		rh_rule_start_inputs(&rh_hooks[i], file);
		fclose(file);
		if (read_text(&inputs, rh_hooks[i].name, text, &diag) < 0)
			fail_msg("%s", diag.text);
		assert_true(inputs.count > 0);
		rh_rule_inputs_fini(&inputs);
		free(text);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_and_bytes_are_read),
		cmocka_unit_test(places_of_arrays_are_read),
		cmocka_unit_test(a_name_may_be_both_parameter_and_field),
		cmocka_unit_test(what_is_expected_is_read),
		cmocka_unit_test(other_places_of_bytes_are_texts),
		cmocka_unit_test(what_is_wrong_is_told_with_its_place),
		cmocka_unit_test(bytes_beyond_the_buffer_are_refused),
		cmocka_unit_test(a_new_rule_has_inputs_for_every_hook),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
