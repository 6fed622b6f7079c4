/* pending - signals that wait for a fiber, with what is known of each.
 *
 * Of the signals below the realtime ones a second of a kind is none; of realtime signals as
 * many wait as were sent, as far as there is room for all fibers together.  The lowest
 * number comes first, and of one number who came first.
 *
 * Threads     Any, with no handler of the program in between (rh_handler_enter).
 * Invariants  N1  `set` says of each signal whether one is in the list. */
#ifndef RH_FIBER_PENDING_H
#define RH_FIBER_PENDING_H

#include "latch.h"

#include <signal.h>
#include <stdbool.h>

#define RH_PENDING_MAX 32768u

struct rh_pending {
	struct rh_pending *next;
	int sig;
	bool has_info;
	siginfo_t info;
};

struct rh_pending_list {
	struct rh_latch latch;
	struct rh_pending *first;
	_Atomic uint64_t set;
};

/* info may be NULL.  0, or EAGAIN: there is no room. */
int rh_pending_put(struct rh_pending_list *list, int sig, const siginfo_t *info);

/* The next one that is not blocked; false: there is none. */
bool rh_pending_take(struct rh_pending_list *list, uint64_t blocked, struct rh_pending *ret);

/* Whoever it was for is gone. */
void rh_pending_drop(struct rh_pending_list *list);

/* In a child of fork: nothing is in any list. */
void rh_pending_forget_all(void);

#endif
