#include "watchdog.h"

#include "../../base/diag.h"
#include "../limits.h"
#include "signals.h"
#include "thread.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define TICK_US_MAX 5000u
#define IDLE_TICKS  100u

_Atomic unsigned rh_watchdog_sleeps;

static pthread_mutex_t   lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t    fork_once = PTHREAD_ONCE_INIT;
static struct rh_thread *threads; /* of them all, under lock */
static pid_t             runs_in; /* the process that has a watchdog, under lock */
static bool              has_barrier;

/* ---- looking ---- */

static uint64_t processor_ns(clockid_t clock)
{
	struct timespec now;

	if (clock_gettime(clock, &now) < 0)
		return 0;
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void kick(struct rh_thread *thread, uint64_t mark)
{
	uint32_t taken = atomic_load_explicit(&thread->kicks_taken, memory_order_relaxed);

	if ((int32_t)(thread->kicks_sent - taken) <= 0 && /* T3 */
	    rh_signals_kick(thread->thread, mark) == RH_OK)
		thread->kicks_sent = taken + 1;
}

/* In no call.  That it was in others meanwhile is told by their numbers. */
static uint32_t look_at_idle(struct rh_thread *thread, uint64_t mark, bool *is_busy)
{
	if (mark != thread->idle_mark)
		*is_busy = true;
	thread->idle_mark = mark;
	thread->seen_call = 0;
	return TICK_US_MAX;
}

/* Returns how soon to look at it again, in microseconds. */
static uint32_t look_at(struct rh_thread *thread, bool *is_busy)
{
	uint64_t mark = atomic_load_explicit(&thread->mark, memory_order_acquire); /* T1 */
	uint32_t limit = atomic_load_explicit(&thread->limit_us, memory_order_relaxed);
	uint64_t now, call = mark & ~RH_PLACES;

	if ((mark & RH_PLACES) == RH_OUTSIDE)
		return look_at_idle(thread, mark, is_busy);
	*is_busy = true;
	now = processor_ns(thread->clock);
	if (call != thread->seen_call) {
		thread->seen_call = call;
		thread->seen_ns = now;
	} else if (now - thread->seen_ns >= (uint64_t)limit * 1000) {
		kick(thread, mark);
	}
	return limit / 4;
}

static uint32_t look(bool *is_busy)
{
	uint32_t soonest = TICK_US_MAX;

	pthread_mutex_lock(&lock);
	for (struct rh_thread *thread = threads; thread; thread = thread->next) {
		uint32_t again = look_at(thread, is_busy);

		if (again < soonest)
			soonest = again;
	}
	pthread_mutex_unlock(&lock);
	return soonest;
}

/* ---- sleeping ---- */

/* W1.  Without the barrier there is no sleep but the tick. */
static void sleep_until_called(void)
{
	bool is_busy = false;

	if (!has_barrier)
		return;
	atomic_store_explicit(&rh_watchdog_sleeps, 1, memory_order_seq_cst);
	syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
	look(&is_busy);
	if (is_busy)
		atomic_store_explicit(&rh_watchdog_sleeps, 0, memory_order_relaxed);
	while (atomic_load_explicit(&rh_watchdog_sleeps, memory_order_relaxed))
		syscall(SYS_futex, &rh_watchdog_sleeps, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0);
}

void rh_watchdog_rouse(void)
{
	if (!atomic_exchange_explicit(&rh_watchdog_sleeps, 0, memory_order_relaxed))
		return;
	if (runs_in != getpid())
		rh_watchdog_start(NULL);
	else
		syscall(SYS_futex, &rh_watchdog_sleeps, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL,
		        0);
}

static void *watch(void *none)
{
	unsigned idle = 0;

	(void)none;
	for (;;) {
		bool            is_busy = false;
		uint32_t        us = look(&is_busy);
		struct timespec tick = { .tv_nsec = (long)us * 1000 };

		idle = is_busy ? 0 : idle + 1;
		if (idle > IDLE_TICKS) {
			sleep_until_called();
			idle = 0;
		} else {
			nanosleep(&tick, NULL);
		}
	}
	return NULL;
}

/* ---- starting ---- */

static void before_fork(void)
{
	pthread_mutex_lock(&lock);
}

static void in_parent(void)
{
	pthread_mutex_unlock(&lock);
}

/* Of the child's threads there is one, and no watchdog: its next call starts one. */
static void in_child(void)
{
	threads = rh_thread_self;
	if (threads) {
		threads->next = NULL;
		threads->thread = pthread_self();
		pthread_getcpuclockid(threads->thread, &threads->clock);
		/* What waits for the parent's thread is not inherited. */
		threads->kicks_sent = atomic_load_explicit(&threads->kicks_taken,
		                                           memory_order_relaxed);
	}
	runs_in = 0;
	atomic_store_explicit(&rh_watchdog_sleeps, 1, memory_order_relaxed);
	pthread_mutex_unlock(&lock);
}

static void at_first(void)
{
	pthread_atfork(before_fork, in_parent, in_child);
}

static int start_thread(struct rh_diag *diag)
{
	pthread_attr_t attr;
	pthread_t      thread;
	sigset_t       all, kept;
	int            err;

	has_barrier = syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0,
	                      0) == 0;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &kept);
	err = pthread_create(&thread, &attr, watch, NULL);
	pthread_sigmask(SIG_SETMASK, &kept, NULL);
	pthread_attr_destroy(&attr);
	if (err)
		return rh_diag_set(diag, RH_ENOMEM, "no thread to watch over rules: %s",
		                   strerror(err));
	return RH_OK;
}

void rh_watchdog_mind_forks(void)
{
	pthread_once(&fork_once, at_first);
}

int rh_watchdog_start(struct rh_diag *diag)
{
	int err = RH_OK;

	rh_watchdog_mind_forks();
	pthread_mutex_lock(&lock);
	if (runs_in != getpid())
		err = start_thread(diag);
	if (err == RH_OK)
		runs_in = getpid();
	pthread_mutex_unlock(&lock);
	return err;
}

void rh_watchdog_add(struct rh_thread *thread)
{
	pthread_mutex_lock(&lock);
	thread->next = threads;
	threads = thread;
	pthread_mutex_unlock(&lock);
}

void rh_watchdog_remove(struct rh_thread *thread)
{
	pthread_mutex_lock(&lock);
	for (struct rh_thread **at = &threads; *at; at = &(*at)->next) {
		if (*at == thread) {
			*at = thread->next;
			break;
		}
	}
	pthread_mutex_unlock(&lock);
}
