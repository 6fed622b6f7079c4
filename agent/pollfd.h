/* pollfd - a descriptor that the loop watches.
 *
 * Ownership   Heap; close it before the descriptor.  The descriptor is the user's.
 * Threads     The loop's.
 * Errors      RH_ENOMEM; RH_EIO the descriptor cannot be watched. */
#ifndef RH_AGENT_POLLFD_H
#define RH_AGENT_POLLFD_H

#include <stdint.h>
#include <uv.h>

struct rh_pollfd;

/* events: UV_READABLE | UV_WRITABLE | UV_DISCONNECT; an error on the descriptor
 * is reported as all of those watched for. */
typedef void rh_pollfd_ready(void *user, int events);

int rh_pollfd_open(uv_loop_t *loop, int fd, int events, rh_pollfd_ready *ready,
                   void *user, struct rh_pollfd **ret_pollfd);

/* Watches an eventfd: ready is called after it was written to, and need not read
 * it.  Writes that come close together may make one call. */
int rh_pollfd_open_event(uv_loop_t *loop, int fd, rh_pollfd_ready *ready, void *user,
                         struct rh_pollfd **ret_pollfd);

/* Watches for other events from now on; 0 for none. */
void rh_pollfd_want(struct rh_pollfd *pollfd, int events);

/* ready is never called again; NULL is fine. */
void rh_pollfd_close(struct rh_pollfd *pollfd);

/* A new eventfd, non-blocking; or RH_ENOMEM. */
int rh_event_create(void);

#endif
