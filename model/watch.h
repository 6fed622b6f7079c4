/* watch - who wants to hear about which name.
 *
 * The papers' watch managers: the center keeps one table of all subscribers
 * (SWatchManager), an agent one of its own handlers (CWatchManager).  A watch is a
 * name ("resource/magic") or a prefix that ends with '/' ("out/file/").  A change of
 * a name visits the watches on every prefix of it that ends with '/', the shortest
 * first, and on the name itself.
 *
 *   resource/<name>            what a resource is
 *   out/<caller>/<callee>      an edge, for the caller's side
 *   in/<callee>/<caller>       the same edge, for the callee's side
 *
 * Ownership   The caller owns the table and its memory; prefixes are copied.
 * Threads     One.  No call blocks, allocates or performs I/O.
 * Invariants  W1  used <= capacity.
 *             W2  every live watch is in the bucket of its prefix, and in the list
 *                 of its subscriber.
 *             W3  one subscriber has no two watches on the same prefix. */
#ifndef RH_MODEL_WATCH_H
#define RH_MODEL_WATCH_H

#include <stddef.h>
#include <stdint.h>

#define RH_WATCH_NAME_MAX 135u /* bytes: "out/" caller "/" callee, and some room */

struct rh_watch {
	uint64_t hash;
	uint32_t subscriber;
	uint32_t next;       /* of the bucket; of the free list              */
	uint32_t sibling;    /* the next watch of the same subscriber        */
	uint8_t  len;
	char     prefix[RH_WATCH_NAME_MAX];
};

/* Open layout; the fields are for watch.c only. */
struct rh_watch_table {
	struct rh_watch *slots;
	uint32_t        *buckets;     /* power of two, at least capacity      */
	uint32_t        *first;       /* by subscriber                        */
	uint64_t         seed;
	uint32_t         bucket_count;
	uint32_t         capacity;
	uint32_t         subscribers;
	uint32_t         used;
	uint32_t         high;
	uint32_t         free_first;
};

/* Bytes of memory for so many watches of so many subscribers (ids below that). */
size_t rh_watch_bytes(uint32_t capacity, uint32_t subscribers);

/* Makes an empty table.  memory is aligned to RH_ALIGN and has rh_watch_bytes;
 * seed is any number: a random one keeps names chosen by an enemy apart. */
void rh_watch_init(struct rh_watch_table *table, uint32_t capacity,
                   uint32_t subscribers, uint64_t seed, void *memory);

/* Adds a watch of a subscriber.
 * RH_EINVAL  the prefix is empty, too long, or the subscriber's id too large.
 * RH_EEXIST  the subscriber has it already.
 * RH_ENOSPC  the table is full. */
int rh_watch_add(struct rh_watch_table *table, uint32_t subscriber,
                 const char *prefix, size_t len);

/* Ends one watch.
 * RH_ENOENT  there is no such watch. */
int rh_watch_remove(struct rh_watch_table *table, uint32_t subscriber,
                    const char *prefix, size_t len);

/* Ends all watches of a subscriber; returns how many there were. */
int rh_watch_remove_all(struct rh_watch_table *table, uint32_t subscriber);

typedef void rh_watch_visit(void *user, uint32_t subscriber);

/* Visits who watches name; returns how many visits.  A subscriber with two watches
 * that match is visited twice.  visit must not change the table. */
int rh_watch_match(const struct rh_watch_table *table, const char *name, size_t len,
                   rh_watch_visit *visit, void *user);

/* Does the subscriber hear of that name?  1 or 0. */
int rh_watch_has(const struct rh_watch_table *table, uint32_t subscriber,
                 const char *name, size_t len);

/* Checks W1 to W3 in O(capacity): for tests. */
void rh_watch_verify(const struct rh_watch_table *table);

#endif
