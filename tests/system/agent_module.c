/* Modules of rules come from the center, part by part; and what becomes of one that does
 * not come, or not as it was signed, and of one that the disk cannot keep. */
#include "code_kit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct kit_agent   agent;
static struct code_module module;
static struct code_rule   rule;
static uint64_t           revision;

static const struct kit_edge edges[] = {
	{ "file", "magic", "shm", RH_OK, NULL }, { "file", "disk", "shm", RH_OK, NULL },
};
static unsigned edge_count;

static void put_rule(struct rh_record_writer *writer, const struct kit_edge *edge)
{
	(void)edge;
	code_put(writer, &rule);
}

static int set_up(void **state)
{
	if (code_open(state) < 0)
		return -1;
	code_make(&module, "filter", "native");
	rule = (struct code_rule){
		"guard", 1, "filter", module.sha256, "native", "keep-last", { NULL },
	};
	revision = 0;
	edge_count = 1;
	kit_edge_more = put_rule;
	kit_agent_start(&agent, "file");
	return 0;
}

static int tear_down(void **state)
{
	free(module.object);
	return code_close(state);
}

static void want(void)
{
	kit_apply(&agent, ++revision, "", edges, edge_count);
}

/* The center went and came. */
static void come_again(void)
{
	close(agent.center);
	kit_center_accept(&agent);
	want();
}

static void expect_active(const struct code_module *of)
{
	if (code_await(&agent, of, "magic", revision) != RH_ITEM_ACTIVE)
		fail_msg("rejected: %s", kit_text);
}

static void expect_rejected(const struct code_module *of, const char *why)
{
	assert_int_equal(code_await(&agent, of, "magic", revision), RH_ITEM_REJECTED);
	if (!strstr(kit_text, why))
		fail_msg("rejected, but not as \"%s\": %s", why, kit_text);
}

/* Rejected; what is sent again, is tried again. */
static void expect_another_try(void)
{
	want();
	expect_active(&module);
}

/* ---- parts ---------------------------------------------------------------- */

static void it_comes_in_parts(void **unused)
{
	uint32_t offset = 0;

	(void)unused;
	want();
	code_expect_get(&agent, module.sha256, 0);
	code_give(&agent, &module, module.sha256, 0);
	for (; offset < module.object_len; offset += CODE_PART) {
		code_expect_get(&agent, module.object_sha256, offset);
		code_give(&agent, &module, module.object_sha256, offset);
	}
	expect_active(NULL); /* nothing more is asked for */
}

/* Parts may be as short as the center likes. */
static void parts_may_be_short(void **unused)
{
	size_t len = strlen(module.manifest);

	(void)unused;
	want();
	for (uint32_t at = 0; at < len; at++) {
		code_expect_get(&agent, module.sha256, at);
		code_give_as(&agent, module.sha256, at, len, module.manifest + at, 1,
		             at == 0 ? module.signature : NULL);
	}
	code_expect_get(&agent, module.object_sha256, 0);
	code_give(&agent, &module, module.object_sha256, 0);
	expect_active(&module);
}

static void a_cut_fetch_goes_on_where_it_was(void **unused)
{
	(void)unused;
	want();
	code_expect_get(&agent, module.sha256, 0);
	code_give(&agent, &module, module.sha256, 0);
	code_expect_get(&agent, module.object_sha256, 0);
	code_give(&agent, &module, module.object_sha256, 0);
	code_expect_get(&agent, module.object_sha256, CODE_PART);
	come_again();
	code_expect_get(&agent, module.object_sha256, CODE_PART);
	code_give(&agent, &module, module.object_sha256, CODE_PART);
	expect_active(&module);
}

static void what_is_on_the_disk_is_not_fetched(void **unused)
{
	(void)unused;
	want();
	expect_active(&module);
	kit_agent_kill(&agent, SIGKILL);
	kit_agent_start(&agent, "file");
	rule.revision = 2;
	want();
	expect_active(NULL);
}

/* Both edges have it when it came once. */
static void two_edges_share_it(void **unused)
{
	(void)unused;
	edge_count = 2;
	want();
	code_expect_get(&agent, module.sha256, 0);
	code_give(&agent, &module, module.sha256, 0);
	for (uint32_t at = 0; at < module.object_len; at += CODE_PART) {
		code_expect_get(&agent, module.object_sha256, at);
		code_give(&agent, &module, module.object_sha256, at);
	}
	expect_active(NULL);
	rule.params[0] = "mark=65"; /* another generation: nothing is fetched */
	want();
	assert_int_equal(code_await(&agent, NULL, "disk", revision), RH_ITEM_ACTIVE);
}

static struct code_rule disk_rule;

static void put_either(struct rh_record_writer *writer, const struct kit_edge *edge)
{
	code_put(writer, strcmp(edge->callee, "disk") == 0 ? &disk_rule : &rule);
}

/* One that the center does not answer for keeps none waiting that is here, also when the
 * agent begins without a center; and three that are not here come one after the other. */
static void what_is_missing_blocks_no_other(void **unused)
{
	struct code_module other;

	(void)unused;
	want();
	expect_active(&module);
	kit_agent_kill(&agent, SIGKILL);
	kit_agent_start(&agent, "file");
	code_make_of(&other, "{\"hook\": \"filter\", \"mode\": \"native\", \"parts\": {}}");
	disk_rule = rule;
	disk_rule.module = other.sha256;
	kit_edge_more = put_either;
	edge_count = 2;
	rule.revision = 2;
	want();
	code_expect_get(&agent, other.sha256, 0);
	expect_active(NULL);
	rule.params[0] = "mark=65"; /* here, and wanted while the other is fetched */
	want();
	expect_active(NULL);
	code_give(&agent, &other, other.sha256, 0);
	assert_int_equal(code_await(&agent, NULL, "disk", revision), RH_ITEM_REJECTED);
	kit_edge_more = put_rule;
}

/* Two that are not here, and no disk: each comes whole, and then the other. */
static void two_that_are_missing_come_one_by_one(void **unused)
{
	struct code_module other;
	char               path[512], text[600];
	int                fd;

	(void)unused;
	snprintf(path, sizeof path, "%s/modules", kit_state_dir);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	snprintf(text, sizeof text, "{\"hook\": \"filter\", \"mode\": \"native\", \"parts\": "
	         "{\"object\": {\"sha256\": \"%s\"}}, \"other\": 1}", module.object_sha256);
	code_make_of(&other, text);
	disk_rule = rule;
	disk_rule.module = other.sha256;
	kit_edge_more = put_either;
	edge_count = 2;
	want();
	code_expect_get(&agent, other.sha256, 0);
	code_give(&agent, &other, other.sha256, 0);
	for (uint32_t at = 0; at < module.object_len; at += CODE_PART) {
		code_expect_get(&agent, module.object_sha256, at);
		code_give(&agent, &module, module.object_sha256, at);
	}
	expect_active(&module);
	kit_edge_more = put_rule;
}

/* ---- lies ----------------------------------------------------------------- */

/* Answers all that is wanted, the object with other bytes. */
static void give_damaged(void)
{
	unsigned char kept = module.object[100000];

	code_expect_get(&agent, module.sha256, 0);
	code_give(&agent, &module, module.sha256, 0);
	module.object[100000] ^= 1;
	for (uint32_t at = 0; at < module.object_len; at += CODE_PART) {
		code_expect_get(&agent, module.object_sha256, at);
		code_give(&agent, &module, module.object_sha256, at);
	}
	module.object[100000] = kept;
}

static void other_bytes_are_refused(void **unused)
{
	(void)unused;
	want();
	give_damaged();
	expect_rejected(NULL, "the center sent other bytes");
	expect_another_try();
}

static void another_manifest_is_refused(void **unused)
{
	struct code_module other;

	(void)unused;
	code_make(&other, "filter", "wasm"); /* signed, but not what was asked for */
	want();
	code_expect_get(&agent, module.sha256, 0);
	code_give_as(&agent, module.sha256, 0, strlen(other.manifest), other.manifest,
	             strlen(other.manifest), other.signature);
	expect_rejected(NULL, "the center sent other bytes");
	free(other.object);
	expect_another_try();
}

static void refuse_module(const char *hook, const char *mode, const char *why)
{
	struct code_module other;

	code_make(&other, hook, mode);
	rule.module = other.sha256;
	want();
	expect_rejected(&other, why);
	rule.module = module.sha256;
	free(other.object);
}

static void what_is_for_something_else_is_refused(void **unused)
{
	(void)unused;
	refuse_module("cache", "native", "published for hook cache in mode native, not for "
	              "filter in mode native");
	refuse_module("filter", "wasm", "published for hook filter in mode wasm");
	rule.mode = "wasm"; /* which has other parts */
	refuse_module("filter", "wasm", "not");
	rule.mode = "native";
	expect_another_try();
}

static void what_nobody_trusted_signed_is_refused(void **unused)
{
	char right[RH_SIGNATURE_HEX];

	(void)unused;
	memcpy(right, module.signature, sizeof right);
	code_sign_as_stranger(&module);
	want();
	expect_rejected(&module, "not signed by a key");
	module.signature[0] = 0;
	want();
	expect_rejected(&module, "not signed by a key");
	want();
	code_expect_get(&agent, module.sha256, 0);
	code_give_as(&agent, module.sha256, 0, strlen(module.manifest), module.manifest,
	             strlen(module.manifest), NULL);
	expect_rejected(NULL, "not signed by a key");
	memcpy(module.signature, right, sizeof right);
	expect_another_try();
}

static void a_manifest_that_is_none_is_refused(void **unused)
{
	static const char *const texts[] = {
		"[]", "{", "{\"hook\": 7, \"mode\": {}, \"parts\": \"object\"}",
		"{\"hook\": \"filter\", \"mode\": \"native\"}",
		"{\"hook\": \"filter\", \"mode\": \"native\", \"parts\": {\"object\": "
		"{\"sha256\": \"../../../../../../../../../../../../../../../../etc/pass"
		"wd/././\"}}}",
	};

	(void)unused;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct code_module other;

		code_make_of(&other, texts[i]);
		rule.module = other.sha256;
		want();
		expect_rejected(&other, "module");
	}
	rule.module = module.sha256;
	expect_another_try();
}

static void the_centers_refusal_is_the_reason(void **unused)
{
	(void)unused;
	want();
	code_expect_get(&agent, module.sha256, 0);
	code_refuse(&agent, module.sha256, RH_ENOENT, "it was removed yesterday");
	expect_rejected(NULL, "it was removed yesterday");
	want();
	code_expect_get(&agent, module.sha256, 0);
	code_give(&agent, &module, module.sha256, 0);
	code_expect_get(&agent, module.object_sha256, 0);
	code_refuse(&agent, module.object_sha256, 7, NULL); /* no code, no reason */
	expect_rejected(NULL, "the center does not give it");
	expect_another_try();
}

/* Who says nonsense is hung up on, and what it sent is not kept: the next may be right. */
static void lie(uint32_t offset, uint64_t total, const void *bytes, size_t len)
{
	code_give_as(&agent, module.object_sha256, offset, total, bytes, len, NULL);
	while (kit_receive(agent.center) > 0)
		;
	come_again();
}

static void lengths_that_are_wrong_end_the_connection(void **unused)
{
	static const unsigned char other[1000];

	(void)unused;
	want();
	code_expect_get(&agent, module.sha256, 0);
	code_give(&agent, &module, module.sha256, 0);
	code_expect_get(&agent, module.object_sha256, 0);
	lie(0, module.object_len, other, 0);
	code_expect_get(&agent, module.object_sha256, 0);
	lie(0, 100, other, 101);
	code_expect_get(&agent, module.object_sha256, 0);
	lie(0, 0, other, 1);
	/* A total that is another one in the middle. */
	code_expect_get(&agent, module.object_sha256, 0);
	code_give_as(&agent, module.object_sha256, 0, 3000, other, 1000, NULL);
	code_expect_get(&agent, module.object_sha256, 1000);
	lie(1000, 3001, other, 1000);
	/* The truth. */
	expect_active(&module);
}

/* More than an agent takes is no reason to ask for it for ever. */
static void what_is_too_long_is_refused(void **unused)
{
	static const uint64_t lengths[] = { (64u << 20) + 1, UINT32_MAX, UINT64_MAX };

	(void)unused;
	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		want();
		code_expect_get(&agent, module.sha256, 0);
		code_give_as(&agent, module.sha256, 0, lengths[i], "x", 1, module.signature);
		expect_rejected(NULL, "more than");
	}
	expect_another_try();
}

/* Nobody asked, or asked for that part: it is not looked at. */
static void answers_that_nobody_asked_for_count_for_nothing(void **unused)
{
	struct code_module other;

	(void)unused;
	code_make(&other, "filter", "wasm");
	code_give(&agent, &module, module.sha256, 0);
	code_refuse(&agent, module.sha256, RH_ENOENT, "no");
	want();
	code_expect_get(&agent, module.sha256, 0);
	code_give(&agent, &other, other.sha256, 0);
	code_refuse(&agent, other.sha256, RH_ENOENT, "no");
	code_give_as(&agent, module.sha256, 1, strlen(module.manifest), "x", 1, NULL);
	code_give_as(&agent, module.sha256, UINT32_MAX, 7, "x", 1, NULL);
	code_give(&agent, &module, module.sha256, 0);
	code_give(&agent, &module, module.sha256, 0); /* twice */
	expect_active(&module);
	code_give(&agent, &module, module.object_sha256, 0);
	assert_int_equal(kit_counters(&agent)->malformed, 0);
	free(other.object);
}

/* The rule changed while its module was on the way: the new one is fetched, and parts of
 * the former are not taken for it. */
static void another_module_is_wanted_meanwhile(void **unused)
{
	struct code_module other;

	(void)unused;
	code_make_of(&other, "{\"hook\": \"filter\"}");
	rule.module = other.sha256;
	want();
	code_expect_get(&agent, other.sha256, 0);
	rule.module = module.sha256;
	want();
	code_give(&agent, &other, other.sha256, 0);
	expect_active(&module);
	free(other.object);
}

/* ---- the disk ------------------------------------------------------------- */

static void path_of(const char *name, char path[512])
{
	snprintf(path, 512, "%s/modules%s%s", kit_state_dir, name[0] ? "/" : "", name);
}

static int is_kept(const char *name)
{
	char        path[512];
	struct stat st;

	path_of(name, path);
	return lstat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0;
}

static void wait_kept(void)
{
	char manifest[128];

	snprintf(manifest, sizeof manifest, "%s.manifest", module.sha256);
	KIT_UNTIL(is_kept(manifest) && is_kept(module.object_sha256));
}

/* Without a place to keep it, it is fetched each time, and runs. */
static void a_disk_that_keeps_nothing_hurts_nobody(void **unused)
{
	char path[512];
	int  fd;

	(void)unused;
	path_of("", path);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0); /* a file where the folder should be */
	close(fd);
	want();
	expect_active(&module);
	kit_agent_kill(&agent, SIGKILL);
	kit_agent_start(&agent, "file");
	rule.revision = 2;
	want();
	code_expect_get(&agent, module.sha256, 0);
	code_give(&agent, &module, module.sha256, 0);
	expect_active(&module);
	assert_int_equal(unlink(path), 0);
	rule.params[0] = "mark=65";
	want();
	expect_active(&module);
	wait_kept();
}

/* In the place of what was kept, something else. */
static void put_in_place(const char *name, int (*put)(const char *path))
{
	char path[512];

	path_of(name, path);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(put(path), 0);
}

static int put_folder(const char *path)
{
	return mkdir(path, 0700);
}

static int put_pipe(const char *path)
{
	return mkfifo(path, 0600);
}

static int put_link(const char *path)
{
	return symlink(getenv("RULE"), path); /* even to the right bytes */
}

static int put_nothing(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	close(fd);
	return fd < 0 ? -1 : 0;
}

static void what_is_no_file_is_not_read(void **unused)
{
	static int (*const puts[])(const char *) = {
		put_pipe, put_link, put_nothing, put_folder,
	};
	char manifest[128];

	(void)unused;
	snprintf(manifest, sizeof manifest, "%s.manifest", module.sha256);
	want();
	expect_active(&module);
	for (size_t i = 0; i < sizeof puts / sizeof puts[0]; i++) {
		wait_kept();
		put_in_place(manifest, puts[i]);
		put_in_place(module.object_sha256, puts[i]);
		kit_agent_kill(&agent, SIGKILL);
		kit_agent_start(&agent, "file");
		rule.revision++;
		want();
		code_expect_get(&agent, module.sha256, 0);
		code_give(&agent, &module, module.sha256, 0);
		expect_active(&module);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_comes_in_parts),
		TEST(parts_may_be_short),
		TEST(a_cut_fetch_goes_on_where_it_was),
		TEST(what_is_on_the_disk_is_not_fetched),
		TEST(two_edges_share_it),
		TEST(what_is_missing_blocks_no_other),
		TEST(two_that_are_missing_come_one_by_one),
		TEST(other_bytes_are_refused),
		TEST(another_manifest_is_refused),
		TEST(what_is_for_something_else_is_refused),
		TEST(what_nobody_trusted_signed_is_refused),
		TEST(a_manifest_that_is_none_is_refused),
		TEST(the_centers_refusal_is_the_reason),
		TEST(lengths_that_are_wrong_end_the_connection),
		TEST(what_is_too_long_is_refused),
		TEST(answers_that_nobody_asked_for_count_for_nothing),
		TEST(another_module_is_wanted_meanwhile),
		TEST(a_disk_that_keeps_nothing_hurts_nobody),
		TEST(what_is_no_file_is_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
