/* ring - one direction in shared memory; the indices wrap, the other end lies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "model/error.h"
#include "protocols/shm/ring.h"

static struct rh_ring_memory memory;
static struct rh_ring_out    out;
static struct rh_ring_in     in;

static int set_up(void **unused)
{
	(void)unused;
	memset(&memory, 0, sizeof memory);
	rh_ring_out_init(&out, &memory);
	rh_ring_in_init(&in, &memory);
	return 0;
}

static int put(uint64_t call, uint32_t len)
{
	static unsigned char body[RH_PAYLOAD_ARENA_MAX];
	struct rh_msg_head   head = {
		.kind = RH_MSG_CALL, .version = RH_WIRE_VERSION, .len = len, .call = call,
	};

	memset(body, (int)call, len < 1000 ? len : 1000);
	return rh_ring_put(&out, &head, body);
}

static void take(uint64_t call, uint32_t len)
{
	struct rh_msg_head head;
	const void        *body;

	assert_int_equal(rh_ring_take(&in, &head, &body), 1);
	assert_int_equal(head.call, call);
	assert_int_equal(head.len, len);
	if (len > 0)
		assert_int_equal(*(const unsigned char *)body, call & 0xff);
	rh_ring_drop(&in);
}

static int take_fails(void)
{
	struct rh_msg_head head = { .call = 99 };
	const void        *body = &head;
	int                r = rh_ring_take(&in, &head, &body);

	assert_int_equal(head.call, 99);
	assert_ptr_equal(body, &head);
	return r;
}

static void holds_as_many_as_it_has_slots(void **unused)
{
	(void)unused;
	for (uint64_t i = 0; i < RH_RING_SLOTS; i++)
		assert_int_equal(put(i, 10), RH_OK);
	assert_int_equal(put(0, 10), RH_EAGAIN);
	assert_int_equal(rh_ring_has_room(&out, 0), 0);
	take(0, 10);
	assert_int_equal(rh_ring_has_room(&out, 0), 1);
	assert_int_equal(put(RH_RING_SLOTS, 10), RH_OK);
	assert_int_equal(put(0, 10), RH_EAGAIN);
	for (uint64_t i = 1; i <= RH_RING_SLOTS; i++)
		take(i, 10);
	assert_int_equal(take_fails(), RH_EAGAIN);
}

static void indices_wrap(void **unused)
{
	(void)unused;
	memory.tail = memory.head = UINT32_MAX - 5;
	out.tail = out.head = in.head = in.tail = UINT32_MAX - 5;
	memory.released = UINT32_MAX - 2;
	out.arena.given = out.arena.returned = in.released = UINT32_MAX - 2;
	for (uint64_t i = 0; i < 20; i++) {
		assert_int_equal(put(i, 500), RH_OK);
		assert_int_equal(put(i, 20), RH_OK);
		take(i, 500);
		take(i, 20);
	}
	assert_int_equal(memory.tail, 34);
	assert_int_equal(memory.released, 17);
}

static void a_full_arena_takes_short_messages(void **unused)
{
	(void)unused;
	for (uint64_t i = 0; i < 4; i++)
		assert_int_equal(put(i, RH_PAYLOAD_ARENA_MAX), RH_OK);
	assert_int_equal(put(4, 449), RH_EAGAIN);
	assert_int_equal(rh_ring_has_room(&out, 449), 0);
	assert_int_equal(rh_ring_has_room(&out, 448), 1);
	assert_int_equal(put(4, 448), RH_OK);
	for (uint64_t i = 0; i < 4; i++)
		take(i, RH_PAYLOAD_ARENA_MAX);
	take(4, 448);
}

static void refuses_a_body_over_the_limit(void **unused)
{
	struct rh_msg_head head = { .kind = RH_MSG_CALL, .version = RH_WIRE_VERSION,
	                            .len = RH_PAYLOAD_ARENA_MAX + 1 };

	(void)unused;
	assert_int_equal(rh_ring_put(&out, &head, &head), RH_EMSGSIZE);
	assert_int_equal(memory.tail, 0);
}

static void the_receiver_refuses_impossible_indices(void **unused)
{
	static const uint32_t lies[] = { RH_RING_SLOTS + 1, 0x80000000, UINT32_MAX };

	(void)unused;
	for (size_t i = 0; i < 3; i++) {
		memory.tail = lies[i];
		assert_int_equal(take_fails(), RH_EPROTO);
		assert_int_equal(rh_ring_look(&in), RH_EPROTO);
	}
}

static void the_sender_refuses_impossible_indices(void **unused)
{
	(void)unused;
	memory.head = 1; /* more than was sent */
	assert_int_equal(rh_ring_has_room(&out, 0), RH_EPROTO);
	memory.head = 0;
	for (uint64_t i = 0; i < RH_RING_SLOTS; i++)
		assert_int_equal(put(i, 10), RH_OK);
	memory.head = RH_RING_SLOTS + 1;
	assert_int_equal(put(0, 10), RH_EPROTO);
	memory.head = UINT32_MAX;
	assert_int_equal(put(0, 10), RH_EPROTO);
}

static void the_receiver_refuses_impossible_heads(void **unused)
{
	struct rh_ring_slot *slot = &memory.slots[0];

	(void)unused;
	assert_int_equal(put(0, 500), RH_OK);
	slot->head.kind = RH_MSG_KINDS;
	assert_int_equal(take_fails(), RH_EPROTO);
	slot->head.kind = 0;
	assert_int_equal(take_fails(), RH_EPROTO);
	slot->head.kind = RH_MSG_CALL;
	slot->head.version++;
	assert_int_equal(take_fails(), RH_EPROTO);
	slot->head.version--;
	slot->head.len = RH_PAYLOAD_ARENA_MAX + 1;
	assert_int_equal(take_fails(), RH_EPROTO);
	slot->head.len = 500;
	slot->offset = RH_ARENA_BYTES - 499;
	assert_int_equal(take_fails(), RH_EPROTO);
	slot->offset = UINT32_MAX - 10;
	assert_int_equal(take_fails(), RH_EPROTO);
	slot->offset = 0;
	take(0, 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(holds_as_many_as_it_has_slots, set_up),
		cmocka_unit_test_setup(indices_wrap, set_up),
		cmocka_unit_test_setup(a_full_arena_takes_short_messages, set_up),
		cmocka_unit_test_setup(refuses_a_body_over_the_limit, set_up),
		cmocka_unit_test_setup(the_receiver_refuses_impossible_indices, set_up),
		cmocka_unit_test_setup(the_sender_refuses_impossible_indices, set_up),
		cmocka_unit_test_setup(the_receiver_refuses_impossible_heads, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
