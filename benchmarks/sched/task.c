/* Task latency (the papers' Figure 14): threads with the same work each, which now and then
 * take a lock; how long until all are done.
 *
 *   bench-task THREADS ROUNDS
 *
 * A round is some 10 us of work, then the lock.  The sum does not depend on the order in
 * which the threads ran. */
#include "program.h"

#include "../rules/figure.h"

#include <stdio.h>

#define THREADS_MAX 256
#define STEPS       10000

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t        total; /* under lock */
static unsigned        rounds;

static void *work(void *user)
{
	uint64_t at = (uintptr_t)user;

	for (unsigned i = 0; i < rounds; i++) {
		at = compute(at, STEPS);
		pthread_mutex_lock(&lock);
		total += at;
		pthread_mutex_unlock(&lock);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS_MAX];
	unsigned  count;
	uint64_t  from;

	if (argc != 3)
		die("usage: bench-task THREADS ROUNDS");
	count = number_of(argv[1], THREADS_MAX);
	rounds = number_of(argv[2], 1000000);
	await_carrier();
	from = clock_of(CLOCK_MONOTONIC);
	for (uintptr_t i = 0; i < count; i++)
		threads[i] = start_thread(work, (void *)(i + 1));
	for (unsigned i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	from = clock_of(CLOCK_MONOTONIC) - from;
	printf("{\"ms\": %.4f, \"sum\": \"%016llx\"}\n", (double)from / 1e6,
	       (unsigned long long)total);
	return 0;
}
