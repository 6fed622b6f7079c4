/* maker - makes the kernel threads of the runtime once fibers run, and what else needs
 * memory for the monitor.
 *
 * pthread_create calls the program's malloc, and a fiber that was preempted in there may have
 * its lock.  The monitor never waits for that: without it nobody would run that fiber.  It asks
 * this thread, which the program's thread creates that has the first fiber run.
 *
 * Threads     Its own; rh_maker_ask and rh_maker_is_stuck are the monitor's.
 * Invariants  K1  no latch is held while it makes something. */
#ifndef RH_FIBER_MAKER_H
#define RH_FIBER_MAKER_H

#include <stdbool.h>

/* Of a thread of the program, which may wait in malloc.  First it has the agent asked for a
 * rule (loan.h).  0, or an error number. */
int rh_maker_start(void);

/* What is missing of carriers (carrier.h), the stand-by (standby.h) and who obeys (asked.h)
 * shall be made. */
void rh_maker_ask(void);

/* Nothing comes of what was asked: it cannot be made, or its maker waits for somebody.  In
 * the latter case true at most once in a while: who waits may be whom it waits for. */
bool rh_maker_is_stuck(void);

/* In a child of fork: there is none. */
void rh_maker_forget(void);

#endif
