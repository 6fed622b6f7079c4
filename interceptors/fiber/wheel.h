/* wheel - fibers whose wait has an end.
 *
 * A wheel of 256 slots of about a millisecond; what is further away stays in its slot for
 * further turns.  The monitor turns it.
 *
 * Threads     Any; all is under one latch, which is taken after a bucket's and never
 *             before one.
 * Invariants  T1  a fiber is on the wheel only during a timed wait. */
#ifndef RH_FIBER_WHEEL_H
#define RH_FIBER_WHEEL_H

#include "fiber.h"

void rh_wheel_add(struct rh_fiber *fiber, uint64_t until);
void rh_wheel_remove(struct rh_fiber *fiber);

/* Of the monitor: wakes all whose time is over; returns when the next is,
 * UINT64_MAX for none. */
uint64_t rh_wheel_turn(uint64_t now);

void rh_wheel_forget_all(void);

#endif
