/* Calls in bytes: sizes, order, many in flight, deadlines, refusals. */
#include "stage.h"

#include "../../model/error.h"
#include "../../sdk/c/rhodes.h"
#include "../../wire/limits.h"

#include "../../base/clock.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MIB ((size_t)1 << 20)

static struct rh_callee *bytes;

static uint64_t id_of(const char *signature)
{
	return rh_function_id(signature);
}

#define ECHO id_of("echo(bytes)bytes")
#define SUM  id_of("sum(bytes)u64")
#define HOLD id_of("hold(u8)u8")
#define FAIL id_of("fail(i32)void")
#define ONCE id_of("once(u8)u8")
#define LONG id_of("long(u32)bytes")

static int set_up(void **state)
{
	(void)state;
	stage_up(NULL);
	stage_bytes(1);
	return rh_open("bytes", 0, &bytes) < 0;
}

static int tear_down(void **state)
{
	(void)state;
	stage_down();
	return 0;
}

static unsigned char *pattern(size_t len)
{
	unsigned char *made = malloc(len + 1);

	for (size_t i = 0; i < len; i++)
		made[i] = (unsigned char)(i * 2654435761u >> 13);
	return made;
}

static uint64_t sum(const unsigned char *of, size_t len)
{
	uint64_t value = len;

	for (size_t i = 0; i < len; i++)
		value = value * 31 + of[i];
	return value;
}

/* Both sides of every bound at which bytes go another way. */
static void arguments_of_every_size_arrive_whole(void **state)
{
	static const size_t sizes[] = {
		0, 1, 31, 32, 33, 383, 384, 385, 4096, 65535, 65536, 65537, MIB - 1, MIB,
		MIB + 1, RH_PAYLOAD_ARENA_MAX - 1, RH_PAYLOAD_ARENA_MAX,
		RH_PAYLOAD_ARENA_MAX + 1, 9 * MIB + 7, 64 * MIB - 1, 64 * MIB,
	};
	unsigned char *given = pattern(64 * MIB);

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		uint64_t got = 0;
		size_t   len = 0;

		assert_int_equal(rh_call(bytes, SUM, given, sizes[i], &got, sizeof got,
		                         &len, 0), RH_OK);
		assert_int_equal(len, sizeof got);
		assert_true(got == sum(given, sizes[i]));
	}
	free(given);
}

static void replies_of_every_size_come_back_whole(void **state)
{
	static const size_t sizes[] = {
		0, 1, 31, 32, 33, 383, 384, 385, 65535, 65536, 65537, MIB - 1, MIB,
		RH_PAYLOAD_ARENA_MAX - 1, RH_PAYLOAD_ARENA_MAX,
	};
	unsigned char *given = pattern(RH_PAYLOAD_ARENA_MAX);
	unsigned char *got = malloc(RH_PAYLOAD_ARENA_MAX + 1);

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		size_t len = 0;

		memset(got, 0xee, RH_PAYLOAD_ARENA_MAX + 1);
		assert_int_equal(rh_call(bytes, ECHO, given, sizes[i], got, sizes[i], &len,
		                         0), RH_OK);
		assert_int_equal(len, sizes[i]);
		assert_memory_equal(got, given, sizes[i]);
		assert_int_equal(got[sizes[i]], 0xee);
	}
	free(given);
	free(got);
}

static void a_payload_over_the_limit_is_refused_and_nothing_runs(void **state)
{
	unsigned char byte = 9, reply = 0;
	size_t        len = 55;
	void         *args = NULL;
	uint64_t      ticket = 0;

	(void)state;
	assert_int_equal(rh_call(bytes, SUM, &byte, RH_PAYLOAD_MAX + 1u, NULL, 0, &len, 0),
	                 RH_EMSGSIZE);
	assert_non_null(strstr(rh_last_error(), "67174400"));
	assert_int_equal(rh_call(bytes, SUM, &byte, SIZE_MAX, NULL, 0, &len, 0),
	                 RH_EMSGSIZE);
	assert_int_equal(rh_reserve(bytes, RH_PAYLOAD_MAX + 1u, 0, 0, &args, &ticket),
	                 RH_EMSGSIZE);
	assert_int_equal(rh_reserve(bytes, 1, SIZE_MAX, 0, &args, &ticket), RH_EMSGSIZE);
	assert_int_equal(len, 55);
	assert_int_equal(rh_call(bytes, ONCE, &byte, 1, &reply, 1, &len, 0), RH_OK);
	assert_int_equal(reply, 9);
}

/* The call ran; its reply just does not fit, here or in the page. */
static void a_reply_over_the_room_is_an_error_and_not_a_part(void **state)
{
	unsigned char room[16];
	uint32_t      want = 17;
	size_t        len = 55;

	(void)state;
	memset(room, 0xee, sizeof room);
	assert_int_equal(rh_call(bytes, LONG, &want, sizeof want, room, sizeof room, &len,
	                         0), RH_EMSGSIZE);
	assert_non_null(strstr(rh_last_error(), "17"));
	assert_int_equal(rh_last_ran(), 1);
	want = 2 * RH_PAYLOAD_ARENA_MAX;
	assert_int_equal(rh_call(bytes, LONG, &want, sizeof want, room, sizeof room, &len,
	                         0), RH_EMSGSIZE);
	assert_int_equal(len, 55);
	for (size_t i = 0; i < sizeof room; i++)
		assert_int_equal(room[i], 0xee);
	assert_int_equal(rh_last_ran(), 1);
	assert_int_equal(rh_call(bytes, LONG, &want, SIZE_MAX, room, sizeof room, &len, 0),
	                 RH_EMSGSIZE);
	assert_int_equal(rh_last_ran(), 0);
	want = 16;
	assert_int_equal(rh_call(bytes, LONG, &want, sizeof want, room, sizeof room, &len,
	                         0), RH_OK);
	assert_int_equal(len, 16);
}

static void an_unknown_function_is_named_and_certainly_not_run(void **state)
{
	unsigned char byte = 1;
	size_t        len;

	(void)state;
	assert_int_equal(rh_call(bytes, 0x1234567890abcdefull, &byte, 1, NULL, 0, &len, 0),
	                 RH_EFUNC);
	assert_non_null(strstr(rh_last_error(), "1234567890abcdef"));
	assert_non_null(strstr(rh_last_error(), "bytes"));
	assert_int_equal(rh_last_code(), RH_EFUNC);
	assert_int_equal(rh_last_ran(), 0);
	/* the same name with other types is another function */
	assert_int_equal(rh_call(bytes, id_of("once(u16)u8"), &byte, 1, NULL, 0, &len, 0),
	                 RH_EFUNC);
	assert_int_equal(stage_ran(1), 0);
}

static void an_error_of_the_function_keeps_its_code(void **state)
{
	static const int32_t codes[] = { RH_EINVAL, RH_EAGAIN, RH_ETIMEDOUT, RH_EDOWN, -9999 };
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
		assert_int_equal(rh_call(bytes, FAIL, &codes[i], 4, NULL, 0, &len, 0),
		                 codes[i]);
		assert_int_equal(rh_last_ran(), 1);
	}
}

static void a_callee_that_is_no_reference_is_refused(void **state)
{
	struct rh_callee *other;

	(void)state;
	assert_int_equal(rh_open("refused_one", 0, &other), RH_ENOEDGE);
	assert_non_null(strstr(rh_last_error(), "refused by the test's agent"));
	assert_int_equal(rh_open_interface("refused_two", 0, &other), RH_ENOEDGE);
	char name[RH_NAME_MAX + 2];
	memset(name, 'a', sizeof name);
	name[sizeof name - 1] = 0;
	assert_int_equal(rh_open(name, 0, &other), RH_EINVAL);
}

static void sixteen_are_in_flight_and_the_next_waits_for_a_release(void **state)
{
	uint64_t tickets[RH_PAGE_SLOTS], more;
	void    *args;

	(void)state;
	for (unsigned i = 0; i < RH_PAGE_SLOTS; i++) {
		assert_int_equal(rh_reserve(bytes, 1, 16, 0, &args, &tickets[i]), RH_OK);
		*(unsigned char *)args = (unsigned char)(100 + i);
		assert_int_equal(rh_submit(tickets[i], ONCE, 1), RH_OK);
	}
	assert_int_equal(rh_reserve(bytes, 1, 16, 0, &args, &more), RH_EAGAIN);
	for (unsigned k = 0; k < RH_PAGE_SLOTS; k++) {
		unsigned    i = (k * 7 + 3) % RH_PAGE_SLOTS; /* in any order */
		const void *reply = NULL;
		size_t      len = 0;

		assert_int_equal(rh_wait(tickets[i], &reply, &len), RH_OK);
		assert_int_equal(len, 1);
		assert_int_equal(*(const unsigned char *)reply, 100 + i);
		assert_int_equal(rh_poll(tickets[i], &reply, &len), RH_OK); /* again */
		rh_release(tickets[i]);
		assert_int_equal(stage_ran((int)(100 + i)), 1);
	}
	assert_int_equal(rh_reserve(bytes, 1, 16, 0, &args, &more), RH_OK);
	rh_release(more);
}

/* A ticket may be ended in any state, whatever was reserved after it. */
static void tickets_end_in_any_order_and_state(void **state)
{
	unsigned char reply = 0, byte = 77;
	size_t        len = 0;

	(void)state;
	for (unsigned round = 0; round < 40; round++) {
		uint64_t tickets[4];
		void    *args;

		for (unsigned i = 0; i < 4; i++) {
			assert_int_equal(rh_reserve(bytes, i == 3 ? 6 * MIB : 1, 16, 0, &args,
			                            &tickets[i]), RH_OK);
			memset(args, (int)i, 1);
		}
		rh_release(tickets[round % 4]);
		if (round % 4 != 1)
			assert_int_equal(rh_submit(tickets[1], ONCE, 1), RH_OK);
		rh_release(tickets[(round + 1) % 4]);
		rh_release(tickets[(round + 3) % 4]);
		rh_release(tickets[(round + 2) % 4]);
		assert_int_equal(rh_call(bytes, ONCE, &byte, 1, &reply, 1, &len,
		                         20 * RH_NS_PER_S), RH_OK);
		assert_int_equal(reply, 77);
	}
	assert_int_equal(stage_ran(77), 40);
	rh_release(0);
}

static void a_ticket_submits_no_more_than_it_reserved(void **state)
{
	uint64_t    ticket;
	void       *args;
	const void *reply;
	size_t      len;

	(void)state;
	assert_int_equal(rh_reserve(bytes, 8, 16, 0, &args, &ticket), RH_OK);
	assert_int_equal(rh_submit(ticket, SUM, 9), RH_EINVAL);
	memset(args, 5, 8);
	assert_int_equal(rh_submit(ticket, SUM, 3), RH_OK); /* less is fine */
	assert_int_equal(rh_wait(ticket, &reply, &len), RH_OK);
	assert_true(*(const uint64_t *)reply == sum((unsigned char[]){ 5, 5, 5 }, 3));
	rh_release(ticket);
}

static void a_poll_says_again_until_the_call_is_done(void **state)
{
	uint64_t    ticket;
	void       *args;
	const void *reply;
	size_t      len;
	int         r;

	(void)state;
	assert_int_equal(rh_reserve(bytes, 1, 16, 0, &args, &ticket), RH_OK);
	*(unsigned char *)args = 3;
	assert_int_equal(rh_submit(ticket, HOLD, 1), RH_OK);
	stage_await_held(1);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(rh_poll(ticket, &reply, &len), RH_EAGAIN);
	stage_open_gate();
	while ((r = rh_poll(ticket, &reply, &len)) == RH_EAGAIN)
		sched_yield();
	assert_int_equal(r, RH_OK);
	assert_int_equal(*(const unsigned char *)reply, 3);
	rh_release(ticket);
}

static void a_poll_alone_notices_the_deadline(void **state)
{
	uint64_t    ticket;
	void       *args;
	const void *reply;
	size_t      len;
	int         r;

	(void)state;
	assert_int_equal(rh_reserve(bytes, 1, 16, 50 * RH_NS_PER_MS, &args, &ticket), RH_OK);
	*(unsigned char *)args = 3;
	assert_int_equal(rh_submit(ticket, HOLD, 1), RH_OK);
	while ((r = rh_poll(ticket, &reply, &len)) == RH_EAGAIN)
		sched_yield();
	assert_int_equal(r, RH_ETIMEDOUT);
	rh_release(ticket);
	stage_open_gate();
}

enum { BATCH = 100 };

static void a_batch_runs_each_item_once(void **state)
{
	struct rh_batch_item items[BATCH] = { 0 };
	unsigned char       *given = pattern(3 * MIB);
	uint64_t             sums[BATCH];
	unsigned char        ids[BATCH], replies[BATCH];

	(void)state;
	for (unsigned i = 0; i < BATCH; i++) {
		ids[i] = (unsigned char)i;
		if (i % 3 == 0)
			items[i] = (struct rh_batch_item){
				.function = SUM, .args = given,
				.args_len = i % 2 ? (size_t)i * 11 : (size_t)i * 20000,
				.reply = &sums[i], .reply_cap = sizeof sums[i],
			};
		else
			items[i] = (struct rh_batch_item){
				.function = i % 7 ? ONCE : 42, .args = &ids[i], .args_len = 1,
				.reply = &replies[i], .reply_cap = 1,
			};
	}
	items[50].args_len = RH_PAYLOAD_MAX + 1u; /* ONCE: refused, alone */
	int expected = 0;
	int succeeded = rh_batch(bytes, items, BATCH, 0);
	for (unsigned i = 0; i < BATCH; i++) {
		int wanted = i == 50 ? RH_EMSGSIZE : i % 3 && i % 7 == 0 ? RH_EFUNC : RH_OK;

		assert_int_equal(items[i].status, wanted);
		expected += wanted == RH_OK;
		if (wanted == RH_OK && i % 3 == 0)
			assert_true(sums[i] == sum(given, items[i].args_len));
		else if (wanted == RH_OK)
			assert_int_equal(stage_ran((int)i), 1);
	}
	assert_int_equal(succeeded, expected);
	assert_int_equal(rh_batch(bytes, items, 0, 0), 0);
	free(given);
}

/* Taken: the answer comes too late, and nobody can say whether it ran. */
static void past_its_deadline_a_taken_call_may_have_run(void **state)
{
	unsigned char byte = 5, reply = 0;
	size_t        len;

	(void)state;
	assert_int_equal(rh_call(bytes, HOLD, &byte, 1, &reply, 1, &len, 60 * RH_NS_PER_MS),
	                 RH_ETIMEDOUT);
	assert_int_equal(rh_last_ran(), 1);
	assert_int_equal(stage_ran(5), 1);
	stage_open_gate();
	byte = 6;
	assert_int_equal(rh_call(bytes, ONCE, &byte, 1, &reply, 1, &len, 0), RH_OK);
	assert_int_equal(reply, 6); /* and not the late 5 */
}

/* Not taken, because the only thread is held: it never runs, even afterwards. */
static void past_its_deadline_an_untaken_call_never_runs(void **state)
{
	unsigned char first = 5, second = 6, reply = 0;
	uint64_t      ticket;
	const void   *at;
	void         *args;
	size_t        len;

	(void)state;
	assert_int_equal(rh_reserve(bytes, 1, 16, 0, &args, &ticket), RH_OK);
	*(unsigned char *)args = first;
	assert_int_equal(rh_submit(ticket, HOLD, 1), RH_OK);
	stage_await_held(1);
	for (int i = 0; i < 40; i++) { /* more than there are slots */
		int r = rh_call(bytes, ONCE, &second, 1, &reply, 1, &len, RH_NS_PER_MS);

		if (r == RH_EAGAIN) /* all slots wait to be skipped */
			break;
		assert_int_equal(r, RH_ETIMEDOUT);
		assert_int_equal(rh_last_ran(), 0);
	}
	stage_open_gate();
	assert_int_equal(rh_wait(ticket, &at, &len), RH_OK);
	assert_int_equal(*(const unsigned char *)at, 5);
	rh_release(ticket);
	assert_int_equal(stage_ran(6), 0);
	assert_int_equal(rh_call(bytes, ONCE, &second, 1, &reply, 1, &len, 0), RH_OK);
	assert_int_equal(stage_ran(6), 1);
}

static void *call_when_up(void *user)
{
	struct rh_callee *late;
	size_t            len;
	int               r = rh_open("things", 0, &late);

	(void)user;
	/* No such function, but somebody must be there to say so. */
	return (void *)(intptr_t)(r < 0 ? r : rh_call(late, 1, NULL, 0, NULL, 0, &len, 0));
}

static void a_call_before_the_callee_is_up_waits_for_it(void **state)
{
	pthread_t thread;
	void     *r;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, call_when_up, NULL), 0);
	assert_int_equal(MINI_AWAIT(stage.agent, waiting, 1), 0);
	stage_things(1);
	pthread_join(thread, &r);
	assert_int_equal((intptr_t)r, RH_EFUNC);
}

static void a_callee_that_never_comes_up_costs_the_deadline(void **state)
{
	struct rh_callee *late;
	size_t            len;

	(void)state;
	assert_int_equal(rh_open("nobody", 0, &late), RH_OK);
	assert_int_equal(rh_call(late, 1, NULL, 0, NULL, 0, &len, 50 * RH_NS_PER_MS),
	                 RH_ETIMEDOUT);
	assert_int_equal(rh_last_ran(), 0);
	/* and nobody else is held up by it */
	assert_int_equal(rh_call(bytes, ECHO, "x", 1, &(char){ 0 }, 1, &len, 0), RH_OK);
}

static void threads_call_side_by_side_on_pages_of_their_own(void **state);

struct caller {
	pthread_t id;
	unsigned  number;
	int       bad;
};

static void *call_much(void *user)
{
	struct caller *caller = user;

	for (unsigned i = 0; i < 3000 && !caller->bad; i++) {
		unsigned char given[600], got[600];
		size_t        want = (i * 37 + caller->number * 101) % sizeof given, len = 0;

		memset(given, (int)(i + caller->number), want);
		caller->bad = rh_call(bytes, ECHO, given, want, got, sizeof got, &len, 0) < 0 ||
		              len != want || memcmp(given, got, want) != 0;
	}
	return NULL;
}

static void threads_call_side_by_side_on_pages_of_their_own(void **state)
{
	struct caller callers[6] = { 0 };

	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		callers[i].number = i;
		assert_int_equal(pthread_create(&callers[i].id, NULL, call_much, &callers[i]), 0);
	}
	for (unsigned i = 0; i < 6; i++) {
		pthread_join(callers[i].id, NULL);
		assert_int_equal(callers[i].bad, 0);
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
static const struct CMUnitTest tests[] = {
	CASE(arguments_of_every_size_arrive_whole),
	CASE(replies_of_every_size_come_back_whole),
	CASE(a_payload_over_the_limit_is_refused_and_nothing_runs),
	CASE(a_reply_over_the_room_is_an_error_and_not_a_part),
	CASE(an_unknown_function_is_named_and_certainly_not_run),
	CASE(an_error_of_the_function_keeps_its_code),
	CASE(a_callee_that_is_no_reference_is_refused),
	CASE(sixteen_are_in_flight_and_the_next_waits_for_a_release),
	CASE(tickets_end_in_any_order_and_state),
	CASE(a_ticket_submits_no_more_than_it_reserved),
	CASE(a_poll_says_again_until_the_call_is_done),
	CASE(a_poll_alone_notices_the_deadline),
	CASE(a_batch_runs_each_item_once),
	CASE(past_its_deadline_a_taken_call_may_have_run),
	CASE(past_its_deadline_an_untaken_call_never_runs),
	CASE(a_call_before_the_callee_is_up_waits_for_it),
	CASE(a_callee_that_never_comes_up_costs_the_deadline),
	CASE(threads_call_side_by_side_on_pages_of_their_own),
};
STAGE_MAIN(tests)
