/* The call page: order, bounds, hostile words, cancel and reclaim. */
#include "../../protocols/page/page.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct both {
	void                *memory;
	struct rh_caller_end caller;
	struct rh_server_end server;
};

static int set_up(void **state)
{
	struct both *both = calloc(1, sizeof *both);

	both->memory = aligned_alloc(4096, RH_PAGE_BYTES);
	memset(both->memory, 0, RH_PAGE_BYTES);
	rh_page_format(both->memory, 1, 2, 3, 0);
	rh_caller_init(&both->caller, both->memory, -1);
	rh_server_init(&both->server, both->memory, -1);
	*state = both;
	return 0;
}

static int tear_down(void **state)
{
	struct both *both = *state;

	free(both->memory);
	free(both);
	return 0;
}

static int submit_text(struct both *both, const char *text)
{
	struct rh_request request = { .function = 7, .args_len = (uint32_t)strlen(text) };
	unsigned char    *args;
	int slot = rh_caller_reserve(&both->caller, request.args_len, 0, &args);

	if (slot < 0)
		return slot;
	memcpy(args, text, request.args_len);
	rh_caller_submit(&both->caller, slot, &request);
	return slot;
}

static void answer(struct both *both, const struct rh_taken *taken, int status)
{
	struct rh_reply reply = { .status = status, .len = taken->args_len };

	memmove(reply.len <= RH_SLOT_INLINE_MAX ? taken->reply_near : taken->reply_far,
	        taken->args, reply.len);
	rh_server_finish(&both->server, taken, &reply);
}

static void echoes_in_order_round_the_ring(void **state)
{
	struct both    *both = *state;
	struct rh_taken taken;
	struct rh_reply reply;

	for (int i = 0; i < 100; i++) {
		char text[16];
		int  slot;

		snprintf(text, sizeof text, "call %d", i);
		slot = submit_text(both, text);
		assert_int_equal(slot, i % (int)RH_PAGE_SLOTS);
		assert_int_equal(rh_caller_collect(&both->caller, slot, &reply), RH_EAGAIN);
		assert_int_equal(rh_server_take(&both->server, &taken), 1);
		assert_int_equal(taken.sequence, i);
		assert_int_equal(taken.function, 7);
		answer(both, &taken, 0);
		assert_int_equal(rh_caller_collect(&both->caller, slot, &reply), RH_OK);
		assert_int_equal(reply.len, strlen(text));
		assert_memory_equal(reply.bytes, text, reply.len);
		rh_caller_release(&both->caller, slot);
	}
	assert_int_equal(rh_server_take(&both->server, &taken), RH_EAGAIN);
}

/* Each side of every bound, and where the bytes then stand. */
static void a_reply_stands_where_its_length_says(void **state)
{
	static const uint32_t lens[] = {
		0, 1, RH_SLOT_SMALL_MAX, RH_SLOT_SMALL_MAX + 1, RH_SLOT_INLINE_MAX,
		RH_SLOT_INLINE_MAX + 1,
	};
	struct both    *both = *state;
	unsigned char   bytes[RH_SLOT_INLINE_MAX + 1];
	struct rh_taken taken;
	struct rh_reply reply;

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (unsigned char)(i * 7 + 1);
	for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
		struct rh_reply        given = { .len = lens[i] };
		int                    slot = submit_text(both, "arguments");
		const struct rh_slot  *at = &both->caller.page.slots[slot];
		const unsigned char   *small = at->answer.small;

		assert_int_equal(rh_server_take(&both->server, &taken), 1);
		memcpy(lens[i] <= RH_SLOT_INLINE_MAX ? taken.reply_near : taken.reply_far,
		       bytes, lens[i]);
		assert_memory_equal(taken.args, "arguments", 9); /* not written over */
		rh_server_finish(&both->server, &taken, &given);
		assert_int_equal(rh_caller_collect(&both->caller, slot, &reply), RH_OK);
		assert_int_equal(reply.len, lens[i]);
		assert_memory_equal(reply.bytes, bytes, lens[i]);
		if (lens[i] <= RH_SLOT_SMALL_MAX)
			assert_ptr_equal(reply.bytes, small);
		else if (lens[i] <= RH_SLOT_INLINE_MAX)
			assert_ptr_equal(reply.bytes, at->body);
		rh_caller_release(&both->caller, slot);
	}
}

static void a_full_ring_refuses(void **state)
{
	struct both    *both = *state;
	struct rh_taken taken;

	for (unsigned i = 0; i < RH_PAGE_SLOTS; i++)
		assert_int_equal(submit_text(both, "x"), i);
	assert_int_equal(submit_text(both, "x"), RH_EAGAIN);
	assert_int_equal(rh_server_take(&both->server, &taken), 1);
	answer(both, &taken, 0);
	assert_int_equal(submit_text(both, "x"), RH_EAGAIN); /* not collected yet */
	rh_caller_release(&both->caller, 0);
	assert_int_equal(submit_text(both, "x"), 0);
}

static void large_arguments_use_the_arena(void **state)
{
	struct both      *both = *state;
	uint32_t          len = RH_PAYLOAD_ARENA_MAX;
	struct rh_request request = { .function = 1, .args_len = len };
	struct rh_taken   taken;
	struct rh_reply   reply;
	unsigned char    *first, *second;
	int a = rh_caller_reserve(&both->caller, len, len, &first);

	assert_int_equal(a, 0);
	assert_int_equal(rh_caller_reserve(&both->caller, len, len, &second), RH_EAGAIN);
	assert_int_equal(rh_caller_reserve(&both->caller, len + 1, 0, &second),
	                 RH_EMSGSIZE);
	memset(first, 0x5a, len);
	rh_caller_submit(&both->caller, a, &request);
	assert_int_equal(rh_server_take(&both->server, &taken), 1);
	assert_int_equal(taken.args_len, len);
	answer(both, &taken, 0);
	assert_int_equal(rh_caller_collect(&both->caller, a, &reply), RH_OK);
	assert_int_equal(reply.len, len);
	assert_int_equal(reply.bytes[len - 1], 0x5a);
	rh_caller_release(&both->caller, a);
	assert_true(rh_caller_reserve(&both->caller, len, len, &first) >= 0);
}

static void a_cancelled_call_never_runs(void **state)
{
	struct both    *both = *state;
	struct rh_taken taken;
	int slot = submit_text(both, "never");

	assert_int_equal(rh_caller_abandon(&both->caller, slot, 0), RH_OK);
	assert_int_equal(rh_server_take(&both->server, &taken), RH_EAGAIN);
	assert_true(submit_text(both, "next") == 1);
	assert_int_equal(rh_server_take(&both->server, &taken), 1);
	assert_memory_equal(taken.args, "next", 4);
	assert_int_equal(rh_caller_abandon(&both->caller, 1, 0), RH_EBUSY);
	answer(both, &taken, 0);
	for (int i = 2; i < 40; i++) { /* the ring passes both abandoned slots */
		int s = submit_text(both, "more");

		assert_int_equal(s, i % (int)RH_PAGE_SLOTS);
		assert_int_equal(rh_server_take(&both->server, &taken), 1);
		answer(both, &taken, 0);
		rh_caller_release(&both->caller, s);
	}
}

/* Given back in the middle: the server skips it, and what came later is not held up. */
static void a_reserved_slot_is_given_back_in_any_order(void **state)
{
	struct both      *both = *state;
	struct rh_request request = { .function = 7, .args_len = 1 };
	struct rh_taken   taken;
	unsigned char    *args;

	for (int round = 0; round < 40; round++) {
		int slots[3];

		for (int i = 0; i < 3; i++) {
			slots[i] = rh_caller_reserve(&both->caller, 1, 0, &args);
			assert_true(slots[i] >= 0);
			*args = (unsigned char)i;
		}
		rh_caller_submit(&both->caller, slots[1], &request);
		assert_int_equal(rh_server_take(&both->server, &taken), RH_EAGAIN);
		rh_caller_unreserve(&both->caller, slots[0]);
		assert_int_equal(rh_server_take(&both->server, &taken), 1);
		assert_int_equal(*taken.args, 1);
		answer(both, &taken, 0);
		rh_caller_release(&both->caller, slots[1]);
		rh_caller_unreserve(&both->caller, slots[2]); /* the last one */
		assert_int_equal(rh_server_take(&both->server, &taken), RH_EAGAIN);
	}
}

/* A server that sleeps must wake to skip, or the next call waits for ever. */
static void giving_a_slot_back_wakes_the_server(void **state)
{
	struct both      *both = *state;
	struct rh_request request = { .function = 7 };
	unsigned char    *args;
	int               first = rh_caller_reserve(&both->caller, 0, 0, &args);
	int               second = rh_caller_reserve(&both->caller, 0, 0, &args);

	rh_caller_submit(&both->caller, second, &request);
	assert_int_equal(rh_server_arm(&both->server, RH_ASLEEP_FUTEX), RH_OK);
	rh_caller_unreserve(&both->caller, first);
	assert_int_equal(both->server.page.head->caller.server_bell, 1);
}

/* An abandoned call frees its part of the arena when it is over, not a round later. */
static void an_abandoned_call_gives_its_room_back(void **state)
{
	struct both      *both = *state;
	uint32_t          len = RH_PAYLOAD_ARENA_MAX;
	struct rh_request request = { .function = 1, .args_len = len };
	struct rh_taken   taken;
	unsigned char    *args;
	int slot = rh_caller_reserve(&both->caller, len, len, &args);

	rh_caller_submit(&both->caller, slot, &request);
	assert_int_equal(rh_server_take(&both->server, &taken), 1);
	assert_int_equal(rh_caller_abandon(&both->caller, slot, 0), RH_EBUSY);
	assert_int_equal(rh_caller_reserve(&both->caller, len, len, &args), RH_EAGAIN);
	answer(both, &taken, 0);
	assert_int_equal(rh_caller_reserve(&both->caller, len, len, &args), 1);
}

struct lie {
	size_t   offset;
	uint32_t value;
};

/* Every word of a submitted slot that a server reads, with lies. */
static void a_lying_caller_is_refused(void **state)
{
	static const struct lie lies[] = {
		{ offsetof(struct rh_slot_request, args_len), UINT32_MAX },
		{ offsetof(struct rh_slot_request, args_len), RH_SLOT_INLINE_MAX + 1 },
		{ offsetof(struct rh_slot_request, args_off), 0 },
		{ offsetof(struct rh_slot_request, args_off), UINT32_MAX },
		{ offsetof(struct rh_slot_request, args_off), RH_PAGE_BYTES - 3 },
		{ offsetof(struct rh_slot_request, args_off), RH_PAGE_SLOTS_OFF },
		{ offsetof(struct rh_slot_request, reply_off), 64 },
		{ offsetof(struct rh_slot_request, reply_off), RH_PAGE_BYTES - 1 },
		{ offsetof(struct rh_slot_request, reply_cap), UINT32_MAX },
		{ offsetof(struct rh_slot_request, flags), RH_SLOT_ARGS_MEMFD },
		{ offsetof(struct rh_slot_request, flags), 100u << 16 },
	};
	struct both    *both = *state;
	struct rh_taken taken;
	struct rh_reply reply;

	for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
		int            slot = submit_text(both, "fine");
		unsigned char *head = (unsigned char *)&both->caller.page.slots[slot];

		memcpy(head + lies[i].offset, &lies[i].value, 4);
		assert_int_equal(rh_server_take(&both->server, &taken), RH_EAGAIN);
		assert_int_equal(rh_caller_collect(&both->caller, slot, &reply), RH_OK);
		assert_int_equal(reply.status, RH_EPROTO);
		assert_true(reply.flags & RH_SLOT_SURE);
		rh_caller_release(&both->caller, slot);
	}
	assert_true(submit_text(both, "fine") >= 0); /* and the page still works */
	assert_int_equal(rh_server_take(&both->server, &taken), 1);
}

static void a_lying_server_is_refused(void **state)
{
	static const struct lie lies[] = {
		{ offsetof(struct rh_slot_answer, len), UINT32_MAX },
		{ offsetof(struct rh_slot_answer, len), RH_SLOT_SMALL_MAX + 1 },
		{ offsetof(struct rh_slot_answer, off), 0 },
		{ offsetof(struct rh_slot_answer, off), RH_PAGE_BYTES },
		{ offsetof(struct rh_slot_answer, status), 1 },
	};
	struct both    *both = *state;
	struct rh_taken taken;
	struct rh_reply reply;

	for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
		int            slot = submit_text(both, "fine");
		unsigned char *head =
			(unsigned char *)&both->caller.page.slots[slot].answer;

		assert_int_equal(rh_server_take(&both->server, &taken), 1);
		answer(both, &taken, 0);
		memcpy(head + lies[i].offset, &lies[i].value, 4);
		assert_int_equal(rh_caller_collect(&both->caller, slot, &reply),
		                 RH_EPROTO);
		rh_caller_release(&both->caller, slot);
	}
}

/* Where the caller gave room, but more than it gave. */
static void a_reply_over_its_room_is_refused(void **state)
{
	static const uint32_t rooms[] = { 0, 100000 };
	struct both          *both = *state;
	struct rh_request     request = { .function = 7 };
	struct rh_taken       taken;
	struct rh_reply       reply;
	unsigned char        *args;

	for (size_t i = 0; i < 2; i++) {
		int slot = rh_caller_reserve(&both->caller, 0, rooms[i], &args);

		rh_caller_submit(&both->caller, slot, &request);
		assert_int_equal(rh_server_take(&both->server, &taken), 1);
		reply = (struct rh_reply){ .len = taken.reply_cap };
		rh_server_finish(&both->server, &taken, &reply);
		assert_int_equal(rh_caller_collect(&both->caller, slot, &reply), RH_OK);
		assert_int_equal(reply.len, taken.reply_cap);
		both->server.page.slots[slot].answer.len++;
		assert_int_equal(rh_caller_collect(&both->caller, slot, &reply),
		                 RH_EPROTO);
		rh_caller_release(&both->caller, slot);
	}
}

static void arming_sees_what_was_there(void **state)
{
	struct both    *both = *state;
	struct rh_taken taken;
	int             slot;

	assert_int_equal(rh_server_arm(&both->server, RH_ASLEEP_FUTEX), RH_OK);
	slot = submit_text(both, "x");
	assert_int_equal(both->server.page.head->caller.server_bell, 1);
	rh_server_woken(&both->server);
	assert_int_equal(rh_server_arm(&both->server, RH_ASLEEP_FUTEX), RH_EAGAIN);
	assert_int_equal(rh_server_take(&both->server, &taken), 1);
	assert_int_equal(rh_caller_arm(&both->caller, slot), RH_OK);
	answer(both, &taken, 0);
	rh_caller_woken(&both->caller);
	assert_int_equal(rh_caller_arm(&both->caller, -1), RH_EAGAIN);
}

static void a_foreign_page_is_refused(void **state)
{
	struct both *both = *state;

	assert_int_equal(rh_page_check(both->memory), RH_OK);
	both->caller.page.head->fixed.version++;
	assert_int_equal(rh_page_check(both->memory), RH_EVERSION);
	both->caller.page.head->fixed.magic = 0;
	assert_int_equal(rh_page_check(both->memory), RH_EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(echoes_in_order_round_the_ring, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_reply_stands_where_its_length_says, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(a_full_ring_refuses, set_up, tear_down),
		cmocka_unit_test_setup_teardown(large_arguments_use_the_arena, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_cancelled_call_never_runs, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_reserved_slot_is_given_back_in_any_order,
		                                set_up, tear_down),
		cmocka_unit_test_setup_teardown(giving_a_slot_back_wakes_the_server, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(an_abandoned_call_gives_its_room_back, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(a_lying_caller_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_lying_server_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_reply_over_its_room_is_refused, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(arming_sees_what_was_there, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_foreign_page_is_refused, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
