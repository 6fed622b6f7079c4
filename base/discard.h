/* discard - closes descriptors that somebody else made, without waiting for it.
 *
 * Whoever closes a descriptor last may have to wait for as long as its maker likes: a
 * TCP socket that lingers, a file of a file system that does not answer.  A process
 * that serves many gives such descriptors, and sockets in which such may be queued, to
 * threads of its own that do nothing else.  What certainly closes at once is closed at
 * once.
 *
 * Ownership  A descriptor is gone with the call.
 * Threads    Any.  Nothing is started before rh_discard_start and the first descriptor
 *            that may take long; in a process that never calls it, all are closed as
 *            by close(2).
 * Limits     RH_DISCARD_THREADS of them may be held up; more then stay open. */
#ifndef RH_BASE_DISCARD_H
#define RH_BASE_DISCARD_H

#define RH_DISCARD_THREADS 64u

void rh_discard_start(void);

/* -1 is fine. */
void rh_discard(int fd);

/* The same for a socket of our own, whose other end hears of it at once. */
void rh_discard_socket(int fd);

#endif
