#include "model_fixture.h"
#include "model_check.h"

#include "../../model/delta.h"
#include "../../model/error.h"
#include "../../model/map.h"

static void init(struct rh_delta_ring *ring, uint32_t capacity, uint32_t byte_count,
                 uint64_t floor)
{
	size_t bytes = rh_delta_ring_bytes(capacity, byte_count);
	void  *memory = aligned_alloc(RH_ALIGN, bytes);

	assert_non_null(memory);
	memset(memory, 0x5a, bytes);
	rh_delta_ring_init(ring, capacity, byte_count, floor, memory);
	rh_delta_ring_verify(ring);
}

static void fini(struct rh_delta_ring *ring)
{
	rh_delta_ring_verify(ring);
	free(ring->deltas);
}

static struct rh_item_key edge(const char *caller, const char *callee)
{
	struct rh_item_key key = { .caller = name_of(caller) };

	if (callee)
		key.callee = name_of(callee);
	return key;
}

/* Adds a delta whose bytes all are its number; returns the number, or the error. */
static int64_t add(struct rh_delta_ring *ring, uint64_t revision, uint32_t len)
{
	struct rh_item_key key = edge("a", "b");
	unsigned char      bytes[256];
	uint64_t           number = 0;

	memset(bytes, (int)(ring->end & 0xff), sizeof bytes);
	assert_true(len <= sizeof bytes);
	int result = rh_delta_add(ring, revision, &key, bytes, len, &number);
	rh_delta_ring_verify(ring);
	return result == RH_OK ? (int64_t)number : result;
}

/* Every live delta still has the bytes that it came with. */
static void verify_contents(const struct rh_delta_ring *ring)
{
	for (uint64_t i = ring->first; i < ring->end; i++) {
		const struct rh_delta *delta = rh_delta_get(ring, i);
		const unsigned char   *bytes = rh_delta_bytes(ring, delta);

		for (uint32_t k = 0; k < delta->len; k++)
			assert_int_equal(bytes[k], i & 0xff);
	}
}

static void deltas_are_kept_in_order(void **state)
{
	struct rh_delta_ring ring;

	(void)state;
	init(&ring, 4, 100, 5);
	assert_null(rh_delta_get(&ring, 0));
	assert_int_equal(add(&ring, 6, 10), 0);
	assert_int_equal(add(&ring, 6, 0), 1);
	assert_int_equal(add(&ring, 8, 20), 2);
	assert_int_equal(rh_delta_get(&ring, 0)->revision, 6);
	assert_int_equal(rh_delta_get(&ring, 1)->len, 0);
	assert_int_equal(rh_delta_get(&ring, 2)->len, 20);
	assert_true(rh_item_concerns(&rh_delta_get(&ring, 2)->key,
	                             &(struct rh_name){ 0 }) == 0);
	assert_null(rh_delta_get(&ring, 3));
	assert_null(rh_delta_get(&ring, UINT64_MAX));
	verify_contents(&ring);
	fini(&ring);
}

static void a_full_ring_drops_whole_revisions(void **state)
{
	struct rh_delta_ring ring;

	(void)state;
	init(&ring, 4, 100, 0);
	assert_int_equal(add(&ring, 1, 1), 0);
	assert_int_equal(add(&ring, 1, 1), 1);
	assert_int_equal(add(&ring, 1, 1), 2);
	assert_int_equal(add(&ring, 2, 1), 3);
	assert_int_equal(ring.floor, 0);
	assert_int_equal(add(&ring, 3, 1), 4);
	assert_int_equal(ring.first, 3);
	assert_int_equal(ring.floor, 1);
	assert_null(rh_delta_get(&ring, 2));
	assert_non_null(rh_delta_get(&ring, 3));
	verify_contents(&ring);
	fini(&ring);
}

static void bytes_go_around_the_end(void **state)
{
	struct rh_delta_ring ring;

	(void)state;
	init(&ring, 16, 100, 0);
	assert_int_equal(add(&ring, 1, 40), 0);
	assert_int_equal(add(&ring, 2, 40), 1);
	assert_int_equal(add(&ring, 3, 40), 2); /* in the place of the first */
	assert_int_equal(ring.first, 1);
	assert_int_equal(rh_delta_get(&ring, 2)->at, 0);
	assert_int_equal(add(&ring, 4, 0), 3);
	assert_int_equal(ring.first, 1);
	assert_int_equal(add(&ring, 5, 1), 4); /* the gap of 0 bytes is no room */
	assert_int_equal(ring.first, 2);
	assert_int_equal(add(&ring, 6, 59), 5); /* just fits behind it */
	assert_int_equal(ring.first, 2);
	verify_contents(&ring);
	assert_int_equal(add(&ring, 7, 100), 6); /* all of it */
	assert_int_equal(ring.first, 6);
	assert_int_equal(ring.floor, 6);
	assert_int_equal(add(&ring, 8, 0), 7);
	assert_int_equal(ring.first, 6);
	assert_int_equal(add(&ring, 9, 1), 8);
	assert_int_equal(ring.first, 7);
	verify_contents(&ring);
	fini(&ring);
}

/* Old tombstones hold no bytes: what comes after may lie anywhere. */
static void tombstones_cost_no_bytes(void **state)
{
	struct rh_delta_ring ring;

	(void)state;
	init(&ring, 16, 10, 0);
	assert_int_equal(add(&ring, 1, 8), 0);
	for (uint64_t revision = 2; revision < 8; revision++)
		assert_int_equal(add(&ring, revision, 0), revision - 1);
	assert_int_equal(add(&ring, 8, 9), 7); /* drops only the first */
	assert_int_equal(ring.first, 1);
	assert_int_equal(add(&ring, 9, 2), 8); /* drops all before it too */
	assert_int_equal(ring.first, 8);
	verify_contents(&ring);
	fini(&ring);
}

static void what_does_not_fit_is_refused(void **state)
{
	struct rh_delta_ring ring;

	(void)state;
	init(&ring, 4, 100, 5);
	assert_int_equal(add(&ring, 5, 1), RH_EINVAL);
	assert_int_equal(add(&ring, 0, 1), RH_EINVAL);
	assert_int_equal(add(&ring, 6, 101), RH_EMSGSIZE);
	assert_int_equal(ring.end, 0);
	assert_int_equal(add(&ring, 7, 1), 0);
	assert_int_equal(add(&ring, 6, 1), RH_EINVAL);
	assert_int_equal(add(&ring, 7, 1), 1);
	assert_int_equal(ring.end, 2);
	fini(&ring);
}

/* A revision larger than the ring cannot be kept in part. */
static void a_revision_that_outgrows_the_ring_is_refused(void **state)
{
	struct rh_delta_ring ring;

	(void)state;
	init(&ring, 4, 100, 0);
	assert_int_equal(add(&ring, 1, 1), 0);
	for (int i = 1; i <= 4; i++)
		assert_int_equal(add(&ring, 2, 1), i);
	assert_int_equal(ring.first, 1);
	assert_int_equal(add(&ring, 2, 1), RH_EMSGSIZE);
	rh_delta_raise(&ring, 2);
	assert_int_equal(add(&ring, 2, 1), RH_EINVAL);
	assert_int_equal(add(&ring, 3, 60), 5);
	assert_int_equal(add(&ring, 3, 60), RH_EMSGSIZE); /* by bytes */
	verify_contents(&ring);
	fini(&ring);
}

static void raising_forgets_everything(void **state)
{
	struct rh_delta_ring ring;
	uint64_t             number = 99;

	(void)state;
	init(&ring, 4, 100, 3);
	assert_int_equal(ring.raised, 3);
	assert_int_equal(add(&ring, 4, 50), 0);
	rh_delta_raise(&ring, 9);
	rh_delta_ring_verify(&ring);
	assert_int_equal(ring.floor, 9);
	assert_int_equal(ring.raised, 9);
	assert_null(rh_delta_get(&ring, 0));
	assert_int_equal(rh_delta_seek(&ring, 8, &number), RH_ESTALE);
	assert_int_equal(number, 99);
	assert_int_equal(rh_delta_seek(&ring, 9, &number), RH_OK);
	assert_int_equal(number, ring.end);
	assert_int_equal(add(&ring, 10, 100), 1);
	verify_contents(&ring);
	/* A ring that drops by itself is not raised. */
	assert_int_equal(add(&ring, 11, 100), 2);
	assert_int_equal(ring.floor, 10);
	assert_int_equal(ring.raised, 9);
	fini(&ring);
}

static void seek_finds_the_first_above(void **state)
{
	struct rh_delta_ring ring;
	uint64_t             number;
	/* The first number above revision 10 + index. */
	static const uint64_t want[] = { 0, 0, 2, 2, 2, 3, 6, 6, 6 };
	static const uint64_t revisions[] = { 12, 12, 15, 16, 16, 16 };

	(void)state;
	init(&ring, 8, 100, 10);
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(add(&ring, revisions[i], 1), i);
	assert_int_equal(rh_delta_seek(&ring, 9, &number), RH_ESTALE);
	for (uint64_t i = 0; i < 9; i++) {
		assert_int_equal(rh_delta_seek(&ring, 10 + i, &number), RH_OK);
		assert_int_equal(number, want[i]);
	}
	assert_int_equal(rh_delta_seek(&ring, UINT64_MAX, &number), RH_OK);
	assert_int_equal(number, 6);
	fini(&ring);
}

static void an_item_concerns_its_ends(void **state)
{
	struct rh_item_key resource = edge("a", NULL), pair = edge("a", "b");
	struct rh_name     a = name_of("a"), b = name_of("b"), c = name_of("c");

	(void)state;
	assert_true(rh_item_concerns(&resource, &a));
	assert_false(rh_item_concerns(&resource, &b));
	assert_true(rh_item_concerns(&pair, &a));
	assert_true(rh_item_concerns(&pair, &b));
	assert_false(rh_item_concerns(&pair, &c));
}

static void init_of_no_power_of_two(void *user)
{
	struct rh_delta_ring ring;

	rh_delta_ring_init(&ring, 6, 10, 0, user);
}

static void init_of_nothing(void *user)
{
	struct rh_delta_ring ring;

	rh_delta_ring_init(&ring, 0, 10, 0, user);
}

static void raise_backwards(void *user)
{
	rh_delta_raise(user, 7);
}

static void a_broken_caller_is_stopped(void **state)
{
	struct rh_delta_ring ring;

	(void)state;
	init(&ring, 4, 10, 0);
	assert_true(check_stops(init_of_no_power_of_two, ring.deltas));
	assert_true(check_stops(init_of_nothing, ring.deltas));
	assert_int_equal(add(&ring, 8, 1), 0);
	assert_true(check_stops(raise_backwards, &ring));
	rh_delta_raise(&ring, 8);
	assert_true(check_stops(raise_backwards, &ring));
	fini(&ring);
}

/* Random deltas against a list of all that ever were: what is in the ring is the end of
 * that list, as long as it may be, and floor says where it begins. */
#define STEPS 20000

struct plain {
	uint64_t revision[STEPS];
	uint64_t count;
};

static void compare(const struct rh_delta_ring *ring, const struct plain *plain,
                    uint64_t asked)
{
	uint64_t number, want = ring->first;

	assert_int_equal(ring->end, plain->count);
	for (uint64_t i = ring->first; i < ring->end; i++)
		assert_int_equal(rh_delta_get(ring, i)->revision, plain->revision[i]);
	if (ring->first > 0)
		assert_true(ring->floor >= plain->revision[ring->first - 1]);
	int result = rh_delta_seek(ring, asked, &number);
	assert_int_equal(result, asked < ring->floor ? RH_ESTALE : RH_OK);
	if (result != RH_OK)
		return;
	while (want < ring->end && plain->revision[want] <= asked)
		want++;
	assert_int_equal(number, want);
}

static void agrees_with_a_plain_list(void **state)
{
	static struct plain  plain;
	struct rh_delta_ring ring;
	uint64_t             seed = 31337, head = 1;
	int                  refused = 0, dropped = 0;

	(void)state;
	print_message("seed %llu\n", (unsigned long long)seed);
	init(&ring, 16, 400, 0);
	for (int i = 0; i < STEPS; i++) {
		uint32_t len = random_below(&seed, 3) == 0 ? 0 : random_below(&seed, 90);
		uint64_t first = ring.first;

		if (random_below(&seed, 3) == 0)
			head++;
		if (random_below(&seed, 500) == 0)
			rh_delta_raise(&ring, head++);
		int64_t number = add(&ring, head, len);
		if (number >= 0) {
			plain.revision[plain.count++] = head;
		} else {
			assert_int_equal(number, RH_EMSGSIZE);
			assert_int_equal(plain.revision[ring.first], head);
			rh_delta_raise(&ring, head++);
			refused++;
		}
		dropped += ring.first != first;
		compare(&ring, &plain, head - random_below(&seed, head < 12 ? 1 : 12));
		verify_contents(&ring);
	}
	assert_true(refused > 10);
	assert_true(dropped > 1000);
	fini(&ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(deltas_are_kept_in_order),
		cmocka_unit_test(a_full_ring_drops_whole_revisions),
		cmocka_unit_test(bytes_go_around_the_end),
		cmocka_unit_test(tombstones_cost_no_bytes),
		cmocka_unit_test(what_does_not_fit_is_refused),
		cmocka_unit_test(a_revision_that_outgrows_the_ring_is_refused),
		cmocka_unit_test(raising_forgets_everything),
		cmocka_unit_test(seek_finds_the_first_above),
		cmocka_unit_test(an_item_concerns_its_ends),
		cmocka_unit_test(a_broken_caller_is_stopped),
		cmocka_unit_test(agrees_with_a_plain_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
