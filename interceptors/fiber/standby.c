#include "standby.h"

#include "carrier.h"
#include "clock.h"
#include "maker.h"
#include "monitor.h"
#include "own.h"
#include "park.h"
#include "real.h"
#include "seat.h"
#include "stats.h"
#include "sys.h"

#include "../../base/sched.h"

#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#define STACK      (128u << 10) /* storage of the program's threads is in it, too */
#define NICE       10      /* so much above the process, where it ends soon when it is killed */
#define SLICE_NS   300000u /* so long others come first when it gave way: three milliseconds */
#define CREDIT     16      /* slices */
#define AT_ONCE_NS 10000u  /* until then nobody else had the processor */
#define LOOK_NS    600000u /* between looks while a processor is free */
#define PAUSE_MAX_NS RH_MONITOR_CALM_NS /* while it is not, but seems so */

static _Atomic uint32_t on;  /* a futex */
static _Atomic bool useless; /* it would be in the way of others, or is not there */
static _Atomic bool awaited; /* the monitor asked for it */
static _Atomic bool started; /* the maker did, or tried */
static _Atomic int tid;

/* How far the carriers were. */
static struct {
	uint64_t hold, cpu_ns;
} seen[RH_SEATS_MAX];

/* What carriers that ran something did since the last look. */
enum found {
	ALL_RUN,    /* or wait for other processors */
	ONE_WAITS,  /* for this one */
	ONE_SLEEPS, /* in the kernel */
};

static enum found look_at(uint32_t seat)
{
	struct rh_carrier *carrier = atomic_load(&rh_seats[seat].carrier);
	uint64_t hold = carrier ? atomic_load(&carrier->hold) : RH_HOLD_SCHED, cpu_ns = 0;
	bool stands = false;

	if ((hold & 3) == RH_HOLD_RUNNING) {
		cpu_ns = rh_clock_of_thread(atomic_load(&carrier->tid));
		stands = seen[seat].hold == hold && seen[seat].cpu_ns == cpu_ns;
	}
	seen[seat].hold = hold;
	seen[seat].cpu_ns = cpu_ns;
	if (!stands)
		return ALL_RUN;
	switch (rh_monitor_sees(atomic_load(&carrier->tid))) {
	case RH_SEEN_ELSEWHERE:
		return ALL_RUN;
	case RH_SEEN_HERE:
		return ONE_WAITS;
	default:
		rh_stats_add(&rh_stats->seat[seat].told, 1);
		return ONE_SLEEPS;
	}
}

static enum found look(void)
{
	enum found found = ALL_RUN;

	for (uint32_t i = 0; i < rh_seat_count; i++) {
		enum found here = look_at(i);

		found = here > found ? here : found;
	}
	return found;
}

/* Until it is to stop, at most. */
static void nap(uint64_t ns)
{
	struct timespec until = rh_sys_time(rh_clock() + ns);

	rh_sys_wait(&on, 1, &until);
}

/* Behind all that compute.  True: it was in nobody's way.  Who had to wait has credit with the
 * kernel, four milliseconds by its weight at most, and a turn that it gives away costs a slice
 * of it: until that is used up it has the processor again at once, though others want it. */
static bool give_way(void)
{
	for (int i = 0; i < CREDIT; i++) {
		uint64_t from = rh_clock();

		rh_sys4(SYS_sched_yield, 0, 0, 0, 0);
		if (rh_clock() - from >= AT_ONCE_NS)
			return false;
	}
	return true;
}

/* Kernels from 6.6 to 6.17 give a processor back at once though others want it: then one of
 * those is seen to wait for it, each time.  After a nap it sees how far all are before it gives
 * way, for who ran meanwhile and sleeps now has come further, too. */
static void stand_by(void)
{
	static uint64_t pause = LOOK_NS;
	bool is_free = give_way();
	enum found found = look();

	if (found == ONE_SLEEPS)
		rh_monitor_call();
	else if (!is_free)
		return;
	pause = found != ONE_WAITS ? LOOK_NS : pause < PAUSE_MAX_NS ? 2 * pause : pause;
	nap(pause);
	if (look() == ONE_SLEEPS)
		rh_monitor_call();
}

/* Behind others; and with a table of descriptors of its own, so that nobody sees what it has
 * open when it is held up. */
static bool step_back(void)
{
	int nice = rh_real.getpriority(PRIO_PROCESS, 0) + NICE;
	struct rh_sched_attr wanted = {.policy = RH_CLASS_OTHER, .nice = nice < 19 ? nice : 19,
				       .runtime_ns = SLICE_NS}; /* slices: Linux 6.12 */

	rh_sys4(SYS_prctl, PR_SET_TIMERSLACK, 1, 0, 0);
	return rh_sched_set(0, &wanted) == 0 &&
	       rh_sys4(SYS_close_range, 0, ~0u, CLOSE_RANGE_UNSHARE, 0) == 0;
}

static void *main_of(void *none)
{
	rh_park_leave_rseq();
	atomic_store(&tid, rh_sys_tid());
	rh_own_name("rh-standby");
	if (!step_back())
		atomic_store(&on, 0), atomic_store(&useless, true);
	for (;;) {
		while (atomic_load(&on) && !atomic_load(&useless))
			stand_by();
		rh_sys_wait(&on, 0, NULL);
	}
	return none;
}

void rh_standby_set(bool is_on)
{
	if (atomic_load(&useless) || atomic_exchange(&on, is_on) >= is_on)
		return;
	if (atomic_load(&started)) {
		rh_sys_wake(&on, 1);
		return;
	}
	atomic_store(&awaited, true);
	rh_maker_ask();
}

void rh_standby_make(void)
{
	if (!atomic_load(&awaited) || atomic_exchange(&started, true))
		return;
	if (rh_own_create(pthread_create, STACK, main_of, NULL))
		atomic_store(&useless, true);
}

int rh_standby_tid(void)
{
	return atomic_load(&tid);
}

void rh_standby_forget(void)
{
	atomic_store(&tid, 0);
	atomic_store(&on, 0);
	atomic_store(&useless, false);
	atomic_store(&awaited, false);
	atomic_store(&started, false);
}
