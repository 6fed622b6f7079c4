/* asked - what others ask of the runtime in the block that it shares
 * (base/fiber_layout.h): another policy, and to be
 * told of what happens to threads.
 *
 * Nothing that stands there is trusted: it is copied, and refused when it makes no sense.
 *
 * Threads     The monitor's. */
#ifndef RH_FIBER_ASKED_H
#define RH_FIBER_ASKED_H

#include <stdint.h>

/* The block says who is to be woken. */
void rh_asked_open(void);

/* Obeys what was asked since; returns when to look again, by rh_clock. */
uint64_t rh_asked_obey(void);

#endif
