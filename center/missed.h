/* missed - since when a resource may have changed without anybody hearing of it.
 *
 * What nobody watches is not encoded; only the revision is remembered, by a hash of
 * the resource's name.  Two names in one slot cost a snapshot that was not needed.
 *
 * Ownership   The table owns its memory.
 * Threads     One.
 * Invariants  I1  a slot never falls.
 * Limits      512 KiB, whatever the number of resources. */
#ifndef RH_CENTER_MISSED_H
#define RH_CENTER_MISSED_H

#include "../model/name.h"

#include <stdint.h>

#define RH_MISSED_SLOTS (1u << 16)

struct rh_missed {
	uint64_t *slots;
	uint64_t  seed;
	uint64_t  all;      /* for every resource */
};

/* As if everything had changed at revision.  RH_ENOMEM. */
int  rh_missed_init(struct rh_missed *missed, uint64_t revision);
void rh_missed_fini(struct rh_missed *missed);

void rh_missed_note(struct rh_missed *missed, const struct rh_name *resource,
                    uint64_t revision);
void rh_missed_note_all(struct rh_missed *missed, uint64_t revision);

/* Who was at an older revision than this needs a snapshot. */
uint64_t rh_missed_revision(const struct rh_missed *missed,
                            const struct rh_name *resource);

#endif
