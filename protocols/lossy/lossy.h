/* lossy - the protocol "lossy": another protocol with faults, for tests.
 *
 * From a seed it drops, duplicates and delays submitted messages and says
 * RH_EAGAIN without a reason.  Delays and needless RH_EAGAIN are within what every
 * protocol may do, so their users must come through; drops and duplicates are not,
 * and show whether a checker notices.
 *
 * The plan is that of the process: rh_lossy_plan_set, or else the environment:
 *   RHODES_LOSSY="inner=shm seed=7 drop=1 duplicate=1 delay=50 again=100"
 * with rates in thousandths.
 *
 * Threads     Set the plan before channels are made.
 * Limits      A message over RH_LOSSY_HELD_BYTES is never delayed, and at most
 *             RH_LOSSY_HELD are. */
#ifndef RH_LOSSY_LOSSY_H
#define RH_LOSSY_LOSSY_H

#include "../protocol.h"

#define RH_LOSSY_HELD       8u
#define RH_LOSSY_HELD_BYTES 4096u

struct rh_lossy_plan {
	char     inner[16];
	uint64_t seed;
	uint32_t drop;      /* of a thousand submits            */
	uint32_t duplicate;
	uint32_t delay;
	uint32_t again;     /* of a thousand submits and polls  */
};

/* Later channels use a copy of the plan.
 * RH_EINVAL  there is no such inner protocol, or a rate is over 1000. */
int rh_lossy_plan_set(const struct rh_lossy_plan *plan);

/* What a channel did to its messages so far. */
struct rh_lossy_counts {
	uint64_t dropped;
	uint64_t duplicated;
	uint64_t delayed;
	uint64_t refused;
};

void rh_lossy_counts_get(const void *state, struct rh_lossy_counts *ret);

extern const struct rh_protocol rh_lossy_protocol;

#endif
