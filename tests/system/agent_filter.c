/* A rule of hook filter on the calls of an edge: what it says is done, once, with what it
 * saw; whatever becomes of the call, the edge and the rule meanwhile. */
#include "code_kit.h"

#include "../../base/memory.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct kit_agent   caller, callee;
static struct kit_peer    client, server;
static struct kit_page    page, served;
static struct code_module module;
static struct code_rule   rule;
static int                has_rule;
static uint64_t           revision;
static uint32_t           edge;

static const struct kit_edge by_shm[] = { { "file", "magic", "shm", RH_OK, NULL } };
static const struct kit_edge by_queue[] = { { "file", "magic", "msgqueue", RH_OK, NULL } };
static const struct kit_edge refused[] = { { "file", "magic", "shm", RH_ELAYER, "no" } };

/* ---- the stage ------------------------------------------------------------ */

static void put_rule(struct rh_record_writer *writer, const struct kit_edge *to)
{
	(void)to;
	if (has_rule)
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
	has_rule = 0;
	kit_edge_more = put_rule;
	kit_agent_start(&caller, "file");
	kit_agent_start(&callee, "magic");
	kit_apply(&callee, 1, "bytes", by_shm, 1);
	return 0;
}

static int tear_down(void **state)
{
	free(module.object);
	return code_close(state);
}

static void apply(const struct kit_edge *edges)
{
	kit_apply(&caller, ++revision, "", edges, 1);
}

static void expect_active(void)
{
	if (code_await(&caller, &module, "magic", revision) != RH_ITEM_ACTIVE)
		fail_msg("rejected: %s", kit_text);
}

/* Exchanges the rule for one with these parameters. */
static void set_rule(const char *policy, const char *a, const char *b, const char *c)
{
	const char *params[] = { a, b, c };

	memset(rule.params, 0, sizeof rule.params);
	for (unsigned i = 0, used = 0; i < 3; i++) {
		if (params[i])
			rule.params[used++] = params[i];
	}
	rule.policy = policy;
	rule.revision++;
	has_rule = 1;
	apply(by_shm);
	expect_active();
}

static void drop_rule(void)
{
	has_rule = 0;
	apply(by_shm);
}

/* A caller with a page, and an instance that serves it. */
static void join(void)
{
	struct rh_taken taken;
	struct rh_reply reply;
	int             slot;

	if (revision == 0)
		apply(by_shm);
	assert_int_equal(kit_attach(&client, "file", RH_ROLE_CALLER), RH_OK);
	assert_int_equal(kit_open_edge(&client, "magic", &edge), RH_OK);
	assert_int_equal(kit_page_get(&client, edge, 0, &page), RH_OK);
	assert_int_equal(kit_serve(&server, "magic", "bytes", 0), RH_OK);
	slot = kit_submit(&page, 1, "first", kit_deadline());
	kit_page_added(&server, &served);
	kit_take(&served, &taken);
	kit_answer(&served, &taken, RH_OK, "");
	kit_collect(&page, slot, &reply);
}

static int submit(const char *text, uint64_t deadline)
{
	int slot = kit_submit(&page, 77, text, deadline);

	assert_true(slot >= 0);
	return slot;
}

static int collect(int slot)
{
	struct rh_reply reply;

	kit_collect(&page, slot, &reply);
	snprintf(kit_text, sizeof kit_text, "%.*s", (int)reply.len, (const char *)reply.bytes);
	return reply.status;
}

static int call(const char *text)
{
	return collect(submit(text, kit_deadline()));
}

/* The call arrives with these arguments. */
static void serve(const char *text)
{
	struct rh_taken taken;

	kit_take(&served, &taken);
	assert_int_equal(taken.args_len, strlen(text));
	assert_memory_equal(taken.args, text, strlen(text));
	kit_answer(&served, &taken, RH_OK, text);
}

/* Nothing of what was submitted before has arrived: the next that does is this one. */
static void expect_nothing_came(void)
{
	set_rule("keep-last", NULL, NULL, NULL);
	kit_echo(&page, &served, "the next");
}

/* The rule has seen a call and wrote a line. */
static void await_seen(void)
{
	code_expect(&caller, RH_FRAME_RULE_LOG);
}

/* ---- verdicts ------------------------------------------------------------- */

static void it_denies_with_each_error(void **unused)
{
	static const struct { const char *param; int status; } errors[] = {
		{ "error=0", RH_ERULE }, { "error=1", RH_EPERM }, { "error=16", RH_EBUSY },
		{ "error=110", RH_ETIMEDOUT }, { "error=113", -113 /* no word of ours */ },
		{ "error=133", -133 }, { "error=134", RH_ERULE }, { "error=1003", RH_ERULE },
		{ "error=4095", RH_ERULE },
	};

	(void)unused;
	join();
	for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
		set_rule("fail-open", "verdict=1", errors[i].param, NULL);
		assert_int_equal(call("denied"), errors[i].status);
		assert_non_null(strstr(kit_text, "rule guard"));
	}
	assert_int_equal(kit_counters_edge(&caller, "magic")->errors,
	                 sizeof errors / sizeof errors[0]);
	expect_nothing_came();
}

static void expect_rewritten(const char *param, size_t len)
{
	struct rh_taken taken;
	int             slot;

	set_rule("fail-closed", "verdict=3", param, "only=3");
	slot = submit("abc", kit_deadline());
	kit_take(&served, &taken);
	assert_int_equal(taken.args_len, len);
	for (size_t i = 0; i < len; i++)
		assert_int_equal(taken.args[i], 'M');
	kit_answer(&served, &taken, RH_OK, "");
	assert_int_equal(collect(slot), RH_OK);
}

static void it_rewrites_what_is_sent(void **unused)
{
	(void)unused;
	join();
	expect_rewritten("length=3", 3);
	expect_rewritten("length=1", 1);
	expect_rewritten("length=0", 0);
	expect_rewritten("length=400", 400); /* more than a slot holds */
	expect_rewritten("length=65536", 65536);
	set_rule("fail-closed", "verdict=3", "length=65537", NULL);
	assert_int_equal(call("abc"), RH_ERULE);
	expect_nothing_came();
}

static int call_for(uint32_t reply_cap, struct rh_reply *reply)
{
	struct rh_request request = { .function = 77, .args_len = 1, .deadline = kit_deadline() };
	struct rh_taken   taken;
	unsigned char    *args;
	int               slot = rh_caller_reserve(&page.caller, 1, reply_cap, &args);

	assert_true(slot >= 0);
	args[0] = 'x';
	rh_caller_submit(&page.caller, slot, &request);
	kit_take(&served, &taken);
	kit_answer(&served, &taken, RH_OK, "answer");
	kit_collect(&page, slot, reply);
	return reply->status;
}

static void it_rewrites_and_denies_replies(void **unused)
{
	struct rh_reply reply;

	(void)unused;
	join();
	set_rule("fail-closed", "after=3", "after_length=32", NULL);
	assert_int_equal(call_for(0, &reply), RH_OK);
	assert_int_equal(reply.len, 32);
	assert_int_equal(reply.bytes[31], 'M');
	set_rule("fail-closed", "after=3", "after_length=1000", NULL);
	assert_int_equal(call_for(1000, &reply), RH_OK);
	assert_int_equal(reply.len, 1000);
	assert_int_equal(reply.bytes[999], 'M');
	set_rule("fail-closed", "after=3", "after_length=65536", NULL);
	assert_int_equal(call_for(0, &reply), RH_OK);
	assert_int_equal(reply.len, 65536);
	assert_int_equal(reply.bytes[65535], 'M');
	set_rule("fail-closed", "after=3", "after_length=0", NULL);
	assert_int_equal(call_for(0, &reply), RH_OK);
	assert_int_equal(reply.len, 0);
	set_rule("fail-closed", "after=1", "after_error=13", NULL);
	assert_int_equal(call_for(0, &reply), -13);
	assert_false(reply.flags & RH_SLOT_SURE); /* it ran */
	set_rule("fail-closed", "after=2", NULL, NULL); /* a reply cannot be delayed */
	assert_int_equal(call_for(0, &reply), RH_ERULE);
	set_rule("fail-open", "after=2", NULL, NULL);
	assert_int_equal(call_for(0, &reply), RH_OK);
	assert_memory_equal(reply.bytes, "answer", 6);
}

/* ---- what it saw is what is sent ------------------------------------------ */

static void changing_arguments_later_changes_nothing(void **unused)
{
	struct rh_request request = { .function = 77, .args_len = 1000,
	                              .deadline = kit_deadline() };
	struct rh_taken   taken;
	unsigned char    *args;
	int               slot;

	(void)unused;
	join();
	set_rule("fail-closed", "verdict=2", "delay=1000000", "say=1");
	slot = rh_caller_reserve(&page.caller, request.args_len, 0, &args);
	assert_true(slot >= 0);
	memset(args, 'a', request.args_len);
	rh_caller_submit(&page.caller, slot, &request);
	await_seen();
	memset(args, 'b', request.args_len);
	kit_take(&served, &taken);
	for (unsigned i = 0; i < request.args_len; i++)
		assert_int_equal(taken.args[i], 'a');
	kit_answer(&served, &taken, RH_OK, "");
	assert_int_equal(collect(slot), RH_OK);
}

static void send_fd(int fd)
{
	unsigned char           bytes[32];
	struct rh_record_writer writer;

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u64(&writer, RH_TAG_CALL, page.caller.next);
	kit_send(page.companion, RH_FRAME_FDS, 0, &writer, &fd, 1);
}

/* A memfd is no text that a rule sees: it can say yes or no, and not rewrite it. */
static void a_memfd_passes_unseen(void **unused)
{
	static char       bytes[100000];
	struct rh_request request = {
		.function = 77, .fds = 1, .args_len = sizeof bytes, .flags = RH_SLOT_ARGS_MEMFD,
	};
	struct rh_taken taken;
	int             memfd = rh_memory_freeze(bytes, sizeof bytes), slot;

	(void)unused;
	join();
	set_rule("fail-open", "verdict=3", "length=5", NULL);
	send_fd(memfd);
	slot = kit_submit_request(&page, &request, NULL);
	kit_take(&served, &taken);
	assert_true(taken.flags & RH_SLOT_ARGS_MEMFD);
	kit_expect(served.companion, RH_FRAME_FDS);
	assert_int_equal(kit_frame.fd_count, 1);
	kit_answer(&served, &taken, RH_OK, "");
	assert_int_equal(collect(slot), RH_OK);
	close(memfd);
}

/* What came along with calls that are denied is closed, and is not that of the next. */
static void descriptors_of_denied_calls_are_closed(void **unused)
{
	struct rh_request request = { .function = 77, .fds = 1 };
	struct rh_taken   taken;
	int               pipes[2], slot, before;

	(void)unused;
	join();
	set_rule("fail-closed", "verdict=1", NULL, NULL);
	assert_int_equal(pipe(pipes), 0);
	before = kit_descriptors(caller.pid);
	for (unsigned i = 0; i < 200; i++) {
		send_fd(pipes[1]);
		slot = kit_submit_request(&page, &request, NULL);
		assert_true(slot >= 0);
		assert_int_equal(collect(slot), RH_ERULE);
	}
	set_rule("fail-closed", NULL, NULL, NULL);
	send_fd(pipes[0]);
	slot = kit_submit_request(&page, &request, NULL);
	kit_take(&served, &taken);
	kit_expect(served.companion, RH_FRAME_FDS);
	char c = 'x';
	assert_int_equal(write(pipes[1], &c, 1), 1);
	c = 0;
	assert_int_equal(read(kit_frame.fds[0], &c, 1), 1); /* it is the reading end */
	assert_int_equal(c, 'x');
	kit_answer(&served, &taken, RH_OK, "");
	assert_int_equal(collect(slot), RH_OK);
	/* A page keeps as many as can be on the way; parcel.h. */
	KIT_UNTIL(kit_descriptors(caller.pid) <= before + (int)RH_PAGE_SLOTS);
	close(pipes[0]);
	close(pipes[1]);
}

/* ---- delay ---------------------------------------------------------------- */

static int submit_delayed(const char *delay, uint64_t deadline)
{
	int slot;

	set_rule("keep-last", "verdict=2", delay, "say=1");
	slot = submit("delayed", deadline);
	await_seen();
	return slot;
}

static void a_delayed_call_goes_later(void **unused)
{
	int slot;

	(void)unused;
	join();
	slot = submit_delayed("delay=100000", kit_deadline());
	serve("delayed");
	assert_int_equal(collect(slot), RH_OK);
}

static void its_deadline_passes_while_it_is_delayed(void **unused)
{
	int slot;

	(void)unused;
	join();
	slot = submit_delayed("delay=10000000", rh_clock_ns() + RH_NS_PER_S);
	assert_int_equal(collect(slot), RH_ETIMEDOUT);
	expect_nothing_came();
}

/* Its caller was told that it may run; it does not, and the next goes its way. */
static void it_is_given_up_while_it_is_delayed(void **unused)
{
	int slot;

	(void)unused;
	join();
	slot = submit_delayed("delay=500000", kit_deadline());
	assert_int_equal(rh_caller_abandon(&page.caller, slot, 0), RH_EBUSY);
	expect_nothing_came();
	for (unsigned i = 0; i < 2 * RH_PAGE_SLOTS; i++) /* its slot came back */
		kit_echo(&page, &served, "the next");
}

/* After the delay it is as any call that is under way: it runs. */
static void it_is_given_up_after_it_was_delayed(void **unused)
{
	struct rh_taken taken;
	int             slot;

	(void)unused;
	join();
	slot = submit_delayed("delay=1000", kit_deadline());
	kit_take(&served, &taken);
	assert_int_equal(rh_caller_abandon(&page.caller, slot, 0), RH_EBUSY);
	kit_answer(&served, &taken, RH_OK, "nobody reads that");
	expect_nothing_came();
}

/* Of calls behind it the shorter deadline counts, too. */
static void a_deadline_is_shorter_than_the_delay(void **unused)
{
	int slot, behind;

	(void)unused;
	join();
	slot = submit_delayed("delay=10000000", rh_clock_ns() + RH_NS_PER_S);
	behind = submit("behind", rh_clock_ns() + RH_NS_PER_S / 2);
	assert_int_equal(collect(slot), RH_ETIMEDOUT);
	assert_int_equal(collect(behind), RH_ETIMEDOUT);
	expect_nothing_came();
}

static void its_edge_is_refused_while_it_is_delayed(void **unused)
{
	int slot;

	(void)unused;
	join();
	slot = submit_delayed("delay=10000000", kit_deadline());
	apply(refused);
	assert_int_equal(collect(slot), RH_ELAYER);
	expect_nothing_came();
}

static void its_process_ends_while_it_is_delayed(void **unused)
{
	(void)unused;
	join();
	submit_delayed("delay=1000000", kit_deadline());
	kit_detach(&client);
	kit_page_close(&page);
	KIT_UNTIL(kit_counters(&caller)->pages == 0);
	assert_int_equal(kit_attach(&client, "file", RH_ROLE_CALLER), RH_OK);
	assert_int_equal(kit_open_edge(&client, "magic", &edge), RH_OK);
	assert_int_equal(kit_page_get(&client, edge, 0, &page), RH_OK);
	set_rule("keep-last", NULL, NULL, NULL);
	int slot = submit("another", kit_deadline());
	kit_page_added(&server, &served);
	serve("another");
	assert_int_equal(collect(slot), RH_OK);
}

/* It was seen once and is not asked about again, whoever is there now. */
static void the_rule_is_exchanged_while_it_is_delayed(void **unused)
{
	int slot;

	(void)unused;
	join();
	slot = submit_delayed("delay=500000", kit_deadline());
	set_rule("keep-last", "verdict=1", NULL, NULL);
	serve("delayed");
	assert_int_equal(collect(slot), RH_OK);
	assert_int_equal(call("denied"), RH_ERULE);
}

static void the_protocol_changes_while_it_is_delayed(void **unused)
{
	int slot;

	(void)unused;
	join();
	slot = submit_delayed("delay=500000", kit_deadline());
	kit_apply(&callee, 2, "bytes", by_queue, 1);
	apply(by_queue);
	serve("delayed");
	assert_int_equal(collect(slot), RH_OK);
}

/* ---- failure -------------------------------------------------------------- */

/* An unknown verdict, more often than a rule may fail before it rests. */
static void fail_often(const char *policy, int status)
{
	set_rule(policy, "verdict=9", "only=4", NULL);
	for (unsigned i = 0; i < 20; i++) {
		int slot = submit("fail", kit_deadline());

		if (status == RH_OK)
			serve("fail");
		assert_int_equal(collect(slot), status);
	}
}

static void a_rule_that_fails_is_an_error_of_its_own(void **unused)
{
	(void)unused;
	join();
	fail_often("fail-open", RH_OK);
	fail_often("fail-closed", RH_ERULE);
	fail_often("keep-last", RH_OK); /* it said nothing yet */
	set_rule("keep-last", "verdict=1", NULL, NULL);
	assert_int_equal(call("denied"), RH_ERULE);
	fail_often("keep-last", RH_ERULE); /* what the one before it said last */
	expect_nothing_came();
}

/* ---- coming and going ----------------------------------------------------- */

static void it_goes_and_comes(void **unused)
{
	(void)unused;
	join();
	for (unsigned i = 0; i < 10; i++) {
		set_rule("fail-closed", "verdict=1", NULL, NULL);
		assert_int_equal(call("denied"), RH_ERULE);
		drop_rule();
		kit_echo(&page, &served, "passes");
	}
}

/* The edge goes, and comes with a rule that must see every call and is not here yet. */
static int submit_before_it_is_here(void)
{
	int slot;

	join();
	kit_apply(&caller, ++revision, "", NULL, 0);
	rule.policy = "fail-closed";
	has_rule = 1;
	apply(by_shm);
	slot = submit("waits", 0);
	code_expect_get(&caller, module.sha256, 0);
	return slot;
}

/* Refused, no call passes unseen.  Gone, it stops nothing. */
static void one_that_cannot_come_to_a_new_edge(void **unused)
{
	int slot;

	(void)unused;
	slot = submit_before_it_is_here();
	code_refuse(&caller, module.sha256, RH_ENOENT, "it is not here");
	assert_int_equal(code_await(&caller, NULL, "magic", revision), RH_ITEM_REJECTED);
	assert_int_equal(collect(slot), RH_ERULE); /* who waited, too */
	assert_int_equal(call("denied"), RH_ERULE);
	drop_rule();
	kit_echo(&page, &served, "passes");
}

/* It is taken away while calls wait for it: they go. */
static void one_that_is_gone_before_it_came(void **unused)
{
	int slot;

	(void)unused;
	slot = submit_before_it_is_here();
	drop_rule();
	serve("waits");
	assert_int_equal(collect(slot), RH_OK);
}

/* Another, that need not see every call, is on the way in its place. */
static void one_that_may_fail_follows_one_that_was_refused(void **unused)
{
	int slot;

	(void)unused;
	slot = submit_before_it_is_here();
	code_refuse(&caller, module.sha256, RH_ENOENT, "it is not here");
	assert_int_equal(collect(slot), RH_ERULE);
	rule.policy = "fail-open";
	apply(by_shm);
	kit_echo(&page, &served, "passes");
	expect_active();
}

/* A call that is under way when its rule goes. */
static void exchanges_while_calls_are_under_way(void **unused)
{
	struct rh_taken taken[RH_PAGE_SLOTS];
	int             slots[RH_PAGE_SLOTS];

	(void)unused;
	join();
	for (unsigned round = 0; round < 20; round++) {
		set_rule("fail-closed", round % 2 ? "after=3" : NULL, "after_length=1", NULL);
		for (unsigned i = 0; i < RH_PAGE_SLOTS; i++)
			slots[i] = submit("under way", kit_deadline());
		for (unsigned i = 0; i < RH_PAGE_SLOTS; i++)
			kit_take(&served, &taken[i]);
		if (round % 4 == 3)
			drop_rule();
		else
			set_rule("fail-closed", "after=3", "after_length=2", NULL);
		for (unsigned i = 0; i < RH_PAGE_SLOTS; i++)
			kit_answer(&served, &taken[i], RH_OK, "answer");
		for (unsigned i = 0; i < RH_PAGE_SLOTS; i++) {
			assert_int_equal(collect(slots[i]), RH_OK);
			assert_string_equal(kit_text, has_rule ? "MM" : "answer");
		}
	}
}

/* ---- what the center says of it ------------------------------------------- */

static void expect_rejected(void)
{
	rule.revision++;
	has_rule = 1;
	apply(by_shm);
	assert_int_equal(code_await(&caller, &module, "magic", revision), RH_ITEM_REJECTED);
	assert_int_equal(call("denied"), RH_ERULE); /* the former goes on */
}

static void what_is_malformed_is_rejected_alone(void **unused)
{
	static const struct { size_t field; const char *text; } texts[] = {
		{ 0, NULL }, { 0, "a-name-that-is-longer-than-sixty-three-letters-which-is-all-that-a-name-has" },
		{ 2, NULL }, { 2, "no-such-hook" }, { 2, "a-hook-of-more-than-31-letters-in-its-name" },
		{ 3, NULL }, { 3, "" }, { 3, "123" },
		{ 3, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdeg" },
		{ 3, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0" },
		{ 4, NULL }, { 4, "a-mode-of-sixteen" },
		{ 5, NULL }, { 5, "fail-sometimes" }, { 5, "a-policy-of-more-than-31-letters-in-all" },
		{ 6, "" }, { 6, "=value" }, { 6, "no-value" }, { 6, "init=1" },
	};

	(void)unused;
	join();
	set_rule("fail-closed", "verdict=1", NULL, NULL);
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct code_rule former = rule;
		const char     **fields[] = {
			&rule.rule, NULL, &rule.hook, &rule.module, &rule.mode, &rule.policy,
			&rule.params[0],
		};

		*fields[texts[i].field] = texts[i].text;
		expect_rejected();
		former.revision = rule.revision;
		rule = former;
	}
	set_rule("fail-closed", NULL, NULL, NULL);
	kit_echo(&page, &served, "passes");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_denies_with_each_error),
		TEST(it_rewrites_what_is_sent),
		TEST(it_rewrites_and_denies_replies),
		TEST(changing_arguments_later_changes_nothing),
		TEST(a_memfd_passes_unseen),
		TEST(descriptors_of_denied_calls_are_closed),
		TEST(a_delayed_call_goes_later),
		TEST(its_deadline_passes_while_it_is_delayed),
		TEST(it_is_given_up_while_it_is_delayed),
		TEST(it_is_given_up_after_it_was_delayed),
		TEST(a_deadline_is_shorter_than_the_delay),
		TEST(its_edge_is_refused_while_it_is_delayed),
		TEST(its_process_ends_while_it_is_delayed),
		TEST(the_rule_is_exchanged_while_it_is_delayed),
		TEST(the_protocol_changes_while_it_is_delayed),
		TEST(a_rule_that_fails_is_an_error_of_its_own),
		TEST(it_goes_and_comes),
		TEST(one_that_cannot_come_to_a_new_edge),
		TEST(one_that_is_gone_before_it_came),
		TEST(one_that_may_fail_follows_one_that_was_refused),
		TEST(exchanges_while_calls_are_under_way),
		TEST(what_is_malformed_is_rejected_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
