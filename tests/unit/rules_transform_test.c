/* A message on its way through a rule of hook `transform`, and the rules that come with
 * Rhodes, each as native code and as WebAssembly. */
#include "rules_three.h"

#include "../../model/error.h"
#include "../../rules/hook.h"
#include "../../rules/transform_call.h"

#include <rhodes/hook/transform_layout.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { DOUBLE, HALVE, UPPER, LIE, TRAP, GROW }; /* tests/support/editor.c */

#define PART   65536u
#define INPUTS 1000000

static struct rh_transform transform;

static void load(int how)
{
	char                  text[2] = { (char)('0' + how), 0 };
	struct rh_rule_param  param = { "how", text };
	struct rh_rule_source source = {
		.hook = rh_hook_find("transform"), .mode = RH_RULE_WASM, .params = &param,
		.param_count = 1,
	};
	size_t                len;
	uint8_t              *module = fixture_read(EDITOR ".wasm", &len);
	struct rh_build       job = {
		.hook = source.hook, .module = module, .module_bytes = len,
	};
	struct rh_built       built = { .fd = -1 };
	struct rh_diag        diag = { 0 };
	struct rh_rule       *rule;

	assert_int_equal(rh_build_run(&job, &built, &diag), RH_OK);
	free(module);
	source.object_fd = built.fd;
	if (rh_rule_load(&source, &rule, &diag) < 0)
		fail_msg("%s", diag.text);
	close(built.fd);
	rh_transform_init(&transform, rule, RH_POLICY_FAIL_OPEN);
}

static void unload(void)
{
	rh_rule_destroy(transform.rule);
	rh_transform_fini(&transform);
}

static struct rh_transform_message message_of(const void *bytes, uint32_t length)
{
	return (struct rh_transform_message){ .bytes = bytes, .length = length };
}

static void a_message_may_become_longer_or_shorter(void **state)
{
	struct rh_transform_message message = message_of("some", 4);
	bool                        failed;

	(void)state;
	load(DOUBLE);
	assert_int_equal(rh_transform_run(&transform, &message, &failed), 1);
	assert_int_equal(message.length, 8);
	assert_memory_equal(message.bytes, "somesome", 8);
	message = message_of("", 0);
	assert_int_equal(rh_transform_run(&transform, &message, &failed), 1);
	assert_int_equal(message.length, 0);
	unload();
	load(HALVE);
	message = message_of("some", 4);
	assert_int_equal(rh_transform_run(&transform, &message, &failed), 1);
	assert_memory_equal(message.bytes, "so", message.length);
	assert_false(failed);
	unload();
}

static void what_is_left_alone_is_not_copied(void **state)
{
	struct rh_transform_message message = message_of("some", 4);
	bool                        failed;

	(void)state;
	load(UPPER);
	message.is_reply = true;
	assert_int_equal(rh_transform_run(&transform, &message, &failed), 0);
	assert_null(transform.whole);
	message.is_reply = false;
	assert_int_equal(rh_transform_run(&transform, &message, &failed), 1);
	assert_memory_equal(message.bytes, "SOME", 4);
	unload();
}

static void a_long_message_goes_part_by_part(void **state)
{
	static uint8_t              bytes[3 * PART + 100];
	struct rh_transform_message message = message_of(bytes, sizeof bytes);
	bool                        failed;

	(void)state;
	memset(bytes, 'x', sizeof bytes);
	load(UPPER);
	assert_int_equal(rh_transform_run(&transform, &message, &failed), 1);
	assert_int_equal(message.length, sizeof bytes);
	for (uint32_t i = 0; i < message.length; i++)
		assert_int_equal(((const uint8_t *)message.bytes)[i], 'X');
	unload();
}

/* Fails as that says, with each policy: the message as it was, or not at all. */
static void fails(int how, uint32_t length, enum rh_rule_failure kind)
{
	static uint8_t              bytes[2 * PART];
	struct rh_transform_message message = message_of(bytes, length);
	bool                        failed = false;

	memset(bytes, 'x', sizeof bytes);
	load(how);
	assert_int_equal(rh_transform_run(&transform, &message, &failed), 0);
	assert_true(failed && message.bytes == bytes && message.length == length);
	assert_int_equal(rh_rule_counters(transform.rule)->failures[kind], 1);
	transform.policy = RH_POLICY_FAIL_CLOSED;
	assert_int_equal(rh_transform_run(&transform, &message, &failed), RH_ERULE);
	assert_true(failed);
	unload();
}

static void a_failure_leaves_the_message_whole(void **state)
{
	(void)state;
	fails(LIE, 10, RH_FAILED_VALUE);
	fails(TRAP, 2 * PART, RH_FAILED_TRAP);
	fails(GROW, 2 * PART, RH_FAILED_VALUE); /* one part of two became shorter */
	fails(DOUBLE, PART, RH_FAILED_TRAP);    /* behind its buffer, and its memory */
}

static void a_message_beyond_the_limit_is_a_failure(void **state)
{
	uint8_t                    *bytes = calloc(1, RH_TRANSFORM_MESSAGE_MAX + 1);
	struct rh_transform_message message = message_of(bytes, RH_TRANSFORM_MESSAGE_MAX + 1);
	bool                        failed;

	(void)state;
	load(UPPER);
	transform.policy = RH_POLICY_FAIL_CLOSED;
	assert_int_equal(rh_transform_run(&transform, &message, &failed), RH_ERULE);
	unload();
	free(bytes);
}

/* ---- those that come with Rhodes ---- */

#define AT(field) offsetof(struct rh_transform_buffer, field)

static void put(struct three *three, uint32_t kind, const void *bytes, uint32_t length)
{
	three_put(three, AT(kind), &kind, sizeof kind);
	three_put(three, AT(bytes), bytes, length);
}

static void is_made(struct three *three, uint32_t kind, const char *bytes,
                    const char *becomes)
{
	uint32_t length = (uint32_t)strlen(bytes), said;

	put(three, kind, bytes, length);
	said = three_call(three, RH_SLOT_TRANSFORM_RUN, length, 0);
	three_compare(three, AT(bytes), length);
	assert_int_equal(said, becomes ? length : RH_TRANSFORM_SAME);
	if (becomes)
		assert_memory_equal((uint8_t *)rh_rule_buffer(three->rules[0]) + AT(bytes),
		                    becomes, length);
}

static void redact_blanks_a_pattern(void **state)
{
	struct three three;

	(void)state;
	three_params((struct rh_rule_param[]){ { "pattern", "aab" }, { "with", "-" },
	                                       { "where", "calls" }, { 0 } });
	three_load(&three, "redact", "transform");
	is_made(&three, RH_TRANSFORM_CALL, "aab, aaab and aa", "---, a--- and aa");
	is_made(&three, RH_TRANSFORM_CALL, "nothing here: aa", NULL);
	is_made(&three, RH_TRANSFORM_CALL, "aa", NULL);
	is_made(&three, RH_TRANSFORM_REPLY, "aab", NULL);
	three_unload(&three);
}

static void mask_hides_long_numbers(void **state)
{
	struct three three;

	(void)state;
	three_params(NULL);
	three_load(&three, "mask", "transform");
	is_made(&three, RH_TRANSFORM_REPLY, "card 4111111111111111, 12 Euros",
	        "card ############1111, 12 Euros");
	is_made(&three, RH_TRANSFORM_REPLY, "12345678901 is short", NULL);
	is_made(&three, RH_TRANSFORM_REPLY, "123456789012", "########9012");
	is_made(&three, RH_TRANSFORM_CALL, "4111111111111111", NULL);
	three_unload(&three);
}

/* Bytes of a few kinds, so that there is something to find. */
static void decides_alike(const char *name)
{
	struct three three;
	uint64_t     random = 17;
	uint32_t     changed = 0;

	if (!three_wants(name))
		return;
	three_load(&three, name, "transform");
	for (int n = 0; n < INPUTS; n++) {
		uint8_t  bytes[120];
		uint32_t length = (uint32_t)(three_random(&random) % sizeof bytes);

		for (uint32_t i = 0; i < length; i++)
			bytes[i] = (uint8_t)"ab0123456789"[three_random(&random) %
			                                   (n % 2 ? 12 : 2)];
		put(&three, (uint32_t)n / 2 % 2, bytes, length);
		changed += three_call(&three, RH_SLOT_TRANSFORM_RUN, length, 0) == length;
		three_compare(&three, AT(bytes), length);
	}
	assert_in_range(changed, INPUTS / 50, INPUTS - INPUTS / 50);
	three_unload(&three);
}

static void transforms_decide_alike(void **state)
{
	(void)state;
	three_params((struct rh_rule_param[]){ { "pattern", "aab" }, { 0 } });
	decides_alike("redact");
	three_params((struct rh_rule_param[]){ { "least", "8" }, { 0 } });
	decides_alike("mask");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_may_become_longer_or_shorter),
		cmocka_unit_test(what_is_left_alone_is_not_copied),
		cmocka_unit_test(a_long_message_goes_part_by_part),
		cmocka_unit_test(a_failure_leaves_the_message_whole),
		cmocka_unit_test(a_message_beyond_the_limit_is_a_failure),
		cmocka_unit_test(redact_blanks_a_pattern),
		cmocka_unit_test(mask_hides_long_numbers),
		cmocka_unit_test(transforms_decide_alike),
	};

	if (!three_has_tools())
		return 77;
	return cmocka_run_group_tests_name("rules_transform", tests, NULL, NULL);
}
