#include "handler.h"

#include "attend.h"
#include "own.h"
#include "preempt.h"
#include "ready.h"
#include "real.h"
#include "switch.h"

#include <errno.h>
#include <string.h>
#include <ucontext.h>

#define KEPT_MAX 4u /* it is storage of each thread */

__thread uint32_t rh_handler_busy, rh_handler_put_off;

/* What came while the thread was busy; more waits in the kernel, blocked. */
static __thread struct kept {
	siginfo_t info;
	struct rh_fiber *to; /* NULL: whoever takes it */
} kept[KEPT_MAX];
static __thread uint32_t kept_count;
static __thread uint64_t kept_blocked;

static struct sigaction handlers[RH_SIGNALS + 1];
static struct rh_latch latch; /* for changes of handlers */
static bool opened;
static _Atomic bool wants_stack;

void rh_handler_open(void)
{
	opened = true;
}

void rh_handler_forget_all(void)
{
	atomic_store(&latch.word, 0);
	rh_handler_busy = 0;
}

static uint64_t set_of(const sigset_t *set)
{
	uint64_t bits;

	memcpy(&bits, set, sizeof bits);
	return bits;
}

/* Its own signals are nobody's to block. */
static void leave_ours(sigset_t *set)
{
	uint64_t bits = set_of(set) & ~rh_sys_bit(RH_PREEMPT_SIGNAL);

	memcpy(set, &bits, sizeof bits);
}

static bool in_switch(const ucontext_t *at)
{
	uintptr_t pc = (uintptr_t)at->uc_mcontext.gregs[REG_RIP];

	return pc >= (uintptr_t)rh_switch_begin && pc < (uintptr_t)rh_switch_end;
}

/* Whom a signal was sent to that came straight to this carrier; NULL: to the process, or
 * to a fiber that is gone. */
static struct rh_fiber *addressee(struct rh_carrier *carrier, int sig)
{
	struct rh_direct found = {0};

	if (!carrier || !atomic_load(&carrier->directs))
		return NULL;
	rh_latch_lock(&carrier->direct_latch);
	for (int i = 0; i < RH_DIRECTS_MAX && !found.sig; i++) {
		if (carrier->direct[i].sig != sig)
			continue;
		found = carrier->direct[i];
		carrier->direct[i].sig = 0;
		atomic_fetch_sub(&carrier->directs, 1);
	}
	rh_latch_unlock(&carrier->direct_latch);
	if (!found.sig || atomic_load(&found.fiber->generation) != found.generation ||
	    !found.fiber->governed)
		return NULL;
	return found.fiber;
}

/* Two of a kind to one kernel thread are one to the kernel: only one is on its way. */
static bool note(struct rh_carrier *carrier, struct rh_fiber *fiber, int sig)
{
	struct rh_direct *free_one = NULL;
	bool there = false;

	for (int i = 0; i < RH_DIRECTS_MAX; i++) {
		if (!carrier->direct[i].sig && !free_one)
			free_one = &carrier->direct[i];
		there = there || carrier->direct[i].sig == sig;
	}
	if (there || !free_one)
		return false;
	*free_one = (struct rh_direct){sig, fiber, atomic_load(&fiber->generation)};
	atomic_fetch_add(&carrier->directs, 1);
	return true;
}

bool rh_handler_direct(struct rh_carrier *carrier, struct rh_fiber *fiber, int sig,
		       const siginfo_t *info)
{
	int tid = atomic_load(&carrier->tid);
	siginfo_t copy;
	bool noted;

	if (!tid)
		return false;
	rh_handler_enter();
	rh_latch_lock(&carrier->direct_latch);
	noted = note(carrier, fiber, sig);
	rh_latch_unlock(&carrier->direct_latch);
	rh_handler_leave();
	if (!noted)
		return false;
	if (!info)
		return !rh_sys_tgkill(rh_sys_pid(), tid, sig);
	copy = *info;
	return !rh_sys4(SYS_rt_tgsigqueueinfo, rh_sys_pid(), tid, sig, (long)&copy);
}

void rh_handler_take_back(struct rh_fiber *fiber)
{
	struct rh_carrier *carrier = atomic_load(&fiber->carrier);
	struct timespec now = {0};

	if (!carrier || !atomic_load(&carrier->directs))
		return;
	for (int i = 0; i < RH_DIRECTS_MAX; i++) {
		int sig = carrier->direct[i].fiber == fiber ? carrier->direct[i].sig : 0;
		uint64_t set = sig ? rh_sys_bit(sig) : 0;
		siginfo_t info;

		if (!sig)
			continue;
		addressee(carrier, sig);
		if (rh_sys4(SYS_rt_sigtimedwait, (long)&set, (long)&info, (long)&now,
			    RH_KERNEL_SET_BYTES) == sig)
			rh_attend_send(fiber, sig, &info);
	}
}

static void keep(const struct kept *what, ucontext_t *at)
{
	int sig = what->info.si_signo;
	uint64_t mask = set_of(&at->uc_sigmask) | rh_sys_bit(sig);
	siginfo_t copy = what->info;

	rh_handler_put_off++;
	for (uint32_t i = 0; i < kept_count && sig < SIGRTMIN; i++)
		if (kept[i].info.si_signo == sig && kept[i].to == what->to)
			return; /* two of a kind are one */
	if (kept_count < KEPT_MAX) {
		kept[kept_count++] = *what;
		return;
	}
	kept_blocked |= rh_sys_bit(sig);
	memcpy(&at->uc_sigmask, &mask, sizeof mask);
	rh_sys4(SYS_rt_tgsigqueueinfo, rh_sys_pid(), rh_sys_tid(), sig, (long)&copy);
}

/* A fiber that does not block it gets it, or, if there is none, the process once more,
 * and this carrier does not take it until a fiber unblocks it. */
static void pass_on(struct rh_carrier *carrier, const siginfo_t *info)
{
	int sig = info->si_signo;
	uint64_t bit = rh_sys_bit(sig);

	for (uint32_t i = 0; i < rh_fiber_top(); i++) {
		struct rh_fiber *fiber = rh_fiber_at(i);

		if (atomic_load(&fiber->used) && fiber->governed &&
		    !(atomic_load(&fiber->mask) & bit) &&
		    rh_attend_send(fiber, sig, info) == 0)
			return;
	}
	rh_sys_mask(SIG_BLOCK, &bit);
	atomic_fetch_or(&carrier->mask, bit);
	rh_sys4(SYS_kill, rh_sys_pid(), sig, 0, 0);
}

static void raise_here(struct rh_fiber *fiber, siginfo_t *info)
{
	if (fiber)
		fiber->raising = info->si_signo;
	rh_sys4(SYS_rt_tgsigqueueinfo, rh_sys_pid(), rh_sys_tid(), info->si_signo, (long)info);
	if (fiber)
		fiber->raising = 0;
}

static void deliver(struct kept *what)
{
	struct rh_fiber *fiber = rh_fiber_current();

	if (what->to && what->to != fiber)
		rh_attend_send(what->to, what->info.si_signo, &what->info);
	else if (rh_carrier_of_thread)
		pass_on(rh_carrier_of_thread, &what->info);
	else
		raise_here(fiber, &what->info);
}

/* What is kept until now, and no signal in between; returns how many. */
static uint32_t take_kept(struct kept now[KEPT_MAX], uint64_t *ret_blocked)
{
	uint64_t all = ~0ull, before = rh_sys_mask(SIG_BLOCK, &all);
	uint32_t count = kept_count;

	memcpy(now, kept, sizeof kept);
	*ret_blocked = kept_blocked;
	kept_count = 0;
	kept_blocked = 0;
	rh_handler_put_off = 0;
	rh_sys_mask(SIG_SETMASK, &before);
	return count;
}

void rh_handler_deliver(void)
{
	struct kept now[KEPT_MAX];
	uint64_t blocked;
	uint32_t count = take_kept(now, &blocked);

	for (uint32_t i = 0; i < count; i++)
		deliver(&now[i]);
	if (blocked)
		rh_sys_mask(SIG_UNBLOCK, &blocked);
	if (rh_fiber_current())
		rh_attend(rh_fiber_current());
}

static void call(int sig, siginfo_t *info, void *at)
{
	struct sigaction action = handlers[sig];

	if (action.sa_flags & SA_SIGINFO)
		action.sa_sigaction(sig, info, at);
	else if (action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN)
		action.sa_handler(sig);
}

/* The mask is that of the handler while it runs, wherever it runs. */
static void call_in_fiber(struct rh_fiber *fiber, int sig, siginfo_t *info, ucontext_t *at)
{
	uint64_t before = set_of(&at->uc_sigmask), inside;
	struct rh_carrier *carrier = atomic_load(&fiber->carrier);

	inside = before | set_of(&handlers[sig].sa_mask);
	if (!(handlers[sig].sa_flags & SA_NODEFER))
		inside |= rh_sys_bit(sig);
	inside &= ~rh_sys_bit(RH_PREEMPT_SIGNAL);
	atomic_store(&carrier->mask, inside);
	atomic_store(&fiber->mask, inside);
	fiber->user_signals++;
	if (!(handlers[sig].sa_flags & SA_RESTART))
		fiber->interrupts++;
	call(sig, info, at);
	atomic_store(&fiber->mask, set_of(&at->uc_sigmask));
	carrier = atomic_load(&fiber->carrier);
	if (carrier)
		atomic_store(&carrier->mask, set_of(&at->uc_sigmask));
	rh_attend_stack(fiber, at);
}

/* Those that the code itself causes come at once or never. */
static bool is_of_the_code(int sig)
{
	return sig == SIGSEGV || sig == SIGBUS || sig == SIGFPE || sig == SIGILL ||
	       sig == SIGTRAP;
}

/* What the kernel does where nobody has a handler: the instruction runs again, or the
 * signal comes again, and ends the process. */
static void fall_back(int sig, const siginfo_t *info)
{
	struct sigaction action = {.sa_handler = SIG_DFL};

	rh_real_get()->sigaction(sig, &action, NULL);
	if (info->si_code <= 0)
		rh_sys_tgkill(rh_sys_pid(), rh_sys_tid(), sig);
}

/* A signal that a rule caused, or that is for one: its thread is the runtime's. */
static bool is_of_a_rule(int sig, siginfo_t *info, void *context)
{
	const struct sigaction *own = rh_own_handler(sig);

	if (!own || !rh_own_thread)
		return false;
	own->sa_sigaction(sig, info, context);
	return true;
}

/* Of signals that are shared the kernel blocks none, so what the program wants is done
 * here.  true: that is all. */
static bool is_settled(struct rh_fiber *fiber, int sig, const siginfo_t *info,
		       const ucontext_t *at)
{
	const struct sigaction *action = &handlers[sig];
	bool is_fault = is_of_the_code(sig) && info->si_code > 0;
	bool is_late_kick = info->si_code == SI_QUEUE && info->si_pid == rh_sys_pid();
	bool is_blocked = fiber && atomic_load(&fiber->mask) & rh_sys_bit(sig);
	uint64_t inside;

	if (!(rh_own_signals() & rh_sys_bit(sig)))
		return false;
	if (is_blocked && !is_fault) {
		rh_attend_send(fiber, sig, info);
		return true;
	}
	if (action->sa_handler == SIG_IGN && !is_fault)
		return true;
	if (action->sa_handler == SIG_DFL || action->sa_handler == SIG_IGN || is_blocked) {
		if (is_fault || !is_late_kick)
			fall_back(sig, info);
		return true;
	}
	inside = (set_of(&at->uc_sigmask) | set_of(&action->sa_mask)) & ~rh_own_signals() &
		 ~rh_sys_bit(RH_PREEMPT_SIGNAL);
	rh_sys_mask(SIG_SETMASK, &inside);
	return false;
}

static void entry(int sig, siginfo_t *info, void *context)
{
	struct rh_fiber *fiber = rh_fiber_current();
	struct rh_carrier *carrier = rh_carrier_of_thread;
	ucontext_t *at = context;
	struct kept what = {.info = *info};

	if (is_of_a_rule(sig, info, context))
		return;
	what.info.si_signo = sig;
	if (fiber && !carrier)
		carrier = atomic_load(&fiber->carrier);
	rh_handler_busy++;
	what.to = addressee(carrier, sig);
	rh_handler_busy--;
	if (is_of_the_code(sig) && info->si_code > 0)
		what.to = NULL;
	else if (rh_carrier_of_thread || in_switch(at) || rh_handler_busy) {
		keep(&what, at);
		if (rh_carrier_of_thread && rh_carrier_of_thread->seat) { /* not to sleep */
			atomic_store(&rh_carrier_of_thread->seat->called, 1);
			rh_ready_ring(rh_carrier_of_thread->seat->index);
		}
		return;
	}
	if (what.to && what.to != fiber) {
		rh_attend_send(what.to, sig, info);
		if (!fiber || fiber->raising != sig)
			return;
	}
	if (is_settled(fiber, sig, info, at))
		return;
	if (fiber)
		call_in_fiber(fiber, sig, info, at);
	else
		call(sig, info, at);
}

/* A rule may overflow its stack, and its handler jumps away: nothing is blocked. */
static struct sigaction shared(void)
{
	struct sigaction action = {
		.sa_sigaction = entry,
		.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | SA_RESTART,
	};

	return action;
}

int rh_handler_share(int sig)
{
	struct sigaction action = shared();

	return rh_real_get()->sigaction(sig, &action, NULL);
}

bool rh_handler_wants_stack(void)
{
	return atomic_load_explicit(&wants_stack, memory_order_relaxed);
}

/* What the kernel is told for what the program wants. */
static struct sigaction wrapped(int sig, const struct sigaction *wanted)
{
	struct sigaction action = *wanted;

	if (wanted->sa_flags & SA_ONSTACK)
		atomic_store(&wants_stack, true);
	if (rh_own_signals() & rh_sys_bit(sig))
		return shared();
	leave_ours(&action.sa_mask);
	if (wanted->sa_handler != SIG_DFL && wanted->sa_handler != SIG_IGN) {
		action.sa_sigaction = entry;
		action.sa_flags |= SA_SIGINFO;
	}
	return action;
}

RH_INTERPOSED int sigaction(int sig, const struct sigaction *restrict wanted,
			    struct sigaction *restrict ret_old)
{
	const struct rh_real *real = rh_real_get();
	struct sigaction action, old, kernel_old;
	int result;

	if (!opened || sig < 1 || sig > RH_SIGNALS)
		return real->sigaction(sig, wanted, ret_old);
	if (sig == RH_PREEMPT_SIGNAL) {
		errno = EINVAL;
		return -1;
	}
	rh_handler_enter();
	rh_latch_lock(&latch);
	old = handlers[sig];
	if (wanted) {
		action = wrapped(sig, wanted);
		handlers[sig] = *wanted;
	}
	result = real->sigaction(sig, wanted ? &action : NULL, &kernel_old);
	if (result)
		handlers[sig] = old;
	rh_latch_unlock(&latch);
	rh_handler_leave();
	if (result == 0 && ret_old) {
		*ret_old = kernel_old;
		if ((kernel_old.sa_flags & SA_SIGINFO) && kernel_old.sa_sigaction == entry)
			*ret_old = old;
	}
	return result;
}

RH_INTERPOSED sighandler_t signal(int sig, sighandler_t handler)
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART}, old;

	sigaddset(&action.sa_mask, sig);
	return sigaction(sig, &action, &old) ? SIG_ERR : old.sa_handler;
}
