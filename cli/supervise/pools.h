/* pools - agents that share processes: which resource's agent lives in which.
 *
 * A plan that has a process for each agent gets one for each pool instead
 * ("agents-0", ...); the names of a pool stand in <run>/agent/pool.<number>, which its
 * process follows.  A resource stays in the pool that it came to first, so that a
 * change concerns nobody else; a name is taken out when its last instance is gone.
 *
 *   process -> supervisor   agent NAME open | gone     (base/ready.h)
 *
 * Ownership   rh_pools_fini frees it all.
 * Threads     The loop's.
 * Invariants  O1  places are sorted by name, no name twice.
 * Limits      `most` names a pool, RH_POOLS_MAX pools. */
#ifndef RH_SUPERVISE_POOLS_H
#define RH_SUPERVISE_POOLS_H

#include "plan.h"

#define RH_POOL_NAMES_MAX 4096u
#define RH_POOLS_MAX      8192u

struct rh_crew;

struct rh_pool_place {
	char     resource[RH_NAME_MAX + 1];
	unsigned pool;
	bool     is_wanted;   /* by the newest plan */
	bool     is_open;
};

struct rh_pools {
	unsigned              most;      /* agents a process; 0: there are no pools */
	struct rh_plan_paths  paths;
	struct rh_pool_place *places;
	size_t                count;
	size_t                room;
	char                **texts;     /* of the files, as they were written last */
	unsigned              text_count;
};

void rh_pools_fini(struct rh_pools *pools);

/* Takes the agents out of a plan and puts their pools in.
 * RH_ENOMEM, RH_ENOSPC; then the plan is as before. */
int rh_pools_take(struct rh_pools *pools, struct rh_plan *plan, struct rh_diag *diag);

/* Before a plan is followed: forgets who is gone and writes the files that change.
 * RH_EIO with the reason. */
int rh_pools_write(struct rh_pools *pools, const struct rh_crew *crew,
                   struct rh_diag *diag);

/* A line of the process of that task; true when it was one for the pools. */
bool rh_pools_read(struct rh_pools *pools, const char *task, const char *line, size_t len);

/* Its process is gone, and every agent in it. */
void rh_pools_lost(struct rh_pools *pools, const char *task);

bool rh_pools_is_open(const struct rh_pools *pools, const char *resource);

#endif
