#include "preempt.h"

#include "attend.h"
#include "carrier.h"
#include "code.h"
#include "real.h"
#include "seat.h"

#include <ucontext.h>

static __thread timer_t timer __attribute__((tls_model("initial-exec")));

static bool must_leave(const struct rh_fiber *fiber)
{
	const struct rh_carrier *carrier = atomic_load(&fiber->carrier);

	return rh_seat_waiting() || atomic_load(&fiber->evict) ||
	       (atomic_load(&carrier->hold) & 3) == RH_HOLD_LOST;
}

/* Others want the fiber to look at something. */
static void look(struct rh_fiber *fiber)
{
	if (atomic_load(&fiber->pending_count) || atomic_load(&fiber->cancel))
		rh_attend(fiber);
}

static void on_signal(int sig, siginfo_t *info, void *context)
{
	struct rh_fiber *fiber = rh_fiber_current();
	ucontext_t *at = context;
	uintptr_t pc = (uintptr_t)at->uc_mcontext.gregs[REG_RIP];

	(void)sig;
	(void)info;
	if (!fiber)
		return;
	fiber->preempted++;
	if (rh_code_is_deferred(pc)) {
		fiber->resched = true;
		rh_stats_count(&rh_stats->deferred);
		if (!rh_code_is_own(pc))
			look(fiber);
		return;
	}
	look(fiber);
	if (!must_leave(fiber))
		return;
	rh_stats_count(&rh_stats->preempted);
	rh_fiber_leave(RH_LEAVE_TICK, NULL);
}

void rh_preempt_open(void)
{
	struct sigaction action = {.sa_sigaction = on_signal,
				   .sa_flags = SA_SIGINFO | SA_RESTART | SA_NODEFER};

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
