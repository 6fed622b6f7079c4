/* stats - what the runtime tells of its threads, in memory that others can read.
 *
 * The block is a file of shared memory: the one that RHODES_SCHED_STATS names, otherwise
 * a memfd called "rhodes-fibers" among the descriptors of the process.
 *
 * Threads     A line has one writer at a time: who runs the thread.  Readers see numbers
 *             that may be a moment apart.
 * Invariants  the layout is of version RH_STATS_VERSION; sizes are asserted. */
#ifndef RH_FIBER_STATS_H
#define RH_FIBER_STATS_H

#include <stdatomic.h>
#include <stdint.h>

#define RH_STATS_MAGIC   0x72686669u /* "rhfi" */
#define RH_STATS_VERSION 1u
#define RH_STATS_THREADS 1024u
#define RH_STATS_NO_SEAT 0xffffffffu

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
	_Atomic int32_t nice;
	_Atomic uint64_t since;   /* of the state, CLOCK_MONOTONIC */
	_Atomic uint64_t run_ns, queued_ns, waited_ns;
	_Atomic uint64_t runs, preempted, moved;
	_Atomic uint64_t key, vruntime, deadline; /* as the rule has them */
	uint64_t reserved;
};

/* How others of the same user ask for another rule: write its name, raise `wanted`, and
 * send RH_PREEMPT_SIGNAL to the kernel thread of the monitor, once every few milliseconds:
 * such signals queue up, and all of them at once are more than its stack holds.  Then
 * `done` follows. */
struct rh_stats_control {
	_Atomic uint32_t wanted, done;
	_Atomic int32_t result; /* 0, or a negative error: the former rule stays */
	_Atomic uint32_t monitor_tid, signal;
	char policy[40];
	uint32_t reserved;
};

struct rh_stats {
	_Atomic uint32_t magic, version, pid, seats, carriers, threads_max;
	char policy[40];
	_Atomic uint64_t switches, preempted, deferred, steals, spares, evicted;
	_Atomic uint64_t wakes, monitor;
	struct rh_thread_stats threads[RH_STATS_THREADS];
	struct rh_stats_control control;
};

_Static_assert(sizeof(struct rh_thread_stats) == 104, "layout of a line");
_Static_assert(sizeof(struct rh_stats_control) == 64, "layout of the control");
_Static_assert(sizeof(struct rh_stats) == 128 + 104 * RH_STATS_THREADS + 64, "layout");

/* The block; never NULL: before, and where there is no shared memory, a private one. */
extern struct rh_stats *rh_stats;

/* Makes the shared block. */
void rh_stats_open(const char *policy, uint32_t seats);

/* The name of the rule in force. */
void rh_stats_name(const char *policy);

/* Another descriptor of the same file, out of the way of the program's.  -1: none is
 * left. */
int rh_stats_high_fd(int fd);

/* In a child of fork: the block is the parent's. */
void rh_stats_forget(void);

struct rh_thread_stats *rh_stats_of(uint32_t i);
void rh_stats_clear(struct rh_thread_stats *line);

/* A counter with one writer. */
static inline void rh_stats_add(_Atomic uint64_t *counter, uint64_t more)
{
	atomic_store_explicit(counter,
			      atomic_load_explicit(counter, memory_order_relaxed) + more,
			      memory_order_relaxed);
}

/* A counter that several write. */
static inline void rh_stats_count(_Atomic uint64_t *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

#endif
