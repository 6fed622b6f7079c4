/* asked - what others ask of the runtime in the block that it shares
 * (base/fiber_layout.h): another policy, and to be
 * told of what happens to threads.
 *
 * Nothing that stands there is trusted: it is copied, and refused when it makes no sense.
 *
 * The monitor hears of it, and a thread of its own exchanges policies: it needs memory and
 * waits for who exchanges rules, and the monitor waits for nobody (maker.h).  Of what comes
 * faster than it obeys it does the last.
 *
 * Threads     The monitor's, but for rh_asked_make.  What is asked is passed on, then the
 *             thread wakes up or is made (pair P11: pass on, look whether it is there; be
 *             there, look what was passed on). */
#ifndef RH_FIBER_ASKED_H
#define RH_FIBER_ASKED_H

#include <stdint.h>

/* The block says who is to be woken. */
void rh_asked_open(void);

/* Has what was asked since obeyed; returns when to look again, by rh_clock. */
uint64_t rh_asked_look(void);

/* Of the maker: creates who obeys, if somebody asked and there is none. */
void rh_asked_make(void);

/* In a child of fork: nobody obeys. */
void rh_asked_forget(void);

#endif
