/* lookout - what `rhodes observe` said last of itself: that it is there, and which
 * cgroups connect only where the matrix allows it.
 *
 * It tells once a second.  What it loads anew although it had it before was not in place
 * in between: for how long at most is the time since it told last.
 *
 * Ownership   Plain data, a part of the center; zeroes are: nobody told yet.
 * Threads     One.
 * Limits      RH_LOOKOUT_MAX cgroups.  In memory alone. */
#ifndef RH_CENTER_LOOKOUT_H
#define RH_CENTER_LOOKOUT_H

#include "../wire/limits.h"

#include <jansson.h>
#include <stdint.h>

#define RH_LOOKOUT_MAX       32u
#define RH_LOOKOUT_CGROUP    511u
#define RH_LOOKOUT_SILENT_MS 5000u

struct rh_lookout_cgroup {
	char     resource[RH_NAME_MAX + 1];
	char     cgroup[RH_LOOKOUT_CGROUP + 1];
	int      is_strict;
	unsigned gaps;   /* how often it was not in place   */
	uint64_t gap_ms; /* the last time, for that at most */
};

struct rh_lookout {
	uint64_t                 told_ms; /* 0: nobody told, or it ended when asked */
	uint64_t                 pid;
	unsigned                 count;
	struct rh_lookout_cgroup cgroups[RH_LOOKOUT_MAX];
};

/* Takes what was checked (api/seen.c). */
void rh_lookout_take(struct rh_lookout *lookout, const json_t *told, uint64_t now_ms);

/* NULL: nobody told. */
json_t *rh_lookout_json(const struct rh_lookout *lookout, uint64_t now_ms);

#endif
