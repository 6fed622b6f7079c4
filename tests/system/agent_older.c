/* A module that is older than the one in force, and an order that nobody signed: an agent
 * keeps what it has, whoever sends them, and whatever it went through meanwhile. */
#include "code_kit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct kit_agent   agent;
static struct code_module object; /* its bytes are those of all modules */
static struct code_module v1, v2, v3;
static struct code_rule   rule, second;
static uint64_t           revision, rollback;
static const char        *signed_for; /* the callee that the order names; NULL: none */

static const struct kit_edge edges[] = { { "file", "magic", "shm", RH_OK, NULL } };

static void put_rule(struct rh_record_writer *writer, const struct kit_edge *edge)
{
	if (signed_for)
		code_put_signed(writer, &rule, rollback, edge->caller, signed_for);
	else
		code_put(writer, &rule);
	if (second.rule)
		code_put(writer, &second);
}

static int set_up(void **state)
{
	if (code_open(state) < 0)
		return -1;
	code_make(&object, "filter", "native");
	code_make_version(&v1, &object, "limiter", 10);
	code_make_version(&v2, &object, "limiter", 20);
	code_make_version(&v3, &object, "limiter", 30);
	rule = (struct code_rule){
		"guard", 0, "filter", NULL, "native", "keep-last", { NULL },
	};
	second = (struct code_rule){ .rule = NULL };
	revision = 0;
	signed_for = "magic";
	kit_edge_more = put_rule;
	kit_agent_start(&agent, "file");
	return 0;
}

static int tear_down(void **state)
{
	free(object.object);
	return code_close(state);
}

/* The rule is that module since that revision, and may leave what was up to another. */
static void want(const struct code_module *module, uint64_t at, uint64_t leaves)
{
	rule.module = module->sha256;
	rule.revision = at;
	rollback = leaves;
	kit_apply(&agent, ++revision, "", edges, 1);
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

static void have_v2(void)
{
	want(&v1, 11, 0);
	expect_active(&v1);
	want(&v2, 21, 0);
	expect_active(&v2);
}

/* ---- orders --------------------------------------------------------------- */

static void a_version_needs_an_order(void **unused)
{
	(void)unused;
	signed_for = NULL;
	want(&v1, 11, 0);
	expect_rejected(&v1, "no key that module.pub names signed that it is to be");
	signed_for = "disk"; /* an order for another edge is none */
	want(&v1, 11, 0);
	expect_rejected(&v1, "no key that module.pub names signed that it is to be");
	signed_for = "magic";
	want(&v1, 11, 0);
	expect_active(&v1);
}

/* Signed, and one more record behind it. */
static void put_behind(struct rh_record_writer *writer, const struct kit_edge *edge)
{
	size_t         begin = writer->used;
	unsigned char *len = writer->bytes + begin + 4;

	code_put_signed(writer, &rule, rollback, edge->caller, edge->callee);
	rh_record_put_text(writer, RH_TAG_ENV, "mark=65");
	size_t inside = writer->used - begin - RH_RECORD_HEAD;
	len[0] = (unsigned char)inside;
	len[1] = (unsigned char)(inside >> 8);
}

static void nothing_is_added_to_an_order(void **unused)
{
	(void)unused;
	kit_edge_more = put_behind;
	want(&v1, 11, 0);
	expect_rejected(NULL, "malformed");
	kit_edge_more = put_rule;
	want(&v1, 11, 0);
	expect_active(&v1);
}

/* Another revision, module, parameter, limit than was signed: put_rule signs one rule and
 * sends another. */
static uint64_t sent_rollback;

static void put_other(struct rh_record_writer *writer, const struct kit_edge *edge)
{
	unsigned char  bytes[1024];
	struct rh_record_writer copy;

	rh_record_begin(&copy, bytes, sizeof bytes);
	code_put_signed(&copy, &rule, rollback, edge->caller, edge->callee);
	for (size_t at = 0; at + 16 <= copy.used; at++) {
		if (bytes[at] == RH_TAG_ROLLBACK && bytes[at + 4] == 8)
			memcpy(bytes + at + RH_RECORD_HEAD, &sent_rollback, 8);
	}
	memcpy(writer->bytes + writer->used, bytes, copy.used);
	writer->used += copy.used;
}

static void a_rollback_is_not_forged(void **unused)
{
	(void)unused;
	have_v2();
	kit_edge_more = put_other;
	sent_rollback = 99;
	want(&v1, 22, 12);
	expect_rejected(&v1, "signed that it is to be");
	kit_edge_more = put_rule;
}

/* ---- what is older -------------------------------------------------------- */

static void an_older_one_is_rejected(void **unused)
{
	(void)unused;
	have_v2();
	want(&v1, 22, 0);
	expect_rejected(&v1, "version 10 is older than 20, which was in force here (to go back, "
	                "write rollback: 21): rule guard, module limiter");
	want(&v2, 21, 0); /* it is what is in force: nothing is loaded */
	expect_active(NULL);
	want(&v3, 31, 0);
	expect_active(&v3);
}

static void a_rollback_is_accepted_once(void **unused)
{
	(void)unused;
	have_v2();
	want(&v1, 22, 20); /* of before v2 was put: the version alone does not do */
	expect_rejected(&v1, "rollback: 21");
	want(&v1, 22, 22);
	expect_active(&v1);
	want(&v2, 23, 0);
	expect_active(&v2);
	want(&v1, 22, 22); /* the same order once more: v2 was put since */
	expect_rejected(&v1, "rollback: 23");
}

static void one_without_a_version_is_older(void **unused)
{
	(void)unused;
	struct code_module none;

	code_make_version(&none, &object, "limiter", 0);
	signed_for = NULL;
	want(&none, 5, 0);
	expect_active(&none);
	signed_for = "magic";
	want(&v1, 11, 0);
	expect_active(&v1);
	signed_for = "disk";
	want(&none, 12, 99); /* what it may leave must be signed, too */
	expect_rejected(&none, "version 0 is older than 10");
	signed_for = "magic";
	want(&none, 12, 12);
	expect_active(&none);
}

static void another_name_is_not_older(void **unused)
{
	struct code_module other;

	(void)unused;
	have_v2();
	code_make_version(&other, &object, "filter-of-mine", 15);
	want(&other, 22, 0);
	expect_active(&other);
	want(&v1, 23, 0); /* and what was of the first is not forgotten */
	expect_rejected(&v1, "rollback: 21");
}

/* ---- what is remembered --------------------------------------------------- */

static void it_outlives_the_rule(void **unused)
{
	(void)unused;
	have_v2();
	kit_edge_more = NULL;
	kit_apply(&agent, ++revision, "", edges, 1);
	kit_edge_more = put_rule;
	want(&v1, 22, 0);
	expect_rejected(&v1, "rollback: 21");
}

static uint64_t saved(const char *name)
{
	struct { char before[16]; uint64_t number, revision; } head = { .revision = 0 };
	char    path[256];
	int     fd;

	snprintf(path, sizeof path, "%s/agent/file/%s", kit_state_dir, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	if (read(fd, &head, sizeof head) != (ssize_t)sizeof head)
		head.revision = 0;
	close(fd);
	return head.revision;
}

static void restart(void)
{
	KIT_UNTIL(saved("view.a") == revision || saved("view.b") == revision);
	kit_agent_kill(&agent, SIGKILL);
	kit_agent_start(&agent, "file");
}

static void it_outlives_the_agent(void **unused)
{
	(void)unused;
	have_v2();
	restart();
	want(&v1, 22, 0);
	expect_rejected(NULL, "rollback: 21"); /* v1 is on the disk */
	want(&v2, 21, 0);
	expect_active(NULL);
	kit_edge_more = NULL; /* also when no item says any more which it was */
	kit_apply(&agent, ++revision, "", edges, 1);
	restart();
	kit_edge_more = put_rule;
	want(&v1, 22, 0);
	expect_rejected(NULL, "rollback: 21");
}

/* A rule that was taken back as a whole was never in force. */
static void what_was_on_trial_is_not_remembered(void **unused)
{
	struct code_module missing;

	(void)unused;
	want(&v1, 11, 0);
	expect_active(&v1);
	code_make_of(&missing, "{\"hook\": \"transform\", \"mode\": \"native\", \"parts\": {}}");
	second = (struct code_rule){
		"second", 21, "transform", missing.sha256, "native", "keep-last", { NULL },
	};
	want(&v2, 21, 0);
	code_expect_get(&agent, v2.sha256, 0);
	code_give(&agent, &v2, v2.sha256, 0);
	code_expect_get(&agent, missing.sha256, 0);
	code_give(&agent, &missing, missing.sha256, 0);
	expect_rejected(NULL, "has no part object");
	second.rule = NULL;
	want(&v1, 22, 0);
	expect_active(NULL);
}

/* Nothing can be written: it holds as long as the agent runs. */
static void a_disk_that_is_full_forgets_nothing_yet(void **unused)
{
	char path[256];
	int  fd;

	(void)unused;
	snprintf(path, sizeof path, "%s/agent", kit_state_dir);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600); /* where the folder should be */
	assert_true(fd >= 0);
	close(fd);
	have_v2();
	want(&v1, 22, 0);
	expect_rejected(&v1, "rollback: 21");
	assert_int_equal(unlink(path), 0);
	want(&v3, 31, 0);
	expect_active(&v3);
	restart();
	want(&v2, 32, 0);
	expect_rejected(NULL, "older than 30");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_version_needs_an_order),
		TEST(nothing_is_added_to_an_order),
		TEST(a_rollback_is_not_forged),
		TEST(an_older_one_is_rejected),
		TEST(a_rollback_is_accepted_once),
		TEST(one_without_a_version_is_older),
		TEST(another_name_is_not_older),
		TEST(it_outlives_the_rule),
		TEST(it_outlives_the_agent),
		TEST(what_was_on_trial_is_not_remembered),
		TEST(a_disk_that_is_full_forgets_nothing_yet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
