/* doorbell - how one side of a channel wakes the other, and how it says that it
 * sleeps.
 *
 * Each side has an eventfd that the other rings, and for every reason to wake it
 * (something to poll, room to submit) a nap: a counter in shared memory, written
 * by the sleeper alone, odd while it sleeps.  The ringer rings once per nap: it
 * remembers the odd value it rang for.  A flag would cost a system call for every
 * message sent until the sleeper runs, and on one core that is all of them.
 *
 * Ownership   The user closes the descriptors; the words live in shared memory.
 * Threads     A nap belongs to the sleeper's thread, a doorbell to the ringer's.
 * Invariants  D1  only the sleeper writes its nap word, and from its own count,
 *                 so nothing the other side does makes it believe it is awake.
 *             D2  a nap that ended leaves its eventfd drained or readable, never
 *                 pending: a ring for an older nap is a spurious wake-up.
 * Limits      The eventfds are shared open files, so a peer that turns O_NONBLOCK
 *             off and fills its own counter can make a ring block.
 *
 * Ordering (sequentially consistent; one of the two sees the other):
 *   P4  ring:  what changed, then read the nap
 *       begin: the nap, then look for what may have changed */
#ifndef RH_PROTOCOLS_DOORBELL_H
#define RH_PROTOCOLS_DOORBELL_H

#include <stdatomic.h>
#include <stdint.h>

/* The sleeper's end. */
struct rh_nap {
	_Atomic uint64_t *word;
	uint64_t          count; /* odd: asleep */
};

/* The ringer's end. */
struct rh_doorbell {
	const _Atomic uint64_t *word;
	uint64_t                rung; /* the last nap rung for */
	int                     fd;
};

/* Begins a nap; does nothing when one has begun.  Look again before you sleep. */
void rh_nap_begin(struct rh_nap *nap);

/* Ends a nap; returns 1 when there was one. */
int rh_nap_end(struct rh_nap *nap);

/* Wakes the other side when it naps and was not woken for this nap yet. */
void rh_doorbell_ring(struct rh_doorbell *bell);

/* Makes an eventfd, non-blocking; semaphore as in EFD_SEMAPHORE.  Returns the
 * descriptor, or RH_ENOMEM. */
int rh_doorbell_create(int semaphore);

/* RH_EPROTO when the received descriptor is not an eventfd; else makes it
 * non-blocking and close-on-exec. */
int rh_doorbell_check(int fd);

/* Adds one, whether or not anybody sleeps. */
void rh_doorbell_push(int fd);

/* Takes what the eventfd counts, one unit in semaphore mode, without ever
 * sleeping; 0 when there is nothing. */
uint64_t rh_doorbell_take(int fd);

#endif
