/* preempt - the signal by which a fiber that does not leave by itself is made to.
 *
 * A timer of each carrier's own processor time sends it: a carrier that sleeps gets none,
 * so that no call ends early for it.  The handler leaves from inside the signal's frame,
 * which holds all registers; code that may hold a lock of the C library is not left but
 * marked (code.h).
 *
 * One signal at a time is handled: who answers (everywhere.h) and is slow to return may be sent
 * the next one meanwhile, and threads that are parked, and the runtime's own, have small stacks.
 *
 * Threads     The handler runs in the context of a fiber, of a carrier (does nothing), or
 *             of any thread to which the program sent the signal (nothing). */
#ifndef RH_FIBER_PREEMPT_H
#define RH_FIBER_PREEMPT_H

#include "fiber.h"

#define RH_PREEMPT_SIGNAL RH_STATS_SIGNAL
#define RH_PREEMPT_NS     4000000

/* Takes the signal for the runtime. */
void rh_preempt_open(void);

/* Has a carrier, or the fiber that it runs, look at what was changed for it before this call.
 * One signal at a time is under way: such signals queue up.  P7: change, then asked; the
 * handler: not asked, then look. */
struct rh_carrier;
void rh_preempt_ask(struct rh_carrier *carrier);

/* Of a carrier, for itself. */
void rh_preempt_arm(struct rh_carrier *carrier);
void rh_preempt_disarm(struct rh_carrier *carrier);

#endif
