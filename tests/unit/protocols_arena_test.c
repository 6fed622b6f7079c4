/* arena - blocks in order, wrapping, and a receiver that lies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/error.h"
#include "protocols/arena.h"

enum { BYTES = 1024 };

static unsigned char    memory[BYTES];
static _Atomic uint32_t released;
static struct rh_arena  arena;

static int set_up(void **unused)
{
	(void)unused;
	released = 0;
	rh_arena_init(&arena, memory, BYTES, &released);
	return 0;
}

static uint32_t give(uint32_t len)
{
	uint32_t off = UINT32_MAX;

	assert_int_equal(rh_arena_give(&arena, len, &off), RH_OK);
	assert_int_equal(off % RH_ARENA_ALIGN, 0);
	assert_true(off + len <= BYTES);
	return off;
}

static void blocks_follow_each_other(void **unused)
{
	(void)unused;
	assert_int_equal(give(1), 0);
	assert_int_equal(give(64), 64);
	assert_int_equal(give(65), 128);
	assert_int_equal(give(0), 256);
}

static void is_full_at_its_size_and_not_before(void **unused)
{
	uint32_t off = 7;

	(void)unused;
	give(512);
	give(512);
	assert_int_equal(rh_arena_give(&arena, 1, &off), RH_EAGAIN);
	assert_int_equal(off, 7);
	assert_int_equal(rh_arena_look(&arena, 1), RH_EAGAIN);
	released = 1;
	assert_int_equal(rh_arena_look(&arena, 512), RH_OK);
	assert_int_equal(rh_arena_look(&arena, 513), RH_EAGAIN);
	assert_int_equal(give(512), 0);
}

static void a_block_never_wraps(void **unused)
{
	(void)unused;
	give(640);
	give(128);
	released = 1;
	/* 256 bytes are left at the end, 640 at the start. */
	assert_int_equal(give(384), 0);
	uint32_t off;
	assert_int_equal(rh_arena_give(&arena, 384, &off), RH_EAGAIN);
	released = 2;
	assert_int_equal(give(384), 384);
}

static void an_idle_arena_starts_at_zero_again(void **unused)
{
	(void)unused;
	for (uint32_t i = 1; i < 100; i++) {
		assert_int_equal(give(300), 0);
		released = i;
	}
}

static void undo_forgets_the_last_block(void **unused)
{
	(void)unused;
	give(100);
	give(600);
	rh_arena_undo(&arena);
	assert_int_equal(give(600), 128);
	rh_arena_undo(&arena);
	rh_arena_undo(&arena);
	assert_int_equal(give(1000), 0);
}

static void undo_forgets_the_gap_before_a_wrap(void **unused)
{
	(void)unused;
	give(640);
	give(128);
	released = 1;
	give(300); /* at 0, leaving 256 bytes unused */
	rh_arena_undo(&arena);
	assert_int_equal(give(256), 768);
}

static void runs_out_of_blocks(void **unused)
{
	uint32_t off;

	(void)unused;
	for (uint32_t i = 0; i < RH_ARENA_BLOCKS; i++)
		give(0);
	assert_int_equal(rh_arena_give(&arena, 0, &off), RH_EAGAIN);
	released = 1;
	give(0);
}

static void refuses_a_count_that_cannot_be(void **unused)
{
	static const uint32_t lies[] = { 3, 1000, 0x80000000, UINT32_MAX };
	uint32_t              off = 7;

	(void)unused;
	give(100);
	give(100);
	for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
		released = lies[i];
		assert_int_equal(rh_arena_give(&arena, 1, &off), RH_EPROTO);
		assert_int_equal(rh_arena_look(&arena, 1), RH_EPROTO);
	}
	released = 2;
	give(1);
	released = 1; /* backwards */
	assert_int_equal(rh_arena_give(&arena, 1, &off), RH_EPROTO);
	assert_int_equal(off, 7);
}

static void within_holds_offset_and_length(void **unused)
{
	(void)unused;
	assert_int_equal(rh_arena_within(BYTES, 0, BYTES), RH_OK);
	assert_int_equal(rh_arena_within(BYTES, BYTES, 0), RH_OK);
	assert_int_equal(rh_arena_within(BYTES, 1, BYTES), RH_EPROTO);
	assert_int_equal(rh_arena_within(BYTES, BYTES + 1, 0), RH_EPROTO);
	assert_int_equal(rh_arena_within(BYTES, UINT32_MAX, 2), RH_EPROTO);
	assert_int_equal(rh_arena_within(BYTES, 2, UINT32_MAX), RH_EPROTO);
}

/* Blocks in use never overlap, whatever the order of sizes. */
static void blocks_in_use_do_not_overlap(void **unused)
{
	struct { uint32_t off, len; } used[RH_ARENA_BLOCKS];
	uint32_t first = 0, count = 0, seed = 1;

	(void)unused;
	for (int step = 0; step < 20000; step++) {
		uint32_t len, off;

		seed = seed * 1664525u + 1013904223u;
		len = (seed >> 16) % 400;
		if (rh_arena_give(&arena, len, &off) == RH_OK) {
			for (uint32_t i = first; i < first + count; i++)
				assert_true(off >= used[i % RH_ARENA_BLOCKS].off +
				                   used[i % RH_ARENA_BLOCKS].len ||
				            off + len <= used[i % RH_ARENA_BLOCKS].off);
			used[(first + count) % RH_ARENA_BLOCKS].off = off;
			used[(first + count++) % RH_ARENA_BLOCKS].len = len;
		} else {
			assert_true(count > 0);
			first++;
			count--;
			released = released + 1;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(blocks_follow_each_other, set_up),
		cmocka_unit_test_setup(is_full_at_its_size_and_not_before, set_up),
		cmocka_unit_test_setup(a_block_never_wraps, set_up),
		cmocka_unit_test_setup(an_idle_arena_starts_at_zero_again, set_up),
		cmocka_unit_test_setup(undo_forgets_the_last_block, set_up),
		cmocka_unit_test_setup(undo_forgets_the_gap_before_a_wrap, set_up),
		cmocka_unit_test_setup(runs_out_of_blocks, set_up),
		cmocka_unit_test_setup(refuses_a_count_that_cannot_be, set_up),
		cmocka_unit_test_setup(within_holds_offset_and_length, set_up),
		cmocka_unit_test_setup(blocks_in_use_do_not_overlap, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
