/* Both sides of a channel as threads over one mapping, for ThreadSanitizer:
 * protocol_race NAME.  README.md records what each weakened pair did. */
#include "once.h"

#include "../conformance/flow.h"

#include <string.h>

static void run_with(const struct flow *settings, void (*run)(const struct flow *flow))
{
	struct pair pair;
	struct flow flow = *settings;
	int         before = once_shared();

	flow.pair = &pair;
	pair_open(&pair);
	if (!traits.one_process)
		assert_int_equal(once_shared(), before + 1);
	run(&flow);
	pair_close(&pair);
}

static void run(const struct flow *settings)
{
	run_with(settings, flow_run);
}

/* Short bodies in the slots, the ring full most of the time. */
static void slots_change_hands_in_order(void **unused)
{
	(void)unused;
	run(&(struct flow){ .calls = 20000, .seed = 1, .len_max = 400 });
}

/* Bodies in the arena, whose blocks are used again at once. */
static void blocks_change_hands_in_order(void **unused)
{
	(void)unused;
	run(&(struct flow){ .calls = 5000, .seed = 2, .len_max = 3000 });
}

/* Few and large: the arena is full, and its sender waits for room. */
static void a_full_arena_changes_hands_in_order(void **unused)
{
	(void)unused;
	run(&(struct flow){ .calls = 150, .seed = 3, .len_max = RH_PAYLOAD_ARENA_MAX });
}

/* No answers, which would order everything that came before them: only the indices
 * that give room back order a slot's or a block's next use. */
static void room_alone_orders_the_next_use(void **unused)
{
	(void)unused;
	if (traits.only_calls)
		return; /* there an answer is the room */
	run_with(&(struct flow){ .calls = 10000, .seed = 8, .len_max = 400,
	                         .is_slow = 1 }, flow_flood);
	run_with(&(struct flow){ .calls = 5000, .seed = 9, .len_max = 3000,
	                         .is_slow = 1 }, flow_flood);
	run_with(&(struct flow){ .calls = 100, .seed = 10,
	                         .len_max = RH_PAYLOAD_ARENA_MAX }, flow_flood);
}

/* Naps and doorbells: the sides go to sleep all the time. */
static void sleepers_are_woken(void **unused)
{
	(void)unused;
	for (uint64_t seed = 4; seed < 8; seed++)
		run(&(struct flow){ .calls = 3000, .seed = seed, .len_max = 64,
		                    .pauses = 1 });
}

/* A side closes at any moment while the other one works. */
static void a_close_is_seen_with_what_came_before(void **unused)
{
	(void)unused;
	for (uint64_t round = 0; round < 100; round++)
		run(&(struct flow){ .calls = 1 + round % 7, .seed = round, .len_max = 1000,
		                    .closes = 1 });
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slots_change_hands_in_order),
		cmocka_unit_test(blocks_change_hands_in_order),
		cmocka_unit_test(a_full_arena_changes_hands_in_order),
		cmocka_unit_test(room_alone_orders_the_next_use),
		cmocka_unit_test(sleepers_are_woken),
		cmocka_unit_test(a_close_is_seen_with_what_came_before),
	};
	const char *name = argc > 1 ? argv[1] : "";

	if (!traits_init(name)) {
		print_error("usage: protocol_race NAME\n");
		return 2;
	}
	return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}
