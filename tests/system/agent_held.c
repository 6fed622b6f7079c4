/* Bound pages that outlive an agent: the next one counts them and takes them away. */
#include "agent_kit.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct kit_edge edges[] = {
	{ "file", "magic", "bind", RH_OK, NULL },
};
static const struct kit_edge refused[] = {
	{ "file", "magic", "bind", RH_ELAYER, NULL },
};

static struct kit_agent caller, callee;
static struct kit_peer  client, server;
static struct kit_page  page, served;
static uint32_t         edge;

static int set_up(void **state)
{
	int r = kit_open(state);

	if (r < 0)
		return r;
	kit_pair(&caller, &callee, edges, 1, &client);
	assert_int_equal(kit_open_edge(&client, "magic", &edge), RH_OK);
	assert_int_equal(kit_serve(&server, "magic", "bytes", 0), RH_OK);
	kit_page_ask(&client, edge, 0, kit_deadline());
	kit_page_added(&server, &served);
	assert_int_equal(kit_page_take(&client, &page), RH_OK);
	assert_true(served.origin == page.id);
	return 0;
}

static void restart_callees(void)
{
	uint32_t instance = server.instance;

	kit_agent_kill(&callee, SIGKILL);
	kit_detach(&server);
	kit_agent_start(&callee, "magic");
	kit_apply(&callee, 1, "bytes", edges, 1);
	assert_int_equal(kit_serve(&server, "magic", "bytes", instance), RH_OK);
	assert_int_equal(server.instance, instance);
}

static void restart_callers(void)
{
	kit_agent_kill(&caller, SIGKILL);
	kit_agent_start(&caller, "file");
	kit_apply(&caller, 1, "", edges, 1);
}

static uint64_t bindings(const struct kit_agent *agent)
{
	return kit_counters(agent)->bindings;
}

static void set_calls(uint64_t calls)
{
	struct rh_page_head *head = page.caller.page.head;

	atomic_store(&head->by_caller.calls, calls);
	atomic_store(&head->by_caller.bytes_in, 10 * calls);
	atomic_store(&head->latency[4], calls);
	atomic_store(&head->by_server.calls, calls);
}

/* The agent has told the center, so that no other need count them again. */
static void await_told(uint64_t calls)
{
	KIT_UNTIL(atomic_load(&page.caller.page.head->counted.calls) == calls);
}

static void expect_drop(void)
{
	kit_expect(server.fd, RH_FRAME_PAGE_DROP);
	assert_true(kit_u64(RH_TAG_PAGE) == served.id);
}

static void the_callees_next_agent_takes_it_away(void **unused)
{
	(void)unused;
	restart_callees();
	assert_int_equal(bindings(&callee), 0);
	kit_page_held(&server, &served, "file");
	KIT_UNTIL(bindings(&callee) == 1);
	kit_echo(&page, &served, "all the while");
	KIT_UNTIL(kit_counters(&callee)->links == 1);
	kit_apply(&callee, 2, "bytes", refused, 1);
	expect_drop();
	KIT_UNTIL(bindings(&callee) == 0 && bindings(&caller) == 0);
}

static void the_callers_agent_takes_it_away_through_the_next(void **unused)
{
	(void)unused;
	restart_callees();
	kit_page_held(&server, &served, "file");
	KIT_UNTIL(bindings(&callee) == 1);
	kit_apply(&caller, 2, "", refused, 1);
	KIT_UNTIL(atomic_load(&page.caller.page.head->server.life) == RH_PAGE_RETIRED);
	expect_drop();
	KIT_UNTIL(bindings(&callee) == 0 && bindings(&caller) == 0);
}

/* The process says nothing: it makes its calls and needs no agent for them. */
static void the_callers_next_agent_goes_on_counting(void **unused)
{
	const struct rh_counters_edge *counters;

	(void)unused;
	set_calls(100);
	await_told(100);
	restart_callers();
	set_calls(150);
	KIT_UNTIL(bindings(&caller) == 1);
	counters = kit_counters_edge(&caller, "magic");
	/* It may look at the page between two of the numbers that were set. */
	KIT_UNTIL(counters->calls == 50 && counters->bytes_in == 500 &&
	          counters->latency[4] == 50);
	assert_int_equal(bindings(&callee), 1);
	/* And takes it away: the process is asked to go, then cut off. */
	kit_apply(&caller, 2, "", refused, 1);
	KIT_UNTIL(atomic_load(&page.caller.page.head->server.life) == RH_PAGE_RETIRED);
	expect_drop();
	KIT_UNTIL(bindings(&callee) == 0 && bindings(&caller) == 0);
	assert_int_equal(kit_counters(&caller)->mismatched, 0);
}

/* It was taken away by a rule that came while nobody was there to do it. */
static void a_rule_that_came_meanwhile_holds(void **unused)
{
	(void)unused;
	kit_agent_kill(&caller, SIGKILL);
	kit_agent_start(&caller, "file");
	/* The edge must still bind for the agent to look; the callee's knows better. */
	kit_apply(&callee, 2, "bytes", refused, 1);
	expect_drop();
	KIT_UNTIL(bindings(&callee) == 0);
}

/* One after the other: each has what the other needs. */
static void both_agents_may_be_restarted_in_turn(void **unused)
{
	(void)unused;
	for (int round = 0; round < 3; round++) {
		uint64_t calls = 100u * (unsigned)round;

		restart_callees();
		kit_page_held(&server, &served, "file");
		KIT_UNTIL(bindings(&callee) == 1);
		set_calls(calls + 50);
		await_told(calls + 50);
		restart_callers();
		KIT_UNTIL(bindings(&caller) == 1);
		set_calls(calls + 100);
		await_told(calls + 100);
		assert_int_equal(kit_counters_edge(&caller, "magic")->calls, 50);
	}
}

/* Nobody has the memory: the page is not counted, but seen and taken away. */
static void both_at_once_still_govern_it(void **unused)
{
	(void)unused;
	kit_agent_kill(&caller, SIGKILL);
	restart_callees();
	kit_agent_start(&caller, "file");
	kit_apply(&caller, 1, "", edges, 1);
	kit_page_held(&server, &served, "file");
	KIT_UNTIL(bindings(&callee) == 1 && bindings(&caller) == 1);
	kit_apply(&caller, 2, "", refused, 1);
	expect_drop();
	KIT_UNTIL(bindings(&callee) == 0 && bindings(&caller) == 0);
}

static void put(void)
{
	unsigned char           bytes[32];
	struct rh_record_writer writer;

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u64(&writer, RH_TAG_PAGE, served.id);
	kit_send(server.fd, RH_FRAME_PAGE_PUT, 0, &writer, NULL, 0);
}

/* The thread's end is known to the worker alone. */
static void a_page_that_the_worker_gives_up_is_gone(void **unused)
{
	(void)unused;
	restart_callers();
	KIT_UNTIL(bindings(&caller) == 1);
	put();
	KIT_UNTIL(bindings(&caller) == 0 && bindings(&callee) == 0);
	put(); /* once more changes nothing */
}

/* The number of the caller is enough to see it end. */
static void it_ends_with_its_process(void **unused)
{
	int   pair[2];
	char  word = 0;
	pid_t child;

	(void)unused;
	assert_int_equal(pipe(pair), 0);
	child = fork();
	if (child == 0) {
		struct kit_peer peer;
		struct kit_page mine;

		kit_attach(&peer, "file", RH_ROLE_CALLER);
		kit_page_get(&peer, edge, 0, &mine);
		_exit(read(pair[0], &word, 1) == 1 ? 0 : 1);
	}
	kit_page_added(&server, &served);
	KIT_UNTIL(bindings(&caller) == 2);
	kit_agent_kill(&caller, SIGKILL);
	restart_callees();
	kit_page_held(&server, &served, "file");
	KIT_UNTIL(bindings(&callee) == 1);
	assert_int_equal(write(pair[1], "x", 1), 1);
	expect_drop();
	KIT_UNTIL(bindings(&callee) == 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	/* By now nobody can be said to have it. */
	kit_page_held(&server, &served, "file");
	kit_expect(server.fd, RH_FRAME_ERROR);
	assert_true(kit_frame.request == served.id);
	assert_int_equal(bindings(&callee), 0);
}

static int held_answer(const struct kit_page *told, const char *name)
{
	int32_t code = RH_OK;

	kit_page_held(&server, told, name);
	kit_expect(server.fd, RH_FRAME_ERROR);
	assert_true(kit_frame.request == told->id);
	assert_int_equal(rh_record_i32(&kit_frame.records, RH_TAG_CODE, &code), RH_OK);
	return code;
}

static void a_lying_worker_is_refused(void **unused)
{
	struct kit_page told = served;
	struct kit_peer other;

	(void)unused;
	restart_callees();
	assert_int_equal(held_answer(&told, ""), RH_EPROTO);
	assert_int_equal(held_answer(&told, "../file"), RH_EPROTO);
	told.id = 0;
	assert_int_equal(held_answer(&told, "file"), RH_EINVAL);
	told.id = UINT64_MAX; /* a number that is still to be given */
	assert_int_equal(held_answer(&told, "file"), RH_EINVAL);
	told = served;
	told.attachment = 1;
	assert_int_equal(held_answer(&told, "file"), RH_EIDENT);
	told.attachment = (uint64_t)getpid(); /* long before it began */
	assert_int_equal(held_answer(&told, "file"), RH_EIDENT);
	assert_int_equal(bindings(&callee), 0);
	kit_page_held(&server, &served, "file");
	KIT_UNTIL(bindings(&callee) == 1);
	assert_int_equal(held_answer(&served, "file"), RH_EINVAL);
	/* Another instance's word does not touch it, nor does one that does not serve. */
	assert_int_equal(kit_serve(&other, "magic", "bytes", 0), RH_OK);
	kit_page_held(&other, &served, "file");
	KIT_UNTIL(bindings(&callee) == 2);
	kit_detach(&other);
	KIT_UNTIL(bindings(&callee) == 1);
	kit_page_held(&client, &served, "file");
	kit_expect(client.fd, RH_FRAME_ERROR);
	kit_echo(&page, &served, "as before");
	/* One that nobody may call by is taken on, to be taken away. */
	told = served;
	told.id--;
	kit_page_held(&server, &told, "nobody");
	kit_expect(server.fd, RH_FRAME_PAGE_DROP);
	assert_true(kit_u64(RH_TAG_PAGE) == told.id);
	KIT_UNTIL(bindings(&callee) == 1);
}

static void an_instance_holds_no_more_than_it_may(void **unused)
{
	/* One that may call, and has no agent that would say that they are gone. */
	static const struct kit_edge two[] = {
		{ "file", "magic", "bind", RH_OK, NULL },
		{ "other", "magic", "bind", RH_OK, NULL },
	};
	struct kit_page told = served;
	struct rlimit   files;

	(void)unused;
	getrlimit(RLIMIT_NOFILE, &files);
	if (files.rlim_max < 4 * RH_HELD_MAX)
		skip();
	restart_callees();
	kit_apply(&callee, 2, "bytes", two, 2);
	for (unsigned i = 0; i < RH_HELD_MAX; i++) {
		told.id = told.origin = served.id - i;
		kit_page_held(&server, &told, "other");
	}
	told.id--;
	assert_int_equal(held_answer(&told, "other"), RH_ENOSPC);
	kit_apply(&callee, 3, "bytes", edges, 1);
	for (unsigned i = 0; i < RH_HELD_MAX; i++) /* they are taken away */
		kit_expect(server.fd, RH_FRAME_PAGE_DROP);
	KIT_UNTIL(bindings(&callee) == 0);
	kit_detach(&server);
	assert_int_equal(kit_serve(&server, "magic", "bytes", 0), RH_OK);
	kit_page_held(&server, &served, "file");
	KIT_UNTIL(bindings(&callee) == 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, kit_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_callees_next_agent_takes_it_away),
		TEST(the_callers_agent_takes_it_away_through_the_next),
		TEST(the_callers_next_agent_goes_on_counting),
		TEST(a_rule_that_came_meanwhile_holds),
		TEST(both_agents_may_be_restarted_in_turn),
		TEST(both_at_once_still_govern_it),
		TEST(a_page_that_the_worker_gives_up_is_gone),
		TEST(it_ends_with_its_process),
		TEST(a_lying_worker_is_refused),
		TEST(an_instance_holds_no_more_than_it_may),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
