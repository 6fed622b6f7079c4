/* keep - which slot of a cache a block comes into: a rule says so (keep_rule.c), or LRU
 * that is compiled in, to compare with (keep_lru.c).
 *
 * Threads  One at a time. */
#ifndef BLOCKCACHE_KEEP_H
#define BLOCKCACHE_KEEP_H

#include <stddef.h>
#include <stdint.h>

struct keep;

/* NULL: no memory, or too many slots. */
struct keep *keep_create(uint32_t slots);
void         keep_destroy(struct keep *keep);

/* A miss: is the block to be kept? */
int keep_admits(struct keep *keep, uint64_t block);

/* The slot for it.  *ret_was_full: another block was there, which is out now. */
uint32_t keep_place(struct keep *keep, uint64_t block, int *ret_was_full);

void keep_hit(struct keep *keep, uint32_t slot);
void keep_remove(struct keep *keep, uint32_t slot);

/* What decides. */
void keep_name(struct keep *keep, char *name, size_t cap);

#endif
