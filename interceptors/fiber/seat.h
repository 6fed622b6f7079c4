/* seat - what a processor has: the tasks that are to run, and the carrier that runs them.
 *
 * There are as many seats as processors.  A carrier without a seat runs nothing; one that
 * sleeps in the kernel loses its seat to another (monitor.c).
 *
 * Ownership   The table's.
 * Threads     The queue is under the latch; only carriers, on their own stack, take it.
 *             Anybody puts a task into the inbox; carriers take all of it out (pair P1:
 *             put, look at idle; say idle, look at inboxes).
 * Invariants  S1  a fiber is in at most one inbox or queue (F1). */
#ifndef RH_FIBER_SEAT_H
#define RH_FIBER_SEAT_H

#include "fiber.h"

#define RH_SEATS_MAX 64u

struct rh_seat {
	_Alignas(64) _Atomic(struct rh_fiber *) inbox; /* newest first */
	_Atomic uint32_t called; /* a futex: whom an idle carrier sleeps on */
	_Alignas(64) struct rh_latch latch;
	struct rh_fiber *head, **tail;
	_Atomic uint32_t queued;
	_Atomic(struct rh_carrier *) carrier;
	uint32_t index;
};

extern struct rh_seat rh_seats[RH_SEATS_MAX];
extern uint32_t rh_seat_count;

/* Empties all. */
void rh_seat_reset(uint32_t count);

/* Makes a fiber runnable and wakes who can run it.  Any thread; only once its context is
 * at rest. */
void rh_seat_put(struct rh_fiber *fiber);

/* Of carriers: the next task of this seat, or one of another seat, or NULL. */
struct rh_fiber *rh_seat_next(struct rh_seat *seat);

/* Of carriers: puts back a task that ran here. */
void rh_seat_requeue(struct rh_seat *seat, struct rh_fiber *fiber, enum rh_leave how);

/* Of carriers: whether the task is to go on after a tick. */
bool rh_seat_goes_on(struct rh_seat *seat, struct rh_fiber *fiber, uint64_t ran_ns);

/* Of carriers: waits until there is something to do. */
void rh_seat_idle(struct rh_seat *seat);

/* Whether any seat has a task that does not run. */
bool rh_seat_waiting(void);

#endif
