/* tasklet - the state of one piece of deferred work, in one word.
 *
 *   SCHEDULED  it waits: in the list of one processor, or PARKED, or TAKEN
 *   RUNNING    one processor has it; until it is let go nobody else runs it
 *   TAKEN      another processor took it from its list while it ran: who runs it queues
 *              it again
 *   PARKED     it was taken from its list while it was disabled: who enables it queues it
 *   DEAD       it is being destroyed: it is dropped, not run
 *   AWAITED    somebody sleeps on the word until it changes
 *   above      how often it was disabled
 *
 * Invariants  K1  who sets SCHEDULED, and nobody else, puts it into a list; so it is in
 *                 one list at most, and `next` has one owner.
 *             K2  user data that was written before schedule is seen by the run that
 *                 follows: by the release and acquire of the word.
 * Threads     Any. */
#ifndef RH_SDK_TASKLET_H
#define RH_SDK_TASKLET_H

#include "rhodes-softirq.h"

#include <stdatomic.h>
#include <stdbool.h>

struct rh_tasklet {
	_Atomic uint32_t   word;
	struct rh_tasklet *next;     /* in the list of a processor           */
	rh_tasklet_run    *run;      /* or                                   */
	rh_softirq_poll   *poll;     /* ... with arm                         */
	rh_softirq_arm    *arm;
	void              *user;
	struct rh_tasklet *all_next; /* of this process, under its lock      */
	struct rh_tasklet *all_before;
};

/* What rh_tasklet_take found. */
enum rh_taken {
	RH_TAKEN_TO_RUN, /* it is this thread's until rh_tasklet_let_go */
	RH_TAKEN_LATER,  /* somebody else will queue it                 */
	RH_TAKEN_GONE,   /* it was killed                               */
};

/* true: it was not queued, and the caller is to put it into a list. */
bool rh_tasklet_mark(struct rh_tasklet *tasklet);

/* After it was taken from a list. */
enum rh_taken rh_tasklet_take(struct rh_tasklet *tasklet);

/* Ends a run.  again: it has more to do.  true: the caller is to put it into a list. */
bool rh_tasklet_let_go(struct rh_tasklet *tasklet, bool again);

/* rh_tasklet_enable; true: the caller is to put it into a list. */
bool rh_tasklet_allow(struct rh_tasklet *tasklet);

/* In the child of a fork: nothing waits, nothing runs. */
void rh_tasklets_forget(void);
void rh_tasklets_hold(void);
void rh_tasklets_let_go(void);

/* The one that this thread runs, or NULL. */
extern _Thread_local struct rh_tasklet *rh_tasklet_current;

#endif
