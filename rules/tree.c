#include "tree.h"

#include "../model/check.h"

#include <stdbool.h>

/* The node nil stands for all leaves: it is black, and its `up` is written by remove.
 * What is done on one side is done on the other with the sides exchanged: so it stands
 * here once, with the side as a constant where it is called. */

enum { LEFT, RIGHT };

#define OTHER(side) (!(side))

void rh_tree_init(struct rh_tree *tree, struct rh_tree_node *nodes, uint32_t count)
{
	*tree = (struct rh_tree){ .nodes = nodes, .nil = count, .root = count, .first = count };
	nodes[count] = (struct rh_tree_node){ .up = count, .below = { count, count } };
}

static bool is_before(const struct rh_tree_node *a, const struct rh_tree_node *b)
{
	return a->key != b->key ? a->key < b->key : a->order < b->order;
}

/* On which side of the one above it it stands; it has one. */
static inline int side_of(const struct rh_tree_node *nodes, uint32_t at)
{
	return nodes[nodes[at].up].below[LEFT] == at ? LEFT : RIGHT;
}

/* `to` takes the place of `from` below the one above it. */
static inline void replace(struct rh_tree *tree, uint32_t from, uint32_t to)
{
	struct rh_tree_node *nodes = tree->nodes;
	uint32_t             up = nodes[from].up;

	if (up == tree->nil)
		tree->root = to;
	else if (nodes[up].below[LEFT] == from)
		nodes[up].below[LEFT] = to;
	else
		nodes[up].below[RIGHT] = to;
	nodes[to].up = up;
}

/* `at` goes down on that side, and what is below it on the other comes up. */
static inline void rotate(struct rh_tree *tree, uint32_t at, int side)
{
	struct rh_tree_node *nodes = tree->nodes;
	uint32_t             other = nodes[at].below[OTHER(side)];
	uint32_t             inner = nodes[other].below[side];

	nodes[at].below[OTHER(side)] = inner;
	if (inner != tree->nil)
		nodes[inner].up = at;
	replace(tree, at, other);
	nodes[other].below[side] = at;
	nodes[at].up = other;
}

/* ---- in ---- */

/* The red one at `at` has a red one above it, which is on that side of the one above. */
static inline uint32_t lift(struct rh_tree *tree, uint32_t at, int side)
{
	struct rh_tree_node *nodes = tree->nodes;
	uint32_t             up = nodes[at].up, top = nodes[up].up;
	uint32_t             other = nodes[top].below[OTHER(side)];

	if (nodes[other].is_red) {
		nodes[up].is_red = nodes[other].is_red = 0;
		nodes[top].is_red = 1;
		return top;
	}
	if (nodes[up].below[OTHER(side)] == at) {
		rotate(tree, up, side);
		at = up;
		up = nodes[at].up;
	}
	nodes[up].is_red = 0;
	nodes[top].is_red = 1;
	rotate(tree, top, OTHER(side));
	return at;
}

/* Below which one the node is to be, and on which side. */
static uint32_t find_place(const struct rh_tree *tree, const struct rh_tree_node *node,
                           int *ret_side, bool *ret_is_first)
{
	uint32_t up = tree->nil, at = tree->root;
	bool     is_left = true, is_first = true;

	while (at != tree->nil) {
		up = at;
		is_left = is_before(node, &tree->nodes[at]);
		is_first &= is_left;
		at = is_left ? tree->nodes[at].below[LEFT]
		             : tree->nodes[at].below[RIGHT];
	}
	*ret_side = is_left ? LEFT : RIGHT;
	*ret_is_first = is_first;
	return up;
}

void rh_tree_insert(struct rh_tree *tree, uint32_t number)
{
	struct rh_tree_node *nodes = tree->nodes, *node = &nodes[number];
	bool                 is_first;
	int                  side;

	RH_CHECK(number < tree->nil);
	node->below[LEFT] = node->below[RIGHT] = tree->nil;
	node->is_red = 1;
	node->up = find_place(tree, node, &side, &is_first);
	if (is_first)
		tree->first = number;
	if (node->up == tree->nil)
		tree->root = number;
	else
		nodes[node->up].below[side] = number;
	for (uint32_t at = number; nodes[nodes[at].up].is_red;)
		at = side_of(nodes, nodes[at].up) == LEFT ? lift(tree, at, LEFT)
		                                          : lift(tree, at, RIGHT);
	nodes[tree->root].is_red = 0;
	tree->count++;
}

/* ---- out ---- */

/* A black one is missing on the way to `at`, which is on that side. */
static inline uint32_t mend_below(struct rh_tree *tree, uint32_t at, int side)
{
	struct rh_tree_node *nodes = tree->nodes;
	uint32_t             up = nodes[at].up, other = nodes[up].below[OTHER(side)];

	if (nodes[other].is_red) {
		nodes[other].is_red = 0;
		nodes[up].is_red = 1;
		rotate(tree, up, side);
		other = nodes[up].below[OTHER(side)];
	}
	if (!nodes[nodes[other].below[LEFT]].is_red &&
	    !nodes[nodes[other].below[RIGHT]].is_red) {
		nodes[other].is_red = 1;
		return up;
	}
	if (!nodes[nodes[other].below[OTHER(side)]].is_red) {
		nodes[nodes[other].below[side]].is_red = 0;
		nodes[other].is_red = 1;
		rotate(tree, other, OTHER(side));
		other = nodes[up].below[OTHER(side)];
	}
	nodes[other].is_red = nodes[up].is_red;
	nodes[up].is_red = nodes[nodes[other].below[OTHER(side)]].is_red = 0;
	rotate(tree, up, side);
	return tree->root;
}

static void mend(struct rh_tree *tree, uint32_t at)
{
	struct rh_tree_node *nodes = tree->nodes;

	while (at != tree->root && !nodes[at].is_red)
		at = side_of(nodes, at) == LEFT ? mend_below(tree, at, LEFT)
		                                : mend_below(tree, at, RIGHT);
	nodes[at].is_red = 0;
}

uint32_t rh_tree_next(const struct rh_tree *tree, uint32_t number)
{
	const struct rh_tree_node *nodes = tree->nodes;
	uint32_t                   at = nodes[number].below[RIGHT], up;

	if (at != tree->nil) {
		while (nodes[at].below[LEFT] != tree->nil)
			at = nodes[at].below[LEFT];
		return at;
	}
	for (at = number, up = nodes[at].up; up != tree->nil && nodes[up].below[RIGHT] == at;
	     up = nodes[up].up)
		at = up;
	return up;
}

/* Has two below it: the next one, which has none on its left, takes its place.  Returns
 * what took the place of that. */
static uint32_t remove_inner(struct rh_tree *tree, uint32_t number, bool *ret_was_black)
{
	struct rh_tree_node *nodes = tree->nodes;
	uint32_t             next = rh_tree_next(tree, number);
	uint32_t             behind = nodes[next].below[RIGHT];

	*ret_was_black = !nodes[next].is_red;
	if (nodes[next].up == number) {
		nodes[behind].up = next;
	} else {
		replace(tree, next, behind);
		nodes[next].below[RIGHT] = nodes[number].below[RIGHT];
		nodes[nodes[next].below[RIGHT]].up = next;
	}
	replace(tree, number, next);
	nodes[next].below[LEFT] = nodes[number].below[LEFT];
	nodes[nodes[next].below[LEFT]].up = next;
	nodes[next].is_red = nodes[number].is_red;
	return behind;
}

void rh_tree_remove(struct rh_tree *tree, uint32_t number)
{
	struct rh_tree_node *node = &tree->nodes[number];
	bool                 was_black = !node->is_red;
	uint32_t             behind;

	RH_CHECK(number < tree->nil && tree->count > 0);
	if (tree->first == number)
		tree->first = rh_tree_next(tree, number);
	if (node->below[LEFT] != tree->nil && node->below[RIGHT] != tree->nil) {
		behind = remove_inner(tree, number, &was_black);
	} else {
		behind = node->below[node->below[LEFT] != tree->nil ? LEFT : RIGHT];
		replace(tree, number, behind);
	}
	if (was_black)
		mend(tree, behind);
	tree->count--;
}
