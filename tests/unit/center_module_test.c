/* Modules of rules: what may be published, how sizes and ranges are read, and that a
 * disk that fails leaves nothing behind. */
#include "center_fixture.h"

#include "../../base/clock.h"
#include "../../base/size.h"
#include "../../center/api/request.h"
#include "../../center/codetext.h"
#include "../../center/leftover.h"
#include "../../center/parts.h"
#include "../../model/error.h"
#include "../../rules/hook.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MIB (1u << 20)

static const struct rh_client client = {
	.pid = 1, .uid = 1000, .is_writer = 1, .channel = "unix", .exe = "/bin/test",
};
/* The smallest filter there is: rh_abi, rh_buffer and rh_filter_before. */
static const unsigned char wasm[] = {
	0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x05, 0x01, 0x60,
	0x00, 0x01, 0x7f, 0x03, 0x04, 0x03, 0x00, 0x00, 0x00, 0x05, 0x03, 0x01,
	0x00, 0x02, 0x07, 0x32, 0x04, 0x06, 0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79,
	0x02, 0x00, 0x06, 0x72, 0x68, 0x5f, 0x61, 0x62, 0x69, 0x00, 0x00, 0x09,
	0x72, 0x68, 0x5f, 0x62, 0x75, 0x66, 0x66, 0x65, 0x72, 0x00, 0x01, 0x10,
	0x72, 0x68, 0x5f, 0x66, 0x69, 0x6c, 0x74, 0x65, 0x72, 0x5f, 0x62, 0x65,
	0x66, 0x6f, 0x72, 0x65, 0x00, 0x02, 0x0a, 0x13, 0x03, 0x06, 0x00, 0x41,
	0x81, 0x80, 0x04, 0x0b, 0x05, 0x00, 0x41, 0x80, 0x08, 0x0b, 0x04, 0x00,
	0x41, 0x00, 0x0b,
};

static json_t *parse(const char *text)
{
	char *copy = strdup(text);

	assert_non_null(copy);
	for (char *c = copy; *c; c++) {
		if (*c == '\'')
			*c = '"';
	}
	json_t *json = json_loads(copy, 0, NULL);
	free(copy);
	assert_non_null(json);
	return json;
}

/* ---- shapes ---- */

#define HEX16 "0123456789abcdef"
#define HEX64 HEX16 HEX16 HEX16 HEX16
#define WASM  "'parts':{'wasm':'" HEX64 "'}"
#define BASE  "'hook':'filter','abi':1,'mode':'wasm'"

static void check(const char *text, const char *pointer, const char *words)
{
	struct rh_problem problem = { 0 };
	struct rh_decode  decode = { .problem = &problem };
	json_t           *json = parse(text);
	int               err = rh_shape_module(&decode, json);

	json_decref(json);
	assert_int_equal(decode.len, 0); /* every level was left again */
	if (!words) {
		if (err)
			fail_msg("%s: %s", text, problem.detail);
		return;
	}
	if (err != RH_EINVAL)
		fail_msg("accepted: %s", text);
	if (strcmp(problem.pointer, pointer) != 0 || !strstr(problem.detail, words))
		fail_msg("%s: pointer %s, detail %s", text, problem.pointer, problem.detail);
}

static void what_may_be_published(void **state)
{
	(void)state;
	check("{" BASE "," WASM "}", "", NULL);
	check("{" BASE ",'name':'l-1','memory':'256Mi','capabilities':[],'parts':{'wasm':'"
	      HEX64 "','source':'" HEX64 "'}}", "", NULL);
	check("{'hook':'cache','abi':1,'mode':'native','parts':{'object':'" HEX64 "'}}",
	      "", NULL);
	check("[]", "", "must be an object");
	check("{" BASE "}", "", "\"parts\" is missing");
	check("{'hook':'x','abi':1,'mode':'wasm'," WASM "}", "/hook", "none of ");
	check("{'hook':'filter','abi':65536,'mode':'wasm'," WASM "}", "/abi", "between");
	check("{'hook':'filter','abi':2,'mode':'wasm'," WASM "}", "/abi", "has version 1");
	check("{'hook':'probe','abi':1,'mode':'ebpf'," WASM "}", "/parts", "\"object\"");
	check("{" BASE ",'parts':{'wasm':'" HEX16 "'}}", "/parts/wasm", "SHA-256");
	check("{" BASE ",'parts':{'header':'" HEX64 "'}}", "/parts/header", "unknown key");
	check("{" BASE ",'memory':'0'," WASM "}", "/memory", "not a size");
	check("{" BASE ",'memory':'65537'," WASM "}", "/memory", "a multiple of 64Ki");
	check("{" BASE ",'memory':'257Mi'," WASM "}", "/memory", "at most 256Mi");
	check("{" BASE ",'capabilities':['wasi','stdout']," WASM "}", "", NULL);
	check("{" BASE ",'capabilities':['wasi','disk']," WASM "}", "/capabilities",
	      "\"disk\", which is no capability; there are wasi, clock");
	check("{" BASE ",'capabilities':[7]," WASM "}", "/capabilities", "no capability");
	check("{" BASE ",'capabilities':['args','args']," WASM "}", "/capabilities",
	      "args twice");
	check("{" BASE ",'capabilities':{}," WASM "}", "/capabilities", "an array");
	check("{" BASE ",'format':1," WASM "}", "/format", "unknown key");
}

static void sizes(void **state)
{
	uint64_t bytes = 7;

	(void)state;
	assert_int_equal(rh_size_read("65536", MIB, &bytes), RH_OK);
	assert_int_equal(bytes, 65536);
	assert_int_equal(rh_size_read("64Ki", MIB, &bytes), RH_OK);
	assert_int_equal(bytes, 65536);
	assert_int_equal(rh_size_read("1Mi", MIB, &bytes), RH_OK);
	assert_int_equal(bytes, MIB);
	static const char *const bad[] = {
		"", "Ki", "-1", " 1", "1 Mi", "1M", "1KiB", "1mi", "1025Ki", "2Mi",
		"999999999999Mi", "9999999999999",
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		if (rh_size_read(bad[i], MIB, &bytes) != RH_EINVAL)
			fail_msg("accepted: \"%s\"", bad[i]);
	}
	assert_int_equal(bytes, MIB); /* untouched */
}

static void ranges(void **state)
{
	static const struct {
		const char *header;
		int         result;
		size_t      from, count;
	} cases[] = {
		{ "", 0, 0, 10 }, { "bytes=0-", 1, 0, 10 }, { "bytes=3-", 1, 3, 7 },
		{ "bytes=9-9", 1, 9, 1 }, { "bytes=3-99", 1, 3, 7 }, { "bytes=3-9", 1, 3, 7 },
		{ "bytes=-3", 1, 7, 3 }, { "bytes=-10", 1, 0, 10 }, { "bytes=-11", 1, 0, 10 },
		{ "bytes=10-", RH_EINVAL, 0, 10 }, { "bytes=-0", RH_EINVAL, 0, 10 },
		{ "bytes=5-4", 0, 0, 10 }, { "bytes=-", 0, 0, 10 }, { "bytes=", 0, 0, 10 },
		{ "bytes=1", 0, 0, 10 }, { "bytes=1-2,4-5", 0, 0, 10 }, { "Bytes=1-", 0, 0, 10 },
		{ "bytes=1--2", 0, 0, 10 }, { "bytes=+1-2", 0, 0, 10 },
		{ "bytes=0-18446744073709551615", 0, 0, 10 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		size_t from = 99, count = 99;
		int result = rh_request_range(cases[i].header, 10, &from, &count);

		if (result != cases[i].result || from != cases[i].from ||
		    count != cases[i].count)
			fail_msg("%s: %d, %zu bytes at %zu", cases[i].header, result, count,
			         from);
	}
}

/* ---- the disk ---- */

static int publish(struct rh_center *center, char name[65], int *ret_created)
{
	struct rh_change_options options = {
		.client = &client, .verb = "publish", .expected = RH_CHANGE_ANY,
	};
	struct rh_problem problem = { 0 };
	char              part[65];
	json_t           *answer = NULL, *body;
	int               is_building = 1;

	rh_sha256_hex(wasm, sizeof wasm, part);
	int err = rh_change_module(center, part, wasm, sizeof wasm, &options, &answer,
	                           ret_created, &problem);
	json_decref(answer);
	if (err)
		return err;
	body = json_pack("{s:s, s:i, s:s, s:{s:s}}", "hook", "filter", "abi", 1, "mode",
	                 "wasm", "parts", "wasm", part);
	answer = NULL;
	err = rh_change_publish(center, body, &options, &answer, ret_created, &is_building,
	                        &problem);
	assert_int_equal(is_building, 0); /* without a builder nothing is */
	json_decref(body);
	if (!err)
		memcpy(name, json_string_value(json_object_get(json_object_get(answer,
		       "metadata"), "name")), 65);
	json_decref(answer);
	return err;
}

static void a_full_disk_leaves_nothing(void **state)
{
	struct fixture   *fixture = *state;
	struct rh_center *center = &fixture->center;
	uint64_t          revision = rh_center_revision(center);
	char              name[65], again[65];
	int               is_new;

	rh_store_memory_fail(fixture->store, RH_ENOSPC);
	assert_int_equal(publish(center, name, &is_new), RH_OK);
	assert_int_equal(commit(center), RH_ENOSPC);
	assert_int_equal(rh_center_revision(center), revision);
	assert_int_equal(rh_catalog_count(&center->realm.catalog, RH_OBJECT_MODULE), 0);
	rh_store_memory_fail(fixture->store, RH_OK);
	assert_int_equal(publish(center, name, &is_new), RH_OK);
	assert_int_equal(is_new, 1);
	assert_int_equal(commit(center), RH_OK);
	assert_int_equal(publish(center, again, &is_new), RH_OK);
	assert_int_equal(is_new, 0);
	assert_string_equal(again, name);
	assert_int_equal(center->staged, 0);
	assert_int_equal(remove_object(center, RH_OBJECT_MODULE, name, 1), RH_OK);
	assert_int_equal(rh_catalog_count(&center->realm.catalog, RH_OBJECT_MODULE), 2);
	assert_int_equal(remove_object(center, RH_OBJECT_MODULE, name, 0), RH_OK);
	assert_int_equal(rh_catalog_count(&center->realm.catalog, RH_OBJECT_MODULE), 0);
	rh_store_memory_fail(fixture->store, RH_ENOSPC);
	assert_int_equal(commit(center), RH_ENOSPC);
	assert_int_equal(rh_catalog_count(&center->realm.catalog, RH_OBJECT_MODULE), 2);
	rh_store_memory_fail(fixture->store, RH_OK);
}

/* ---- what nobody names ---- */

static int put_bytes(struct rh_center *center, const char *bytes, char sha256[65])
{
	struct rh_change_options options = {
		.client = &client, .verb = "put", .expected = RH_CHANGE_ANY,
	};
	struct rh_problem problem = { 0 };
	json_t           *answer = NULL;
	int               is_new;

	rh_sha256_hex(bytes, strlen(bytes), sha256);
	int err = rh_change_module(center, sha256, bytes, strlen(bytes), &options, &answer,
	                           &is_new, &problem);
	json_decref(answer);
	return err ? err : commit(center);
}

static size_t count_modules(const struct rh_center *center)
{
	return rh_catalog_count(&center->realm.catalog, RH_OBJECT_MODULE);
}

static void what_nobody_names_for_a_day_goes(void **state)
{
	struct rh_center *center = &((struct fixture *)*state)->center;
	struct rh_store  *store = ((struct fixture *)*state)->store;
	uint64_t          begun = rh_clock_ns(), hour = RH_LEFTOVER_NS / 24;
	char              module[65], left[65];
	int               is_new;

	assert_int_equal(publish(center, module, &is_new), RH_OK);
	assert_int_equal(put_bytes(center, "left", left), RH_OK);
	assert_int_equal(rh_leftovers_sweep(center, begun + 23 * hour), 0);
	assert_int_equal(count_modules(center), 3);
	rh_store_memory_fail(store, RH_ENOSPC);
	assert_int_equal(rh_leftovers_sweep(center, begun + 25 * hour), RH_ENOSPC);
	rh_store_memory_fail(store, RH_OK);
	assert_int_equal(count_modules(center), 3);
	assert_int_equal(rh_leftovers_sweep(center, begun + 25 * hour), 1);
	assert_int_equal(count_modules(center), 2); /* the rule's, and its part */
	assert_null(rh_catalog_find(&center->realm.catalog, RH_OBJECT_MODULE, left));
	assert_int_equal(rh_leftovers_sweep(center, begun + 1000 * hour), 0);
	assert_int_equal(put_bytes(center, "left", left), RH_OK);
	rh_catalog_find(&center->realm.catalog, RH_OBJECT_MODULE, left)->put_ns = 1;
	assert_int_equal(put_bytes(center, "left", left), RH_OK); /* once more: not yet */
	assert_int_equal(rh_leftovers_sweep(center, rh_clock_ns()), 0);
}

/* ---- the texts of rules ---- */

/* The rule for a -> callee, which is named as that one, says so much; that for b comes in a
 * step. */
static int rule_says(struct rh_center *center, const char *module, int number, int is_dry_run,
                     const char *callee)
{
	struct rh_problem problem = { 0 };
	char              text[512];

	snprintf(text, sizeof text, "[{'kind':'Rule','metadata':{'name':'%s'},'spec':{'code':{"
	         "'hook':'filter','edge':['a','%s'],'mode':'wasm','module':'sha256:%s',"
	         "'params':{'n':'%d'}%s}}}]", callee, callee, module, number,
	         strcmp(callee, "b") == 0 ? ",'rollout':{'steps':['100%']}" : "");
	return apply_with(center, text, is_dry_run, &problem, NULL);
}

static void assert_says(const struct rh_code_text *text, int number)
{
	const json_t *params = json_object_get(text->code, "params");
	char          said[16];

	snprintf(said, sizeof said, "%d", number);
	assert_string_equal(json_string_value(json_object_get(params, "n")), said);
}

/* What schedules threads has a text, too. */
static void look_at_sched(void *user, const struct rh_protocol_rule *rule)
{
	assert_string_equal(json_string_value(json_object_get(rule->code->code, "use")), "rr");
	(*(int *)user)++;
}

static int schedule(struct rh_center *center)
{
	struct rh_problem problem = { 0 };

	return apply_with(center, "[{'kind':'Rule','metadata':{'name':'order'},'spec':{'sched':{"
	                  "'resource':'a','use':'rr'}}}]", 0, &problem, NULL);
}

/* ... but those that a table, a roll-out or the way back needs. */
static void what_rules_said_goes_when_nobody_names_it(void **state)
{
	struct rh_center          *center = &((struct fixture *)*state)->center;
	struct rh_store           *store = ((struct fixture *)*state)->store;
	const struct rh_protocols *table = &center->realm.hooks[rh_hook_find("filter") - rh_hooks];
	char                       module[65];
	int                        is_new, scheds = 0;

	assert_int_equal(publish(center, module, &is_new), RH_OK);
	assert_int_equal(commit(center), RH_OK);
	assert_int_equal(rule_says(center, module, 7, 0, "quiet"), RH_OK);
	assert_int_equal(schedule(center), RH_OK);
	assert_int_equal(commit(center), RH_OK);
	for (int i = 0; i < 2000; i++) {
		assert_int_equal(rule_says(center, module, i, 0, "b"), RH_OK);
		assert_int_equal(rule_says(center, module, -i, 1, "b"), RH_OK);
		assert_int_equal(commit(center), RH_OK);
		assert_says(rh_protocols_holder(table, "a", "b")->code, i);
		if (rh_code_texts_count() > 200)
			fail_msg("%zu texts after %d applies", rh_code_texts_count(), i);
	}
	const struct rh_rollout *rollout = rh_rollouts_find(&center->realm.rollouts, "b");
	assert_says(rollout->now.code, 1999);
	assert_says(rh_protocols_holder(table, "a", "quiet")->code, 7);
	rh_protocols_own(&center->realm.scheds, "a", look_at_sched, &scheds);
	assert_int_equal(scheds, 1);
	rh_store_memory_fail(store, RH_ENOSPC);
	assert_int_equal(rule_says(center, module, 2000, 0, "b"), RH_OK);
	assert_int_equal(commit(center), RH_ENOSPC);
	assert_says(rh_protocols_holder(table, "a", "b")->code, 1999);
	rh_store_memory_fail(store, RH_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_may_be_published), cmocka_unit_test(sizes),
		cmocka_unit_test(ranges),
		cmocka_unit_test_setup_teardown(a_full_disk_leaves_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_nobody_names_for_a_day_goes, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(what_rules_said_goes_when_nobody_names_it,
		                                set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
