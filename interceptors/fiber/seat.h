/* seat - what a processor has: the tasks that are to run, in the order of a rule, and the
 * carrier that runs them.
 *
 * There are as many seats as processors.  A carrier without a seat runs nothing; one that
 * sleeps in the kernel loses its seat to another (monitor.c).  A fiber that waits keeps
 * its place in the run queue of the seat where it ran last; a seat with nothing to do
 * takes what is to run next from another, and one with less to do at its tick, by weight.
 *
 * Ownership   The table's; run queues and rules live until the process ends.
 * Threads     The run queue is under the latch; only carriers, on their own stack, the monitor
 *             and who exchanges rules (loan.h) take it, and never two. Anybody puts a task
 *             into the inbox; carriers take all of it out (pair P1: put, look at idle; say
 *             idle, look at inboxes). Whether one that came to a seat goes before who runs
 *             there says its rule; a carrier asks it, and interrupts that of the seat if so
 *             (pair P8: put, say that it is to be asked; take that, look at the inbox).
 * Invariants  S1  a fiber is in at most one inbox or queue (F1), and its task in the run
 *                 queue of fiber->seat, or of none.
 *             S2  rules are asked only under a seat's latch, never by a fiber. */
#ifndef RH_FIBER_SEAT_H
#define RH_FIBER_SEAT_H

#include "fiber.h"

#define RH_SEATS_MAX 64u

struct rh_diag;
struct rh_runqueue;
struct rh_rule;
struct rh_rule_counters;

struct rh_seat {
	_Alignas(64) _Atomic(struct rh_fiber *) inbox; /* newest first */
	_Atomic uint32_t called; /* a futex: whom an idle carrier sleeps on */
	_Alignas(64) struct rh_latch latch;
	struct rh_runqueue *queue;
	struct rh_rule *rule;
	_Atomic uint32_t queued; /* runnable in the queue, without the one that runs */
	_Atomic uint64_t load;   /* by weight, with the one that runs */
	_Atomic bool is_asked;   /* the rule says whether one that wakes up goes first */
	bool is_ahead;           /* one that came goes first; under the latch */
	_Atomic(struct rh_carrier *) carrier;
	uint32_t index;
};

extern struct rh_seat rh_seats[RH_SEATS_MAX];
extern uint32_t rh_seat_count;

/* Loads an instance of a rule.  NULL, and diag: it cannot be had. */
typedef struct rh_rule *rh_seat_load(const void *user, struct rh_diag *diag);

/* Makes so many, each with an instance of the rule, whose name people see.  0, or a
 * negative error. */
int rh_seat_open(uint32_t count, rh_seat_load *load, const void *user);

/* In a child of fork: there are none. */
void rh_seat_forget_all(void);

/* Goes on with another rule, everywhere or nowhere; name is for people.  A thread of
 * the runtime's own that may wait for memory.  An error of rh_runqueue_exchange, or of load. */
int rh_seat_exchange(rh_seat_load *load, const void *user, const char *name,
		     struct rh_diag *diag);

/* What is asked for threads changed, for all of them. */
void rh_seat_change_all(void);

/* What all instances of the rule in force did. */
void rh_seat_count_rules(struct rh_rule_counters *ret);

/* How one of them failed last; "" when none did. */
void rh_seat_explain_rules(char *text, size_t cap);

/* Makes a fiber runnable and wakes who can run it.  Any thread; only once its context is
 * at rest. */
void rh_seat_put(struct rh_fiber *fiber);

/* Of carriers: the next task of this seat, or one of another seat, or NULL. */
struct rh_fiber *rh_seat_next(struct rh_seat *seat);

/* Of carriers: what ran here does not any more; it is runnable (YIELD, or another), or
 * waits (WAIT). */
void rh_seat_stop(struct rh_seat *seat, struct rh_fiber *fiber, enum rh_leave how);

/* It is no task any more. */
void rh_seat_remove(struct rh_fiber *fiber);

/* Of carriers: whether the task that runs goes on after a tick. */
bool rh_seat_goes_on(struct rh_seat *seat, struct rh_fiber *fiber);

/* Of carriers: waits until there is something to do. */
void rh_seat_idle(struct rh_seat *seat);

/* Has an idle carrier begin to wait anew; false: none is idle. */
bool rh_seat_call_idle(void);

/* Whether any seat has a task that does not run. */
bool rh_seat_waiting(void);

#endif
