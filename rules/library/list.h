/* list - numbers in doubly linked lists, for the cache rules of this folder.
 *
 * The numbers below LIST_NODES, which the source defines, are nodes or heads of lists; a
 * head is linked to itself when its list is empty.  The first is the one put last. */
#ifndef RHODES_LIBRARY_LIST_H
#define RHODES_LIBRARY_LIST_H

#include <stdint.h>

static uint32_t list_next[LIST_NODES], list_prev[LIST_NODES];

static inline void list_begin(uint32_t head)
{
	list_next[head] = list_prev[head] = head;
}

static inline void list_put(uint32_t head, uint32_t node)
{
	uint32_t first = list_next[head];

	list_next[node] = first;
	list_prev[node] = head;
	list_prev[first] = node;
	list_next[head] = node;
}

static inline void list_take(uint32_t node)
{
	list_next[list_prev[node]] = list_next[node];
	list_prev[list_next[node]] = list_prev[node];
	list_begin(node);
}

#endif
