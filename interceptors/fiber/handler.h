/* handler - handlers of the program, called where they may be.
 *
 * The kernel calls rh_handler_entry for all of them.  It puts a signal off that comes
 *   - on a carrier's own stack, or in the middle of a switch: the carrier gives it to a
 *     fiber that does not block it, when it holds nothing;
 *   - while the thread holds a latch of the runtime (busy): the thread gets it when it has
 *     given the latch back;
 *   - in another fiber than the one it was sent to, because that one left meanwhile: it
 *     gets it when it runs.
 *
 * Threads     Any.  rh_handler_busy is of the thread (its storage follows a fiber).
 * Invariants  G1  who holds a latch of waitqueue.c is busy. */
#ifndef RH_FIBER_HANDLER_H
#define RH_FIBER_HANDLER_H

#include "carrier.h"

#include <stdbool.h>

#define RH_SIGNALS 64

extern __thread uint32_t rh_handler_busy __attribute__((tls_model("initial-exec")));

static inline void rh_handler_enter(void)
{
	rh_handler_busy++;
	atomic_signal_fence(memory_order_seq_cst);
}

/* Delivers what was put off. */
void rh_handler_deliver(void);
extern __thread uint32_t rh_handler_put_off __attribute__((tls_model("initial-exec")));

static inline void rh_handler_leave(void)
{
	atomic_signal_fence(memory_order_seq_cst);
	if (--rh_handler_busy == 0 && rh_handler_put_off)
		rh_handler_deliver();
}

/* Sends straight to the kernel thread of a carrier, for a fiber; false: not possible. */
bool rh_handler_direct(struct rh_carrier *carrier, struct rh_fiber *fiber, int sig,
		      const siginfo_t *info);

/* Of a fiber, after a call in which signals came straight to its carrier though it blocks
 * them: takes back what the kernel still has. */
void rh_handler_take_back(struct rh_fiber *fiber);

/* A library of the runtime has a handler for that signal (own.h), beside the program: the
 * kernel calls the one entry, whatever the program has.  0, or -1 with errno. */
int rh_handler_share(int sig);

/* Whether the program has a handler that runs on alternate stacks. */
bool rh_handler_wants_stack(void);

/* Whether signals are handled by the runtime. */
void rh_handler_open(void);

/* In a child of fork: nobody holds anything. */
void rh_handler_forget_all(void);

#endif
