/* rhodes-softirq - work that interrupts leave behind: tasklets, and devices that are
 * polled (the papers' Figure 9).
 *
 * A handler of a device does as little as it can and leaves the rest: it schedules a
 * tasklet, or tells that its device has work.  Each processor has a list of what waits on
 * it and a thread, ksoftirqd/N, that does it in rounds.  When a round is done, how much it
 * may do, and when interrupts give way to polling says the rule of hook `softirq` that the
 * center has for the resource that this process runs as; it may change at any moment.
 * Without one, or without an agent, each interrupt wakes ksoftirqd at once.
 *
 *     static uint32_t poll(void *nic, uint32_t budget) { return nic_clean(nic, budget); }
 *     static int      arm(void *nic) { return nic_interrupts_on(nic); }
 *
 *     rh_softirq_open(poll, arm, nic, &tasklet);
 *     ...
 *     nic_interrupts_off(nic);       -- in the handler
 *     rh_softirq_raise(tasklet);
 *
 * A tasklet is as in Linux: queued at most once, however often it is scheduled; run by
 * one processor at a time, the one that scheduled it; different ones run in parallel; one
 * that is scheduled while it runs, runs again; a disabled one waits.
 *
 * Ownership   Whoever creates destroys; not from within the tasklet itself.
 * Threads     Any may call, but no signal handler.
 * Fork        In the child nothing is queued and nothing runs; tasklets are still there.
 * Errors      0 or more, or a negative code; the reason from rh_last_error. */
#ifndef RHODES_SOFTIRQ_H
#define RHODES_SOFTIRQ_H

#include "../../model/code.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct rh_tasklet;

typedef void rh_tasklet_run(void *user);

/* Does at most budget pieces of the device's work (packets, say) and returns how many;
 * fewer than budget: nothing is left. */
typedef uint32_t rh_softirq_poll(void *user, uint32_t budget);

/* Lets the device interrupt again.  1: work has come meanwhile, so it did not. */
typedef int rh_softirq_arm(void *user);

/* RH_EINVAL, RH_ENOMEM. */
int rh_tasklet_create(rh_tasklet_run *run, void *user, struct rh_tasklet **ret_tasklet);
int rh_softirq_open(rh_softirq_poll *poll, rh_softirq_arm *arm, void *user,
                    struct rh_tasklet **ret_tasklet);

/* Queues it: 1, or 0 when it was queued already.  One that comes alone wakes its processor's
 * thread; while they come less than 20 us apart, they are run together every 10 us.
 * RH_ENOMEM ksoftirqd of this processor could not be started. */
int rh_tasklet_schedule(struct rh_tasklet *tasklet);

/* The same by the handler of an interrupt: the rule says when its work is done. */
int rh_softirq_raise(struct rh_tasklet *tasklet);

/* Not run until it is enabled as often as it was disabled; scheduling it is not lost.
 * disable waits until it does not run. */
void rh_tasklet_disable(struct rh_tasklet *tasklet);
void rh_tasklet_enable(struct rh_tasklet *tasklet);

/* Waits until it is neither queued nor runs; one that is disabled is taken from the
 * queue.  RH_EBUSY: it is called from within the tasklet. */
int rh_tasklet_kill(struct rh_tasklet *tasklet);

/* The same, and frees it, without another run if it waits.  Nobody may use it any more. */
int rh_tasklet_destroy(struct rh_tasklet *tasklet);

/* What happened in this process since it began. */
struct rh_softirq_counts {
	uint64_t interrupts; /* rh_softirq_raise                       */
	uint64_t wakeups;    /* of ksoftirqd                           */
	uint64_t rounds;
	uint64_t in_vain;    /* of them, rounds that found nothing     */
	uint64_t done;       /* pieces of work; a tasklet's run is one */
};

void rh_softirq_counts(struct rh_softirq_counts *ret_counts);

/* The name of the rule in force: 1, or 0 and "" when there is none. */
int rh_softirq_rule(char *name, size_t cap);

#ifdef __cplusplus
}
#endif

#endif
