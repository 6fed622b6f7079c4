/* asked - what others ask of the runtime in the block that it shares
 * (base/fiber_layout.h): another policy.
 *
 * Nothing that stands there is trusted: it is copied, and refused when it makes no sense.
 *
 * Threads     The monitor's; rh_asked_wake for signals, in any thread. */
#ifndef RH_FIBER_ASKED_H
#define RH_FIBER_ASKED_H

/* The block says who is to be woken. */
void rh_asked_open(void);

/* Obeys what was asked since. */
void rh_asked_obey(void);

#endif
