/* The red-black tree: random changes against a list, and its own rules after each. */
#include "../../rules/tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT   200u
#define CHANGES 200000

struct stand {
	struct rh_tree      tree;
	struct rh_tree_node nodes[COUNT + 1];
	bool                is_in[COUNT];
	uint32_t            count;
};

static uint64_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state >> 33;
}

static bool is_before(const struct rh_tree_node *a, const struct rh_tree_node *b)
{
	return a->key != b->key ? a->key < b->key : a->order < b->order;
}

/* Black ones on every way down; all links fit. */
static uint32_t check_below(const struct stand *stand, uint32_t at, uint32_t *ret_count)
{
	const struct rh_tree      *tree = &stand->tree;
	const struct rh_tree_node *node = &stand->nodes[at];
	uint32_t                   left, right;

	if (at == tree->nil)
		return 1;
	assert_true(stand->is_in[at]);
	for (int side = 0; side < 2; side++) {
		uint32_t below = node->below[side];

		if (below == tree->nil)
			continue;
		assert_int_equal(stand->nodes[below].up, at);
		assert_false(node->is_red && stand->nodes[below].is_red);
		assert_int_equal(is_before(&stand->nodes[below], node), !side);
	}
	++*ret_count;
	left = check_below(stand, node->below[0], ret_count);
	right = check_below(stand, node->below[1], ret_count);
	assert_int_equal(left, right);
	return left + !node->is_red;
}

static uint32_t least(const struct stand *stand)
{
	uint32_t found = COUNT;

	for (uint32_t i = 0; i < COUNT; i++)
		if (stand->is_in[i] &&
		    (found == COUNT || is_before(&stand->nodes[i], &stand->nodes[found])))
			found = i;
	return found;
}

static void check(const struct stand *stand)
{
	uint32_t count = 0, walked = 0;

	assert_false(stand->nodes[COUNT].is_red);
	check_below(stand, stand->tree.root, &count);
	assert_int_equal(count, stand->count);
	assert_int_equal(stand->tree.count, stand->count);
	assert_int_equal(stand->tree.first, least(stand));
	for (uint32_t at = stand->tree.first, last = COUNT; at != COUNT;
	     last = at, at = rh_tree_next(&stand->tree, at)) {
		assert_true(last == COUNT || is_before(&stand->nodes[last], &stand->nodes[at]));
		walked++;
	}
	assert_int_equal(walked, stand->count);
}

static void change(struct stand *stand, uint64_t *random, uint64_t keys)
{
	uint32_t number = (uint32_t)(next_random(random) % COUNT);

	if (stand->is_in[number]) {
		rh_tree_remove(&stand->tree, number);
		stand->is_in[number] = false;
		stand->count--;
		return;
	}
	stand->nodes[number].key = next_random(random) % keys;
	stand->nodes[number].order = next_random(random);
	rh_tree_insert(&stand->tree, number);
	stand->is_in[number] = true;
	stand->count++;
}

static void a_tree_stays_one(void **state)
{
	static const uint64_t keys[] = { 1, 7, 1u << 30 };
	uint64_t              random = 3;

	(void)state;
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		struct stand stand = { 0 };

		rh_tree_init(&stand.tree, stand.nodes, COUNT);
		for (int n = 0; n < CHANGES; n++) {
			change(&stand, &random, keys[i]);
			if (n % 16 == 0 || n < 2000)
				check(&stand);
		}
	}
}

/* As run queues do: the first goes, and comes back at the end. */
static void the_first_goes_and_comes_back(void **state)
{
	struct stand stand = { 0 };
	uint64_t     key = 0;

	(void)state;
	rh_tree_init(&stand.tree, stand.nodes, COUNT);
	for (uint32_t i = 0; i < COUNT; i++) {
		stand.nodes[i].key = key++;
		rh_tree_insert(&stand.tree, i);
		stand.is_in[i] = true;
		stand.count++;
	}
	for (uint32_t n = 0; n < 10 * COUNT; n++) {
		uint32_t first = stand.tree.first;

		assert_int_equal(first, n % COUNT);
		rh_tree_remove(&stand.tree, first);
		stand.nodes[first].key = key++;
		rh_tree_insert(&stand.tree, first);
		check(&stand);
	}
}

/* A depth of twice the logarithm at most: 7 black ones and as many red ones. */
static void a_tree_of_sorted_keys_is_not_a_list(void **state)
{
	struct stand stand = { 0 };
	uint32_t     deepest = 0;

	(void)state;
	rh_tree_init(&stand.tree, stand.nodes, COUNT);
	for (uint32_t i = 0; i < COUNT; i++) {
		stand.nodes[i].key = i;
		rh_tree_insert(&stand.tree, i);
	}
	for (uint32_t i = 0; i < COUNT; i++) {
		uint32_t depth = 0;

		for (uint32_t at = i; at != COUNT; at = stand.nodes[at].up)
			depth++;
		deepest = depth > deepest ? depth : deepest;
	}
	assert_in_range(deepest, 8, 15);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tree_stays_one),
		cmocka_unit_test(the_first_goes_and_comes_back),
		cmocka_unit_test(a_tree_of_sorted_keys_is_not_a_list),
	};

	return cmocka_run_group_tests_name("rules_tree", tests, NULL, NULL);
}
