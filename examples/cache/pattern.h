/* pattern - the order in which programs read blocks, as in P. Cao et al. (1994), in sizes
 * relative to the cache: `slots` blocks of it are their 6.4 MB.
 *
 *   dinero   a trace of 1.25 slots, read 9 times from begin to end
 *   cscope   a data base of 1.6 slots, searched 8 times from begin to end
 *   glimpse  5 queries: an index of 0.3 slots, then a quarter of 24 parts of a text of 6
 *            slots, some of them each time
 *   join     for each block of an outer relation of 0.5 slots: 16 look-ups, each in an
 *            index of 0.8 slots, every fourth then in a relation of 5 slots
 *   zipf     32 slots of reads of 4 slots of blocks, some much oftener than others
 *   mixed    the same, and now and then 1 slot of blocks that nobody reads again
 *
 * Threads  One.  The same seed gives the same order. */
#ifndef BLOCKCACHE_PATTERN_H
#define BLOCKCACHE_PATTERN_H

#include <stdint.h>

struct pattern;

/* NULL: no such pattern, or no memory. */
struct pattern *pattern_create(const char *name, uint32_t slots, uint64_t seed);
void            pattern_destroy(struct pattern *pattern);

/* Blocks that the file must have. */
uint64_t pattern_blocks(const struct pattern *pattern);

/* Of them the first that belong to an index; 0: there is none. */
uint64_t pattern_index(const struct pattern *pattern);

/* How many reads there are, and the block of each. */
uint64_t pattern_reads(const struct pattern *pattern);
uint64_t pattern_at(const struct pattern *pattern, uint64_t read);

#endif
