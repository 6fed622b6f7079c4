/* events - sends upward what a hosted library tells.
 *
 * An event of an interface is a function that waits for the next one and returns it.
 * For each such function of a library a thread calls it, again and again, and emits
 * what it returned.  A library that tells more than its listeners take is simply not
 * asked for the next: its own queue is the back-pressure.
 *
 * A return that equals the on_error value of the side file is no event: with EINTR,
 * EAGAIN or ETIMEDOUT the function is called again, with anything else the thread ends.
 *
 * Threads     Those it starts, which live as long as the process. */
#ifndef RH_WORKER_EVENTS_H
#define RH_WORKER_EVENTS_H

struct rh_skeleton;

/* RH_ENOMEM  a thread cannot be started. */
int rh_events_start(const struct rh_skeleton *skeleton);

#endif
