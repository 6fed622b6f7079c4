#include "monitor.h"

#include "asked.h"
#include "calls.h"
#include "carrier.h"
#include "clock.h"
#include "code.h"
#include "evict.h"
#include "loan.h"
#include "own.h"
#include "park.h"
#include "preempt.h"
#include "runtime.h"
#include "seat.h"
#include "wheel.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* Who asks for another rule sends signals, and those that come while the process is stopped
 * or waits for a processor come all at once, each with a frame.  Only addresses, until then. */
#define STACK       (8u << 20)
#define QUIET_ROUNDS 8 /* without waiting tasks, before it sleeps */

static _Atomic uint32_t rings; /* a futex */
static _Atomic bool deep;      /* it sleeps without a look now and then */
static __thread bool is_monitor __attribute__((tls_model("initial-exec")));

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

/* The state of a kernel thread, as the kernel writes it; 0: there is none. */
static char state_of(int tid)
{
	char path[64] = "/proc/self/task/", text[256];
	char *end = decimal(path + strlen(path), (unsigned)tid);
	long fd, len;

	memcpy(end, "/stat", 6);
	fd = rh_sys4(SYS_openat, AT_FDCWD, (long)path, O_RDONLY | O_CLOEXEC, 0);
	if (fd < 0)
		return 0;
	len = rh_sys4(SYS_read, fd, (long)text, sizeof text - 1, 0);
	rh_sys4(SYS_close, fd, 0, 0, 0);
	if (len <= 0)
		return 0;
	text[len] = 0;
	end = strrchr(text, ')');
	return end ? end[2] : 0;
}

static bool sleeps(int tid)
{
	char state = state_of(tid);

	return state == 'S' || state == 'D';
}

bool rh_monitor_is_dead(int tid)
{
	char state = state_of(tid);

	return !state || state == 'Z' || state == 'X';
}

static clockid_t cpu_clock_of(int tid)
{
	return (clockid_t)(~(unsigned)tid << 3 | 6); /* per thread, scheduler's */
}

/* A seat whose carrier does not run, though it should. */
static void look_at(struct rh_seat *seat)
{
	struct rh_carrier *carrier = atomic_load(&seat->carrier);
	uint64_t hold, cpu_ns;
	int tid;

	if (!carrier || !(tid = atomic_load(&carrier->tid)))
		return;
	hold = atomic_load(&carrier->hold);
	if ((hold & 3) != RH_HOLD_RUNNING)
		return;
	cpu_ns = rh_clock_of(cpu_clock_of(tid));
	if (carrier->seen_hold != hold || carrier->seen_cpu_ns != cpu_ns) {
		carrier->seen_hold = hold;
		carrier->seen_cpu_ns = cpu_ns;
		/* Who came may go first, says the rule.  A carrier that sleeps is not woken
		 * for that: it would get processor time, and keep its seat. */
		if (atomic_load(&seat->inbox) && !sleeps(tid))
			rh_preempt_ask(carrier);
		return;
	}
	if (!sleeps(tid))
		return;
	rh_carrier_lose_seat(carrier, seat, hold);
}

static void relieve(struct rh_seat *seat)
{
	struct rh_fiber *fiber;

	if (atomic_load(&seat->carrier) || rh_carrier_relieve(seat))
		return;
	/* No carrier to have: what waits goes on by itself. */
	fiber = rh_seat_next(seat);
	if (!fiber)
		return;
	rh_evict(fiber, "too many threads sleep in calls to the kernel");
	rh_carrier_send_home(fiber);
}

static uint64_t unblocked; /* the monitor's; signals of rules */

/* A rule may be asked here, too. */
static void be_ready_for_rules(void)
{
	uint64_t own = rh_own_signals();

	if (own == unblocked)
		return;
	rh_sys_mask(SIG_UNBLOCK, &own);
	unblocked = own;
}

static uint64_t look(void)
{
	uint64_t next = rh_wheel_turn(rh_clock());

	rh_calls_look(RH_CALLS_ALL);
	for (uint32_t i = 0; i < rh_seat_count; i++) {
		if (rh_seat_waiting())
			look_at(&rh_seats[i]);
		if (!atomic_load(&rh_seats[i].carrier) && rh_seat_waiting())
			relieve(&rh_seats[i]);
	}
	return next;
}

static void *main_of(void *none)
{
	int quiet = 0;

	(void)none;
	rh_own_thread = true;
	rh_park_leave_rseq();
	rh_loan_open();
	is_monitor = true;
	rh_asked_open();
	for (;;) {
		uint32_t seen = atomic_load(&rings);
		uint64_t next, soon, again;
		struct timespec until;

		atomic_store(&deep, quiet >= QUIET_ROUNDS);
		be_ready_for_rules();
		again = rh_asked_obey();
		next = look();
		if (rh_runtime_ended())
			next = rh_clock() + RH_MONITOR_NS;
		/* Whoever came before it said deep did not ring. */
		if (rh_seat_waiting() || rh_calls_unwatched()) {
			quiet = 0;
			atomic_store(&deep, false);
		} else if (quiet < QUIET_ROUNDS) {
			quiet++;
		}
		soon = rh_clock() + RH_MONITOR_NS;
		if (!atomic_load(&deep) && soon < next)
			next = soon;
		if (again < next)
			next = again;
		until = rh_sys_time(next);
		rh_sys_wait(&rings, seen, next == UINT64_MAX ? NULL : &until);
	}
	return NULL;
}

int rh_monitor_start(void)
{
	pthread_attr_t attributes;
	uint64_t all = ~(1ull << (RH_PREEMPT_SIGNAL - 1)), old;
	pthread_t thread;
	int result;

	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, STACK);
	old = rh_sys_mask(SIG_BLOCK, &all);
	result = rh_real.pthread_create(&thread, &attributes, main_of, NULL);
	rh_sys_mask(SIG_SETMASK, &old);
	pthread_attr_destroy(&attributes);
	return result;
}

void rh_monitor_forget(void)
{
	unblocked = 0;
	atomic_store(&deep, false);
}
