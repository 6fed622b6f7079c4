/* Events: from an instance, through two agents, to the processes that listen. */
#include "agent_kit.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static const struct kit_edge edges[] = {
	{ "driver", "nic", "bind", RH_OK, NULL },
	{ "tool", "nic", "shm", RH_OK, NULL },
};

static struct kit_agent driver, tool, nic;
static struct kit_peer  device, listener;
static struct kit_page  out, in;
static uint32_t         edge;

static int set_up(void **state)
{
	int r = kit_open(state);

	if (r < 0)
		return r;
	kit_agent_start(&driver, "driver");
	kit_agent_start(&nic, "nic");
	kit_apply(&driver, 1, "", edges, 2);
	kit_apply(&nic, 1, "bytes", edges, 2);
	assert_int_equal(kit_serve(&device, "nic", "bytes", 0), RH_OK);
	assert_int_equal(kit_page_get(&device, RH_EDGE_EMIT, 0, &out), RH_OK);
	assert_int_equal(kit_attach(&listener, "driver", RH_ROLE_CALLER), RH_OK);
	assert_int_equal(kit_open_edge(&listener, "nic", &edge), RH_OK);
	return 0;
}

static int emit_on(struct kit_page *on, const char *text, uint64_t deadline)
{
	struct rh_request request = {
		.function = 11, .args_len = (uint32_t)strlen(text),
		.flags = RH_SLOT_EVENT, .deadline = deadline,
	};

	return kit_submit_request(on, &request, text);
}

static int emit(const char *text, uint64_t deadline)
{
	return emit_on(&out, text, deadline);
}

static int emitted(int slot, struct rh_reply *reply)
{
	kit_collect(&out, slot, reply);
	return reply->status;
}

/* Emits until somebody listens: subscribing takes a moment. */
static void emit_until_heard(const char *text)
{
	struct rh_reply reply;

	while (emitted(emit(text, kit_deadline()), &reply) == RH_EDOWN)
		assert_true(reply.flags & RH_SLOT_SURE); /* may be emitted again */
	assert_int_equal(reply.status, RH_OK);
}

static void listen(struct kit_page *inbox)
{
	assert_int_equal(kit_page_get(&listener, edge, RH_PAGE_FLAG_EVENTS, inbox),
	                 RH_OK);
	assert_int_equal(inbox->flags, RH_PAGE_FLAG_EVENTS);
}

static void expect_event(struct kit_page *inbox, const char *text)
{
	struct rh_taken taken;

	kit_take(inbox, &taken);
	assert_true(taken.function == 11);
	assert_true(taken.flags & RH_SLOT_EVENT);
	assert_int_equal(taken.args_len, strlen(text));
	assert_memory_equal(taken.args, text, strlen(text));
	kit_answer(inbox, &taken, RH_OK, "");
}

static void nobody_listens(void **unused)
{
	struct rh_reply reply;

	(void)unused;
	assert_int_equal(emitted(emit("hello?", kit_deadline()), &reply), RH_EDOWN);
	assert_true(reply.flags & RH_SLOT_SURE);
	assert_true(reply.len > 0);
}

static void events_come_in_order(void **unused)
{
	char text[16];

	(void)unused;
	listen(&in);
	emit_until_heard("0");
	expect_event(&in, "0");
	for (int i = 1; i < 500; i++) {
		struct rh_reply reply;

		snprintf(text, sizeof text, "%d", i);
		assert_int_equal(emitted(emit(text, kit_deadline()), &reply), RH_OK);
		expect_event(&in, text);
	}
	assert_int_equal(kit_counters(&nic)->emitted, 500);
	assert_int_equal(kit_counters_edge(&driver, "nic")->events, 500);
}

/* One that sleeps on its companion, so that the end of the agent wakes it as well. */
static void a_listener_is_woken_by_its_companion(void **unused)
{
	(void)unused;
	listen(&in);
	emit_until_heard("0");
	expect_event(&in, "0");
	assert_int_equal(rh_server_arm(&in.server, RH_ASLEEP_EVENT), RH_OK);
	emit_until_heard("1");
	kit_expect(in.companion, RH_FRAME_WAKE);
	rh_server_woken(&in.server);
	expect_event(&in, "1");
	kit_agent_kill(&driver, SIGKILL);
	assert_int_equal(kit_receive(in.companion), RH_ELOST);
}

struct stream {
	int slots[200];
	int sent;
	int finished;
};

static int send_next(struct stream *stream)
{
	char text[16];
	int  slot;

	snprintf(text, sizeof text, "%d", stream->sent);
	slot = emit(text, kit_deadline());
	if (slot >= 0)
		stream->slots[stream->sent++] = slot;
	return slot;
}

/* Ends what is done and sends as many anew; 1 when there is one to be received. */
static int go_on(struct stream *stream, int received)
{
	struct rh_reply reply;

	while (stream->finished < stream->sent &&
	       rh_caller_collect(&out.caller, stream->slots[stream->finished], &reply) !=
	       RH_EAGAIN) {
		assert_int_equal(reply.status, RH_OK);
		rh_caller_release(&out.caller, stream->slots[stream->finished++]);
		if (stream->sent < 200)
			assert_true(send_next(stream) >= 0);
	}
	return received < stream->sent;
}

/* The listener takes nothing: its page fills, then the agent holds back, then the
 * emitter; when it goes on nothing is missing or double. */
static void a_full_listener_holds_the_emitter_back(void **unused)
{
	struct stream   stream = { .sent = 1, .finished = 1 };
	struct rh_reply reply;
	char            text[16];

	(void)unused;
	listen(&in);
	emit_until_heard("0");
	while (stream.sent < (int)RH_PAGE_SLOTS) { /* the listener's page is full */
		assert_true(send_next(&stream) >= 0);
		kit_collect(&out, stream.slots[stream.finished++], &reply);
		assert_int_equal(reply.status, RH_OK);
	}
	while (send_next(&stream) >= 0) /* and so is the emitter's */
		;
	assert_int_equal(stream.sent, 2 * (int)RH_PAGE_SLOTS);
	assert_int_equal(rh_caller_collect(&out.caller, stream.slots[stream.finished],
	                                   &reply), RH_EAGAIN);
	for (int i = 0; i < 200; i++) {
		KIT_UNTIL(go_on(&stream, i));
		snprintf(text, sizeof text, "%d", i);
		expect_event(&in, text);
	}
	assert_int_equal(rh_server_has_call(&in.server), 0);
}

static void every_listener_gets_every_event(void **unused)
{
	struct kit_page here, there;
	struct kit_peer other;
	uint32_t        its_edge;

	(void)unused;
	kit_agent_start(&tool, "tool");
	kit_apply(&tool, 1, "", edges, 2);
	assert_int_equal(kit_attach(&other, "tool", RH_ROLE_CALLER), RH_OK);
	assert_int_equal(kit_open_edge(&other, "nic", &its_edge), RH_OK);
	assert_int_equal(kit_page_get(&other, its_edge, RH_PAGE_FLAG_EVENTS, &there),
	                 RH_OK);
	listen(&in);
	listen(&here); /* two in one process, one elsewhere */
	/* Until all channels are open; each inbox drops what came before that. */
	struct rh_taken taken;
	do {
		emit_until_heard("warm");
		kit_pause();
	} while (!rh_server_has_call(&there.server) || !rh_server_has_call(&in.server) ||
	         !rh_server_has_call(&here.server));
	struct kit_page *all[] = { &in, &here, &there };
	for (int i = 0; i < 3; i++) {
		while (rh_server_take(&all[i]->server, &taken) == 1)
			kit_answer(all[i], &taken, RH_OK, "");
	}
	for (int i = 0; i < 50; i++) {
		struct rh_reply reply;

		assert_int_equal(emitted(emit("all", kit_deadline()), &reply), RH_OK);
		for (int k = 0; k < 3; k++)
			expect_event(all[k], "all");
	}
	/* One that goes while it holds everybody up lets the others go on. */
	for (int i = 0; i < (int)RH_PAGE_SLOTS; i++) {
		struct rh_reply reply;

		assert_int_equal(emitted(emit("fill", kit_deadline()), &reply), RH_OK);
		expect_event(&in, "fill");
		expect_event(&here, "fill");
	}
	int slot = emit("stuck", kit_deadline());
	expect_event(&in, "stuck");
	kit_page_close(&there);
	struct rh_reply reply;
	assert_int_equal(emitted(slot, &reply), RH_OK);
	expect_event(&here, "stuck");
}

/* As many events as a link may have under way: the next one waits for that link, and
 * the others, which have it already, do not get it again. */
static void who_has_an_event_does_not_get_it_again(void **unused)
{
	enum { UNDER_WAY = 64, PAGES = UNDER_WAY / RH_PAGE_SLOTS + 1 };
	struct kit_page pages[PAGES], there;
	struct kit_peer other;
	struct rh_reply reply;
	struct rh_taken taken;
	uint32_t        its_edge;

	(void)unused;
	listen(&in);
	emit_until_heard("here");
	expect_event(&in, "here");
	kit_agent_start(&tool, "tool");
	kit_apply(&tool, 1, "", edges, 2);
	assert_int_equal(kit_attach(&other, "tool", RH_ROLE_CALLER), RH_OK);
	assert_int_equal(kit_open_edge(&other, "nic", &its_edge), RH_OK);
	assert_int_equal(kit_page_get(&other, its_edge, RH_PAGE_FLAG_EVENTS, &there),
	                 RH_OK);
	do {
		emit_until_heard("warm");
		expect_event(&in, "warm");
		kit_pause();
	} while (!rh_server_has_call(&there.server));
	while (rh_server_take(&there.server, &taken) == 1)
		kit_answer(&there, &taken, RH_OK, "");
	for (unsigned i = 0; i < RH_PAGE_SLOTS; i++) { /* the listener's page */
		assert_int_equal(emitted(emit("placed", kit_deadline()), &reply), RH_OK);
		expect_event(&in, "placed");
	}
	for (unsigned i = 0; i < PAGES; i++)
		assert_int_equal(kit_page_get(&device, RH_EDGE_EMIT, 0, &pages[i]), RH_OK);
	for (unsigned i = 0; i < UNDER_WAY; i++) {
		assert_true(emit_on(&pages[i / RH_PAGE_SLOTS], "held", kit_deadline()) >= 0);
		expect_event(&in, "held");
	}
	int slot = emit_on(&pages[PAGES - 1], "last", kit_deadline());
	expect_event(&in, "last");
	for (unsigned i = 0; i < RH_PAGE_SLOTS; i++)
		expect_event(&there, "placed");
	for (unsigned i = 0; i < UNDER_WAY; i++)
		expect_event(&there, "held");
	expect_event(&there, "last");
	kit_collect(&pages[PAGES - 1], slot, &reply);
	assert_int_equal(reply.status, RH_OK);
	assert_int_equal(emitted(emit("end", kit_deadline()), &reply), RH_OK);
	expect_event(&in, "end");
	expect_event(&there, "end");
	for (unsigned i = 0; i < PAGES; i++)
		kit_page_close(&pages[i]);
	kit_page_close(&there);
}

static void a_listener_that_dies_lets_go(void **unused)
{
	struct rh_reply reply;
	int             slot;

	(void)unused;
	listen(&in);
	emit_until_heard("0");
	for (int i = 1; i < (int)RH_PAGE_SLOTS; i++)
		assert_int_equal(emitted(emit("x", kit_deadline()), &reply), RH_OK);
	slot = emit("stuck", kit_deadline());
	kit_page_close(&in);
	assert_int_equal(emitted(slot, &reply), RH_EDOWN);
	assert_true(reply.flags & RH_SLOT_SURE);
	/* The whole agent: then nobody knows whether it was placed. */
	listen(&in);
	emit_until_heard("0");
	for (int i = 1; i < (int)RH_PAGE_SLOTS; i++)
		assert_int_equal(emitted(emit("x", kit_deadline()), &reply), RH_OK);
	slot = emit("stuck", kit_deadline());
	KIT_UNTIL(rh_server_has_call(&in.server));
	kit_agent_kill(&driver, SIGKILL);
	assert_int_equal(emitted(slot, &reply), RH_EDOWN);
	assert_false(reply.flags & RH_SLOT_SURE);
}

static void the_deadline_of_an_event_holds(void **unused)
{
	struct rh_reply reply;
	int             slot;

	(void)unused;
	listen(&in);
	emit_until_heard("0");
	for (int i = 1; i < (int)RH_PAGE_SLOTS; i++)
		assert_int_equal(emitted(emit("x", kit_deadline()), &reply), RH_OK);
	slot = emit("late", rh_clock_ns() + 50 * RH_NS_PER_MS);
	assert_int_equal(emitted(slot, &reply), RH_ETIMEDOUT);
	/* It may still come, and the next ones do. */
	struct rh_taken taken;
	for (int i = 0; i < (int)RH_PAGE_SLOTS; i++) {
		kit_take(&in, &taken);
		kit_answer(&in, &taken, RH_OK, "");
	}
	emit_until_heard("next");
}

static void only_who_serves_may_emit(void **unused)
{
	struct rh_request call = { .function = 11 };
	struct rh_reply   reply;
	struct kit_peer   peer;
	struct kit_page   page;

	(void)unused;
	/* This process serves the nic: under the driver it does not. */
	assert_int_equal(kit_page_get(&listener, RH_EDGE_EMIT, 0, &page), RH_EINVAL);
	assert_int_equal(kit_attach(&peer, "nic", RH_ROLE_CALLER), RH_OK);
	assert_int_equal(kit_page_get(&peer, RH_EDGE_EMIT, 0, &page), RH_OK);
	/* A call is no event. */
	int slot = kit_submit_request(&out, &call, "");
	assert_int_equal(emitted(slot, &reply), RH_EINVAL);
}

/* Upward only along an allowed edge. */
static void a_refused_edge_carries_no_events(void **unused)
{
	static const struct kit_edge refused[] = {
		{ "driver", "nic", "bind", RH_ELAYER, "no" },
	};
	struct rh_reply reply;

	(void)unused;
	listen(&in);
	emit_until_heard("0");
	kit_apply(&nic, 2, "bytes", refused, 1);
	assert_int_equal(emitted(emit("x", kit_deadline()), &reply), RH_EDOWN);
	kit_apply(&nic, 3, "bytes", edges, 2);
	assert_int_equal(emitted(emit("1", kit_deadline()), &reply), RH_OK);
	kit_apply(&driver, 2, "", refused, 1);
	assert_int_equal(emitted(emit("x", kit_deadline()), &reply), RH_EDOWN);
	expect_event(&in, "0");
	expect_event(&in, "1");
	assert_int_equal(rh_server_has_call(&in.server), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, kit_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nobody_listens),
		TEST(events_come_in_order),
		TEST(a_listener_is_woken_by_its_companion),
		TEST(a_full_listener_holds_the_emitter_back),
		TEST(every_listener_gets_every_event),
		TEST(who_has_an_event_does_not_get_it_again),
		TEST(a_listener_that_dies_lets_go),
		TEST(the_deadline_of_an_event_holds),
		TEST(only_who_serves_may_emit),
		TEST(a_refused_edge_carries_no_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
