/* ready - fibers that wait until a descriptor can be read or written: a pipe, a socket, or
 * what else an epoll knows.  Their carriers run others meanwhile.
 *
 * Who looks   A carrier that has nothing to run sleeps in the epoll, one at a time, and is
 *             called by a descriptor of the runtime's.  While all run something, each looks
 *             when it changes the fiber, and the monitor each time that it looks at carriers.
 *             Whoever finds one ready wakes one that waits for it, which tries again.
 * Threads     Any.  A latch for each descriptor, held while the epoll is told for whom it
 *             looks; the latch of a bucket (waitqueue.h) may be taken under it.
 * Invariants  R1  while one waits for a descriptor the epoll looks for what it waits for
 *                 (once), or somebody is on the way to wake one (pair P9: in the queue, then
 *                 told; found, woken, then told for the rest). */
#ifndef RH_FIBER_READY_H
#define RH_FIBER_READY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum rh_ready_way { RH_READY_IN, RH_READY_OUT };

enum rh_ready {
	RH_READY_MAYBE,     /* try again */
	RH_READY_SIGNALLED, /* a handler ran, or the thread is cancelled */
	RH_READY_UNKNOWN,   /* it cannot be waited for here */
};

/* Before there are carriers: a process with threads waits for long when its table of
 * descriptors grows. */
void rh_ready_open(void);

/* Of a fiber. */
enum rh_ready rh_ready_wait(int fd, enum rh_ready_way way);

/* The descriptor is closed, or another: who waits for it tries again. */
void rh_ready_gone(int fd);

/* A descriptor of the runtime's, which is nobody's to close. */
bool rh_ready_is_own(int fd);

/* Makes runnable who waits for what is ready.  When others run: not more often than is
 * worth it. */
void rh_ready_look(void);
void rh_ready_look_now(void);

/* Of the idle carrier of that seat: sleeps until a descriptor is ready or *called is not 0,
 * or for no reason.  False: nobody waits, or another one does so. */
bool rh_ready_sleep(const _Atomic uint32_t *called, uint32_t seat);

/* Wakes the carrier of that seat, whose `called` was set, if it sleeps so. */
bool rh_ready_ring(uint32_t seat);

/* Some wait, and no idle carrier sleeps for them. */
bool rh_ready_unwatched(void);

/* In a child of fork: none waits. */
void rh_ready_forget_all(void);

#endif
