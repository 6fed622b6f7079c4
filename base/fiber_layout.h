/* fiber_layout - what the carrier `fiber` tells of the threads of its program, and by which
 * others ask something of it: a block of memory that the program shares.
 *
 * The block is a file of shared memory: a memfd called "rhodes-fibers" among the descriptors
 * of the process, or the file that RHODES_SCHED_STATS names.
 *
 * Ownership   The program's.  Whoever else reads it reads what that program likes to say, and
 *             reads it as a file: mapped pages may be taken away (fiber_block.h).
 * Threads     A line has one writer at a time: who runs the thread.  Readers see numbers
 *             that may be a moment apart.
 * Invariants  the layout is of version RH_STATS_VERSION; sizes are asserted. */
#ifndef RH_BASE_FIBER_LAYOUT_H
#define RH_BASE_FIBER_LAYOUT_H

#include <stdatomic.h>
#include <stdint.h>

#define RH_STATS_MAGIC   0x72686669u /* "rhfi" */
#define RH_STATS_VERSION 4u
#define RH_STATS_THREADS 1024u
#define RH_STATS_SEATS   64u
#define RH_STATS_EVENTS  16384u
#define RH_STATS_NO_SEAT 0xffffffffu
#define RH_STATS_NAME    40u
#define RH_STATS_WHY     56u
#define RH_STATS_REASONS 32u
#define RH_STATS_OTHERS  512u
#define RH_STATS_MEMFD   "rhodes-fibers"
#define RH_STATS_SIGNAL  59  /* of the runtime; Java takes 62, collectors of garbage
                                those at 34 */
#define RH_STATS_FD      700 /* its descriptor is that, or one a little above */

enum rh_thread_state {
	RH_THREAD_NONE,
	RH_THREAD_QUEUED,
	RH_THREAD_RUNNING,
	RH_THREAD_WAITING,
	RH_THREAD_BLOCKED, /* in a call to the kernel; another carrier has its seat */
	RH_THREAD_HOME,    /* a kernel thread of its own, not governed */
};

struct rh_thread_stats {
	_Atomic uint32_t tid, state, seat;
	_Atomic int32_t nice;   /* as the rule is told */
	_Atomic uint64_t since; /* of the state, CLOCK_MONOTONIC */
	_Atomic uint64_t run_ns, queued_ns, waited_ns; /* without what `since` begins */
	_Atomic uint64_t runs, preempted, moved;
	_Atomic uint64_t key, vruntime, deadline; /* as the rule has them */
	_Atomic uint32_t why; /* it was evicted: which of the reasons, from 1 on; 0: it was not */
	uint32_t reserved;
};

/* A seat's decisions: who runs next.  Its carrier writes it. */
struct rh_seat_stats {
	_Atomic uint64_t picks;    /* that gave a thread */
	_Atomic uint64_t unruled;  /* of them, first come first served; others: by the rule */
	_Atomic uint64_t failures; /* of the rule: so often it was not asked any more */
	_Atomic uint64_t told;     /* looks of the stand-by that saw its carrier asleep; its own */
	uint64_t reserved[4];
};

/* A policy, and what it says of each thread; 0: nothing. */
struct rh_stats_ask {
	char policy[RH_STATS_NAME]; /* "": as the program began */
	uint32_t has_nice;          /* 0: each thread has its own */
	int32_t nice;
	uint64_t slice_ns, runtime_ns, deadline_ns, period_ns;
};

/* How others of the same user ask for another policy: they write `asked`, then raise
 * `wanted`, and send RH_STATS_SIGNAL to the kernel thread of the monitor, unless one is
 * on its way.  Then `done` follows, and what is in force stands in `now`. */
struct rh_stats_control {
	_Atomic uint32_t wanted, done;
	_Atomic int32_t result; /* 0, or a negative error: the former policy stays */
	_Atomic uint32_t monitor_tid, signal;
	_Atomic uint32_t is_traced;   /* events are written */
	_Atomic uint64_t trace_until; /* CLOCK_MONOTONIC: that is wanted until then */
	struct rh_stats_ask asked, now;
	_Atomic uint32_t hosted; /* threads that the kernel schedules now, and should not */
	_Atomic uint32_t has_why;
	char why[RH_STATS_WHY];  /* the first one, once has_why is 2 */
};

struct rh_stats {
	_Atomic uint32_t magic, version, pid, seats, carriers, threads_max;
	char policy[RH_STATS_NAME]; /* in force: of the rule that is lent, or the policy */
	_Atomic uint64_t switches, preempted, deferred, steals, spares, evicted;
	_Atomic uint64_t wakes;
	_Atomic uint64_t monitor; /* signals that its kernel thread got */
	struct rh_thread_stats threads[RH_STATS_THREADS];
	struct rh_stats_control control;
	struct rh_seat_stats seat[RH_STATS_SEATS];
	/* Kernel threads that no carrier runs: why << 32 | tid.  why 0: of the runtime itself;
	 * else as in a line: refused from the start. */
	_Atomic uint64_t others[RH_STATS_OTHERS];
	char reasons[RH_STATS_REASONS][RH_STATS_WHY];
};

/* What happens to threads, in the order of the carriers' work. */
enum rh_event_kind {
	RH_EVENT_NONE,
	RH_EVENT_START,   /* the thread is the runtime's from now on */
	RH_EVENT_CONTEXT, /* its stack (value) and its TCB (other) are */
	RH_EVENT_WAKE,    /* it is runnable; other: the thread that woke it, 0: none */
	RH_EVENT_ENQUEUE, /* it is in the queue; why: RH_SCHED_NEW, ... */
	RH_EVENT_MOVE,    /* to this seat; other: from that one */
	RH_EVENT_IDLE,    /* the seat has nothing to run; no thread */
	RH_EVENT_PICK,    /* it is next; why: 1 by the rule, 0 first come; other: who waits */
	RH_EVENT_SWITCH,  /* it runs; other: the kernel thread of the carrier */
	RH_EVENT_TICK,    /* it runs; why: 1 it has run enough */
	RH_EVENT_WAIT,    /* it is not runnable; why: 1 it sleeps in the kernel */
	RH_EVENT_END,     /* its stack and TCB are the C library's again */
	RH_EVENT_RULE,    /* another rule orders this seat; no thread */
	RH_EVENT_KINDS
};

/* Whole when both numbers are that of the event. */
struct rh_stats_event {
	_Atomic uint64_t number; /* from 1 on */
	uint64_t time;           /* CLOCK_MONOTONIC */
	uint32_t kind, why, tid, seat;
	uint64_t other, value;   /* value: vruntime but for CONTEXT */
	uint64_t deadline;
	_Atomic uint64_t again;  /* number */
};

/* Behind the block.  Event n is at (n - 1) modulo its size: who reads too late has lost
 * some, and sees how many. */
struct rh_stats_ring {
	_Atomic uint64_t written;
	uint64_t reserved[7];
	struct rh_stats_event at[RH_STATS_EVENTS];
};

_Static_assert(sizeof(struct rh_stats_event) == 64, "layout of an event");
_Static_assert(sizeof(struct rh_thread_stats) == 104, "layout of a line");
_Static_assert(sizeof(struct rh_seat_stats) == 64, "layout of a seat");
_Static_assert(sizeof(struct rh_stats_ask) == 80, "layout of what is asked");
_Static_assert(sizeof(struct rh_stats_control) == 256, "layout of the control");
_Static_assert(sizeof(struct rh_stats) == 128 + 104 * RH_STATS_THREADS + 256 +
	       64 * RH_STATS_SEATS + 8 * RH_STATS_OTHERS + RH_STATS_REASONS * RH_STATS_WHY, "layout");

#endif
