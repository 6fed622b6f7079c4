/* poll - libuv handles that may be dropped from inside their own callback.
 *
 * libuv frees a handle one turn of the loop later; these live on the heap, so
 * their owner can go at once.  A closed handle never calls back.
 *
 * Threads     The loop's. */
#ifndef RH_SUPERVISE_POLL_H
#define RH_SUPERVISE_POLL_H

#include <uv.h>

struct rh_poll;
struct rh_timer;

typedef void rh_poll_ready(void *user);

/* Calls ready while fd is readable; the descriptor stays the caller's.  NULL when
 * out of memory. */
struct rh_poll *rh_poll_open(uv_loop_t *loop, int fd, rh_poll_ready *ready, void *user);

/* Before the descriptor is closed. */
void rh_poll_close(struct rh_poll *poll);

/* Calls ready once, after that long.  NULL when out of memory. */
struct rh_timer *rh_timer_open(uv_loop_t *loop, unsigned after_ms,
                               rh_poll_ready *ready, void *user);
void rh_timer_close(struct rh_timer *timer);

#endif
