/* monitor - the runtime's own thread: turns the wheel, and sees to it that a carrier that
 * sleeps in the kernel does not keep a seat while tasks wait.
 *
 * While tasks wait it looks each RH_MONITOR_NS: a carrier that is asleep, as the kernel says,
 * and had no processor for a while, loses its seat to another; one that runs while somebody
 * came to its seat is made to look at that.  When all carriers have run without a break for
 * some looks it looks each RH_MONITOR_CALM_NS, until a fiber enters a call that may sleep or
 * standby.h tells of a carrier that does: then at once, and RH_MONITOR_SOON_NS later.  While
 * no task waits it sleeps until a timed wait ends.
 *
 * Threads     Its own; the others are for any. */
#ifndef RH_FIBER_MONITOR_H
#define RH_FIBER_MONITOR_H

#include <stdbool.h>
#include <stdint.h>

#define RH_MONITOR_NS      500000u
#define RH_MONITOR_SOON_NS 200000u
#define RH_MONITOR_CALM_NS 3000000u

int rh_monitor_start(void);

/* No seat is idle, and a task waits, or fibers wait for other processes. */
void rh_monitor_work(void);

/* A fiber enters a call that may sleep in the kernel, or has done so. */
void rh_monitor_call(void);

/* A timed wait ends before all others. */
void rh_monitor_timer(void);

/* RH_PREEMPT_SIGNAL came: if it was for the monitor, it does not go to sleep over it. */
void rh_monitor_signalled(void);

void rh_monitor_forget(void);

/* Its number; 0: it has not begun. */
int rh_monitor_tid(void);

/* Where a kernel thread of this process is. */
enum rh_seen {
	RH_SEEN_ASLEEP,    /* in the kernel */
	RH_SEEN_HERE,      /* it waits for the processor of who asks */
	RH_SEEN_ELSEWHERE, /* it has another, or waits for it; or it is no more */
};

enum rh_seen rh_monitor_sees(int tid);

/* Whether a kernel thread has not ended. */
bool rh_monitor_is_alive(int tid);

/* Whether it runs, or will when it has a processor, a page or what else it waits for without
 * anybody's doing; never the stand-by, which only looks. */
bool rh_monitor_is_awake(int tid);

#endif
