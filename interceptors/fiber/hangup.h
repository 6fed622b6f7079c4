/* hangup - a thread of the runtime's own that waits until descriptors hang up, for fibers
 * that wait for something else (calls.h).
 *
 * It is started by the first that wants it, and sleeps in one epoll.  A descriptor is added
 * before its fiber is in the queue and armed when it is: what was told between is told
 * again.
 *
 * Threads     Any fiber; one descriptor has one fiber at a time. */
#ifndef RH_FIBER_HANGUP_H
#define RH_FIBER_HANGUP_H

#include <stdbool.h>

/* false: nobody will tell, this time. */
bool rh_hangup_add(int fd, const void *key);

/* From now on who waits for the key (waitqueue.h) is woken when the descriptor hangs up. */
void rh_hangup_arm(int fd, const void *key);

void rh_hangup_remove(int fd);

/* In a child of fork: there is no such thread. */
void rh_hangup_forget(void);

#endif
