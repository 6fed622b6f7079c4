#include "waitqueue.h"

#include "attend.h"
#include "real.h"
#include "seat.h"
#include "handler.h"
#include "wheel.h"

#include <errno.h>
#include <string.h>

#define BUCKETS 1024u

struct rh_bucket {
	_Alignas(64) struct rh_latch latch;
	_Atomic uint64_t came, went; /* waiters; more came than went: some are there */
	uint64_t turn;               /* of who has the latch, as a waiter */
	struct rh_waiter *head;
};

static struct rh_bucket buckets[BUCKETS];

static struct rh_bucket *bucket_of(const void *key)
{
	uint64_t x = (uint64_t)(uintptr_t)key * 0x9e3779b97f4a7c15ull;

	return &buckets[x >> 54];
}

struct rh_bucket *rh_wait_open(const void *key)
{
	struct rh_bucket *bucket = bucket_of(key);
	uint64_t turn;

	rh_handler_enter();
	turn = atomic_fetch_add(&bucket->came, 1);
	rh_latch_lock(&bucket->latch);
	bucket->turn = turn;
	return bucket;
}

void rh_wait_leave(struct rh_bucket *bucket)
{
	rh_latch_unlock(&bucket->latch);
	atomic_fetch_add(&bucket->went, 1);
	rh_handler_leave();
}

static void append(struct rh_bucket *bucket, struct rh_waiter *waiter)
{
	struct rh_waiter **at = &bucket->head;

	while (*at)
		at = &(*at)->next;
	waiter->next = NULL;
	waiter->turn = bucket->turn;
	waiter->queued = true;
	*at = waiter;
}

static bool take_out(struct rh_bucket *bucket, struct rh_waiter *waiter)
{
	struct rh_waiter **at = &bucket->head;

	if (!waiter->queued)
		return false;
	while (*at != waiter)
		at = &(*at)->next;
	*at = waiter->next;
	waiter->queued = false;
	return true;
}

/* One that was taken out goes on.  A kernel thread's waiter is on its stack: not touched
 * once `woken` is set, but for the futex's address. */
static void resume(struct rh_waiter *waiter, enum rh_waited why)
{
	waiter->why = why;
	if (waiter->fiber) {
		if (waiter->asleep)
			rh_seat_put(waiter->fiber);
		return;
	}
	atomic_store(&waiter->woken, 1);
	rh_sys_wake(&waiter->woken, 1);
}

/* It keeps its place; who wakes it then finds it awake. */
static void run_meanwhile(struct rh_waiter *waiter)
{
	if (!waiter->asleep)
		return;
	waiter->asleep = false;
	rh_seat_put(waiter->fiber);
}

struct abandoned {
	struct rh_bucket *bucket;
	struct rh_waiter *waiter;
};

/* Also when the thread is cancelled in its sleep. */
static void abandon(struct abandoned *at)
{
	rh_handler_enter();
	rh_latch_lock(&at->bucket->latch);
	take_out(at->bucket, at->waiter);
	rh_latch_unlock(&at->bucket->latch);
	rh_handler_leave();
	atomic_fetch_add(&at->bucket->went, 1);
}

static enum rh_waited sleep_in_kernel(struct rh_bucket *bucket, const struct rh_wait *how)
{
	struct rh_waiter waiter = {.key = how->key, .tag = how->tag, .why = RH_WOKEN};
	__attribute__((cleanup(abandon), unused)) struct abandoned own = {bucket, &waiter};
	struct timespec until = rh_sys_time(how->until);
	int result, type = 0;

	append(bucket, &waiter);
	rh_latch_unlock(&bucket->latch);
	rh_handler_leave();
	if (how->queued && !how->queued(how->passed))
		return RH_WOKEN;
	if (how->interruptible)
		rh_real.pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &type);
	do {
		result = rh_sys_wait(&waiter.woken, 0,
				     how->until == RH_WAIT_FOREVER ? NULL : &until);
	} while (!atomic_load(&waiter.woken) && result != -ETIMEDOUT &&
		 !(result == -EINTR && how->interruptible));
	if (how->interruptible)
		rh_real.pthread_setcanceltype(type, NULL);
	rh_handler_enter();
	rh_latch_lock(&bucket->latch);
	if (take_out(bucket, &waiter))
		waiter.why = result == -EINTR ? RH_SIGNALLED : RH_TIMEOUT;
	rh_latch_unlock(&bucket->latch);
	rh_handler_leave();
	return waiter.why;
}

/* In the queue, but not asleep; false: it is not to sleep any more. */
static bool still_waits(struct rh_bucket *bucket, const struct rh_wait *how,
			struct rh_waiter *waiter)
{
	bool goes_on;

	if (!how->queued)
		return true;
	rh_latch_unlock(&bucket->latch);
	rh_handler_leave();
	goes_on = how->queued(how->passed);
	rh_handler_enter();
	rh_latch_lock(&bucket->latch);
	if (!goes_on)
		take_out(bucket, waiter);
	return waiter->queued;
}

/* Woken, or in the queue still, for a signal.  True: it waits on, under the latch. */
static bool handle_meanwhile(struct rh_fiber *fiber, struct rh_bucket *bucket)
{
	rh_handler_leave();
	rh_attend(fiber);
	rh_handler_enter();
	rh_latch_lock(&bucket->latch);
	if (fiber->waiter.queued)
		return true;
	rh_latch_unlock(&bucket->latch);
	return false;
}

/* Under the latch, which is given back. */
static void sleep_on(struct rh_fiber *fiber, struct rh_bucket *bucket)
{
	do {
		if (fiber->waiter.handling && rh_attend_due(fiber)) {
			rh_latch_unlock(&bucket->latch);
			continue;
		}
		fiber->waiter.asleep = true;
		rh_fiber_leave(RH_LEAVE_WAIT, &bucket->latch);
	} while (fiber->waiter.queued && handle_meanwhile(fiber, bucket));
}

static void sleep_as_fiber(struct rh_fiber *fiber, struct rh_bucket *bucket,
			   const struct rh_wait *how)
{
	bool timed = how->until != RH_WAIT_FOREVER;

	append(bucket, &fiber->waiter);
	if (timed)
		rh_wheel_add(fiber, how->until);
	if (still_waits(bucket, how, &fiber->waiter)) {
		sleep_on(fiber, bucket);
	} else {
		rh_latch_unlock(&bucket->latch);
	}
	atomic_store(&fiber->bucket, NULL);
	if (timed)
		rh_wheel_remove(fiber);
	atomic_fetch_add(&bucket->went, 1);
	rh_handler_leave();
}

enum rh_waited rh_wait_sleep(struct rh_bucket *bucket, const struct rh_wait *how)
{
	struct rh_fiber *fiber = rh_fiber_current();

	if (!fiber)
		return sleep_in_kernel(bucket, how);
	fiber->waiter = (struct rh_waiter){.key = how->key, .fiber = fiber, .tag = how->tag,
					   .interruptible = how->interruptible,
					   .handling = how->handling};
	atomic_store(&fiber->bucket, bucket); /* P5: before it looks whether it is due */
	if (how->interruptible && (rh_attend_due(fiber) || atomic_load(&fiber->cancel))) {
		atomic_store(&fiber->bucket, NULL);
		rh_wait_leave(bucket);
		rh_attend(fiber);
		return RH_SIGNALLED;
	}
	sleep_as_fiber(fiber, bucket, how);
	return fiber->waiter.why;
}

/* Who is to be woken. */
struct wake {
	const void *key;
	uint32_t bits;   /* those whose tag has one of them; 0: all */
	uint64_t before; /* those whose turn is before this one */
	int most;
};

static bool is_meant(const struct wake *wake, const struct rh_waiter *waiter)
{
	return waiter->key == wake->key && waiter->turn < wake->before &&
	       (!wake->bits || waiter->tag & wake->bits);
}

/* Under the latch. */
static int wake_in(struct rh_bucket *bucket, const struct wake *wake)
{
	struct rh_waiter **at = &bucket->head;
	int woken = 0;

	while (*at && woken < wake->most) {
		struct rh_waiter *waiter = *at;

		if (!is_meant(wake, waiter)) {
			at = &waiter->next;
			continue;
		}
		*at = waiter->next;
		waiter->queued = false;
		woken++;
		resume(waiter, RH_WOKEN);
	}
	return woken;
}

/* What is read first is not more than what is read then: equal, and nobody waits. */
static bool is_waited_in(struct rh_bucket *bucket, uint64_t *ret_came)
{
	uint64_t went;

	atomic_thread_fence(memory_order_seq_cst);
	went = atomic_load_explicit(&bucket->went, memory_order_acquire);
	*ret_came = atomic_load_explicit(&bucket->came, memory_order_relaxed);
	return *ret_came != went;
}

static int wake_by(struct rh_bucket *bucket, const struct wake *wake)
{
	int woken;

	rh_handler_enter();
	rh_latch_lock(&bucket->latch);
	woken = wake_in(bucket, wake);
	rh_latch_unlock(&bucket->latch);
	rh_handler_leave();
	return woken;
}

int rh_wait_wake_early(const void *key, uint32_t bits, int most)
{
	struct wake wake = {.key = key, .bits = bits, .most = most};
	struct rh_bucket *bucket = bucket_of(key);

	return is_waited_in(bucket, &wake.before) ? wake_by(bucket, &wake) : 0;
}

void rh_wait_wake(const void *key, int most)
{
	struct wake wake = {.key = key, .before = UINT64_MAX, .most = most};
	struct rh_bucket *bucket = bucket_of(key);
	uint64_t came;

	if (is_waited_in(bucket, &came))
		wake_by(bucket, &wake);
}

void rh_wait_wake_all(struct rh_bucket *bucket, const void *key)
{
	struct wake wake = {.key = key, .before = UINT64_MAX, .most = INT32_MAX};

	wake_in(bucket, &wake);
	rh_wait_leave(bucket);
}

/* Under the latch, of one that is in the queue. */
static void interrupt_in(struct rh_bucket *bucket, struct rh_fiber *fiber)
{
	struct rh_waiter *waiter = &fiber->waiter;
	bool due = rh_attend_due(fiber);

	if (due && waiter->handling) {
		run_meanwhile(waiter);
	} else if ((due || atomic_load(&fiber->cancel)) && waiter->interruptible) {
		take_out(bucket, waiter);
		resume(waiter, RH_SIGNALLED);
	}
}

void rh_wait_interrupt(struct rh_fiber *fiber)
{
	struct rh_bucket *bucket = atomic_load(&fiber->bucket);

	if (!bucket)
		return;
	rh_handler_enter();
	rh_latch_lock(&bucket->latch);
	if (atomic_load(&fiber->bucket) == bucket && fiber->waiter.queued)
		interrupt_in(bucket, fiber);
	rh_latch_unlock(&bucket->latch);
	rh_handler_leave();
}

void rh_wait_expire(struct rh_fiber *fiber, uint64_t deadline)
{
	struct rh_bucket *bucket = atomic_load(&fiber->bucket);

	if (!bucket)
		return;
	rh_latch_lock(&bucket->latch);
	if (atomic_load(&fiber->bucket) == bucket && fiber->deadline == deadline &&
	    take_out(bucket, &fiber->waiter))
		resume(&fiber->waiter, RH_TIMEOUT);
	rh_latch_unlock(&bucket->latch);
}

bool rh_wait_has(struct rh_bucket *bucket, const void *key, uint32_t tag)
{
	for (struct rh_waiter *waiter = bucket->head; waiter; waiter = waiter->next)
		if (waiter->key == key && waiter->tag == tag)
			return true;
	return false;
}

void rh_wait_forget_all(void)
{
	memset(buckets, 0, sizeof buckets);
}
