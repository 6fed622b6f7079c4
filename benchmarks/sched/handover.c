/* What it costs to give a processor to another thread: two threads in turn.
 *
 *   bench-handover condition|yield TURNS
 *
 * condition: one waits until it is its turn, by a mutex and a condition; yield: both do
 * nothing but sched_yield.  Nanoseconds from one to the other. */
#include "program.h"

#include "../rules/figure.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>

static pthread_mutex_t   lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t    changed = PTHREAD_COND_INITIALIZER;
static unsigned          turn, turns; /* turn: under lock */
static pthread_barrier_t together;

static void *wait_for_turn(void *user)
{
	unsigned own = (unsigned)(uintptr_t)user;

	pthread_barrier_wait(&together);
	pthread_mutex_lock(&lock);
	while (turn < turns) {
		if (turn % 2 != own) {
			pthread_cond_wait(&changed, &lock);
			continue;
		}
		turn++;
		pthread_cond_signal(&changed);
	}
	pthread_mutex_unlock(&lock);
	return NULL;
}

static void *yield(void *unused)
{
	(void)unused;
	pthread_barrier_wait(&together);
	for (unsigned i = 0; i < turns / 2; i++)
		sched_yield();
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[2];
	uint64_t  from;
	int       is_yield;

	if (argc != 3)
		die("usage: bench-handover condition|yield TURNS");
	is_yield = strcmp(argv[1], "yield") == 0;
	turns = number_of(argv[2], 100000000);
	await_carrier();
	pthread_barrier_init(&together, NULL, 3);
	for (uintptr_t i = 0; i < 2; i++)
		threads[i] = start_thread(is_yield ? yield : wait_for_turn, (void *)i);
	pthread_barrier_wait(&together);
	from = clock_of(CLOCK_MONOTONIC);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	from = clock_of(CLOCK_MONOTONIC) - from;
	printf("{\"ns\": %.1f}\n", (double)from / turns);
	return 0;
}
