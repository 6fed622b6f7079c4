/* fiber_kit - what the tests of threads share; each program has its own.  Nothing is timed:
 * tests wait for what other threads do. */
#ifndef RH_TESTS_FIBER_KIT_H
#define RH_TESTS_FIBER_KIT_H

#include "fiber_end.h"

#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#define MANY 8
#define MS   1000000L

static __attribute__((unused)) pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static __attribute__((unused)) pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static __attribute__((unused)) _Atomic int reached;

static __attribute__((unused)) void start_all(pthread_t *threads, int count, void *(*run)(void *), void *argument)
{
	atomic_store(&reached, 0);
	for (int i = 0; i < count; i++)
		assert_int_equal(0, pthread_create(&threads[i], NULL, run, argument));
}

static __attribute__((unused)) void join_all(pthread_t *threads, int count)
{
	for (int i = 0; i < count; i++)
		assert_int_equal(0, pthread_join(threads[i], NULL));
}

static __attribute__((unused)) struct timespec in_ms(clockid_t clock, long ms)
{
	struct timespec at;

	clock_gettime(clock, &at);
	at.tv_nsec += ms % 1000 * MS;
	at.tv_sec += ms / 1000 + at.tv_nsec / (1000 * MS);
	at.tv_nsec %= 1000 * MS;
	return at;
}

static __attribute__((unused)) void await(_Atomic int *at, int value)
{
	while (atomic_load(at) < value)
		sched_yield();
}

static __attribute__((unused)) long counter;

static __attribute__((unused)) void *add_many(void *none)
{
	for (int i = 0; i < 20000; i++) {
		pthread_mutex_lock(&lock);
		counter++;
		pthread_mutex_unlock(&lock);
	}
	return none;
}

static __attribute__((unused)) _Atomic bool enough;

static __attribute__((unused)) void *burn(void *none)
{
	volatile unsigned long x = 1;

	while (!atomic_load(&enough))
		x = x * 3 + 1;
	return none;
}

/* One that lets others go first often: who waits behind it waits for less than a slice. */
static __attribute__((unused)) void *burn_in_turns(void *none)
{
	volatile unsigned long x = 1;

	while (!atomic_load(&enough)) {
		for (int i = 0; i < 100000; i++)
			x = x * 3 + 1;
		sched_yield();
	}
	return none;
}

static __attribute__((unused)) int pipes[2];
static __attribute__((unused)) sem_t nobody; /* posts it */
static __attribute__((unused)) _Atomic int cleaned;

static __attribute__((unused)) void clean(void *value)
{
	(void)value;
	atomic_fetch_add(&cleaned, 1);
}

static __attribute__((unused)) void have_burners(pthread_t *threads, int count)
{
	atomic_store(&enough, false);
	for (int i = 0; i < count; i++)
		assert_int_equal(0, pthread_create(&threads[i], NULL, burn, NULL));
}

static __attribute__((unused)) void expect_end(pid_t pid, int wanted)
{
	int status;

	assert_int_equal(pid, waitpid(pid, &status, 0));
	assert_int_equal(wanted, status);
}

/* A child, of which one thread does that while others run, ends with that code. */
static __attribute__((unused)) void end_by(void *(*body)(void *), int code)
{
	for (int i = 0; i < 20; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			pthread_t threads[4];

			have_burners(threads, 3);
			pthread_create(&threads[3], NULL, body, NULL);
			pthread_exit(NULL);
		}
		expect_end(pid, code << 8);
	}
}

#endif
