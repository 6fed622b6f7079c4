/* stash - descriptors and contexts that came over a page's companion.
 *
 * A call that has descriptors, or a context not seen before, was preceded by a
 * frame on the companion.  Frames arrive in order but for several calls, so what
 * is not asked for yet is kept.
 *
 * Limits  RH_STASH_MAX frames of descriptors are kept; the oldest is closed. */
#ifndef RH_SDK_STASH_H
#define RH_SDK_STASH_H

#include "marshal.h"

#include "../../base/socket.h"

#define RH_STASH_MAX 16u

struct rh_fd_stash;

/* Sees every other frame (contexts); may take its descriptors. */
typedef void rh_stash_other(void *user, struct rh_frame *frame);

/* The descriptors sent for that call, which become the caller's.  *stash is made
 * when needed.  RH_EPROTO: none were sent. */
int rh_stash_take(struct rh_fd_stash **stash, int companion, uint64_t call,
                  unsigned expected, rh_stash_other *other, void *user,
                  struct rh_fd_list *ret_fds);

/* Reads all frames that wait.  RH_ELOST: the other end is gone. */
int rh_stash_drain(struct rh_fd_stash **stash, int companion, rh_stash_other *other,
                   void *user);

void rh_stash_destroy(struct rh_fd_stash *stash);

/* Sends descriptors for a call ahead of it. */
int rh_stash_send(int companion, uint64_t call, const int *fds, unsigned count);

#endif
