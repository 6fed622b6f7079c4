/* runtime - this library in a process: when it starts, and what a fork leaves of it.
 *
 * RHODES_SCHED in the environment names the rule by which threads are scheduled; without
 * it, threads stay the kernel's.
 *
 * Threads     rh_runtime_start for any; the first call starts it. */
#ifndef RH_FIBER_RUNTIME_H
#define RH_FIBER_RUNTIME_H

#include <stdbool.h>

/* Whether a new thread may be a fiber; starts carriers, maker and monitor at the first. */
bool rh_runtime_start(void);

bool rh_runtime_runs(void);

/* The process ends with the last thread of the program, which the C library cannot see
 * while there are carriers: a thread begins, and ends but for its destructors. */
void rh_runtime_thread_begins(void);
void rh_runtime_thread_ends(void);

/* Of the monitor: ends the process when none but the runtime's threads are left; true:
 * soon, perhaps. */
bool rh_runtime_ended(void);

#endif
