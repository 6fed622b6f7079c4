#include "monitor.h"

#include "asked.h"
#include "calls.h"
#include "carrier.h"
#include "clock.h"
#include "code.h"
#include "evict.h"
#include "maker.h"
#include "outside.h"
#include "own.h"
#include "park.h"
#include "preempt.h"
#include "ready.h"
#include "runtime.h"
#include "seat.h"
#include "standby.h"
#include "wheel.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>

/* Who asks for another rule sends signals, and those that come while the process is stopped
 * or waits for a processor come all at once, each with a frame.  Only addresses, until then. */
#define STACK       (8u << 20)
#define QUIET_ROUNDS 8 /* before it sleeps */
#define CALM_ROUNDS  4 /* before it looks seldom */
#define STAT_MAX     512 /* bytes of what the kernel writes of a kernel thread */
#define CPU_FIELD    36  /* of its fields, after that of its state */
#define ABSENT_NS    150000u /* that a carrier sleeps, not only for a moment */

static _Atomic uint32_t rings; /* a futex */
static _Atomic int monitor_tid;
static _Atomic bool deep;      /* it sleeps without a look now and then */
static __thread bool is_monitor __attribute__((tls_model("initial-exec")));
static _Atomic bool seldom;    /* it looks each RH_MONITOR_CALM_NS */
static _Atomic bool called;    /* since its last look */

void rh_monitor_timer(void)
{
	atomic_fetch_add(&rings, 1);
	rh_sys_wake(&rings, 1);
}

void rh_monitor_signalled(void)
{
	if (!is_monitor)
		return;
	atomic_fetch_add(&rings, 1);
	rh_stats_add(&rh_stats->monitor, 1);
}

void rh_monitor_work(void)
{
	if (atomic_load(&deep) && atomic_exchange(&deep, false))
		rh_monitor_timer();
}

void rh_monitor_call(void)
{
	if (!atomic_load_explicit(&seldom, memory_order_relaxed) || !rh_seat_waiting() ||
	    !atomic_exchange(&seldom, false))
		return;
	atomic_store(&called, true);
	rh_monitor_timer();
}

/* Writes a number in decimal; returns the end. */
static char *decimal(char *at, unsigned number)
{
	char digits[12];
	int n = 0;

	do {
		digits[n++] = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	while (n)
		*at++ = digits[--n];
	return at;
}

/* What the kernel writes of a kernel thread, from its state on; NULL: there is none. */
static const char *stat_of(int tid, char text[STAT_MAX])
{
	char path[64] = "/proc/self/task/", *end = decimal(path + strlen(path), (unsigned)tid);
	long fd, len;

	memcpy(end, "/stat", 6);
	fd = rh_sys4(SYS_openat, AT_FDCWD, (long)path, O_RDONLY | O_CLOEXEC, 0);
	if (fd < 0)
		return NULL;
	len = rh_sys4(SYS_read, fd, (long)text, STAT_MAX - 1, 0);
	rh_sys4(SYS_close, fd, 0, 0, 0);
	if (len <= 0)
		return NULL;
	text[len] = 0;
	end = strrchr(text, ')');
	return end && end[1] ? end + 2 : NULL;
}

/* The processor that it is on, by what is written of it; -1: that is not written. */
static int cpu_in(const char *stat)
{
	int cpu = 0;

	for (int i = 0; i < CPU_FIELD && stat; i++)
		if ((stat = strchr(stat, ' ')))
			stat++;
	if (!stat || *stat < '0' || *stat > '9')
		return -1;
	while (*stat >= '0' && *stat <= '9')
		cpu = cpu * 10 + *stat++ - '0';
	return cpu;
}

enum rh_seen rh_monitor_sees(int tid)
{
	char text[STAT_MAX];
	const char *stat = stat_of(tid, text);
	unsigned here = 0;

	if (!stat)
		return RH_SEEN_ELSEWHERE;
	if (*stat == 'S' || *stat == 'D')
		return RH_SEEN_ASLEEP;
	rh_sys4(SYS_getcpu, (long)&here, 0, 0, 0);
	return cpu_in(stat) == (int)here ? RH_SEEN_HERE : RH_SEEN_ELSEWHERE;
}

bool rh_monitor_is_alive(int tid)
{
	char text[STAT_MAX];
	const char *stat = stat_of(tid, text);

	return stat && *stat != 'Z' && *stat != 'X';
}

bool rh_monitor_is_awake(int tid)
{
	char text[STAT_MAX];
	const char *stat = stat_of(tid, text);

	return stat && (*stat == 'R' || *stat == 'D') && tid != rh_standby_tid();
}

/* For how long at least, of the time that it runs what it runs, it had no processor.  The
 * monitor knows since its last look. */
static uint64_t absence_of(struct rh_carrier *carrier, int tid, uint64_t now)
{
	struct rh_fiber *fiber = atomic_load(&carrier->fiber);
	uint64_t began = fiber ? atomic_load(&fiber->stats->since) : now;
	uint64_t since = began > carrier->seen_at ? began : carrier->seen_at;
	uint64_t cpu_ns = rh_clock_of_thread(tid), ran = cpu_ns - carrier->seen_cpu_ns;

	carrier->seen_cpu_ns = cpu_ns;
	carrier->seen_at = now;
	return now > since + ran ? now - since - ran : 0;
}

/* A seat whose carrier sleeps in the kernel, and not for a moment only, is taken away.
 * False: it sleeps, or there is none. */
static bool look_at(struct rh_seat *seat, uint64_t now)
{
	struct rh_carrier *carrier = atomic_load(&seat->carrier);
	uint64_t hold, absence;
	int tid;

	if (!carrier || !(tid = atomic_load(&carrier->tid)))
		return false;
	hold = atomic_load(&carrier->hold);
	if ((hold & 3) != RH_HOLD_RUNNING)
		return true;
	absence = absence_of(carrier, tid, now);
	if (absence >= ABSENT_NS && rh_monitor_sees(tid) == RH_SEEN_ASLEEP) {
		rh_carrier_lose_seat(carrier, seat, hold);
		return false;
	}
	/* Who came may go first, says the rule.  A carrier that sleeps is not woken for
	 * that. */
	if (atomic_load(&seat->inbox))
		rh_preempt_ask(carrier);
	return true;
}

static void relieve(struct rh_seat *seat)
{
	struct rh_fiber *fiber;

	if (atomic_load(&seat->carrier) || rh_carrier_relieve(seat) || !rh_maker_is_stuck())
		return;
	/* No carrier to have: what waits goes on by itself. */
	fiber = rh_seat_next(seat);
	if (!fiber)
		return;
	rh_evict(fiber, "too many threads sleep in calls to the kernel");
	rh_carrier_send_home(fiber);
}

/* Returns when the next timed wait ends; *ret_calm: every carrier that should run does. */
static uint64_t look(bool *ret_calm)
{
	uint64_t now = rh_clock(), next = rh_wheel_turn(now);

	rh_calls_look(RH_CALLS_ALL);
	rh_ready_look_now();
	*ret_calm = true;
	for (uint32_t i = 0; i < rh_seat_count; i++) {
		if (rh_seat_waiting() && !look_at(&rh_seats[i], now))
			*ret_calm = false;
		if (!atomic_load(&rh_seats[i].carrier) && rh_seat_waiting())
			relieve(&rh_seats[i]);
	}
	if (rh_seat_waiting())
		rh_outside_look(now);
	return next;
}

struct rounds {
	int quiet; /* without waiting tasks */
	int calm;  /* with carriers that all run */
	bool has_stood; /* tasks waited while it looked seldom: since then the stand-by looks, too,
			 * for who comes after a look does not ring */
};

/* Until when it may sleep if nobody rings, and nothing ends before. */
static uint64_t next_look(struct rounds *rounds, bool is_calm, uint64_t ends)
{
	bool is_unwatched = rh_calls_unwatched() || rh_ready_unwatched();
	bool is_called = atomic_exchange(&called, false);
	uint64_t soon;

	if (is_called || !is_calm || is_unwatched)
		rounds->calm = 0;
	else if (rounds->calm < CALM_ROUNDS)
		rounds->calm++;
	if (rh_seat_waiting() || is_unwatched) { /* who came before it said deep did not ring */
		rounds->quiet = 0;
		atomic_store(&deep, false);
	} else if (rounds->quiet < QUIET_ROUNDS) {
		rounds->quiet++;
	}
	atomic_store(&seldom, rounds->calm == CALM_ROUNDS);
	rounds->has_stood = rounds->has_stood || (atomic_load(&seldom) && rounds->quiet == 0);
	rh_standby_set(rounds->has_stood && atomic_load(&seldom) && !atomic_load(&deep));
	soon = rh_clock() + (is_called            ? RH_MONITOR_SOON_NS :
			     atomic_load(&seldom) ? RH_MONITOR_CALM_NS :
						    RH_MONITOR_NS);
	return atomic_load(&deep) || ends < soon ? ends : soon;
}

static void *main_of(void *none)
{
	struct rounds rounds = {0};

	(void)none;
	rh_own_begin("rh-monitor");
	rh_park_leave_rseq();
	is_monitor = true;
	atomic_store(&monitor_tid, rh_sys_tid());
	rh_sys4(SYS_prctl, PR_SET_TIMERSLACK, 1, 0, 0);
	rh_asked_open();
	for (;;) {
		uint32_t seen = atomic_load(&rings);
		uint64_t next, again;
		struct timespec until;
		bool is_calm;

		atomic_store(&deep, rounds.quiet == QUIET_ROUNDS);
		rh_own_unblock(); /* a rule may be asked here, too */
		again = rh_asked_look();
		next = look(&is_calm);
		if (rh_runtime_ended())
			next = rh_clock() + RH_MONITOR_NS;
		next = next_look(&rounds, is_calm, again < next ? again : next);
		until = rh_sys_time(next);
		rh_sys_wait(&rings, seen, next == UINT64_MAX ? NULL : &until);
	}
	return NULL;
}

int rh_monitor_start(void)
{
	return rh_own_create(rh_real.pthread_create, STACK, main_of, NULL);
}

int rh_monitor_tid(void)
{
	return atomic_load(&monitor_tid);
}

void rh_monitor_forget(void)
{
	atomic_store(&monitor_tid, 0);
	rh_standby_forget();
	atomic_store(&deep, false);
	atomic_store(&seldom, false);
}
