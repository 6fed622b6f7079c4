/* What every protocol owes its user, run over each: protocol_conformance NAME. */
#include "flow.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void carries_a_call_and_its_answer(void **unused)
{
	static const uint32_t sizes[] = { 0, 1, 64, 447, 448, 449, 512, 4096, 65536,
	                                  RH_PAYLOAD_ARENA_MAX };
	struct pair pair;

	(void)unused;
	pair_open(&pair);
	for (uint64_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		pair_send(&pair, pair.caller, RH_MSG_CALL, i, sizes[i]);
		pair_receive(&pair, pair.callee, RH_MSG_CALL, i, sizes[i]);
		pair_send(&pair, pair.callee, RH_MSG_REPLY, i, sizes[i]);
		pair_receive(&pair, pair.caller, RH_MSG_REPLY, i, sizes[i]);
	}
	pair_close(&pair);
}

static void keeps_every_field_of_a_head(void **unused)
{
	struct pair        pair;
	struct rh_msg_head sent = message(RH_MSG_CALL, 99, 5), got;
	const void        *body;

	(void)unused;
	pair_open(&pair);
	sent.deadline = 1u << 31;
	assert_int_equal(pair.protocol->submit(pair.caller, &sent, "hello"), RH_OK);
	assert_int_equal(pair.protocol->poll(pair.callee, &got, &body), 1);
	assert_int_equal(got.function, sent.function);
	assert_int_equal(got.deadline, sent.deadline);
	assert_int_equal(got.context, sent.context);
	assert_memory_equal(body, "hello", 5);
	if (!traits.only_calls)
		assert_memory_equal(&got, &sent, sizeof sent);
	pair.protocol->release(pair.callee);
	pair_close(&pair);
}

static void carries_events_upward(void **unused)
{
	struct pair pair;

	(void)unused;
	if (traits.only_calls)
		return;
	pair_open(&pair);
	for (uint64_t i = 0; i < 20; i++) {
		pair_send(&pair, pair.callee, RH_MSG_EVENT, i, 1500);
		pair_receive(&pair, pair.caller, RH_MSG_EVENT, i, 1500);
		pair_send(&pair, pair.caller, RH_MSG_EVENT_DONE, i, 0);
		pair_receive(&pair, pair.callee, RH_MSG_EVENT_DONE, i, 0);
	}
	pair_close(&pair);
}

static void refuses_what_is_too_large(void **unused)
{
	struct pair        pair;
	struct rh_msg_head head = message(RH_MSG_CALL, 1, RH_PAYLOAD_ARENA_MAX + 1);
	const void        *body;

	(void)unused;
	pair_open(&pair);
	assert_int_equal(pair.protocol->submit(pair.caller, &head, message_body(1)),
	                 RH_EMSGSIZE);
	head.len = UINT32_MAX;
	assert_int_equal(pair.protocol->submit(pair.caller, &head, message_body(1)),
	                 RH_EMSGSIZE);
	assert_int_equal(pair.protocol->poll(pair.callee, &head, &body), RH_EAGAIN);
	pair_send(&pair, pair.caller, RH_MSG_CALL, 0, 10);
	pair_receive(&pair, pair.callee, RH_MSG_CALL, 0, 10);
	pair_close(&pair);
}

/* Submits calls of that size until the channel is full; returns how many. */
static uint64_t fill(struct pair *pair, uint64_t first, uint32_t len)
{
	for (uint64_t call = first;; call++) {
		struct rh_msg_head head = message(RH_MSG_CALL, call, len);
		int r = pair->protocol->submit(pair->caller, &head, message_body(call));

		if (r == RH_EAGAIN)
			return call - first;
		assert_int_equal(r, RH_OK);
		assert_true(call - first < 1000000);
	}
}

static void answer_one(struct pair *pair, uint64_t call, uint32_t len)
{
	pair_receive(pair, pair->callee, RH_MSG_CALL, call, len);
	pair_send(pair, pair->callee, RH_MSG_REPLY, call, 0);
	pair_receive(pair, pair->caller, RH_MSG_REPLY, call, 0);
}

static void says_when_it_is_full_and_loses_nothing(void **unused)
{
	static const uint32_t sizes[] = { 0, 100, 449, 100000, RH_PAYLOAD_ARENA_MAX };
	struct pair           pair;
	struct rh_description told;
	uint64_t              next = 0;

	(void)unused;
	pair_open(&pair);
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		uint64_t count = fill(&pair, next, sizes[i]);

		assert_true(count >= 1);
		for (uint64_t done = 0; done < count; done++)
			answer_one(&pair, next + done, sizes[i]);
		next += count;
	}
	pair.protocol->describe(pair.caller, &told);
	assert_int_equal(told.submitted, next);
	assert_int_equal(told.polled, next);
	assert_int_equal(told.full, sizeof sizes / sizeof sizes[0]);
	pair_close(&pair);
}

/* Full, one answered, full again: the freed room is found at every position. */
static void finds_room_again_after_every_answer(void **unused)
{
	struct pair pair;
	uint64_t    seed = 5, sent = 0, done = 0;
	uint32_t    sizes[2048];

	(void)unused;
	pair_open(&pair);
	while (sent < 2048) {
		uint32_t           len = (uint32_t)number_random(&seed) % 700000;
		struct rh_msg_head head = message(RH_MSG_CALL, sent, len);

		while (pair.protocol->submit(pair.caller, &head, message_body(sent)) != RH_OK) {
			assert_true(done < sent);
			answer_one(&pair, done, sizes[done]);
			done++;
		}
		sizes[sent++] = len;
	}
	while (done < sent) {
		answer_one(&pair, done, sizes[done]);
		done++;
	}
	pair_close(&pair);
}

/* Polls and arms until it may sleep: an EAGAIN must be for a reason that ends. */
static int arm_dry(struct pair *pair, void *state, int wants)
{
	struct rh_msg_head head;
	const void        *body;

	for (int i = 0; i < 100; i++) {
		assert_int_equal(pair->protocol->poll(state, &head, &body), RH_EAGAIN);
		if (pair->protocol->arm(state, wants) == RH_OK)
			return RH_OK;
	}
	return RH_EAGAIN;
}

static void wakes_who_waits_for_a_message(void **unused)
{
	struct pair pair;

	(void)unused;
	pair_open(&pair);
	for (uint64_t i = 0; i < 50; i++) {
		assert_int_equal(arm_dry(&pair, pair.callee, MESSAGE), RH_OK);
		assert_false(pair_is_ready(&pair, pair.callee, MESSAGE, 0));
		pair_send(&pair, pair.caller, RH_MSG_CALL, i, 10);
		assert_true(pair_is_ready(&pair, pair.callee, MESSAGE, WATCHDOG_MS));
		pair_receive(&pair, pair.callee, RH_MSG_CALL, i, 10);

		assert_int_equal(arm_dry(&pair, pair.caller, MESSAGE), RH_OK);
		pair_send(&pair, pair.callee, RH_MSG_REPLY, i, 10);
		assert_true(pair_is_ready(&pair, pair.caller, MESSAGE, WATCHDOG_MS));
		pair_receive(&pair, pair.caller, RH_MSG_REPLY, i, 10);
	}
	pair_close(&pair);
}

static void does_not_sleep_on_a_message(void **unused)
{
	struct pair pair;

	(void)unused;
	pair_open(&pair);
	pair_send(&pair, pair.caller, RH_MSG_CALL, 0, 10);
	/* Either arm says so, or the descriptors do. */
	assert_true(pair.protocol->arm(pair.callee, MESSAGE) == RH_EAGAIN ||
	            pair_is_ready(&pair, pair.callee, MESSAGE, 0));
	pair_receive(&pair, pair.callee, RH_MSG_CALL, 0, 10);
	pair_close(&pair);
}

static void wakes_who_waits_for_room(void **unused)
{
	static const uint32_t sizes[] = { 10, 300000, RH_PAYLOAD_ARENA_MAX };
	struct pair           pair;
	uint64_t              next = 0;

	(void)unused;
	pair_open(&pair);
	for (size_t i = 0; i < 3; i++) {
		uint64_t first = next, count = fill(&pair, next, sizes[i]);

		next += count;
		assert_int_equal(arm_dry(&pair, pair.caller, BOTH), RH_OK);
		assert_false(pair_is_ready(&pair, pair.caller, BOTH, 0));
		pair_receive(&pair, pair.callee, RH_MSG_CALL, first, sizes[i]);
		if (traits.only_calls) { /* there the answer is what makes room */
			pair_send(&pair, pair.callee, RH_MSG_REPLY, first, 0);
			assert_true(pair_is_ready(&pair, pair.caller, BOTH, WATCHDOG_MS));
			pair_receive(&pair, pair.caller, RH_MSG_REPLY, first, 0);
		} else {
			assert_true(pair_is_ready(&pair, pair.caller, BOTH, WATCHDOG_MS));
		}
		pair_send(&pair, pair.caller, RH_MSG_CALL, next++, sizes[i]);
		for (uint64_t call = first + 1; call < next; call++) {
			if (traits.only_calls) {
				answer_one(&pair, call, sizes[i]);
				continue;
			}
			pair_receive(&pair, pair.callee, RH_MSG_CALL, call, sizes[i]);
		}
	}
	pair_close(&pair);
}

/* Answers, or under bind nothing: there a callee always has room. */
static uint64_t fill_back(struct pair *pair, uint64_t first, uint32_t len)
{
	for (uint64_t call = first;; call++) {
		struct rh_msg_head head = message(RH_MSG_REPLY, call, len);

		if (pair->protocol->submit(pair->callee, &head, message_body(call)) !=
		    RH_OK)
			return call - first;
		assert_true(call - first < 1000000);
	}
}

/* Full both ways, and nothing polled on this side: the messages that wait do not keep
 * it awake, and one message less on the other side does wake it, each time. */
static void waits_for_room_beside_messages(void **unused)
{
	static const uint32_t sizes[] = { 10, 300000, RH_PAYLOAD_ARENA_MAX };
	struct pair           pair;
	uint64_t              next = 0, done = 0;

	(void)unused;
	if (traits.only_calls)
		return;
	pair_open(&pair);
	assert_true(fill(&pair, 0, 20) > 0);
	for (size_t i = 0; i < 30; i++) {
		uint32_t len = sizes[i / 10];

		while (i % 10 == 0 && done < next)
			pair_receive(&pair, pair.caller, RH_MSG_REPLY, done++,
			             sizes[i / 10 - 1]);
		next += fill_back(&pair, next, len);
		assert_int_equal(pair.protocol->arm(pair.callee, ROOM), RH_OK);
		assert_false(pair_is_ready(&pair, pair.callee, ROOM, 0));
		pair_receive(&pair, pair.caller, RH_MSG_REPLY, done++, len);
		assert_true(pair_is_ready(&pair, pair.callee, ROOM, WATCHDOG_MS));
		assert_true(pair.protocol->arm(pair.callee, ROOM) == RH_EAGAIN ||
		            pair_is_ready(&pair, pair.callee, ROOM, 0));
	}
	pair_close(&pair);
}

/* A message more does not end that sleep for good: armed again, it sleeps. */
static void sleeps_on_while_messages_come(void **unused)
{
	struct pair pair;

	(void)unused;
	if (traits.only_calls)
		return;
	pair_open(&pair);
	fill_back(&pair, 0, 10);
	for (uint64_t call = 0; call < 2; call++) {
		assert_int_equal(pair.protocol->arm(pair.callee, ROOM), RH_OK);
		pair_send(&pair, pair.caller, RH_MSG_CALL, call, 10);
	}
	assert_int_equal(pair.protocol->arm(pair.callee, ROOM), RH_OK);
	assert_false(pair_is_ready(&pair, pair.callee, ROOM, 0));
	pair.protocol->close(pair.caller);
	assert_true(pair.protocol->arm(pair.callee, ROOM) == RH_EAGAIN ||
	            pair_is_ready(&pair, pair.callee, ROOM, WATCHDOG_MS));
	/* They are still there for who wants them at last. */
	for (uint64_t call = 0; call < 2; call++)
		pair_receive(&pair, pair.callee, RH_MSG_CALL, call, 10);
	pair_close(&pair);
}

static void lends_a_body_until_release(void **unused)
{
	struct pair        pair;
	struct rh_msg_head head;
	const void        *body;

	(void)unused;
	pair_open(&pair);
	pair_send(&pair, pair.caller, RH_MSG_CALL, 0, 300);
	assert_int_equal(pair.protocol->poll(pair.callee, &head, &body), 1);
	uint64_t count = fill(&pair, 1, 300);
	message_verify(&head, body);
	pair.protocol->release(pair.callee);
	for (uint64_t call = 1; call <= count; call++)
		pair_receive(&pair, pair.callee, RH_MSG_CALL, call, 300);
	pair_close(&pair);
}

static void a_close_wakes_the_other_side(void **unused)
{
	struct pair        pair;
	struct rh_msg_head head = message(RH_MSG_REPLY, 1, 0);
	const void        *body;

	(void)unused;
	pair_open(&pair);
	pair_send(&pair, pair.caller, RH_MSG_CALL, 0, 5000);
	pair_receive(&pair, pair.callee, RH_MSG_CALL, 0, 5000);
	pair_send(&pair, pair.caller, RH_MSG_CALL, 1, 5000);
	pair.protocol->close(pair.caller);
	/* What was sent before is still there. */
	pair_receive(&pair, pair.callee, RH_MSG_CALL, 1, 5000);
	assert_true(pair.protocol->arm(pair.callee, MESSAGE) == RH_EAGAIN ||
	            pair_is_ready(&pair, pair.callee, MESSAGE, WATCHDOG_MS));
	assert_int_equal(pair.protocol->poll(pair.callee, &head, &body), RH_ELOST);
	head = message(RH_MSG_REPLY, 0, 0);
	assert_int_equal(pair.protocol->submit(pair.callee, &head, ""), RH_ELOST);
	pair_close(&pair);

	pair_open(&pair);
	assert_int_equal(arm_dry(&pair, pair.caller, MESSAGE), RH_OK);
	pair.protocol->close(pair.callee);
	assert_true(pair_is_ready(&pair, pair.caller, MESSAGE, WATCHDOG_MS));
	assert_int_equal(pair.protocol->poll(pair.caller, &head, &body), RH_ELOST);
	pair_close(&pair);
}

static void leaves_no_descriptor(void **unused)
{
	struct pair     pair;
	struct rh_offer offer;
	int             before = count_fds();

	(void)unused;
	for (int i = 0; i < 50; i++) {
		pair_open(&pair);
		if (i % 2) {
			pair_send(&pair, pair.caller, RH_MSG_CALL, 1, 2000);
			pair.protocol->close(pair.callee);
			pair.protocol->close(pair.callee);
		}
		pair_close(&pair);
	}
	assert_int_equal(count_fds(), before);

	/* An offer nobody took: the descriptors are the test's to close. */
	pair_offer(&pair, &offer);
	for (uint32_t i = 0; i < offer.fd_count; i++)
		close(offer.fds[i]);
	pair_close(&pair); /* the callee's state is still all zero */
	assert_int_equal(count_fds(), before);
}

static void describes_what_it_uses(void **unused)
{
	struct pair           pair;
	struct rh_description caller, callee;

	(void)unused;
	pair_open(&pair);
	pair_send(&pair, pair.caller, RH_MSG_CALL, 0, 10);
	pair_receive(&pair, pair.callee, RH_MSG_CALL, 0, 10);
	pair.protocol->describe(pair.caller, &caller);
	pair.protocol->describe(pair.callee, &callee);
	assert_int_equal(caller.submitted, 1);
	assert_int_equal(caller.polled, 0);
	assert_int_equal(callee.submitted, 0);
	assert_int_equal(callee.polled, 1);
	assert_true(strlen(caller.object) > 3 && strlen(caller.detail) > 3);
	assert_string_equal(caller.object, callee.object);
	pair_close(&pair);
}

static void carries_100000_calls_exactly_once(void **unused)
{
	struct pair pair;
	struct flow flow = { .pair = &pair, .calls = 100000, .seed = 1 };

	(void)unused;
	pair_open(&pair);
	flow_run(&flow);
	pair_close(&pair);
}

static void carries_a_flood_without_answers(void **unused)
{
	struct pair pair;
	struct flow flow = { .pair = &pair, .calls = 20000, .seed = 3 };

	(void)unused;
	if (traits.only_calls)
		return;
	pair_open(&pair);
	flow_flood(&flow);
	pair_close(&pair);
}

static void never_loses_a_wake_up(void **unused)
{
	(void)unused;
	for (uint64_t seed = 10; seed < 14; seed++) {
		struct pair pair;
		struct flow flow = { .pair = &pair, .calls = 20000, .seed = seed,
		                     .len_max = 64, .pauses = 1 };

		pair_open(&pair);
		flow_run(&flow);
		pair_close(&pair);
	}
}

/* As an agent that is full in both directions: it leaves calls where they are while an
 * answer finds no room, and only room may wake it. */
static void carries_calls_while_full_both_ways(void **unused)
{
	(void)unused;
	for (uint64_t seed = 20; seed < 24; seed++) {
		struct pair pair;
		struct flow flow = { .pair = &pair, .calls = 20000, .seed = seed,
		                     .len_max = seed % 2 ? 0 : 64, .pauses = 1,
		                     .is_stubborn = 1 };

		pair_open(&pair);
		flow_run(&flow);
		pair_close(&pair);
	}
}

/* What the fault injector still owes: it refuses and delays at will. */
static const struct CMUnitTest tests_of_lossy[] = {
	cmocka_unit_test(carries_a_call_and_its_answer),
	cmocka_unit_test(carries_events_upward),
	cmocka_unit_test(finds_room_again_after_every_answer),
	cmocka_unit_test(leaves_no_descriptor),
	cmocka_unit_test(carries_100000_calls_exactly_once),
	cmocka_unit_test(carries_a_flood_without_answers),
	cmocka_unit_test(never_loses_a_wake_up),
	cmocka_unit_test(carries_calls_while_full_both_ways),
};

static const struct CMUnitTest tests_of_all[] = {
	cmocka_unit_test(carries_a_call_and_its_answer),
	cmocka_unit_test(keeps_every_field_of_a_head),
	cmocka_unit_test(carries_events_upward),
	cmocka_unit_test(refuses_what_is_too_large),
	cmocka_unit_test(says_when_it_is_full_and_loses_nothing),
	cmocka_unit_test(finds_room_again_after_every_answer),
	cmocka_unit_test(wakes_who_waits_for_a_message),
	cmocka_unit_test(does_not_sleep_on_a_message),
	cmocka_unit_test(wakes_who_waits_for_room),
	cmocka_unit_test(waits_for_room_beside_messages),
	cmocka_unit_test(sleeps_on_while_messages_come),
	cmocka_unit_test(lends_a_body_until_release),
	cmocka_unit_test(a_close_wakes_the_other_side),
	cmocka_unit_test(leaves_no_descriptor),
	cmocka_unit_test(describes_what_it_uses),
	cmocka_unit_test(carries_100000_calls_exactly_once),
	cmocka_unit_test(carries_a_flood_without_answers),
	cmocka_unit_test(never_loses_a_wake_up),
	cmocka_unit_test(carries_calls_while_full_both_ways),
};

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	if (!traits_init(name)) {
		print_error("usage: protocol_conformance NAME\n");
		return 2;
	}
	return traits.is_lossy
	       ? cmocka_run_group_tests_name(name, tests_of_lossy, NULL, NULL)
	       : cmocka_run_group_tests_name(name, tests_of_all, NULL, NULL);
}
