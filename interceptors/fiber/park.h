/* park - the home of a fiber: its own kernel thread, while carriers run the fiber.
 *
 * The thread's start routine is rh_park_start.  It leaves the thread's context at rest,
 * makes it runnable and sleeps on a private stack; whoever runs the context comes back
 * into rh_park_start and calls the program's routine.  When that ends, by returning, by
 * pthread_exit or by cancellation, the context goes home, and the rest (destructors, the
 * thread's end, join) happens there, by glibc.
 *
 * Threads     A home thread and the carrier share the thread's storage: on its private
 *             stack a home thread uses none of it (no errno, no stack guard). */
#ifndef RH_FIBER_PARK_H
#define RH_FIBER_PARK_H

#include "fiber.h"

/* The start routine of threads that are fibers; the argument is the fiber. */
void *rh_park_start(void *fiber);

/* Of threads that are not, and were refused (evict.h); the argument is a plain one from
 * malloc. */
struct rh_plain {
	void *(*start)(void *);
	void *argument;
	int pid; /* of who made it: a child of fork has other counts */
	uint32_t why;
	_Atomic uint64_t *said; /* in the block, once it runs */
	char name[16];          /* of who made it, if that is a fiber */
};
void *rh_park_start_plain(void *plain);

/* Of carriers: the home thread goes on with a fiber that is at rest; from now on the
 * fiber is not governed. */
void rh_park_call_home(struct rh_fiber *fiber);

/* In the context of a fiber: goes home, for good or until it goes back. */
void rh_park_go_home(struct rh_fiber *fiber);

/* In the context of a fiber that is at home: carriers run it once more. */
void rh_park_go_back(struct rh_fiber *fiber);

/* In a child of fork, while it is known who made it: it is called as that fiber is. */
void rh_park_in_child(void);

/* Whether the calling thread began in one of these. */
bool rh_park_is_under(void);

unsigned long rh_park_thread_pointer(void);

/* The kernel writes the processor's number into the storage of the thread that
 * registered it: of none, because threads and storage part. */
void rh_park_leave_rseq(void);

#endif
