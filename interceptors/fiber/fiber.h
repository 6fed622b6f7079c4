/* fiber - a thread of the program that this runtime schedules.
 *
 * glibc has created it as usual.  Its own kernel thread, its home, sleeps on a small
 * private stack (park.c) while carriers run what it is: its stack with its thread
 * pointer.  So errno, thread-local storage, the stack guard, the allocator's cache and
 * the way out of a thread stay glibc's.
 *
 * Ownership   All are in one table that is never freed: a pointer stays readable, and
 *             number `generation` tells whether it still is the same thread.
 * Threads     What stands under "the task itself" is written only in the context of the
 *             task; under "who runs it" by the one carrier, or home, that has it now;
 *             the rest names its lock or pair.
 * Invariants  F1  a fiber is in exactly one place: running on one carrier, in one queue
 *                 or inbox, waiting in one bucket, or at home.
 *             F2  what happens to a fiber that leaves is done by the carrier after the
 *                 switch: nobody sees it runnable or waiting before its context is at
 *                 rest.
 *             F3  at home, all signals but those of the C library's own are blocked, as
 *                 long as the fiber is elsewhere. */
#ifndef RH_FIBER_FIBER_H
#define RH_FIBER_FIBER_H

#include "latch.h"
#include "outside.h"
#include "pending.h"
#include "stats.h"

#include <pthread.h>
#include <signal.h>

#define RH_FIBERS_MAX   1024u
#define RH_HOME_STACK   16384u
#define RH_HELD_TICKS   32u /* that it may take without being preempted */

struct rh_carrier;
struct rh_bucket;

enum rh_home {
	RH_HOME_PARKED, /* carriers run the fiber */
	RH_HOME_CALLED, /* the home thread is to go on with it */
	RH_HOME_BACK,   /* it is a kernel thread of its own again */
};

/* What a fiber wants of its carrier when it leaves. */
enum rh_leave {
	RH_LEAVE_YIELD,
	RH_LEAVE_PREEMPT,
	RH_LEAVE_TICK,
	RH_LEAVE_WAIT, /* `release` is given back after the switch */
	RH_LEAVE_HOME,
};

enum rh_waited { RH_WOKEN, RH_TIMEOUT, RH_SIGNALLED };

/* One that waits in a bucket; under the bucket's latch. */
struct rh_waiter {
	struct rh_waiter *next;
	const void *key;
	struct rh_fiber *fiber; /* NULL: a kernel thread, that sleeps on `woken` */
	_Atomic uint32_t woken;
	enum rh_waited why;
	uint32_t tag; /* of the kind of waiter, for who wakes */
	uint64_t turn; /* how many came to the bucket before */
	bool queued, interruptible, handling;
	bool asleep; /* a fiber that has left, or does so without giving the latch back */
};

struct rh_fiber {
	/* Who runs it. */
	void *sp;
	unsigned long fs;
	struct rh_carrier *_Atomic carrier;
	struct rh_fiber *next; /* in a queue or an inbox */
	uint64_t since;        /* it runs, or it became runnable */
	_Atomic uint32_t seat; /* where it ran last */
	bool is_task;          /* in the run queue of that seat; under its latch */

	/* The task itself. */
	_Atomic uint64_t mask; /* of signals */
	stack_t altstack;
	void *(*start)(void *);
	void *argument;
	volatile uint32_t preempted; /* how often, for calls that may not see it */
	volatile uint32_t user_signals; /* handled */
	volatile uint32_t interrupts;   /* of them, those that end calls early */
	volatile uint32_t in_call;      /* sigwait and its like: signals go to the carrier */
	volatile int raising;           /* a signal that it delivers to itself */
	uint64_t released; /* of signals that waited: the kernel thread has them */
	volatile bool resched;
	volatile uint32_t held;  /* in so many calls that hold locks of the loader */
	volatile uint32_t ticks; /* meanwhile */
	volatile bool governed; /* false: at home for good, or not begun */

	/* Waiting: under the latch of `bucket`, wheel fields under the wheel's. */
	struct rh_waiter waiter;
	struct rh_bucket *_Atomic bucket;
	uint64_t deadline;
	struct rh_fiber *wheel_next, **wheel_at;

	/* Others ask: */
	const char *_Atomic evict; /* why it has to go home */
	_Atomic bool cancel, changed; /* changed: its traits, for the run queue */
	struct rh_pending_list pending;
	const volatile uint32_t *put_off; /* in its storage: signals that came while busy */

	/* Set before it is seen by others. */
	_Atomic uint32_t home; /* enum rh_home; a futex */
	pthread_t thread;
	_Atomic int tid; /* of the home thread */
	_Atomic uint32_t generation;
	_Atomic bool used, ended;
	_Atomic int nice;
	struct rh_outside outside;
	char name[16]; /* of the home thread, and of those that it makes */
	struct rh_thread_stats *stats;
	unsigned char *stack; /* of the home thread, while it is parked */
};

/* The fiber whose thread pointer this is; NULL for kernel threads and carriers. */
extern __thread struct rh_fiber *rh_fiber_of_thread
	__attribute__((tls_model("initial-exec")));

/* The fiber that runs here under a carrier, or NULL. */
static inline struct rh_fiber *rh_fiber_current(void)
{
	struct rh_fiber *fiber = rh_fiber_of_thread;

	return fiber && fiber->governed ? fiber : NULL;
}

/* A free one, or NULL when the table is full. */
struct rh_fiber *rh_fiber_take(void);
void rh_fiber_give(struct rh_fiber *fiber);

/* The fiber of a thread or of a kernel thread's number, also of one that is at home, or
 * NULL. */
struct rh_fiber *rh_fiber_of(pthread_t thread);
struct rh_fiber *rh_fiber_of_tid(int tid);

/* The i-th of the table, i < RH_FIBERS_MAX; check `used`. */
struct rh_fiber *rh_fiber_at(uint32_t i);

/* None from this one on was ever used: who looks at all stops here. */
uint32_t rh_fiber_top(void);

/* What all governed fibers block: signals that no idle carrier may take either. */
uint64_t rh_fiber_common_mask(void);

/* A mask changed, or there are others. */
extern _Atomic uint32_t rh_fiber_mask_changes;

/* Leaves the carrier; returns when somebody runs this fiber again.  Only a current
 * fiber.  release is for RH_LEAVE_WAIT. */
void rh_fiber_leave(enum rh_leave how, struct rh_latch *release);

/* Of a fiber that just began to run: signals that came to the carrier as it did are looked
 * at before it goes on. */
void rh_fiber_arrive(struct rh_fiber *fiber);

/* At the end of a call that the runtime serves: leaves if it was to have been preempted
 * meanwhile. */
void rh_fiber_point(struct rh_fiber *fiber);

/* In a child of fork: the caller is the only thread and no fiber any more. */
void rh_fiber_forget_all(void);

#endif
