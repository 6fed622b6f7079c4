/* weigh - the weight of a rule of scheduling: the processes of the resource in a cgroup of its
 * own, which has that weight beside others.
 *
 * Its name is of the run directory and the resource, so that an agent that is started again
 * finds it.  In which group processes were before stands with them (governed.h), on disk
 * before they are moved; what they start is born where they are.
 *
 * Ownership   A value; the set is the governor's.
 * Threads     One. */
#ifndef RH_AGENT_WEIGH_H
#define RH_AGENT_WEIGH_H

#include "governed.h"

#include "../model/limits.h"

struct rh_weigh {
	char             name[RH_NAME_MAX + 64]; /* of the group                     */
	struct rh_cgroup cgroup;                 /* version 0: not known yet         */
	char             own[RH_CGROUP_PATH];    /* the group of the agent           */
	char             former[RH_CGROUP_PATH]; /* of an agent that was elsewhere;
	                                            "": there is none                */
};

/* run_dir has been made. */
void rh_weigh_init(struct rh_weigh *weigh, const char *run_dir, const char *resource);

/* Makes the group, and asks where processes are that come into it.  The set is to be saved
 * then.  A code: there can be none, why says what is lacking. */
int rh_weigh_look(struct rh_weigh *weigh, struct rh_governed *set, struct rh_diag *why);

/* Moves those in that are not; why says what of the rule is not true, or has the code RH_OK. */
void rh_weigh_put(struct rh_weigh *weigh, struct rh_governed *set, int weight,
                  struct rh_diag *why);

/* Gives all back to the groups where they were, and removes the one that was made: does
 * nothing when there is none.  While somebody who ends is in it, it stays (set->group):
 * to be tried again.  why as of rh_weigh_put. */
void rh_weigh_release(struct rh_weigh *weigh, struct rh_governed *set, struct rh_diag *why);

#endif
