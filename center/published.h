/* published - what agents were told last of each item: a hash of its bytes, and the
 * revision since which they are so.
 *
 * A change touches items that it may concern; one whose bytes are the same is not
 * told again.  An item that is not noted here is told in any case, so forgetting costs
 * a few bytes on the wire and is never wrong.
 *
 * Ownership   The table owns its memory.
 * Threads     One.
 * Limits      32 bytes an item, at most twice as much while it grows; without memory
 *             it forgets. */
#ifndef RH_CENTER_PUBLISHED_H
#define RH_CENTER_PUBLISHED_H

#include "../model/delta.h"

#include <stddef.h>
#include <stdint.h>

#define RH_PUBLISHED_KEY_BYTES 16

struct rh_published_entry {
	uint64_t key;       /* of the item; 0: free                     */
	uint64_t hash;      /* of its bytes                             */
	uint64_t revision;
	uint32_t is_anew;   /* told next time, though its bytes are same */
	uint32_t is_guess;  /* it changed then or before                 */
};

struct rh_published {
	struct rh_published_entry *at;
	size_t                     cap;     /* 0 or a power of two      */
	size_t                     used;    /* at most half of cap      */
	unsigned char              secret[RH_PUBLISHED_KEY_BYTES];
};

void rh_published_init(struct rh_published *published);
void rh_published_fini(struct rh_published *published);

/* The item has these bytes, as of revision.  1: they are others than before, or
 * nothing was noted; 0: they are the same. */
int rh_published_note(struct rh_published *published, const struct rh_item_key *key,
                      const void *bytes, size_t len, uint64_t revision);

/* The next time that it is published it is told, whatever its bytes. */
void rh_published_renew(struct rh_published *published, const struct rh_item_key *key);

/* 1 when that was asked for; from now on it is published with that revision. */
int rh_published_renewed(struct rh_published *published, const struct rh_item_key *key,
                         uint64_t revision);

/* The item is gone, or nobody heard how it changed. */
void rh_published_forget(struct rh_published *published,
                         const struct rh_item_key *key);

/* Since when the item's bytes are as noted; 0 when nothing is. */
uint64_t rh_published_revision(const struct rh_published *published,
                               const struct rh_item_key *key);

/* The revision that was noted is not known to be the one of the change. */
void rh_published_guess(struct rh_published *published, const struct rh_item_key *key);

/* Is the revision that of a change, which all that watched were told? */
int rh_published_is_exact(const struct rh_published *published,
                          const struct rh_item_key *key);

#endif
