#include "park.h"

#include "attend.h"
#include "clock.h"
#include "evict.h"
#include "handler.h"
#include "preempt.h"
#include "runtime.h"
#include "seat.h"
#include "switch.h"
#include "trace.h"
#include "waitqueue.h"

#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/rseq.h>

/* What a parked home thread still takes: see everywhere.h. */
#define KEPT_SIGNALS (1ull << (RH_PREEMPT_SIGNAL - 1))

static __thread bool under __attribute__((tls_model("initial-exec")));

bool rh_park_is_under(void)
{
	return under;
}

unsigned long rh_park_thread_pointer(void)
{
	unsigned long at;

	__asm__("mov %%fs:0, %0" : "=r"(at));
	return at;
}

void rh_park_leave_rseq(void)
{
	struct rseq *area;

	if (!__rseq_size)
		return;
	area = (struct rseq *)(rh_park_thread_pointer() + (unsigned long)__rseq_offset);
	if (rh_sys4(SYS_rseq, (long)area, sizeof *area, RSEQ_FLAG_UNREGISTER,
		    (long)RSEQ_SIG) == 0)
		area->cpu_id = (uint32_t)RSEQ_CPU_ID_REGISTRATION_FAILED;
}

/* On the private stack, in the home thread; from the first line on a carrier may run the
 * fiber.  Called by rh_switch_park. */
__attribute__((used, visibility("hidden")))
void rh_parked(struct rh_fiber *fiber);
void rh_parked(struct rh_fiber *fiber)
{
	rh_trace(fiber, RH_EVENT_CONTEXT, 0, RH_STATS_NO_SEAT, fiber->fs);
	rh_seat_put(fiber);
	while (atomic_load(&fiber->home) != RH_HOME_CALLED)
		rh_sys_wait(&fiber->home, RH_HOME_PARKED, NULL);
}

void rh_park_call_home(struct rh_fiber *fiber)
{
	fiber->governed = false;
	atomic_fetch_add(&rh_fiber_mask_changes, 1);
	atomic_store(&fiber->carrier, NULL);
	atomic_store(&fiber->stats->why, rh_evict_why(fiber));
	atomic_store(&fiber->stats->state, RH_THREAD_HOME);
	atomic_store(&fiber->home, RH_HOME_CALLED);
	rh_sys_wake(&fiber->home, 1);
}

void rh_park_go_home(struct rh_fiber *fiber)
{
	rh_fiber_leave(RH_LEAVE_HOME, NULL);
	atomic_store(&fiber->home, RH_HOME_BACK);
}

/* However the routine ends.  At home, whoever joins may go on. */
static void end(struct rh_fiber **at)
{
	struct rh_fiber *fiber = rh_fiber_of_thread;

	if (!fiber || fiber != *at) {
		rh_runtime_thread_ends(); /* a child of fork: an ordinary thread */
		return;
	}
	if (fiber->governed)
		rh_park_go_home(fiber);
	rh_fiber_of_thread = NULL;
	rh_trace(fiber, RH_EVENT_END, 0, atomic_load(&fiber->seat), 0);
	rh_evict_ends(fiber);
	rh_attend_end(fiber);
	rh_runtime_thread_ends();
}

/* Signals are blocked.  Returns under a carrier, or back at home. */
static void park(struct rh_fiber *fiber)
{
	fiber->governed = true;
	atomic_fetch_add(&rh_fiber_mask_changes, 1);
	rh_switch_park(&fiber->sp, fiber->stack + RH_HOME_STACK - 64, fiber);
	rh_fiber_arrive(fiber);
}

/* A kernel thread is called as the one was that made it: a carrier, if that was a fiber, which
 * has another name. */
static void take_name(char name[16])
{
	rh_sys4(SYS_prctl, name[0] ? PR_SET_NAME : PR_GET_NAME, (long)name, 0, 0);
}

void rh_park_in_child(void)
{
	struct rh_fiber *fiber = rh_fiber_current();

	if (fiber)
		take_name(fiber->name);
}

static void begin(struct rh_fiber *fiber)
{
	uint64_t all = ~KEPT_SIGNALS;

	atomic_store(&fiber->mask, rh_sys_mask(SIG_SETMASK, &all));
	rh_park_leave_rseq();
	take_name(fiber->name);
	rh_outside_begin(fiber);
	fiber->fs = rh_park_thread_pointer();
	fiber->put_off = &rh_handler_put_off;
	fiber->thread = pthread_self();
	atomic_store(&fiber->stats->tid, (uint32_t)rh_sys_tid());
	atomic_store(&fiber->tid, rh_sys_tid());
	rh_fiber_of_thread = fiber;
	rh_trace(fiber, RH_EVENT_START, 0, RH_STATS_NO_SEAT, 0);
	park(fiber);
}

void rh_park_go_back(struct rh_fiber *fiber)
{
	uint64_t all = ~KEPT_SIGNALS;

	rh_sys_mask(SIG_SETMASK, &all);
	atomic_store(&fiber->home, RH_HOME_PARKED);
	park(fiber);
}

void *rh_park_start(void *argument)
{
	__attribute__((cleanup(end))) struct rh_fiber *fiber = argument;
	void *(*start)(void *) = fiber->start;
	void *passed = fiber->argument;

	under = true;
	begin(fiber);
	return start(passed);
}

static void end_plain(struct rh_plain *plain)
{
	if (plain->pid == rh_sys_pid()) {
		rh_evict_refused_ends();
		rh_stats_give_other(plain->said);
	}
	rh_runtime_thread_ends();
}

void *rh_park_start_plain(void *argument)
{
	__attribute__((cleanup(end_plain))) struct rh_plain plain =
		*(struct rh_plain *)argument;

	under = true;
	free(argument);
	take_name(plain.name);
	plain.said = rh_stats_take_other(plain.why);
	return plain.start(plain.argument);
}
