/* How long a thread that waits for a processor does so after the threads on all processors
 * went to sleep in the kernel, by a call that no library sees.
 *
 *   bench-blocked SAMPLES
 *
 * As many threads as there are processors, and one more, compute.  Each round those but the
 * one more sleep at the same moment, one in which they all run and the one more does not.
 * From when the last of them went to sleep until that one runs. */
#include "program.h"

#include "../rules/figure.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>

#define SLEEPERS_MAX 64
#define TRIES_MAX   100 /* for each sample: who runs is the scheduler's */
#define COMPUTE_NS   12000000u
#define SLEEP_NS     8000000
#define RUNS_NS      20000u /* who said so less than that ago runs */
#define STEPS        1000   /* some 1 us */

/* Each on a line of its own: who computes says so all the time. */
struct seen {
	_Alignas(64) _Atomic uint64_t at_ns;
	_Atomic uint64_t slept_ns; /* when it went to sleep in this round */
	uint64_t         result;
};

static struct seen      sleepers[SLEEPERS_MAX], waiter;
static unsigned         count, samples;
static _Atomic unsigned round_now, asleep, awake; /* the latter two in all rounds */
static _Atomic uint64_t began_ns;
static _Atomic unsigned called; /* the round in which all are to sleep */
static _Atomic bool     is_over;
static double          *us;

static uint64_t now(void)
{
	return clock_of(CLOCK_MONOTONIC);
}

/* Past the C library, and past whatever stands before it. */
static void sleep_unseen(void)
{
	const struct timespec time = { .tv_nsec = SLEEP_NS };
	long                  result;

	__asm__ volatile("syscall" : "=a"(result)
	                 : "a"((long)SYS_nanosleep), "D"(&time), "S"(0L)
	                 : "rcx", "r11", "memory");
}

static uint64_t say(struct seen *seen)
{
	uint64_t at = now();

	seen->result = compute(seen->result, STEPS);
	atomic_store(&seen->at_ns, at);
	return at;
}

/* All that are to sleep run, and it has been so for long enough. */
static bool is_time(uint64_t at)
{
	for (unsigned i = 0; i < count; i++)
		if (atomic_load(&sleepers[i].at_ns) + RUNS_NS < at)
			return false;
	return at > atomic_load(&began_ns) + COMPUTE_NS &&
	       atomic_load(&waiter.at_ns) + RUNS_NS < at;
}

static void *sleep_often(void *user)
{
	struct seen *own = user;

	while (!atomic_load(&is_over)) {
		unsigned here = atomic_load(&round_now);
		uint64_t at = say(own);

		if (atomic_load(&called) != here && is_time(at))
			atomic_store(&called, here);
		if (atomic_load(&called) != here)
			continue;
		atomic_store(&own->slept_ns, now());
		atomic_fetch_add(&asleep, 1);
		sleep_unseen();
		atomic_fetch_add(&awake, 1);
		while (atomic_load(&round_now) == here && !atomic_load(&is_over))
			say(own);
	}
	return NULL;
}

static uint64_t last_slept(void)
{
	uint64_t last = 0;

	for (unsigned i = 0; i < count; i++)
		if (atomic_load(&sleepers[i].slept_ns) > last)
			last = atomic_load(&sleepers[i].slept_ns);
	return last;
}

/* One round; the sample counts if it did not run when the last one went to sleep. */
static bool wait_once(unsigned here, double *ret_us)
{
	uint64_t before = say(&waiter), at = before, slept;

	atomic_store(&began_ns, before);
	atomic_store(&round_now, here);
	while (atomic_load(&asleep) < here * count) {
		before = at;
		at = say(&waiter);
	}
	at = now();
	slept = last_slept();
	while (atomic_load(&awake) < here * count)
		say(&waiter);
	*ret_us = at > slept ? (double)(at - slept) / 1e3 : 0;
	return before < slept;
}

static void *wait_often(void *unused)
{
	unsigned found = 0, here = 0;

	while (found < samples) {
		if (++here > samples * TRIES_MAX)
			die("it never happens that all sleep and one waits");
		if (wait_once(here, &us[found]))
			found++;
	}
	atomic_store(&is_over, true);
	return unused;
}

static void print(void)
{
	qsort(us, samples, sizeof *us, compare);
	printf("{\"p50\": %.3f, \"p99\": %.3f, \"max\": %.3f}\n", us[samples / 2],
	       us[(uint64_t)samples * 99 / 100], us[samples - 1]);
}

int main(int argc, char **argv)
{
	pthread_t threads[SLEEPERS_MAX], other;
	cpu_set_t all;

	if (argc != 2)
		die("usage: bench-blocked SAMPLES");
	samples = number_of(argv[1], 100000);
	us = calloc(samples, sizeof *us);
	if (!us || sched_getaffinity(0, sizeof all, &all) < 0)
		die("no memory, or no processors");
	count = (unsigned)CPU_COUNT(&all) < SLEEPERS_MAX ? (unsigned)CPU_COUNT(&all)
	                                                : SLEEPERS_MAX;
	await_carrier();
	atomic_store(&began_ns, now());
	other = start_thread(wait_often, NULL);
	for (unsigned i = 0; i < count; i++)
		threads[i] = start_thread(sleep_often, &sleepers[i]);
	for (unsigned i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	pthread_join(other, NULL);
	print();
	free(us);
	return 0;
}
