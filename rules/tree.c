#include "tree.h"

#include "../model/check.h"

#include <stdbool.h>

/* The node nil stands for all leaves: it is black, and its `up` is written by remove. */

void rh_tree_init(struct rh_tree *tree, struct rh_tree_node *nodes, uint32_t count)
{
	*tree = (struct rh_tree){ .nodes = nodes, .nil = count, .root = count, .first = count };
	nodes[count] = (struct rh_tree_node){ .up = count, .left = count, .right = count };
}

static bool is_before(const struct rh_tree_node *a, const struct rh_tree_node *b)
{
	return a->key != b->key ? a->key < b->key : a->order < b->order;
}

/* `to` takes the place of `from` below the one above it. */
static inline void replace(struct rh_tree *tree, uint32_t from, uint32_t to)
{
	struct rh_tree_node *nodes = tree->nodes;
	uint32_t             up = nodes[from].up;

	if (up == tree->nil)
		tree->root = to;
	else if (nodes[up].left == from)
		nodes[up].left = to;
	else
		nodes[up].right = to;
	nodes[to].up = up;
}

static void rotate_left(struct rh_tree *tree, uint32_t at)
{
	struct rh_tree_node *nodes = tree->nodes;
	uint32_t             right = nodes[at].right, inner = nodes[right].left;

	nodes[at].right = inner;
	if (inner != tree->nil)
		nodes[inner].up = at;
	replace(tree, at, right);
	nodes[right].left = at;
	nodes[at].up = right;
}

static void rotate_right(struct rh_tree *tree, uint32_t at)
{
	struct rh_tree_node *nodes = tree->nodes;
	uint32_t             left = nodes[at].left, inner = nodes[left].right;

	nodes[at].left = inner;
	if (inner != tree->nil)
		nodes[inner].up = at;
	replace(tree, at, left);
	nodes[left].right = at;
	nodes[at].up = left;
}

/* ---- in ---- */

/* The red one at `at` has a red one above it, which is to the left of the one above. */
static uint32_t lift_left(struct rh_tree *tree, uint32_t at)
{
	struct rh_tree_node *nodes = tree->nodes;
	uint32_t             up = nodes[at].up, top = nodes[up].up, other = nodes[top].right;

	if (nodes[other].is_red) {
		nodes[up].is_red = nodes[other].is_red = 0;
		nodes[top].is_red = 1;
		return top;
	}
	if (nodes[up].right == at) {
		rotate_left(tree, up);
		at = up;
		up = nodes[at].up;
	}
	nodes[up].is_red = 0;
	nodes[top].is_red = 1;
	rotate_right(tree, top);
	return at;
}

static uint32_t lift_right(struct rh_tree *tree, uint32_t at)
{
	struct rh_tree_node *nodes = tree->nodes;
	uint32_t             up = nodes[at].up, top = nodes[up].up, other = nodes[top].left;

	if (nodes[other].is_red) {
		nodes[up].is_red = nodes[other].is_red = 0;
		nodes[top].is_red = 1;
		return top;
	}
	if (nodes[up].left == at) {
		rotate_right(tree, up);
		at = up;
		up = nodes[at].up;
	}
	nodes[up].is_red = 0;
	nodes[top].is_red = 1;
	rotate_left(tree, top);
	return at;
}

/* Below which one the node is to be, and on which side. */
static uint32_t find_place(const struct rh_tree *tree, const struct rh_tree_node *node,
                           bool *ret_is_left, bool *ret_is_first)
{
	uint32_t up = tree->nil, at = tree->root;
	bool     is_left = true, is_first = true;

	while (at != tree->nil) {
		up = at;
		is_left = is_before(node, &tree->nodes[at]);
		is_first &= is_left;
		at = is_left ? tree->nodes[at].left : tree->nodes[at].right;
	}
	*ret_is_left = is_left;
	*ret_is_first = is_first;
	return up;
}

void rh_tree_insert(struct rh_tree *tree, uint32_t number)
{
	struct rh_tree_node *nodes = tree->nodes, *node = &nodes[number];
	bool                 is_left, is_first;

	RH_CHECK(number < tree->nil);
	node->left = node->right = tree->nil;
	node->is_red = 1;
	node->up = find_place(tree, node, &is_left, &is_first);
	if (is_first)
		tree->first = number;
	if (node->up == tree->nil)
		tree->root = number;
	else if (is_left)
		nodes[node->up].left = number;
	else
		nodes[node->up].right = number;
	for (uint32_t at = number; nodes[nodes[at].up].is_red;)
		at = nodes[nodes[nodes[at].up].up].left == nodes[at].up ? lift_left(tree, at)
		                                                        : lift_right(tree, at);
	nodes[tree->root].is_red = 0;
	tree->count++;
}

/* ---- out ---- */

/* A black one is missing on the way to `at`, which is on the left. */
static uint32_t mend_left(struct rh_tree *tree, uint32_t at)
{
	struct rh_tree_node *nodes = tree->nodes;
	uint32_t             up = nodes[at].up, other = nodes[up].right;

	if (nodes[other].is_red) {
		nodes[other].is_red = 0;
		nodes[up].is_red = 1;
		rotate_left(tree, up);
		other = nodes[up].right;
	}
	if (!nodes[nodes[other].left].is_red && !nodes[nodes[other].right].is_red) {
		nodes[other].is_red = 1;
		return up;
	}
	if (!nodes[nodes[other].right].is_red) {
		nodes[nodes[other].left].is_red = 0;
		nodes[other].is_red = 1;
		rotate_right(tree, other);
		other = nodes[up].right;
	}
	nodes[other].is_red = nodes[up].is_red;
	nodes[up].is_red = nodes[nodes[other].right].is_red = 0;
	rotate_left(tree, up);
	return tree->root;
}

static uint32_t mend_right(struct rh_tree *tree, uint32_t at)
{
	struct rh_tree_node *nodes = tree->nodes;
	uint32_t             up = nodes[at].up, other = nodes[up].left;

	if (nodes[other].is_red) {
		nodes[other].is_red = 0;
		nodes[up].is_red = 1;
		rotate_right(tree, up);
		other = nodes[up].left;
	}
	if (!nodes[nodes[other].left].is_red && !nodes[nodes[other].right].is_red) {
		nodes[other].is_red = 1;
		return up;
	}
	if (!nodes[nodes[other].left].is_red) {
		nodes[nodes[other].right].is_red = 0;
		nodes[other].is_red = 1;
		rotate_left(tree, other);
		other = nodes[up].left;
	}
	nodes[other].is_red = nodes[up].is_red;
	nodes[up].is_red = nodes[nodes[other].left].is_red = 0;
	rotate_right(tree, up);
	return tree->root;
}

static void mend(struct rh_tree *tree, uint32_t at)
{
	struct rh_tree_node *nodes = tree->nodes;

	while (at != tree->root && !nodes[at].is_red)
		at = nodes[nodes[at].up].left == at ? mend_left(tree, at)
		                                    : mend_right(tree, at);
	nodes[at].is_red = 0;
}

uint32_t rh_tree_next(const struct rh_tree *tree, uint32_t number)
{
	const struct rh_tree_node *nodes = tree->nodes;
	uint32_t                   at = nodes[number].right, up;

	if (at != tree->nil) {
		while (nodes[at].left != tree->nil)
			at = nodes[at].left;
		return at;
	}
	for (at = number, up = nodes[at].up; up != tree->nil && nodes[up].right == at;
	     up = nodes[up].up)
		at = up;
	return up;
}

/* Has two below it: the next one, which has none on its left, takes its place.  Returns
 * what took the place of that. */
static uint32_t remove_inner(struct rh_tree *tree, uint32_t number, bool *ret_was_black)
{
	struct rh_tree_node *nodes = tree->nodes;
	uint32_t             next = rh_tree_next(tree, number), below = nodes[next].right;

	*ret_was_black = !nodes[next].is_red;
	if (nodes[next].up == number) {
		nodes[below].up = next;
	} else {
		replace(tree, next, below);
		nodes[next].right = nodes[number].right;
		nodes[nodes[next].right].up = next;
	}
	replace(tree, number, next);
	nodes[next].left = nodes[number].left;
	nodes[nodes[next].left].up = next;
	nodes[next].is_red = nodes[number].is_red;
	return below;
}

void rh_tree_remove(struct rh_tree *tree, uint32_t number)
{
	struct rh_tree_node *node = &tree->nodes[number];
	bool                 was_black = !node->is_red;
	uint32_t             below;

	RH_CHECK(number < tree->nil && tree->count > 0);
	if (tree->first == number)
		tree->first = rh_tree_next(tree, number);
	if (node->left != tree->nil && node->right != tree->nil) {
		below = remove_inner(tree, number, &was_black);
	} else {
		below = node->left != tree->nil ? node->left : node->right;
		replace(tree, number, below);
	}
	if (was_black)
		mend(tree, below);
	tree->count--;
}
