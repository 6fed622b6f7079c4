#include "maker.h"

#include "asked.h"
#include "carrier.h"
#include "clock.h"
#include "everywhere.h"
#include "loan.h"
#include "monitor.h"
#include "own.h"
#include "park.h"
#include "real.h"
#include "standby.h"
#include "sys.h"

#include <string.h>

#define STACK      (128u << 10) /* storage of the program's threads is in it, too */
#define ASLEEP_NS  10000000u   /* without a break */
#define SPINS_NS   5000000u    /* of processor time, for what takes a fiftieth of that */
#define PATIENT_NS 500000000u  /* asleep, while others go on, one of whom may have what it needs */

static _Atomic int tid;
static _Atomic uint32_t asked; /* a futex */
static _Atomic uint32_t made;  /* what was asked until then */
static _Atomic bool failed;

/* The monitor's. */
static struct {
	uint32_t made;
	uint64_t cpu_ns, began_ns; /* its processor time, and when it had made that */
	uint64_t awake_at;
} seen;

/* Who created it may be bound to a processor; what is made here goes where the monitor may. */
static void follow_monitor(void)
{
	cpu_set_t set;

	if (!rh_real.sched_getaffinity(rh_monitor_tid(), sizeof set, &set))
		rh_real.sched_setaffinity(0, sizeof set, &set);
}

static void *main_of(void *none)
{
	rh_park_leave_rseq();
	rh_own_name("rh-maker");
	atomic_store(&tid, rh_sys_tid());
	rh_loan_open();
	for (;;) {
		uint32_t now = atomic_load(&asked);

		if (now == atomic_load(&made)) {
			rh_sys_wait(&asked, now, NULL);
			continue;
		}
		follow_monitor();
		atomic_store(&failed, !rh_carrier_make());
		rh_standby_make();
		rh_asked_make();
		atomic_store(&made, now);
	}
	return none;
}

int rh_maker_start(void)
{
	return rh_own_create(pthread_create, STACK, main_of, NULL);
}

void rh_maker_ask(void)
{
	atomic_fetch_add(&asked, 1);
	rh_sys_wake(&asked, 1);
}

/* A carrier runs, or will as soon as it has a processor: it may be what the maker waits for. */
static bool any_runs(void)
{
	for (uint32_t i = 0; i < RH_CARRIERS_MAX; i++) {
		struct rh_carrier *carrier = rh_carrier_at(i);
		int thread = atomic_load(&carrier->used) ? atomic_load(&carrier->tid) : 0;

		if (thread && rh_monitor_sees(thread) != RH_SEEN_ASLEEP)
			return true;
	}
	return false;
}

/* It sleeps, or spins, in what it makes, and all carriers sleep, too.  Whom that lets go on
 * may be who it waits for: then there is time until the next one.  Another thread may be, too,
 * the first one of the program for example, which waits for a processor, but one that computes
 * on and on is no reason to wait for ever. */
static bool waits(int thread, uint64_t now)
{
	uint64_t cpu_ns = rh_clock_of_thread(thread);
	uint32_t before = seen.made;

	seen.made = atomic_load(&made);
	if (seen.made != before || !seen.began_ns)
		seen.began_ns = cpu_ns;
	if (seen.made != before || seen.cpu_ns != cpu_ns ||
	    rh_monitor_sees(thread) != RH_SEEN_ASLEEP)
		seen.awake_at = now;
	seen.cpu_ns = cpu_ns;
	if (any_runs()) {
		seen.awake_at = now;
		seen.began_ns = cpu_ns;
	}
	if (cpu_ns < seen.began_ns + SPINS_NS &&
	    (now < seen.awake_at + ASLEEP_NS ||
	     (now < seen.awake_at + PATIENT_NS && rh_everywhere_awake())))
		return false;
	seen.awake_at = now;
	seen.began_ns = cpu_ns;
	return true;
}

bool rh_maker_is_stuck(void)
{
	int thread = atomic_load(&tid);

	if (!thread || atomic_load(&asked) == atomic_load(&made))
		return atomic_load(&failed);
	return waits(thread, rh_clock());
}

void rh_maker_forget(void)
{
	atomic_store(&failed, false);
	atomic_store(&tid, 0);
	atomic_store(&made, atomic_load(&asked));
	memset(&seen, 0, sizeof seen);
}
