#include "seen.h"

#include "../model/error.h"

#include <stdio.h>
#include <string.h>

static struct rh_seen_pair *find(struct rh_seen *seen, const char *caller,
                                 const char *callee)
{
	for (unsigned i = 0; i < seen->count; i++) {
		if (strcmp(seen->pairs[i].caller, caller) == 0 &&
		    strcmp(seen->pairs[i].callee, callee) == 0)
			return &seen->pairs[i];
	}
	return NULL;
}

static struct rh_seen_pair *make_room(struct rh_seen *seen)
{
	struct rh_seen_pair *oldest = &seen->pairs[0];

	if (seen->count < RH_SEEN_MAX)
		return &seen->pairs[seen->count++];
	for (unsigned i = 1; i < seen->count; i++) {
		if (seen->pairs[i].last < oldest->last)
			oldest = &seen->pairs[i];
	}
	return oldest;
}

static void add_pair(struct rh_seen *seen, const char *caller, const char *callee,
                     uint64_t calls)
{
	struct rh_seen_pair *pair = find(seen, caller, callee);

	if (!pair) {
		pair = make_room(seen);
		*pair = (struct rh_seen_pair){ .calls = 0 };
		snprintf(pair->caller, sizeof pair->caller, "%s", caller);
		snprintf(pair->callee, sizeof pair->callee, "%s", callee);
	}
	pair->calls += calls < UINT64_MAX - pair->calls ? calls : UINT64_MAX - pair->calls;
	pair->last = ++seen->last;
}

int rh_seen_add(struct rh_seen *seen, struct rh_realm *realm, const char *caller,
                const char *callee, uint64_t calls)
{
	struct rh_id from, to;

	if (rh_realm_find(realm, caller, &from) != RH_OK ||
	    rh_realm_find(realm, callee, &to) != RH_OK || from.index == to.index)
		return RH_ENOENT;
	uint32_t edge = rh_matrix_find(&realm->registry.matrix, from.index, to.index);
	if (edge == RH_NO_EDGE) {
		add_pair(seen, caller, callee, calls);
		return 0;
	}
	rh_matrix_observe(&realm->registry.matrix, edge, calls);
	return 1;
}
