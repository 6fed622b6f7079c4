/* carrier - a kernel thread of the runtime that runs fibers.
 *
 * Ownership   A table's; a slot is used again after its thread ended.
 * Threads     Its own, but for `hold`, by which the monitor takes the seat of one that
 *             sleeps in the kernel: (epoch << 2 | enum rh_hold), changed by
 *             compare-and-exchange (pair P2).
 * Invariants  C1  in the context of a carrier no function of the program runs: signals
 *                 that come there are put off (handler.c).
 *             C2  `fiber` is what its kernel thread runs, NULL on its own stack. */
#ifndef RH_FIBER_CARRIER_H
#define RH_FIBER_CARRIER_H

#include "fiber.h"
#include "seat.h"

#include <time.h>

#define RH_CARRIERS_MAX 128u
#define RH_DIRECTS_MAX  8
#define RH_MASK_UNKNOWN ~0ull /* no fiber has it: the C library's are never blocked */

enum rh_hold {
	RH_HOLD_SCHED,   /* on its own stack */
	RH_HOLD_RUNNING, /* runs a fiber and has a seat */
	RH_HOLD_LOST,    /* runs a fiber and has none */
};

/* A signal that was sent straight to the kernel thread, for a fiber. */
struct rh_direct {
	int sig;
	struct rh_fiber *fiber;
	uint32_t generation;
};

struct rh_carrier {
	void *sp;
	unsigned long fs;
	struct rh_fiber *_Atomic fiber;
	enum rh_leave leave;
	struct rh_latch *release;
	struct rh_seat *seat;
	_Atomic uint64_t hold;
	uint64_t epoch;
	_Atomic int tid;
	_Atomic uint64_t mask; /* of signals, as its kernel thread has it */
	uint64_t common;        /* what all fibers block, as of `common_seen` */
	uint32_t common_seen;
	stack_t altstack;     /* likewise */
	stack_t own_altstack; /* for rules, which may overflow theirs */
	_Atomic uint64_t lost_ns; /* when its seat was taken, if it was */
	_Atomic(struct rh_seat *) offered; /* to a spare one */
	_Atomic uint32_t called;           /* a futex: a spare one sleeps on it */
	struct rh_carrier *spare_next; /* under the latch of spare ones */
	bool is_coming;                /* likewise: to be a spare one first */
	_Atomic bool used;
	const volatile uint32_t *put_off; /* signals that came in its own context */
	_Atomic bool asked; /* the preemption signal is under way, P7 */
	struct rh_latch direct_latch;
	struct rh_direct direct[RH_DIRECTS_MAX];
	_Atomic int directs;

	/* The monitor's. */
	uint64_t seen_cpu_ns, seen_at;
};

extern __thread struct rh_carrier *rh_carrier_of_thread
	__attribute__((tls_model("initial-exec")));

/* The i-th of the table; check `used`. */
struct rh_carrier *rh_carrier_at(uint32_t i);

/* Starts one for each seat. */
int rh_carrier_start_all(void);

/* Of the monitor: gives a seat that has no carrier to a spare one; false when there is none
 * now.  Others are asked for as the last one goes (maker.h); who comes rings the monitor. */
bool rh_carrier_relieve(struct rh_seat *seat);

/* Of the maker: starts spare ones, one for each seat that has none, and one ahead.  False: it
 * cannot. */
bool rh_carrier_make(void);

/* Of the monitor: takes its seat from a carrier that still is as `hold` says. */
void rh_carrier_lose_seat(struct rh_carrier *carrier, struct rh_seat *seat, uint64_t hold);

/* A fiber that does not run, or that ran here, goes on in its home thread. */
void rh_carrier_send_home(struct rh_fiber *fiber);

/* In a child of fork: there are none. */
void rh_carrier_forget_all(void);

#endif
