/* Wake-up latency, as schbench measures it: workers tell a messenger that they are idle and
 * wait; it wakes each, which then works.  From just before one is woken until it runs.
 *
 *   bench-wakeup WORKERS STEPS WAKEUPS
 *
 * STEPS of work after each wake-up (1000 are about 1 us), WAKEUPS of each worker. */
#include "program.h"

#include "../rules/figure.h"

#include <stdio.h>

#define WORKERS_MAX 64

struct worker {
	pthread_t       thread;
	pthread_mutex_t lock;
	pthread_cond_t  woken;
	uint64_t        told_ns; /* 0: it is to wait. Under lock. */
	struct worker  *next;    /* of those that are idle        */
	double         *us;
	uint64_t        result;
};

static struct worker   workers[WORKERS_MAX];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t  one_is_idle = PTHREAD_COND_INITIALIZER;
static struct worker  *idle; /* under lock */
static unsigned        steps, wakeups;

static uint64_t await_message(struct worker *worker)
{
	uint64_t told_ns;

	pthread_mutex_lock(&lock);
	worker->next = idle;
	idle = worker;
	pthread_cond_signal(&one_is_idle);
	pthread_mutex_unlock(&lock);
	pthread_mutex_lock(&worker->lock);
	while (!worker->told_ns)
		pthread_cond_wait(&worker->woken, &worker->lock);
	told_ns = worker->told_ns;
	worker->told_ns = 0;
	pthread_mutex_unlock(&worker->lock);
	return told_ns;
}

static void *work(void *user)
{
	struct worker *worker = user;

	for (unsigned i = 0; i < wakeups; i++) {
		uint64_t told_ns = await_message(worker);

		worker->us[i] = (double)(clock_of(CLOCK_MONOTONIC) - told_ns) / 1e3;
		worker->result = compute(worker->result, steps);
	}
	return NULL;
}

static void wake(struct worker *worker)
{
	pthread_mutex_lock(&worker->lock);
	worker->told_ns = clock_of(CLOCK_MONOTONIC);
	pthread_cond_signal(&worker->woken);
	pthread_mutex_unlock(&worker->lock);
}

/* A thread, too: under a carrier that governs threads the first one of a program may be
 * another kind. */
static void *send_all(void *user)
{
	unsigned long left = *(unsigned *)user * (unsigned long)wakeups;

	while (left > 0) {
		struct worker *at;

		pthread_mutex_lock(&lock);
		while (!idle)
			pthread_cond_wait(&one_is_idle, &lock);
		at = idle;
		idle = NULL;
		pthread_mutex_unlock(&lock);
		for (struct worker *next; at; at = next, left--) {
			next = at->next; /* once woken it may be in the list again */
			wake(at);
		}
	}
	return NULL;
}

static void begin(struct worker *worker, double *us)
{
	pthread_mutex_init(&worker->lock, NULL);
	pthread_cond_init(&worker->woken, NULL);
	worker->us = us;
	worker->thread = start_thread(work, worker);
}

static void print(double *us, unsigned count)
{
	qsort(us, count, sizeof *us, compare);
	printf("{\"p50\": %.3f, \"p99\": %.3f, \"p999\": %.3f, \"max\": %.3f}\n", us[count / 2],
	       us[(uint64_t)count * 99 / 100], us[(uint64_t)count * 999 / 1000], us[count - 1]);
}

int main(int argc, char **argv)
{
	pthread_t messenger;
	unsigned  count;
	double   *us;

	if (argc != 4)
		die("usage: bench-wakeup WORKERS STEPS WAKEUPS");
	count = number_of(argv[1], WORKERS_MAX);
	steps = number_of(argv[2], 10000000);
	wakeups = number_of(argv[3], 100000);
	us = calloc((size_t)count * wakeups, sizeof *us);
	if (!us)
		die("no memory");
	await_carrier();
	messenger = start_thread(send_all, &count);
	for (unsigned i = 0; i < count; i++)
		begin(&workers[i], us + (size_t)i * wakeups);
	for (unsigned i = 0; i < count; i++)
		pthread_join(workers[i].thread, NULL);
	pthread_join(messenger, NULL);
	print(us, count * wakeups);
	free(us);
	return 0;
}
