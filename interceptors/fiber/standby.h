/* standby - a thread of the runtime that runs when a processor has nothing better to do.
 *
 * While tasks wait that is so when a carrier went to sleep in the kernel, or when there are
 * more processors than carriers.  So it tells the monitor of a carrier that sleeps, as soon
 * as it sleeps, and while all carriers compute it costs next to nothing: it stands in the
 * kernel's queue.
 *
 * Threads     Its own.  It may be held up for long where others use the processors, so it
 *             takes no latch, and shares no descriptors.  The others are the monitor's. */
#ifndef RH_FIBER_STANDBY_H
#define RH_FIBER_STANDBY_H

#include <stdbool.h>

/* Whether it is to tell of carriers that sleep, by rh_monitor_call(). */
void rh_standby_set(bool is_on);

/* Of the maker: creates it, if it was to be set and is not there. */
void rh_standby_make(void);

/* Its kernel thread; 0: there is none. */
int rh_standby_tid(void);

/* In a child of fork: there is none. */
void rh_standby_forget(void);

#endif
