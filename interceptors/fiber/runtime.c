#include "runtime.h"

#include "asked.h"
#include "calls.h"
#include "carrier.h"
#include "code.h"
#include "everywhere.h"
#include "evict.h"
#include "loan.h"
#include "maker.h"
#include "monitor.h"
#include "own.h"
#include "park.h"
#include "policy.h"
#include "preempt.h"
#include "ready.h"
#include "real.h"
#include "seat.h"
#include "handler.h"
#include "switch.h"
#include "trace.h"
#include "waitqueue.h"
#include "wheel.h"

#include "../../rules/wasm/thread.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#define HWCAP2_FSGSBASE 2

enum { NOT_STARTED, STARTING, RUNS, REFUSED };

static _Atomic uint32_t state;
static struct rh_latch latch;

static _Atomic int threads = 1; /* of the program */

void rh_runtime_thread_begins(void)
{
	atomic_fetch_add(&threads, 1);
}

void rh_runtime_thread_ends(void)
{
	if (atomic_fetch_sub(&threads, 1) == 1 && rh_runtime_runs())
		rh_monitor_timer();
}

bool rh_runtime_ended(void)
{
	if (atomic_load(&threads) > 0)
		return false;
	if (rh_everywhere_others() <= (int)atomic_load(&rh_stats->carriers) + rh_own_count())
		exit(0);
	return true;
}

/* Processors that this process may use. */
static uint32_t seats(void)
{
	const char *told = getenv("RHODES_SCHED_SEATS");
	cpu_set_t set;
	int count = told ? atoi(told) : 0;

	if (count <= 0 && sched_getaffinity(0, sizeof set, &set) == 0)
		count = CPU_COUNT(&set);
	if (count < 1)
		count = 1;
	return count > (int)RH_SEATS_MAX ? RH_SEATS_MAX : (uint32_t)count;
}

static bool refuse(void)
{
	dprintf(2, "rhodes: fiber: threads are scheduled by the kernel: no rule \"%s\" for "
		   "hook sched comes with Rhodes\n", rh_policy_name());
	return false;
}

static struct rh_rule *load_lent(const void *none, struct rh_diag *diag)
{
	(void)none, (void)diag;
	return rh_loan_load();
}

static bool start(void)
{
	const char *lent = rh_loan_name(); /* to the parent of this process */

	if ((!lent || rh_seat_open(seats(), load_lent, NULL) < 0) &&
	    rh_seat_open(seats(), rh_policy_load, rh_policy_name()) < 0)
		return refuse();
	atomic_store(&rh_stats->carriers, 0);
	rh_stats_open(lent ? lent : rh_policy_name(), rh_seat_count);
	rh_ready_open();
	rh_code_look();
	rh_preempt_open();
	return !rh_carrier_start_all() && !rh_maker_start() && !rh_monitor_start();
}

bool rh_runtime_runs(void)
{
	return atomic_load(&state) == RUNS;
}

bool rh_runtime_start(void)
{
	uint32_t now = atomic_load(&state);

	if (now == RUNS)
		return rh_evict_admits();
	if (now == REFUSED)
		return false;
	rh_latch_lock(&latch);
	if (atomic_load(&state) == NOT_STARTED) {
		atomic_store(&state, STARTING);
		atomic_store(&state, start() ? RUNS : REFUSED);
	}
	rh_latch_unlock(&latch);
	return atomic_load(&state) == RUNS;
}

/* The child has one thread, which the kernel schedules; it may start others. */
static void in_child(void)
{
	if (atomic_load(&state) == REFUSED)
		return;
	atomic_store(&latch.word, 0);
	rh_park_in_child();
	rh_stats_forget();
	rh_handler_forget_all();
	rh_everywhere_forget();
	rh_code_forget();
	rh_fiber_forget_all();
	rh_carrier_forget_all();
	rh_wait_forget_all();
	rh_calls_forget_all();
	rh_ready_forget_all();
	rh_wheel_forget_all();
	rh_monitor_forget();
	rh_maker_forget();
	rh_asked_forget();
	rh_seat_forget_all();
	rh_loan_forget();
	rh_trace_until(0);
	rh_own_forget();
	atomic_store(&threads, 1);
	atomic_store(&state, NOT_STARTED);
}

/* Go's runtime is one of its own: nothing here comes between it and the kernel. */
static bool is_go(void)
{
	rh_code_look();
	if (rh_code_has_go())
		rh_evict_all(RH_EVICT_GO);
	return rh_code_has_go();
}

static void open_for(const char *told)
{
	rh_thread_mind_ends(); /* before the program has many keys */
	rh_policy_begin(told);
	rh_handler_open();
}

__attribute__((constructor)) static void load(void)
{
	const char *told = getenv("RHODES_SCHED");

	rh_real_get();
	rh_switch_fsgsbase = (getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE) != 0;
	if (!told || !*told || is_go())
		atomic_store(&state, REFUSED);
	else
		open_for(told);
	pthread_atfork(NULL, NULL, in_child);
}
