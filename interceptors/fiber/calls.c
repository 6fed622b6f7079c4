#include "calls.h"

#include "clock.h"
#include "handler.h"
#include "hangup.h"
#include "real.h"
#include "seat.h"
#include "waitqueue.h"

#include "../../base/await.h"

#include <errno.h>

#define WATCHED_MAX (FUTEX_WAITV_MAX - 1u)
#define NOWHERE     UINT32_MAX
#define LOOK_NS     (20 * RH_NS_PER_S / 1000) /* where nobody tells of a hang-up */

/* One that waits. */
struct call {
	_Atomic uint32_t *word;
	uint32_t seen;
	uint32_t *at; /* where it stands in the table, or NOWHERE; under the latch */
};

/* What a fiber passes to itself in the queue. */
struct sleeper {
	struct call call;
	uint32_t at;
	int fd; /* -1: none is looked at */
};

static struct rh_latch latch;
static struct call table[RH_FIBERS_MAX];
static _Atomic uint32_t count;
static uint32_t cursor; /* where a look at some goes on */

/* P6 */
static _Atomic uint64_t changes; /* how often one came */
static _Atomic uint64_t watch;   /* changes << 8 | seat + 1, of who sleeps on them */

/* ---- the table ---- */

/* Under the latch. */
static void take_out(uint32_t index)
{
	uint32_t last = atomic_load_explicit(&count, memory_order_relaxed) - 1;

	*table[index].at = NOWHERE;
	if (index != last) {
		table[index] = table[last];
		*table[index].at = index;
	}
	atomic_store(&count, last);
}

static void come(struct sleeper *sleeper)
{
	rh_latch_lock(&latch);
	sleeper->at = atomic_load_explicit(&count, memory_order_relaxed);
	table[sleeper->at] = sleeper->call;
	atomic_store(&count, sleeper->at + 1);
	atomic_fetch_add(&changes, 1);
	rh_latch_unlock(&latch);
}

static void go(struct sleeper *sleeper)
{
	rh_latch_lock(&latch);
	if (sleeper->at != NOWHERE)
		take_out(sleeper->at);
	rh_latch_unlock(&latch);
}

/* ---- who looks ---- */

/* Takes out whose word has changed, up to room, of so many; under the latch. */
static uint32_t collect(uint32_t most, const void **words, uint32_t room)
{
	uint32_t found = 0;

	for (uint32_t left = atomic_load(&count); left > 0 && most > 0 && found < room;
	     left--, most--) {
		if (cursor >= atomic_load_explicit(&count, memory_order_relaxed))
			cursor = 0;
		if (atomic_load(table[cursor].word) == table[cursor].seen) {
			cursor++;
			continue;
		}
		words[found++] = table[cursor].word;
		take_out(cursor);
	}
	return found;
}

void rh_calls_look(uint32_t most)
{
	const void *words[RH_CALLS_SOME];
	uint32_t found;

	do {
		if (!atomic_load(&count))
			return;
		if (most == RH_CALLS_ALL)
			rh_latch_lock(&latch);
		else if (!rh_latch_try(&latch))
			return;
		found = collect(most, words, RH_CALLS_SOME);
		rh_latch_unlock(&latch);
		for (uint32_t i = 0; i < found; i++)
			rh_wait_wake(words[i], INT32_MAX);
	} while (most == RH_CALLS_ALL && found == RH_CALLS_SOME);
}

/* What waits, for the kernel; P6. */
static uint32_t list(struct futex_waitv *words, uint32_t seat)
{
	uint32_t listed;

	rh_latch_lock(&latch);
	listed = atomic_load(&count);
	if (listed <= WATCHED_MAX)
		atomic_store(&watch, atomic_load(&changes) << 8 | (seat + 1));
	else
		listed = WATCHED_MAX;
	for (uint32_t i = 0; i < listed; i++)
		words[i] = (struct futex_waitv){.val = table[i].seen, .flags = FUTEX_32,
						.uaddr = (uintptr_t)table[i].word};
	rh_latch_unlock(&latch);
	return listed;
}

static void end_watch(uint32_t seat)
{
	uint64_t seen = atomic_load(&watch);

	if ((seen & 0xff) == seat + 1)
		atomic_compare_exchange_strong(&watch, &seen, 0);
}

void rh_calls_sleep(_Atomic uint32_t *called, uint32_t seat)
{
	struct futex_waitv words[FUTEX_WAITV_MAX];
	uint32_t listed;

	if (!atomic_load(&count)) {
		rh_sys_wait(called, 0, NULL);
		return;
	}
	listed = list(words + 1, seat);
	words[0] = (struct futex_waitv){.val = 0, .flags = FUTEX_32 | FUTEX_PRIVATE_FLAG,
					.uaddr = (uintptr_t)called};
	rh_sys6(SYS_futex_waitv, (long)words, (long)listed + 1, 0, 0, 0, 0);
	end_watch(seat);
	rh_calls_look(RH_CALLS_ALL);
}

bool rh_calls_any(void)
{
	return atomic_load(&count) != 0;
}

bool rh_calls_unwatched(void)
{
	return atomic_load(&count) && atomic_load(&watch) >> 8 != atomic_load(&changes);
}

void rh_calls_forget_all(void)
{
	atomic_store(&latch.word, 0);
	atomic_store(&count, 0);
	atomic_store(&watch, 0);
	rh_hangup_forget();
}

/* ---- of fibers ---- */

/* In the queue: from now on the answer, and the hang-up, wake it. */
static bool queued(void *passed)
{
	struct sleeper *sleeper = passed;

	come(sleeper);
	if (sleeper->fd >= 0)
		rh_hangup_arm(sleeper->fd, sleeper->call.word);
	return atomic_load(sleeper->call.word) == sleeper->call.seen;
}

/* Whether the kernel can wait for several words. */
static bool can_watch(void)
{
	static _Atomic int known; /* 1 yes, 2 no */

	if (!atomic_load(&known))
		atomic_store(&known, rh_sys6(SYS_futex_waitv, 0, 0, 0, 0, 0, 0) == -ENOSYS
				     ? 2 : 1);
	return atomic_load(&known) == 1;
}

static int lends(void)
{
	return rh_fiber_current() && can_watch();
}

static int is_wanted(void)
{
	return rh_seat_waiting();
}

/* Signals are put off until it is in no table any more: their handlers may not come back. */
static void sleep_for(_Atomic uint32_t *word, uint32_t seen, uint64_t until_ns, int fd)
{
	struct sleeper sleeper = {.call = {.word = word, .seen = seen, .at = &sleeper.at},
				  .at = NOWHERE, .fd = -1};
	struct rh_wait how = {.key = word, .until = until_ns ? until_ns : RH_WAIT_FOREVER,
			      .interruptible = true, .queued = queued, .passed = &sleeper};
	uint64_t soon = rh_clock() + LOOK_NS;

	rh_handler_enter();
	if (fd >= 0 && rh_hangup_add(fd, word))
		sleeper.fd = fd;
	else if (fd >= 0 && soon < how.until)
		how.until = soon;
	rh_wait_sleep(rh_wait_open(word), &how);
	go(&sleeper);
	if (sleeper.fd >= 0)
		rh_hangup_remove(fd);
	rh_handler_leave();
}

RH_INTERPOSED const struct rh_await_runtime rh_await_runtime = {
	.version = RH_AWAIT_VERSION,
	.lends = lends,
	.is_wanted = is_wanted,
	.sleep = sleep_for,
};
