#include "tasklet.h"

#include "session.h"
#include "softirq.h"

#include "../../model/check.h"

#include <linux/futex.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

enum {
	SCHEDULED = 1 << 0, RUNNING = 1 << 1, TAKEN = 1 << 2, PARKED = 1 << 3,
	DEAD = 1 << 4, AWAITED = 1 << 5, DISABLED = 1 << 8,
};

_Thread_local struct rh_tasklet *rh_tasklet_current
	__attribute__((tls_model("initial-exec")));

static struct {
	pthread_mutex_t    lock;
	struct rh_tasklet *first;
} all = { .lock = PTHREAD_MUTEX_INITIALIZER };

static bool is_disabled(uint32_t word)
{
	return word >= DISABLED;
}

/* ---- waiting ---- */

static void wake(struct rh_tasklet *tasklet)
{
	syscall(SYS_futex, &tasklet->word, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
}

/* Until none of the bits is set. */
static void await(struct rh_tasklet *tasklet, uint32_t bits)
{
	uint32_t word = atomic_load_explicit(&tasklet->word, memory_order_acquire);

	while (word & bits) {
		if (!(word & AWAITED) &&
		    !atomic_compare_exchange_weak_explicit(&tasklet->word, &word, word | AWAITED,
			    memory_order_acq_rel, memory_order_acquire))
			continue;
		syscall(SYS_futex, &tasklet->word, FUTEX_WAIT_PRIVATE, word | AWAITED, NULL, NULL,
		        0);
		word = atomic_load_explicit(&tasklet->word, memory_order_acquire);
	}
}

/* Those who wait look at the new word. */
static bool change(struct rh_tasklet *tasklet, uint32_t *word, uint32_t to)
{
	if (!atomic_compare_exchange_weak_explicit(&tasklet->word, word, to & ~(uint32_t)AWAITED,
		    memory_order_acq_rel, memory_order_acquire))
		return false;
	if (*word & AWAITED)
		wake(tasklet);
	return true;
}

/* ---- the word ---- */

bool rh_tasklet_mark(struct rh_tasklet *tasklet)
{
	uint32_t word = atomic_fetch_or_explicit(&tasklet->word, SCHEDULED,
	                                         memory_order_acq_rel);

	return !(word & SCHEDULED);
}

enum rh_taken rh_tasklet_take(struct rh_tasklet *tasklet)
{
	uint32_t      word = atomic_load_explicit(&tasklet->word, memory_order_acquire), to;
	enum rh_taken taken;

	do {
		RH_CHECK(word & SCHEDULED && !(word & (TAKEN | PARKED)));
		if (word & RUNNING) {
			to = word | TAKEN;
			taken = RH_TAKEN_LATER;
		} else if (word & DEAD) {
			to = word & ~(uint32_t)SCHEDULED;
			taken = RH_TAKEN_GONE;
		} else if (is_disabled(word)) {
			to = word | PARKED;
			taken = RH_TAKEN_LATER;
		} else {
			to = (word & ~(uint32_t)SCHEDULED) | RUNNING;
			taken = RH_TAKEN_TO_RUN;
		}
	} while (!change(tasklet, &word, to));
	return taken;
}

bool rh_tasklet_let_go(struct rh_tasklet *tasklet, bool again)
{
	uint32_t word = atomic_load_explicit(&tasklet->word, memory_order_acquire), to;
	bool     is_ours; /* to queue */

	do {
		RH_CHECK(word & RUNNING);
		to = word & ~(uint32_t)(RUNNING | TAKEN);
		is_ours = word & TAKEN;
		if (again && !(word & (SCHEDULED | DEAD))) {
			to |= SCHEDULED;
			is_ours = true;
		}
	} while (!change(tasklet, &word, to));
	return is_ours;
}

bool rh_tasklet_allow(struct rh_tasklet *tasklet)
{
	uint32_t word = atomic_load_explicit(&tasklet->word, memory_order_acquire), to;
	bool     is_ours;

	do {
		RH_CHECK(is_disabled(word));
		to = word - DISABLED;
		is_ours = word & PARKED && !is_disabled(to);
		if (is_ours)
			to &= ~(uint32_t)PARKED;
	} while (!change(tasklet, &word, to));
	return is_ours;
}

EXPORT void rh_tasklet_disable(struct rh_tasklet *tasklet)
{
	atomic_fetch_add_explicit(&tasklet->word, DISABLED, memory_order_acq_rel);
	if (rh_tasklet_current != tasklet)
		await(tasklet, RUNNING);
}

/* ---- making and ending ---- */

static void put_on_list(struct rh_tasklet *tasklet)
{
	pthread_mutex_lock(&all.lock);
	tasklet->all_next = all.first;
	if (all.first)
		all.first->all_before = tasklet;
	all.first = tasklet;
	pthread_mutex_unlock(&all.lock);
}

static void take_from_list(struct rh_tasklet *tasklet)
{
	pthread_mutex_lock(&all.lock);
	if (tasklet->all_before)
		tasklet->all_before->all_next = tasklet->all_next;
	else
		all.first = tasklet->all_next;
	if (tasklet->all_next)
		tasklet->all_next->all_before = tasklet->all_before;
	pthread_mutex_unlock(&all.lock);
}

static int create(const struct rh_tasklet *as, struct rh_tasklet **ret_tasklet)
{
	struct rh_tasklet *tasklet;
	int                r = rh_softirq_begin();

	if (r < 0)
		return r;
	if (!(tasklet = malloc(sizeof *tasklet)))
		return rh_fail(RH_ENOMEM, "no memory for a tasklet");
	*tasklet = *as;
	put_on_list(tasklet);
	*ret_tasklet = tasklet;
	return RH_OK;
}

EXPORT int rh_tasklet_create(rh_tasklet_run *run, void *user,
                             struct rh_tasklet **ret_tasklet)
{
	struct rh_tasklet tasklet = { .run = run, .user = user };

	if (!run)
		return rh_fail(RH_EINVAL, "a tasklet needs a function to run");
	return create(&tasklet, ret_tasklet);
}

EXPORT int rh_softirq_open(rh_softirq_poll *poll, rh_softirq_arm *arm, void *user,
                           struct rh_tasklet **ret_tasklet)
{
	struct rh_tasklet tasklet = { .poll = poll, .arm = arm, .user = user };

	if (!poll || !arm)
		return rh_fail(RH_EINVAL, "a device needs a function that polls it and one that "
		               "lets it interrupt");
	return create(&tasklet, ret_tasklet);
}

/* One that is parked is in no list: it is not queued any more. */
static int end(struct rh_tasklet *tasklet, uint32_t bits)
{
	uint32_t word = atomic_load_explicit(&tasklet->word, memory_order_acquire), to;

	if (rh_tasklet_current == tasklet)
		return rh_fail(RH_EBUSY, "a tasklet cannot wait for its own end");
	do {
		to = word | bits;
		if (word & PARKED)
			to &= ~(uint32_t)(PARKED | SCHEDULED);
	} while (!change(tasklet, &word, to));
	await(tasklet, SCHEDULED | RUNNING);
	return RH_OK;
}

EXPORT int rh_tasklet_kill(struct rh_tasklet *tasklet)
{
	return end(tasklet, 0);
}

EXPORT int rh_tasklet_destroy(struct rh_tasklet *tasklet)
{
	int r = tasklet ? end(tasklet, DEAD) : RH_OK;

	if (r < 0 || !tasklet)
		return r;
	take_from_list(tasklet);
	free(tasklet);
	return RH_OK;
}

/* ---- fork ---- */

void rh_tasklets_hold(void)
{
	pthread_mutex_lock(&all.lock);
}

void rh_tasklets_let_go(void)
{
	pthread_mutex_unlock(&all.lock);
}

void rh_tasklets_forget(void)
{
	for (struct rh_tasklet *at = all.first; at; at = at->all_next)
		atomic_fetch_and(&at->word, ~(uint32_t)(SCHEDULED | RUNNING | TAKEN | PARKED |
		                                        AWAITED));
}
