/* crew - the processes of a system, brought in line with a plan.
 *
 * The crew is sorted by name, as a plan is, so that both are walked side by side.
 * An instance starts when the agent of its resource is ready; an agent is stopped
 * when the last instance of its resource is gone.
 *
 * Ownership   The crew owns its processes.
 * Threads     The loop's.
 * Invariants  C1  sorted by task.name, no name twice. */
#ifndef RH_SUPERVISE_CREW_H
#define RH_SUPERVISE_CREW_H

#include "plan.h"
#include "process.h"

struct rh_pools;

struct rh_crew {
	struct rh_process    **members;
	size_t                 count;
	size_t                 capacity;
	const struct rh_pools *pools;    /* where the agents are, when not in processes
	                                    of their own; borrowed, or NULL         */
};

void rh_crew_fini(struct rh_crew *crew);

/* NULL when there is none of that name. */
struct rh_process *rh_crew_find(const struct rh_crew *crew, const char *name);

/* Takes the task's contents and gives the idle process; NULL when out of memory. */
struct rh_process *rh_crew_add(struct rh_crew *crew, struct rh_task *task,
                               const struct rh_process_setting *setting);

/* Whether an instance of the resource is there still. */
bool rh_crew_has_instances(const struct rh_crew *crew, const char *resource);

/* Drops those that are gone. */
void rh_crew_sweep(struct rh_crew *crew);

/* Stops what the plan does not want (any more, or in this form), adds what it
 * wants, and starts what may start.  The plan keeps its tasks.  Members of the role
 * center are left alone. */
void rh_crew_follow(struct rh_crew *crew, const struct rh_plan *plan,
                    const struct rh_process_setting *setting);

/* Whether everything in the plan runs and is ready, or has ended as it may; the
 * name of the first that is not goes to *ret_missing. */
bool rh_crew_is_ready(const struct rh_crew *crew, const struct rh_plan *plan,
                      const char **ret_missing);

/* Asks all of that role to end; returns how many still are there. */
size_t rh_crew_stop(struct rh_crew *crew, enum rh_task_role role);

/* Ends all of them now; none is started again. */
void rh_crew_kill(struct rh_crew *crew);

#endif
