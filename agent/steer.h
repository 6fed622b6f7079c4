/* steer - one rule of scheduling as a class of the kernel, put on every thread of a set that
 * is not its runtime's under the carrier `fiber` (fibers.h).
 *
 * Ownership   A value; the set is the governor's.
 * Threads     One. */
#ifndef RH_AGENT_STEER_H
#define RH_AGENT_STEER_H

#include "governed.h"
#include "schedspec.h"

struct rh_steer {
	enum rh_sched_use     use;
	enum rh_sched_carrier carrier;
	struct rh_sched_attr  wanted;
	uint64_t              slice_ns;   /* the kernel's own; 0: it has no others  */
	int                   is_sliceless; /* the rule's slice cannot be had here  */
	struct rh_diag        lacks;      /* why it is on no program but those under
	                                     fiber; or the code RH_OK               */
};

/* RH_ENOSYS, and why: there is no such carrier here. */
int rh_steer_check(const struct rh_schedspec *spec, struct rh_diag *why);

/* priority is what rank.h leaves the rule. */
void rh_steer_init(struct rh_steer *steer, const struct rh_schedspec *spec, int priority,
                   uint64_t slice_ns);

/* rh_governed_is_ruled, for a steer. */
int rh_steer_is_on(void *steer, const struct rh_sched_attr *attr);

/* Puts it on all threads that have it not; why says what of it is not true, in words that
 * fit a result, or has the code RH_OK.  The code of why: the kernel refused it to each, and
 * no program has a runtime. */
int rh_steer_put(const struct rh_steer *steer, struct rh_governed *set,
                      struct rh_diag *why);

/* The rule is one for the carrier `fiber` from now on: gives the threads that the kernel
 * orders in programs that run under it what they had before one for `host`. */
void rh_steer_leave_fibers(struct rh_governed *set);

/* Gives every thread that the rule was put on what it had before.  why as of
 * rh_steer_put. */
void rh_steer_restore(const struct rh_steer *steer, struct rh_governed *set,
                      struct rh_diag *why);

#endif
