#include "everywhere.h"

#include "clock.h"
#include "handler.h"
#include "latch.h"
#include "monitor.h"
#include "preempt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define TASKS_MAX   4096
#define LOOK_AGAIN  (5 * 1000000u) /* ns: for threads that ended meanwhile */

static struct rh_latch latch;
static struct {
	long number, a, b, c;
} what;
static _Atomic int open_to; /* who has not made it: a place in the list, from 1 */
static _Atomic int tasks[TASKS_MAX]; /* 0: it has */
static _Atomic uint32_t answers;     /* a futex */

void rh_everywhere_here(void)
{
	int most = atomic_load(&open_to), tid;

	if (!most)
		return;
	tid = rh_sys_tid();
	for (int i = 0; i < most; i++) {
		int own = tid;

		if (!atomic_compare_exchange_strong(&tasks[i], &own, 0))
			continue;
		if (rh_sys4(what.number, what.a, what.b, what.c, 0) < 0)
			abort(); /* as the C library does: half of a process is no state */
		atomic_fetch_add(&answers, 1);
		rh_sys_wake(&answers, 1);
	}
}

void rh_everywhere_forget(void)
{
	atomic_store(&latch.word, 0);
	atomic_store(&open_to, 0);
}

struct entry {
	uint64_t inode, offset;
	uint16_t size;
	uint8_t kind;
	char name[];
};

/* All other kernel threads of the process; returns how many. */
static int list_tasks(void)
{
	_Alignas(8) char buffer[4096];
	long fd = rh_sys4(SYS_openat, AT_FDCWD, (long)"/proc/self/task",
			  O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	int count = 0, own = rh_sys_tid();
	long got;

	while (fd >= 0 &&
	       (got = rh_sys4(SYS_getdents64, fd, (long)buffer, sizeof buffer, 0)) > 0)
		for (long at = 0; at < got;) {
			const struct entry *entry = (const void *)(buffer + at);
			int tid = atoi(entry->name);

			at += entry->size;
			if (tid > 0 && tid != own && count < TASKS_MAX)
				atomic_store(&tasks[count++], tid);
		}
	if (fd >= 0)
		rh_sys4(SYS_close, fd, 0, 0, 0);
	return count;
}

static int count_others(bool (*counts)(int tid))
{
	int count, sum = 0;

	rh_latch_lock(&latch);
	count = list_tasks();
	for (int i = 0; i < count; i++)
		sum += counts(atomic_load(&tasks[i]));
	rh_latch_unlock(&latch);
	return sum;
}

int rh_everywhere_others(void)
{
	return count_others(rh_monitor_is_alive);
}

int rh_everywhere_awake(void)
{
	return count_others(rh_monitor_is_awake);
}

/* Signals those that have not answered, or with 0 looks whether they are there; returns
 * how many are left. */
static int ask(int count, int sig)
{
	int pid = rh_sys_pid(), left = 0;

	for (int i = 0; i < count; i++) {
		int tid = atomic_load(&tasks[i]);

		if (tid && rh_sys_tgkill(pid, tid, sig) == -ESRCH)
			atomic_store(&tasks[i], 0);
		else if (tid)
			left++;
	}
	return left;
}

static void await_answers(int count)
{
	for (;;) {
		uint32_t seen = atomic_load(&answers);
		struct timespec until = rh_sys_time(rh_clock() + LOOK_AGAIN);

		if (!ask(count, 0))
			return;
		rh_sys_wait(&answers, seen, &until);
	}
}

long rh_everywhere(long number, long a, long b, long c)
{
	long result;
	int count;

	rh_handler_enter();
	rh_latch_lock(&latch);
	result = rh_sys4(number, a, b, c, 0);
	if (result >= 0) {
		what.number = number;
		what.a = a;
		what.b = b;
		what.c = c;
		count = list_tasks();
		atomic_store(&open_to, count);
		ask(count, RH_PREEMPT_SIGNAL);
		await_answers(count);
		atomic_store(&open_to, 0);
	}
	rh_latch_unlock(&latch);
	rh_handler_leave();
	return result;
}
