/* softirq - the lists of the processors and their threads ksoftirqd.
 *
 *   softirq.c  a list, its rounds and its thread
 *   tasklet.c  what is in the lists
 *
 * Who queues pushes to the front of `pushed` without a lock; the thread takes all of it,
 * turns it round, and works through `waiting`, which is its own.  A tasklet that is
 * polled and found nothing stays running until the rule has said what comes after the
 * round: its device must not interrupt before.
 *
 * Threads     A processor's thread is started when something is first queued on it.
 * Invariants  Q1  is_asleep and pushed, sequentially consistent: who pushes looks at
 *                 is_asleep after, who sleeps looks at pushed after it said so.
 * Limits      RH_SOFTIRQ_CPUS; processors beyond share the lists of others. */
#ifndef RH_SDK_SOFTIRQ_H
#define RH_SDK_SOFTIRQ_H

#include "tasklet.h"

#define RH_SOFTIRQ_CPUS 256u

/* The place where the rule is asked is opened, and forks are looked after. */
int rh_softirq_begin(void);

/* Puts a tasklet, which was marked, into the list of this processor.  RH_ENOMEM: its
 * thread cannot be started; the tasklet waits there until it can. */
int rh_softirq_push(struct rh_tasklet *tasklet);

#endif
