/* Signals: masks, alternate stacks, sending to threads, and waiting. */
#include "attend.h"
#include "preempt.h"
#include "monitor.h"
#include "real.h"
#include "restart.h"
#include "handler.h"

#include <errno.h>
#include <setjmp.h>
#include <string.h>

#define LIBRARY_SIGNALS (1ull << 31 | 1ull << 32) /* the C library's 32 and 33 */
#define NEVER_BLOCKED   (LIBRARY_SIGNALS | 1ull << (RH_PREEMPT_SIGNAL - 1))

static uint64_t set_of(const sigset_t *set)
{
	uint64_t bits;

	memcpy(&bits, set, sizeof bits);
	return bits;
}

static void put_set(sigset_t *set, uint64_t bits)
{
	memset(set, 0, sizeof *set);
	memcpy(set, &bits, sizeof bits);
}

/* Of the mask before, and what the program gave. */
static int changed(int how, uint64_t old, uint64_t given, uint64_t *ret_mask)
{
	if (how == SIG_BLOCK)
		*ret_mask = old | given;
	else if (how == SIG_UNBLOCK)
		*ret_mask = old & ~given;
	else if (how == SIG_SETMASK)
		*ret_mask = given;
	else
		return EINVAL;
	*ret_mask &= ~NEVER_BLOCKED;
	return 0;
}

static int set_mask(int how, const sigset_t *set, sigset_t *ret_old)
{
	struct rh_fiber *fiber = rh_fiber_current();
	uint64_t mask, old;
	int result = 0;

	if (!fiber) {
		sigset_t copy;

		if (set) {
			put_set(&copy, set_of(set) & ~NEVER_BLOCKED);
			set = &copy;
		}
		return rh_real_get()->pthread_sigmask(how, set, ret_old);
	}
	old = atomic_load(&fiber->mask);
	if (set)
		result = changed(how, old, set_of(set), &mask);
	if (result)
		return result;
	if (ret_old)
		put_set(ret_old, old);
	if (!set)
		return 0;
	atomic_store(&fiber->mask, mask);
	if (mask != old)
		atomic_fetch_add(&rh_fiber_mask_changes, 1);
	rh_attend(fiber);
	return 0;
}

RH_INTERPOSED int pthread_sigmask(int how, const sigset_t *set, sigset_t *ret_old)
{
	return set_mask(how, set, ret_old);
}

RH_INTERPOSED int sigprocmask(int how, const sigset_t *restrict set,
			      sigset_t *restrict ret_old)
{
	int result = set_mask(how, set, ret_old);

	if (result)
		errno = result;
	return result ? -1 : 0;
}

/* A jump out of a handler: the mask is what was saved. */
RH_INTERPOSED _Noreturn void siglongjmp(sigjmp_buf at, int value)
{
	struct rh_fiber *fiber = rh_fiber_current();

	if (fiber && at[0].__mask_was_saved) {
		struct rh_carrier *carrier = atomic_load(&fiber->carrier);
		uint64_t mask = set_of((const sigset_t *)(const void *)&at[0].__saved_mask);

		atomic_store(&fiber->mask, mask);
		atomic_store(&carrier->mask, mask);
	}
	rh_real_get()->siglongjmp(at, value);
	__builtin_unreachable();
}

RH_INTERPOSED int sigaltstack(const stack_t *restrict stack, stack_t *restrict ret_old)
{
	struct rh_fiber *fiber = rh_fiber_current();
	int result;

	rh_handler_enter(); /* whom a signal interrupts here has neither the old nor the new */
	result = rh_real_get()->sigaltstack(stack, ret_old);
	if (fiber && stack && !result) {
		fiber->altstack = *stack;
		if (stack->ss_flags & SS_DISABLE)
			fiber->altstack = (stack_t){0};
		atomic_load(&fiber->carrier)->altstack = fiber->altstack;
	}
	rh_handler_leave();
	return result;
}

/* A fiber other than the caller's that is under a carrier, or NULL. */
static struct rh_fiber *governed_of(pthread_t thread)
{
	struct rh_fiber *fiber = rh_fiber_of(thread);

	return fiber && fiber->governed && fiber != rh_fiber_current() ? fiber : NULL;
}

/* Who was woken by that may go first. */
static int send_signal(struct rh_fiber *fiber, int sig, const siginfo_t *info)
{
	struct rh_fiber *own = rh_fiber_current();
	int result = rh_attend_send(fiber, sig, info);

	if (own)
		rh_fiber_point(own);
	return result;
}

/* What it sends itself and blocks waits for it, not for its carrier.  False: it gets that at
 * once. */
static bool waits_here(struct rh_fiber *fiber, int sig)
{
	return fiber && sig > 0 && sig <= RH_SIGNALS &&
	       (atomic_load(&fiber->mask) >> (sig - 1) & 1) &&
	       rh_stats->pid == (uint32_t)rh_sys_pid();
}

RH_INTERPOSED int raise(int sig)
{
	struct rh_fiber *fiber = rh_fiber_current();

	if (!waits_here(fiber, sig))
		return rh_real_get()->raise(sig);
	errno = rh_attend_keep(fiber, sig, NULL);
	return errno ? -1 : 0;
}

RH_INTERPOSED int pthread_kill(pthread_t thread, int sig)
{
	const struct rh_real *real = rh_real_get();
	struct rh_fiber *fiber = governed_of(thread), *own = rh_fiber_current();

	if (own && pthread_equal(thread, pthread_self()) && waits_here(own, sig))
		return rh_attend_keep(own, sig, NULL);
	if (!fiber)
		return real->pthread_kill(thread, sig);
	if (sig == 32 || sig == 33 || sig == RH_PREEMPT_SIGNAL)
		return EINVAL;
	return send_signal(fiber, sig, NULL);
}

RH_INTERPOSED int pthread_sigqueue(pthread_t thread, int sig, const union sigval value)
{
	const struct rh_real *real = rh_real_get();
	struct rh_fiber *fiber = rh_fiber_of(thread);
	siginfo_t info = {.si_signo = sig, .si_code = SI_QUEUE};

	if (!fiber || !fiber->governed)
		return real->pthread_sigqueue(thread, sig, value);
	info.si_pid = getpid();
	info.si_uid = getuid();
	info.si_value = value;
	if (fiber == rh_fiber_current() && waits_here(fiber, sig))
		return rh_attend_keep(fiber, sig, &info);
	if (fiber == rh_fiber_current())
		return (int)-rh_sys4(SYS_rt_tgsigqueueinfo, rh_sys_pid(), rh_sys_tid(), sig,
				     (long)&info);
	return send_signal(fiber, sig, &info);
}

/* A kernel thread's number that is a home thread's stands for its fiber. */
RH_INTERPOSED int tgkill(pid_t pid, pid_t tid, int sig)
{
	struct rh_fiber *fiber = pid == getpid() ? rh_fiber_of_tid(tid) : NULL;
	int result;

	if (!fiber || !fiber->governed)
		return rh_real_get()->tgkill(pid, tid, sig);
	if (fiber == rh_fiber_current())
		return raise(sig);
	result = pthread_kill(fiber->thread, sig);
	if (result)
		errno = result;
	return result ? -1 : 0;
}

/* While a fiber is in here, what is sent to it goes to its carrier. */
static void begin_wait(struct rh_fiber *fiber)
{
	rh_monitor_call();
	fiber->in_call++;
	atomic_thread_fence(memory_order_seq_cst);
	rh_attend_release(fiber);
}

static void end_wait(struct rh_fiber *fiber)
{
	int saved = errno;

	fiber->in_call--;
	atomic_thread_fence(memory_order_seq_cst);
	rh_handler_take_back(fiber);
	if (!fiber->in_call)
		rh_attend_take_back(fiber);
	rh_attend(fiber);
	rh_fiber_point(fiber);
	errno = saved;
}

void rh_restart_masked(struct rh_fiber *fiber, bool begins)
{
	if (begins)
		begin_wait(fiber);
	else
		end_wait(fiber);
}

RH_INTERPOSED int sigwait(const sigset_t *set, int *ret_sig)
{
	struct rh_fiber *fiber = rh_fiber_current();
	int result;

	if (!fiber)
		return rh_real_get()->sigwait(set, ret_sig);
	begin_wait(fiber);
	result = rh_real.sigwait(set, ret_sig);
	end_wait(fiber);
	return result;
}

RH_INTERPOSED int sigwaitinfo(const sigset_t *set, siginfo_t *info)
{
	struct rh_fiber *fiber = rh_fiber_current();
	struct rh_restart seen;
	int result;

	if (!fiber)
		return rh_real_get()->sigwaitinfo(set, info);
	begin_wait(fiber);
	do {
		seen = rh_restart_begin(fiber);
		result = rh_real.sigwaitinfo(set, info);
	} while (result < 0 && rh_restart_again(fiber, seen));
	end_wait(fiber);
	return result;
}

RH_INTERPOSED int sigtimedwait(const sigset_t *set, siginfo_t *info,
			       const struct timespec *most)
{
	struct rh_fiber *fiber = rh_fiber_current();
	struct timespec left;
	struct rh_restart seen;
	uint64_t until;
	int result;

	if (!fiber || !most)
		return fiber ? sigwaitinfo(set, info) :
			       rh_real_get()->sigtimedwait(set, info, most);
	until = rh_restart_until(most);
	left = *most;
	begin_wait(fiber);
	for (;;) {
		seen = rh_restart_begin(fiber);
		result = rh_real.sigtimedwait(set, info, &left);
		if (result >= 0 || !rh_restart_again(fiber, seen))
			break;
		left = rh_restart_left(until);
	}
	end_wait(fiber);
	return result;
}

RH_INTERPOSED int sigsuspend(const sigset_t *set)
{
	struct rh_fiber *fiber = rh_fiber_current();
	struct rh_restart seen;
	sigset_t copy;
	int result;

	if (!fiber)
		return rh_real_get()->sigsuspend(set);
	put_set(&copy, set_of(set) & ~NEVER_BLOCKED);
	begin_wait(fiber);
	do {
		seen = rh_restart_begin(fiber);
		result = rh_real.sigsuspend(&copy);
	} while (rh_restart_again(fiber, seen));
	end_wait(fiber);
	return result;
}

RH_INTERPOSED int pause(void)
{
	struct rh_fiber *fiber = rh_fiber_current();
	sigset_t mask;

	if (!fiber)
		return rh_real_get()->pause();
	put_set(&mask, atomic_load(&fiber->mask));
	return sigsuspend(&mask);
}

RH_INTERPOSED int sigpending(sigset_t *ret_set)
{
	struct rh_fiber *fiber = rh_fiber_current();
	int result = rh_real_get()->sigpending(ret_set);

	if (fiber && !result)
		put_set(ret_set, set_of(ret_set) | atomic_load(&fiber->pending.set));
	return result;
}
