/* stats - what the runtime tells of its threads, in memory that others can read: the block
 * of base/fiber_layout.h, which says how.
 *
 * Threads     Any; a line has one writer at a time. */
#ifndef RH_FIBER_STATS_H
#define RH_FIBER_STATS_H

#include "../../base/fiber_layout.h"

/* The events behind it (trace.h). */
extern struct rh_stats_ring *rh_stats_ring;

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

/* Says that the calling kernel thread is one that no carrier runs, and why, as the block has
 * it.  Returns where, for rh_stats_give_other; NULL: there are too many to say it. */
_Atomic uint64_t *rh_stats_take_other(uint32_t why);
void rh_stats_give_other(_Atomic uint64_t *at);

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
