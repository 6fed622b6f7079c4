#include "attend.h"

#include "carrier.h"
#include "preempt.h"
#include "handler.h"
#include "own.h"
#include "waitqueue.h"

#include <errno.h>
#include <string.h>

#define SIGNAL_CANCEL 32 /* glibc's */

bool rh_attend_due(const struct rh_fiber *fiber)
{
	return *fiber->put_off ||
	       (atomic_load(&fiber->pending.set) & ~atomic_load(&fiber->mask));
}

/* The next pending signal; with only_free, that is not blocked. */
static bool next_pending(struct rh_fiber *fiber, bool only_free, struct rh_pending *ret)
{
	bool found;

	rh_handler_enter();
	found = rh_pending_take(&fiber->pending, only_free ? atomic_load(&fiber->mask) : 0, ret);
	rh_handler_busy--;
	return found;
}

/* To this kernel thread; delivered before the call returns if it is not blocked. */
static void raise_here(const struct rh_pending *pending)
{
	int pid = rh_sys_pid(), tid = rh_sys_tid();

	if (pending->has_info)
		rh_sys4(SYS_rt_tgsigqueueinfo, pid, tid, pending->sig, (long)&pending->info);
	else
		rh_sys_tgkill(pid, tid, pending->sig);
}

static void deliver(struct rh_fiber *fiber, bool only_free)
{
	struct rh_pending pending;

	while (atomic_load(&fiber->pending.set) &&
	       next_pending(fiber, only_free, &pending)) {
		fiber->raising = pending.sig;
		raise_here(&pending);
		fiber->raising = 0;
		if (!only_free)
			fiber->released |= rh_sys_bit(pending.sig);
	}
}

void rh_attend_release(struct rh_fiber *fiber)
{
	deliver(fiber, false);
}

void rh_attend_take_back(struct rh_fiber *fiber)
{
	const struct timespec now = {0};
	uint64_t set = fiber->released;
	siginfo_t info;
	int sig;

	fiber->released = 0;
	while (set && (sig = (int)rh_sys4(SYS_rt_sigtimedwait, (long)&set, (long)&info,
					  (long)&now, RH_KERNEL_SET_BYTES)) > 0)
		rh_attend_keep(fiber, sig, &info);
}

static void set_mask(struct rh_fiber *fiber)
{
	struct rh_carrier *carrier = atomic_load(&fiber->carrier);
	uint64_t mask = atomic_load(&fiber->mask) & ~rh_own_signals();

	if (carrier && atomic_load(&carrier->mask) == mask)
		return;
	rh_sys_mask(SIG_SETMASK, &mask);
	if (carrier)
		atomic_store(&carrier->mask, mask);
}

static void set_altstack(struct rh_fiber *fiber)
{
	struct rh_carrier *carrier = atomic_load(&fiber->carrier);
	stack_t stack = fiber->altstack;

	if (carrier && carrier->altstack.ss_sp == stack.ss_sp &&
	    carrier->altstack.ss_size == stack.ss_size)
		return;
	/* The carrier's own may stay if no handler would be called there. */
	if (carrier && !stack.ss_sp && !rh_handler_wants_stack() &&
	    carrier->altstack.ss_sp == carrier->own_altstack.ss_sp)
		return;
	if (!stack.ss_sp)
		stack.ss_flags = SS_DISABLE;
	if (carrier) /* before: a signal in between makes it so, too */
		carrier->altstack = fiber->altstack;
	atomic_signal_fence(memory_order_seq_cst);
	rh_sys4(SYS_sigaltstack, (long)&stack, 0, 0, 0);
}

void rh_attend_stack(struct rh_fiber *fiber, ucontext_t *at)
{
	struct rh_carrier *carrier = atomic_load(&fiber->carrier);

	at->uc_stack = carrier ? carrier->altstack : fiber->altstack;
	if (!at->uc_stack.ss_sp)
		at->uc_stack.ss_flags = SS_DISABLE;
}

/* If it is cancelled now, the C library unwinds from inside of its handler: with that
 * signal blocked, which the next fiber here shall not inherit. */
static void be_cancelled(struct rh_fiber *fiber)
{
	struct rh_carrier *carrier = atomic_load(&fiber->carrier);

	if (carrier)
		atomic_store(&carrier->mask, RH_MASK_UNKNOWN);
	rh_sys_tgkill(rh_sys_pid(), rh_sys_tid(), SIGNAL_CANCEL);
}

void rh_attend(struct rh_fiber *fiber)
{
	set_altstack(fiber);
	set_mask(fiber);
	if (rh_handler_busy) { /* look again when it is not */
		if (atomic_load(&fiber->pending.set) || atomic_load(&fiber->cancel))
			rh_handler_put_off++;
		return;
	}
	if (rh_handler_put_off)
		rh_handler_deliver();
	if (atomic_load(&fiber->pending.set))
		deliver(fiber, !fiber->in_call);
	if (atomic_load(&fiber->cancel) && atomic_exchange(&fiber->cancel, false))
		be_cancelled(fiber);
}

void rh_attend_end(struct rh_fiber *fiber)
{
	atomic_store(&fiber->tid, 0);
	atomic_store(&fiber->ended, true);
	rh_wait_wake(fiber, INT32_MAX);
	rh_fiber_give(fiber);
}

/* A fiber that runs looks when it is told so; one that waits is woken if its wait may be
 * interrupted; any other looks when it runs again. */
static void tell(struct rh_fiber *fiber)
{
	struct rh_carrier *carrier = atomic_load(&fiber->carrier);

	rh_wait_interrupt(fiber);
	if (carrier && atomic_load(&carrier->fiber) == fiber)
		rh_preempt_ask(carrier);
}

/* What is sent straight to the carrier is handled as the kernel handles it: calls end
 * early or go on as the program's handler wants, sigwait takes it. */
static bool send_to_carrier(struct rh_fiber *fiber, int sig, const siginfo_t *info)
{
	struct rh_carrier *carrier = atomic_load(&fiber->carrier);

	if (!carrier || atomic_load(&carrier->fiber) != fiber)
		return false;
	if (info && (info->si_code >= 0 || info->si_code == SI_TKILL))
		return false; /* only for oneself */
	if (!fiber->in_call && (atomic_load(&fiber->mask) & rh_sys_bit(sig)))
		return false;
	return rh_handler_direct(carrier, fiber, sig, info);
}

int rh_attend_keep(struct rh_fiber *fiber, int sig, const siginfo_t *info)
{
	int result;

	rh_handler_enter();
	result = rh_pending_put(&fiber->pending, sig, info);
	rh_handler_leave();
	return result;
}

int rh_attend_send(struct rh_fiber *fiber, int sig, const siginfo_t *info)
{
	int result;

	if (sig == 0)
		return 0;
	if (sig < 0 || sig > RH_SIGNALS)
		return EINVAL;
	if (send_to_carrier(fiber, sig, info))
		return 0;
	result = rh_attend_keep(fiber, sig, info);
	if (!result)
		tell(fiber);
	return result;
}

void rh_attend_cancel(struct rh_fiber *fiber)
{
	atomic_store(&fiber->cancel, true);
	tell(fiber);
}
