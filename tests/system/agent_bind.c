/* Bindings: pages that caller and callee share, with the agents out of the way. */
#include "agent_kit.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static const struct kit_edge edges[] = {
	{ "file", "magic", "bind", RH_OK, NULL },
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
	return 0;
}

static void bind_page(void)
{
	kit_page_ask(&client, edge, 0, kit_deadline());
	kit_page_added(&server, &served);
	assert_int_equal(served.flags, RH_PAGE_FLAG_BIND);
	assert_int_equal(kit_page_take(&client, &page), RH_OK);
	assert_int_equal(page.flags, RH_PAGE_FLAG_BIND);
	assert_int_equal(page.instance, server.instance);
	assert_int_equal(page.caller.page.head->fixed.instance, server.instance);
	assert_true(served.attachment == client.attachment);
}

static void join(void)
{
	assert_int_equal(kit_serve(&server, "magic", "bytes", 0), RH_OK);
	bind_page();
}

/* What the two sides of a page count for themselves. */
static void count(struct kit_page *one, uint64_t by_caller, uint64_t by_server)
{
	struct rh_page_head *head = one->caller.page.head;

	atomic_store(&head->by_caller.calls, by_caller);
	atomic_store(&head->by_caller.bytes_in, 10 * by_caller);
	atomic_store(&head->latency[4], by_caller);
	atomic_store(&head->by_server.calls, by_server);
}

static int hung_up(int fd)
{
	struct pollfd look = { .fd = fd };

	return poll(&look, 1, 0) == 1;
}

static void the_two_share_one_page(void **unused)
{
	(void)unused;
	join();
	for (int i = 0; i < 100; i++)
		kit_echo(&page, &served, "past the agents");
	/* Both are the same memory, and each has the other end of the companion. */
	page.caller.page.head->counted.reserved[0] = 'x';
	assert_int_equal(served.server.page.head->counted.reserved[0], 'x');
	close(served.companion);
	KIT_UNTIL(hung_up(page.companion));
	assert_int_equal(kit_counters(&caller)->bindings, 1);
	assert_int_equal(kit_counters(&callee)->bindings, 1);
	assert_int_equal(kit_counters(&caller)->pages, 0);
}

static void its_counters_are_read_and_compared(void **unused)
{
	const struct rh_counters_edge *counters;

	(void)unused;
	join();
	counters = kit_counters_edge(&caller, "magic");
	count(&page, 1000, 1000);
	KIT_UNTIL(counters->calls == 1000);
	assert_int_equal(counters->bytes_in, 10000);
	assert_int_equal(counters->latency[4], 1000);
	count(&page, 1500, 1490);
	kit_page_close(&page);
	kit_detach(&client);
	KIT_UNTIL(counters->calls == 1500);
	kit_expect(server.fd, RH_FRAME_PAGE_DROP);
	assert_int_equal(kit_counters(&caller)->mismatched, 0);
	/* Another page that lies about its past: counters never fall. */
	assert_int_equal(kit_attach(&client, "file", RH_ROLE_CALLER), RH_OK);
	bind_page();
	count(&page, 700, 100);
	KIT_UNTIL(counters->calls == 2200);
	count(&page, 3, 100);
	kit_page_close(&page);
	kit_detach(&client);
	KIT_UNTIL(kit_counters(&caller)->mismatched == 1);
	assert_int_equal(counters->calls, 2200);
}

static void without_an_instance_it_waits_until_its_deadline(void **unused)
{
	(void)unused;
	kit_page_ask(&client, edge, 0, rh_clock_ns() + 100 * RH_NS_PER_MS);
	assert_int_equal(kit_page_take(&client, &page), RH_EDOWN);
	assert_non_null(strstr(kit_text, "magic"));
	/* Asked for in time, and there in time. */
	kit_page_ask(&client, edge, 0, kit_deadline());
	assert_int_equal(kit_serve(&server, "magic", "bytes", 0), RH_OK);
	kit_page_added(&server, &served);
	assert_int_equal(kit_page_take(&client, &page), RH_OK);
	kit_echo(&page, &served, "at last");
}

static void without_an_agent_it_waits_as_well(void **unused)
{
	(void)unused;
	kit_agent_kill(&callee, SIGKILL);
	kit_page_ask(&client, edge, 0, rh_clock_ns() + 100 * RH_NS_PER_MS);
	assert_int_equal(kit_page_take(&client, &page), RH_EDOWN);
	kit_page_ask(&client, edge, 0, kit_deadline());
	kit_agent_start(&callee, "magic");
	kit_apply(&callee, 1, "bytes", edges, 1);
	assert_int_equal(kit_serve(&server, "magic", "bytes", 0), RH_OK);
	kit_page_added(&server, &served);
	assert_int_equal(kit_page_take(&client, &page), RH_OK);
	kit_echo(&page, &served, "after all");
}

/* Offered to an instance that dies before it answers, then to the next. */
static void an_instance_that_dies_while_it_is_asked(void **unused)
{
	struct kit_peer second;

	(void)unused;
	assert_int_equal(kit_serve(&server, "magic", "bytes", 0), RH_OK);
	kit_page_ask(&client, edge, 0, kit_deadline());
	kit_expect(server.fd, RH_FRAME_PAGE_ADD);
	assert_int_equal(kit_serve(&second, "magic", "bytes", 0), RH_OK);
	rh_frame_drop(&kit_frame);
	kit_detach(&server);
	kit_page_added(&second, &served);
	assert_int_equal(kit_page_take(&client, &page), RH_OK);
	assert_int_equal(page.instance, second.instance);
	kit_echo(&page, &served, "the second one");
}

static void an_instance_may_refuse(void **unused)
{
	unsigned char           bytes[128];
	struct rh_record_writer writer;

	(void)unused;
	assert_int_equal(kit_serve(&server, "magic", "bytes", 0), RH_OK);
	kit_page_ask(&client, edge, 0, kit_deadline());
	kit_expect(server.fd, RH_FRAME_PAGE_ADD);
	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_i32(&writer, RH_TAG_CODE, RH_ENOSPC);
	kit_send(server.fd, RH_FRAME_ERROR, kit_frame.request, &writer, NULL, 0);
	assert_int_equal(kit_page_take(&client, &page), RH_ENOSPC);
	assert_int_equal(kit_counters(&caller)->bindings, 0);
}

/* The agents may die: the two go on, and find their agents again. */
static void a_bound_page_outlives_the_agents(void **unused)
{
	(void)unused;
	join();
	kit_agent_kill(&caller, SIGKILL);
	kit_echo(&page, &served, "without the caller's agent");
	kit_agent_kill(&callee, SIGKILL);
	kit_echo(&page, &served, "without any agent");
	assert_false(hung_up(page.companion));
}

/* The callee's agent lost its link, and with it the word that the page ended; it
 * learns from the process itself. */
static void an_orphaned_page_ends_with_its_process(void **unused)
{
	int   pair[2];
	char  word = 0;
	pid_t child;

	(void)unused;
	assert_int_equal(kit_serve(&server, "magic", "bytes", 0), RH_OK);
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
	KIT_UNTIL(kit_counters(&callee)->bindings == 1);
	kit_agent_kill(&caller, SIGKILL);
	KIT_UNTIL(kit_counters(&callee)->links == 0);
	assert_int_equal(kit_counters(&callee)->bindings, 1);
	assert_int_equal(write(pair[1], "x", 1), 1);
	kit_expect(server.fd, RH_FRAME_PAGE_DROP);
	assert_true(kit_u64(RH_TAG_PAGE) == served.id);
	KIT_UNTIL(kit_counters(&callee)->bindings == 0);
}

static void a_revoked_edge_takes_the_page_away(void **unused)
{
	static const struct kit_edge refused[] = {
		{ "file", "magic", "bind", RH_ELAYER, "no: rule hierarchy, revision 7" },
	};

	(void)unused;
	join();
	assert_true(rh_caller_claim(&page.caller));
	kit_apply(&caller, 2, "", refused, 1);
	/* The caller is asked to come again... */
	KIT_UNTIL(atomic_load(&page.caller.page.head->server.life) == RH_PAGE_RETIRED);
	kit_echo(&page, &served, "what is under way goes on");
	kit_page_ask(&client, edge, 0, kit_deadline());
	assert_int_equal(kit_page_take(&client, &page), RH_ELAYER);
	assert_string_equal(kit_text, "no: rule hierarchy, revision 7");
	/* ... and who does not is cut off. */
	kit_expect(server.fd, RH_FRAME_PAGE_DROP);
	assert_true(kit_u64(RH_TAG_PAGE) == served.id);
	KIT_UNTIL(kit_counters(&caller)->bindings == 0);
}

static void await_report(void)
{
	do
		assert_true(kit_receive(callee.center) > 0);
	while (kit_frame.type != RH_FRAME_REPORT);
}

/* The callee's agent does it and says so; the caller's has nothing left to do. */
static void what_is_cut_off_is_reported(void **unused)
{
	static const struct kit_edge refused[] = {
		{ "file", "magic", "bind", RH_ELAYER, NULL },
	};
	struct rh_record_reader item;
	struct rh_record        record;
	char                    name[64];

	(void)unused;
	join();
	assert_true(rh_caller_claim(&page.caller));
	kit_apply(&caller, 2, "", refused, 1);
	kit_apply(&callee, 2, "bytes", refused, 1);
	kit_expect(server.fd, RH_FRAME_PAGE_DROP);
	await_report();
	assert_int_equal(rh_record_find(&kit_frame.records, RH_TAG_REPORT_ITEM, &record),
	                 RH_OK);
	rh_record_read(&item, record.bytes, record.len);
	assert_int_equal(rh_record_text(&item, RH_TAG_CALLER, name, sizeof name), RH_OK);
	assert_string_equal(name, "file");
	KIT_UNTIL(kit_counters(&caller)->bindings == 0);
	KIT_UNTIL(kit_counters(&callee)->bindings == 0);
}

static void what_is_cut_off_without_the_center_is_reported_later(void **unused)
{
	static const struct kit_edge refused[] = {
		{ "file", "magic", "bind", RH_ELAYER, NULL },
	};

	(void)unused;
	join();
	assert_true(rh_caller_claim(&page.caller));
	kit_apply(&callee, 2, "bytes", refused, 1);
	close(callee.center);
	kit_expect(server.fd, RH_FRAME_PAGE_DROP);
	kit_center_accept(&callee);
	kit_apply(&callee, 3, "bytes", refused, 1);
	await_report();
}

static int is_retired(const struct kit_page *of)
{
	return atomic_load(&of->caller.page.head->server.life) == RH_PAGE_RETIRED;
}

/* Nothing is in one of two pages: it goes at once, and the other when it is given
 * back. */
static void an_empty_page_is_taken_at_once(void **unused)
{
	struct kit_page busy, served_busy;

	(void)unused;
	join();
	busy = page;
	served_busy = served;
	assert_true(rh_caller_claim(&busy.caller));
	bind_page();
	kit_apply(&caller, 2, "", NULL, 0);
	kit_expect(server.fd, RH_FRAME_PAGE_DROP);
	assert_true(kit_u64(RH_TAG_PAGE) == served.id);
	assert_true(is_retired(&page));
	assert_true(is_retired(&busy));
	assert_int_equal(kit_counters(&caller)->bindings, 1);
	kit_echo(&busy, &served_busy, "what is under way goes on");
	kit_page_put(&client, &busy);
	kit_expect(server.fd, RH_FRAME_PAGE_DROP);
	assert_true(kit_u64(RH_TAG_PAGE) == served_busy.id);
	KIT_UNTIL(kit_counters(&callee)->bindings == 0);
}

/* Allowed again before the thread left: it is not cut off, but retired for good. */
static void a_page_that_is_allowed_again_is_left_in_its_own_time(void **unused)
{
	(void)unused;
	join();
	assert_true(rh_caller_claim(&page.caller));
	kit_apply(&caller, 2, "", NULL, 0);
	KIT_UNTIL(is_retired(&page));
	kit_apply(&caller, 3, "", edges, 1);
	kit_echo(&page, &served, "allowed again");
	assert_true(is_retired(&page));
	kit_page_put(&client, &page);
	kit_expect(server.fd, RH_FRAME_PAGE_DROP);
	bind_page();
	kit_echo(&page, &served, "over the next one");
}

/* The callee's agent alone: the caller's is told. */
static void put(const char *protocol, uint64_t revision)
{
	const struct kit_edge now[] = { { "file", "magic", protocol, RH_OK, NULL } };

	kit_apply(&caller, revision, "", now, 1);
	kit_apply(&callee, revision, "bytes", now, 1);
}

/* A call was in it the first time, so that it stayed; the second time nothing is. */
static void a_page_that_is_to_go_again_is_taken_at_once(void **unused)
{
	(void)unused;
	join();
	assert_true(rh_caller_claim(&page.caller));
	put("shm", 2);
	KIT_UNTIL(is_retired(&page));
	put("bind", 3);
	kit_echo(&page, &served, "the call that held it");
	rh_caller_unclaim(&page.caller);
	assert_int_equal(kit_counters(&caller)->bindings, 1);
	put("shm", 4);
	KIT_UNTIL(kit_counters(&caller)->bindings == 0 &&
	          kit_counters(&callee)->bindings == 0);
}

static void the_callees_agent_takes_an_empty_page_itself(void **unused)
{
	(void)unused;
	join();
	kit_apply(&callee, 2, "bytes", NULL, 0);
	kit_expect(server.fd, RH_FRAME_PAGE_DROP);
	assert_true(is_retired(&page));
	KIT_UNTIL(kit_counters(&caller)->bindings == 0);
}

/* The callee's agent knows too, should the caller's not do its part. */
static void expect_taken_away_by(const struct kit_edge *edges_now, unsigned count)
{
	join();
	assert_true(rh_caller_claim(&page.caller));
	kit_agent_kill(&caller, SIGKILL);
	kit_apply(&callee, 2, "bytes", edges_now, count);
	KIT_UNTIL(is_retired(&page));
	kit_expect(server.fd, RH_FRAME_PAGE_DROP);
	KIT_UNTIL(kit_counters(&callee)->bindings == 0);
}

static void the_callees_agent_takes_it_away_itself(void **unused)
{
	(void)unused;
	expect_taken_away_by(NULL, 0);
}

static void the_callees_agent_takes_a_refused_one_away(void **unused)
{
	static const struct kit_edge refused = { "file", "magic", "bind", RH_ELAYER, NULL };

	(void)unused;
	expect_taken_away_by(&refused, 1);
}

static void another_protocol_counts_for_the_next_page(void **unused)
{
	static const struct kit_edge by_shm[] = {
		{ "file", "magic", "shm", RH_OK, NULL },
	};
	struct kit_page next;

	(void)unused;
	join();
	kit_apply(&callee, 2, "bytes", by_shm, 1);
	kit_apply(&caller, 2, "", by_shm, 1);
	KIT_UNTIL(atomic_load(&page.caller.page.head->server.life) == RH_PAGE_RETIRED);
	assert_int_equal(kit_page_get(&client, edge, 0, &next), RH_OK);
	assert_int_equal(next.flags, 0);
	assert_true(kit_submit(&next, 1, "x", kit_deadline()) >= 0);
	do /* the bound page may be dropped in between */
		kit_receive(server.fd);
	while (kit_frame.type == RH_FRAME_PAGE_DROP);
	assert_int_equal(kit_frame.type, RH_FRAME_PAGE_ADD);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, kit_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_two_share_one_page),
		TEST(its_counters_are_read_and_compared),
		TEST(without_an_instance_it_waits_until_its_deadline),
		TEST(without_an_agent_it_waits_as_well),
		TEST(an_instance_that_dies_while_it_is_asked),
		TEST(an_instance_may_refuse),
		TEST(a_bound_page_outlives_the_agents),
		TEST(an_orphaned_page_ends_with_its_process),
		TEST(a_revoked_edge_takes_the_page_away),
		TEST(what_is_cut_off_is_reported),
		TEST(what_is_cut_off_without_the_center_is_reported_later),
		TEST(an_empty_page_is_taken_at_once),
		TEST(a_page_that_is_allowed_again_is_left_in_its_own_time),
		TEST(a_page_that_is_to_go_again_is_taken_at_once),
		TEST(the_callees_agent_takes_an_empty_page_itself),
		TEST(the_callees_agent_takes_it_away_itself),
		TEST(the_callees_agent_takes_a_refused_one_away),
		TEST(another_protocol_counts_for_the_next_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
