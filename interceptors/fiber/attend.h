/* attend - what a fiber finds to do for itself when it runs again.
 *
 * Its mask of signals and its alternate stack become those of the kernel thread that
 * runs it; signals that others sent it meanwhile, and a cancellation, are delivered in
 * its own context.
 *
 * Threads     Only in the context of the fiber, under a carrier or at home. */
#ifndef RH_FIBER_ATTEND_H
#define RH_FIBER_ATTEND_H

#include "fiber.h"

#include <ucontext.h>

/* What cannot be delivered while the thread is busy (handler.h) is put off until then. */
void rh_attend(struct rh_fiber *fiber);

/* The thread ends: its table entry is given back; who waits for its end is woken. */
void rh_attend_end(struct rh_fiber *fiber);

/* Others: has the fiber deliver a signal to itself.  info may be NULL.  0, or an error
 * number. */
int rh_attend_send(struct rh_fiber *fiber, int sig, const siginfo_t *info);

/* The same, but nobody is told. */
int rh_attend_keep(struct rh_fiber *fiber, int sig, const siginfo_t *info);

/* Others: has the fiber notice that it was cancelled. */
void rh_attend_cancel(struct rh_fiber *fiber);

/* Whether a signal waits that is not blocked.  The fiber itself, or of one that waits. */
bool rh_attend_due(const struct rh_fiber *fiber);

/* Of the fiber: signals that wait for it become the kernel's, for calls that take them
 * from there (sigwait). */
void rh_attend_release(struct rh_fiber *fiber);

/* Of the fiber, on the same kernel thread: the other way, of those that nobody took. */
void rh_attend_take_back(struct rh_fiber *fiber);

/* Before the return from a signal, which gives the kernel thread the alternate stack that
 * the frame names: the one that it has by now. */
void rh_attend_stack(struct rh_fiber *fiber, ucontext_t *at);

#endif
