#include "preempt.h"

#include "attend.h"
#include "carrier.h"
#include "code.h"
#include "everywhere.h"
#include "handler.h"
#include "monitor.h"
#include "real.h"
#include "seat.h"

#include <errno.h>
#include <string.h>
#include <ucontext.h>

static __thread timer_t timer __attribute__((tls_model("initial-exec")));

static bool must_leave(const struct rh_fiber *fiber)
{
	const struct rh_carrier *carrier = atomic_load(&fiber->carrier);

	return rh_seat_waiting() || atomic_load(&fiber->evict) ||
	       (atomic_load(&carrier->hold) & 3) == RH_HOLD_LOST;
}

/* Calls that sleep, and that Linux begins anew after a handler that wants it. */
static bool is_sleeping_call(long number)
{
	switch (number) {
	case SYS_read:
	case SYS_write:
	case SYS_readv:
	case SYS_writev:
	case SYS_open:
	case SYS_openat:
	case SYS_ioctl:
	case SYS_recvfrom:
	case SYS_recvmsg:
	case SYS_recvmmsg:
	case SYS_sendto:
	case SYS_sendmsg:
	case SYS_sendmmsg:
	case SYS_accept:
	case SYS_accept4:
	case SYS_connect:
	case SYS_wait4:
	case SYS_waitid:
	case SYS_flock:
	case SYS_fcntl:
	case SYS_futex:
	case SYS_msgsnd:
	case SYS_msgrcv:
		return true;
	default:
		return false;
	}
}

/* This signal ended a call that is to begin anew, as its flags want; a handler of the
 * program that ran meanwhile may want otherwise.  What the kernel has done then: the
 * instruction is next again, its number is in place, and rcx says where it went on. */
static void end_call(greg_t *registers)
{
	const unsigned char *next = (const unsigned char *)registers[REG_RIP];

	if (registers[REG_RCX] != registers[REG_RIP] + 2 ||
	    !is_sleeping_call((long)registers[REG_RAX]) || next[0] != 0x0f || next[1] != 0x05)
		return;
	registers[REG_RIP] += 2;
	registers[REG_RAX] = -EINTR;
}

/* Others want the fiber to look at something.  True: it did. */
static bool look(struct rh_fiber *fiber, ucontext_t *at)
{
	uint32_t seen = fiber->interrupts;

	if (!atomic_load(&fiber->pending.set) && !atomic_load(&fiber->cancel))
		return false;
	rh_attend(fiber);
	if (fiber->interrupts != seen)
		end_call(at->uc_mcontext.gregs);
	return !rh_handler_busy;
}

/* A parked home thread has the storage of its fiber, but is not where it runs. */
static bool is_parked(const struct rh_fiber *fiber)
{
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);

	return here - (uintptr_t)fiber->stack < RH_HOME_STACK;
}

/* From here on signals come as they do where the frame was made. */
static void take_signals(const ucontext_t *at)
{
	uint64_t mask;

	memcpy(&mask, &at->uc_sigmask, sizeof mask);
	rh_sys_mask(SIG_SETMASK, &mask);
}

static void put_off(struct rh_fiber *fiber)
{
	fiber->resched = true;
	rh_stats_count(&rh_stats->deferred);
}

/* False: nothing was done, and what the frame says of the alternate stack holds, also in the
 * middle of a change of it. */
static bool preempt(struct rh_fiber *fiber, ucontext_t *at)
{
	uintptr_t pc = (uintptr_t)at->uc_mcontext.gregs[REG_RIP];
	bool looked;

	fiber->preempted++;
	if (rh_code_is_own(pc)) { /* this function, too: so no more than two are on one stack */
		put_off(fiber);
		return false;
	}
	take_signals(at);
	if (rh_code_is_deferred(pc) || (fiber->held && fiber->ticks < RH_HELD_TICKS)) {
		put_off(fiber);
		return look(fiber, at);
	}
	looked = look(fiber, at);
	if (!must_leave(fiber))
		return looked;
	rh_stats_count(&rh_stats->preempted);
	rh_fiber_leave(RH_LEAVE_TICK, NULL);
	return true;
}

void rh_preempt_ask(struct rh_carrier *carrier)
{
	int tid = atomic_load(&carrier->tid);

	if (tid && !atomic_exchange(&carrier->asked, true))
		rh_sys_tgkill(rh_sys_pid(), tid, RH_PREEMPT_SIGNAL);
}

/* All signals are blocked until it is known that this is the code of a fiber. */
static void on_signal(int sig, siginfo_t *info, void *context)
{
	struct rh_fiber *fiber = rh_fiber_current();
	struct rh_carrier *carrier = fiber ? atomic_load(&fiber->carrier)
					   : rh_carrier_of_thread;

	(void)sig;
	if (carrier)
		atomic_store(&carrier->asked, false);
	rh_everywhere_here();
	rh_monitor_signalled();
	if (!fiber || is_parked(fiber))
		return;
	if (fiber->held && info->si_code == SI_TIMER)
		fiber->ticks++;
	if (preempt(fiber, context))
		rh_attend_stack(fiber, context);
}

void rh_preempt_open(void)
{
	struct sigaction action = {.sa_sigaction = on_signal,
				   .sa_flags = SA_SIGINFO | SA_RESTART};

	sigfillset(&action.sa_mask);
	rh_real.sigaction(RH_PREEMPT_SIGNAL, &action, NULL);
}

void rh_preempt_arm(struct rh_carrier *carrier)
{
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID,
				 .sigev_signo = RH_PREEMPT_SIGNAL};
	struct itimerspec period = {.it_interval = {.tv_nsec = RH_PREEMPT_NS},
				    .it_value = {.tv_nsec = RH_PREEMPT_NS}};

	event._sigev_un._tid = atomic_load(&carrier->tid);
	if (rh_real.timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &timer) == 0)
		rh_real.timer_settime(timer, 0, &period, NULL);
}

void rh_preempt_disarm(struct rh_carrier *carrier)
{
	(void)carrier;
	rh_real.timer_delete(timer);
}
