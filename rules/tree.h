/* tree - red-black trees of numbered nodes, by key and, of the same key, by order.
 *
 * A node is a place of an array that all trees over it share, and is in one of them at
 * most; its number is that place.  Who puts it in says key and order before, and leaves
 * both alone until it is out.  The first is known without a search.
 *
 * Ownership  The caller's memory: an array of one node more than there are numbers, the
 *            last of which is the trees' own.
 * Threads    One at a time for all trees over one array.  Nothing is allocated. */
#ifndef RH_RULES_TREE_H
#define RH_RULES_TREE_H

#include <stdint.h>

struct rh_tree_node {
	uint64_t key, order;
	uint32_t up, below[2]; /* on the left what comes before */
	uint32_t is_red;
};

struct rh_tree {
	struct rh_tree_node *nodes;
	uint32_t             nil; /* the number of no node */
	uint32_t             root, first;
	uint32_t             count;
};

/* An empty tree over nodes 0 to count - 1; nodes[count] must be there. */
void rh_tree_init(struct rh_tree *tree, struct rh_tree_node *nodes, uint32_t count);

void rh_tree_insert(struct rh_tree *tree, uint32_t node);
void rh_tree_remove(struct rh_tree *tree, uint32_t node);

/* The one behind, or nil. */
uint32_t rh_tree_next(const struct rh_tree *tree, uint32_t node);

#endif
