/* everywhere - a system call that every kernel thread of the process has to make.
 *
 * Users and groups are the kernel thread's; POSIX has them the process's.  The C library
 * signals all threads that it knows and waits for their answers, which get lost where a
 * carrier answers with the storage of a fiber.  Here the signal of preemption does it:
 * nobody blocks that, and nobody's storage is used.
 *
 * Threads     One call at a time. */
#ifndef RH_FIBER_EVERYWHERE_H
#define RH_FIBER_EVERYWHERE_H

#include <stdbool.h>

/* Makes the call here, and, if that succeeds, in all other kernel threads.  What the call
 * returns: 0 or more, or a negative number of an error. */
long rh_everywhere(long number, long a, long b, long c);

/* Of the handler of the signal: makes the call if this kernel thread has not yet. */
void rh_everywhere_here(void);

/* In a child of fork. */
void rh_everywhere_forget(void);

/* How many kernel threads there are beside the caller, without those that ended. */
int rh_everywhere_others(void);

/* How many of them go on by themselves (rh_monitor_is_awake). */
int rh_everywhere_awake(void);

#endif
