/* fiber_block - the block that a program under the carrier `fiber` shares (fiber_layout.h),
 * seen from another process.
 *
 * Nothing in it is trusted: it is found only as shared memory of that process, read as a
 * file, and what it says is bounded here.  A program that lies about itself harms itself.
 *
 * Ownership   rh_fiber_block_close closes it.
 * Threads     Any. */
#ifndef RH_BASE_FIBER_BLOCK_H
#define RH_BASE_FIBER_BLOCK_H

#include "fiber_layout.h"

#include <sys/types.h>

struct rh_fiber_block {
	int   fd;
	pid_t pid;
};

/* For reading, or also for asking.
 * RH_ENOENT: the process has none (yet); RH_EACCES: it does not let this user look;
 * RH_ENOSYS: its runtime is of another version. */
int rh_fiber_block_open(pid_t pid, int is_to_ask, struct rh_fiber_block *ret_block);
void rh_fiber_block_close(struct rh_fiber_block *block);

/* Of a process without a block: whether it handles the runtime's signal, so that a runtime
 * is in it all the same. */
int rh_fiber_block_is_hidden(pid_t pid);

/* Whether both are of one runtime: a program that becomes another has a new one. */
int rh_fiber_block_is_same(const struct rh_fiber_block *a, const struct rh_fiber_block *b);

/* All of it; what is text ends, and can be printed.  RH_ELOST: it is not there any more. */
int rh_fiber_block_read(const struct rh_fiber_block *block, struct rh_stats *ret_stats);

/* Asks for this policy, unless it is in force or asked for already.
 * RH_OK: it is in force; RH_EAGAIN: the program has not obeyed yet; RH_EINVAL: it refused;
 * RH_ELOST. */
int rh_fiber_block_ask(const struct rh_fiber_block *block, const struct rh_stats_ask *ask);

/* How many of its threads the kernel schedules though its policy should, and why the first.
 * 0: none, or its runtime does not tell.  RH_ELOST. */
int rh_fiber_block_hosted(const struct rh_fiber_block *block, char why[RH_STATS_WHY]);

#define RH_FIBER_BLOCK_HOMES (RH_STATS_THREADS + RH_STATS_OTHERS)

/* The numbers of those of them that the block names, in no order, as the program tells them.
 * Returns how many; RH_ELOST. */
int rh_fiber_block_homes(const struct rh_fiber_block *block,
                         pid_t ret_tids[RH_FIBER_BLOCK_HOMES]);

/* Events are written until then, by CLOCK_MONOTONIC, at most some seconds from now; 0: no
 * more.  RH_ELOST. */
int rh_fiber_block_trace(const struct rh_fiber_block *block, uint64_t until_ns);

/* Whether they are. */
int rh_fiber_block_is_traced(const struct rh_fiber_block *block);

/* Events from *next on, which is 0 at first: those that come; at most cap of them, in order.
 * Returns how many, and adds to *lost how many were overwritten meanwhile.  RH_ELOST. */
int rh_fiber_block_events(const struct rh_fiber_block *block, uint64_t *next,
                          struct rh_stats_event *ret_events, unsigned cap, uint64_t *lost);

#endif
