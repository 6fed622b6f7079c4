#include "keep.h"

#include <stdio.h>
#include <stdlib.h>

/* A ring of slots, the last used behind the head, the head being node `slots`. */
struct keep {
	uint32_t slots, used;
	uint32_t (*nodes)[2]; /* before, after; a slot that is empty is in no ring */
	uint32_t *empty;      /* those that are */
};

enum { BEFORE, AFTER };

static void unlink_slot(struct keep *keep, uint32_t slot)
{
	keep->nodes[keep->nodes[slot][BEFORE]][AFTER] = keep->nodes[slot][AFTER];
	keep->nodes[keep->nodes[slot][AFTER]][BEFORE] = keep->nodes[slot][BEFORE];
}

static void link_slot(struct keep *keep, uint32_t slot)
{
	uint32_t head = keep->slots, first = keep->nodes[head][AFTER];

	keep->nodes[slot][BEFORE] = head;
	keep->nodes[slot][AFTER] = first;
	keep->nodes[first][BEFORE] = keep->nodes[head][AFTER] = slot;
}

struct keep *keep_create(uint32_t slots)
{
	struct keep *keep = calloc(1, sizeof *keep);

	if (!keep)
		return NULL;
	keep->slots = slots;
	keep->nodes = calloc((size_t)slots + 1, sizeof *keep->nodes);
	keep->empty = calloc(slots, sizeof *keep->empty);
	if (!keep->nodes || !keep->empty) {
		keep_destroy(keep);
		return NULL;
	}
	keep->nodes[slots][BEFORE] = keep->nodes[slots][AFTER] = slots;
	for (uint32_t i = 0; i < slots; i++)
		keep->empty[i] = slots - 1 - i;
	return keep;
}

void keep_destroy(struct keep *keep)
{
	if (!keep)
		return;
	free(keep->nodes);
	free(keep->empty);
	free(keep);
}

int keep_admits(struct keep *keep, uint64_t block)
{
	(void)keep;
	(void)block;
	return 1;
}

uint32_t keep_place(struct keep *keep, uint64_t block, int *ret_was_full)
{
	uint32_t slot;

	(void)block;
	*ret_was_full = keep->used == keep->slots;
	if (*ret_was_full) {
		slot = keep->nodes[keep->slots][BEFORE];
		unlink_slot(keep, slot);
	} else {
		slot = keep->empty[keep->slots - 1 - keep->used++];
	}
	link_slot(keep, slot);
	return slot;
}

void keep_hit(struct keep *keep, uint32_t slot)
{
	unlink_slot(keep, slot);
	link_slot(keep, slot);
}

void keep_remove(struct keep *keep, uint32_t slot)
{
	unlink_slot(keep, slot);
	keep->empty[keep->slots - keep->used--] = slot;
}

void keep_name(struct keep *keep, char *name, size_t cap)
{
	(void)keep;
	snprintf(name, cap, "compiled-in lru");
}
