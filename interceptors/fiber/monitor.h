/* monitor - the runtime's own thread: turns the wheel, and sees to it that a carrier that
 * sleeps in the kernel does not keep a seat while tasks wait.
 *
 * While tasks wait, or nobody else sees answers come (calls.h), it looks each
 * RH_MONITOR_NS: a carrier that got no processor time
 * since and that the kernel says is asleep loses its seat to another; one that runs while
 * somebody came to its seat is made to look at that.  Otherwise it sleeps until a timed
 * wait ends.
 *
 * Threads     Its own; rh_monitor_work and rh_monitor_timer are for any. */
#ifndef RH_FIBER_MONITOR_H
#define RH_FIBER_MONITOR_H

#include <stdbool.h>
#include <stdint.h>

#define RH_MONITOR_NS 500000u

int rh_monitor_start(void);

/* No seat is idle, and a task waits, or fibers wait for other processes. */
void rh_monitor_work(void);

/* A timed wait ends before all others. */
void rh_monitor_timer(void);

/* RH_PREEMPT_SIGNAL came: if it was for the monitor, it does not go to sleep over it. */
void rh_monitor_signalled(void);

void rh_monitor_forget(void);

/* Whether a kernel thread has ended. */
bool rh_monitor_is_dead(int tid);

#endif
