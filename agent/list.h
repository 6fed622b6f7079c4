/* list - a doubly linked list threaded through the objects that are on it.
 *
 * Ownership   A list owns nothing.  An object is taken off before it is freed.
 * Invariants  L1  a node is on one list, or alone: then it points to itself. */
#ifndef RH_AGENT_LIST_H
#define RH_AGENT_LIST_H

#include <stddef.h>

struct rh_list {
	struct rh_list *next;
	struct rh_list *prev;
};

#define RH_CONTAINER(at, type, member) \
	((type *)(void *)((char *)(at) - offsetof(type, member)))

/* Walks a list; the node it stands on may be removed, no other. */
#define RH_LIST_EACH(node, list)                                           \
	for (struct rh_list *node = (list)->next, *node##_after = node->next;  \
	     node != (list); node = node##_after, node##_after = node->next)

static inline void rh_list_init(struct rh_list *list)
{
	list->next = list->prev = list;
}

static inline int rh_list_empty(const struct rh_list *list)
{
	return list->next == list;
}

static inline void rh_list_add(struct rh_list *list, struct rh_list *node)
{
	node->prev = list->prev;
	node->next = list;
	list->prev->next = node;
	list->prev = node;
}

/* Fine for a node that is alone. */
static inline void rh_list_remove(struct rh_list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	rh_list_init(node);
}

/* Moves everything to an empty list. */
static inline void rh_list_take(struct rh_list *from, struct rh_list *to)
{
	rh_list_init(to);
	if (rh_list_empty(from))
		return;
	*to = *from;
	to->next->prev = to->prev->next = to;
	rh_list_init(from);
}

#endif
