/* rollout_drive - makes roll-outs go on, and obeys those who stop them.
 *
 * The center calls rh_rollouts_wake when something happened that a roll-out may wait
 * for (an agent's word, a change, an agent that came or left) and rh_rollouts_drive when
 * rh_rollouts_next is there.  Nobody looks in between; after a look that took long the
 * next one is later.
 *
 * Each step is a change of the center's own: written, then told to agents.
 *
 * Threads     One.
 * Errors      As change.h. */
#ifndef RH_CENTER_ROLLOUT_DRIVE_H
#define RH_CENTER_ROLLOUT_DRIVE_H

#include "change.h"
#include "rollout.h"

#include <stdint.h>

/* What an agent says is looked at so much later, with what others say meanwhile. */
#define RH_ROLLOUT_GATHER_MS 10u

void rh_rollouts_wake(struct rh_center *center, uint64_t delay_ms);

/* A turn is committed: tells what became of roll-outs in it. */
void rh_rollouts_tell(struct rh_center *center);

/* When to drive, monotonic ns; RH_ROLLOUT_NEVER. */
uint64_t rh_rollouts_next(const struct rh_center *center);

/* Lets every roll-out that runs do what is due, and commits.  RH_ENOSPC, RH_ESTORE:
 * nothing changed, and it is tried again. */
int rh_rollouts_drive(struct rh_center *center);

/* Pauses, resumes or undoes; generation is the one to go back to, 0: the former one.
 * RH_ENOENT  there is no such rule, or generation.
 * RH_ECANCELED  it is not in a state for that. */
int rh_rollout_order(struct rh_center *center, const char *rule,
                     enum rh_rollout_order order, uint64_t generation,
                     const struct rh_change_options *options,
                     struct rh_problem *problem);

/* A new value: how the rule stands, staged or not; NULL: there is no such rule. */
json_t *rh_rollout_show(const struct rh_center *center, const char *rule,
                        int with_agents);

#endif
