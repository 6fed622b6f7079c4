/* seen - calls between resources that passed no agent, as a rule of eBPF saw them on a
 * node: connections by TCP, and programs that were executed.
 *
 * On a declared edge they count in the observed plane like every call.  Between
 * resources that declare no reference there is no edge: those pairs are kept here, and
 * shown beside the matrix.
 *
 * Ownership   The table is part of the center; names are copied.
 * Threads     One.
 * Limits      RH_SEEN_MAX pairs: the one that was not seen for longest makes room.  In
 *             memory alone, like the observed plane. */
#ifndef RH_CENTER_SEEN_H
#define RH_CENTER_SEEN_H

#include "realm.h"

#include "../wire/limits.h"

#define RH_SEEN_MAX 1024u

struct rh_seen_pair {
	char     caller[RH_NAME_MAX + 1];
	char     callee[RH_NAME_MAX + 1];
	uint64_t calls;
	uint64_t last; /* a number that only rises */
};

struct rh_seen {
	unsigned            count;
	uint64_t            last;
	struct rh_seen_pair pairs[RH_SEEN_MAX];
};

/* 1 when the edge is declared, 0 when it is not.
 * RH_ENOENT  one of them is not registered, or they are the same: nothing was counted. */
int rh_seen_add(struct rh_seen *seen, struct rh_realm *realm, const char *caller,
                const char *callee, uint64_t calls);

#endif
