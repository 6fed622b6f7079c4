/* Threads schedule tasklets; each counts what was asked of it. */
#include "../../sdk/c/rhodes-softirq.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>

#define THREADS 4
#define ROUNDS  2000

struct work {
	struct rh_tasklet *tasklet;
	_Atomic long asked, done;
};

static void run(void *user)
{
	struct work *work = user;

	atomic_store(&work->done, atomic_load(&work->asked));
}

static void *ask(void *user)
{
	struct work *work = user;

	for (int i = 0; i < ROUNDS; i++) {
		atomic_fetch_add(&work->asked, 1);
		rh_tasklet_schedule(work->tasklet);
		while (atomic_load(&work->done) <= i)
			sched_yield();
	}
	return NULL;
}

int main(void)
{
	static struct work works[THREADS];
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		if (rh_tasklet_create(run, &works[i], &works[i].tasklet) < 0 ||
		    pthread_create(&threads[i], NULL, ask, &works[i]))
			return 1;
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		printf("%ld\n", atomic_load(&works[i].done));
		rh_tasklet_destroy(works[i].tasklet);
	}
	return 0;
}
