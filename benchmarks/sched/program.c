#include "program.h"

#include "../../interceptors/fiber/stats.h"
#include "../rules/figure.h"

#include <fcntl.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE_S 20

void die(const char *what)
{
	fprintf(stderr, "%s\n", what);
	exit(1);
}

unsigned number_of(const char *text, unsigned most)
{
	char         *end;
	unsigned long number = strtoul(text, &end, 10);

	if (*end || number < 1 || number > most)
		die("an argument is no number, or too large");
	return (unsigned)number;
}

pthread_t start_thread(void *(*body)(void *), void *user)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, body, user) != 0)
		die("a thread cannot be started");
	return thread;
}

/* The rule that the runtime tells of in its shared block. */
static void read_rule(const char *path, char name[sizeof rh_stats->policy])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	memset(name, 0, sizeof rh_stats->policy);
	if (fd >= 0 && pread(fd, name, sizeof rh_stats->policy - 1,
	                     offsetof(struct rh_stats, policy)) < 0)
		die(path);
	if (fd >= 0)
		close(fd);
}

static void *look_for_rule(void *unused)
{
	const struct timespec pause = { .tv_nsec = 500000 };
	uint64_t    until = clock_of(CLOCK_MONOTONIC) + PATIENCE_S * 1000000000ull;
	const char *wanted = getenv("BENCH_RULE"), *path = getenv("RHODES_SCHED_STATS");
	char        name[sizeof rh_stats->policy];

	if (!path)
		die("RHODES_SCHED_STATS names no file");
	for (read_rule(path, name); strcmp(name, wanted) != 0; read_rule(path, name)) {
		if (clock_of(CLOCK_MONOTONIC) > until)
			die("the rule does not come");
		nanosleep(&pause, NULL);
	}
	return unused;
}

/* By a thread: before there is one, nothing is scheduled. */
void await_carrier(void)
{
	if (getenv("BENCH_RULE"))
		pthread_join(start_thread(look_for_rule, NULL), NULL);
}

static void go_to(size_t cpu)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	if (sched_setaffinity(0, sizeof one, &one) < 0)
		die("it cannot be on one processor");
}

static void ends(size_t *ret_first, size_t *ret_last)
{
	cpu_set_t all;
	int       seen = 0;

	if (sched_getaffinity(0, sizeof all, &all) < 0)
		die("the processors are not known");
	for (size_t i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &all)) {
			if (!seen++)
				*ret_first = i;
			*ret_last = i;
		}
}

void go_to_first(void)
{
	size_t first = 0, last;

	ends(&first, &last);
	go_to(first);
}

void go_to_last(void)
{
	size_t first, last = 0;

	ends(&first, &last);
	go_to(last);
}

uint64_t compute(uint64_t at, unsigned steps)
{
	for (unsigned i = 0; i < steps; i++)
		at = at * 6364136223846793005u + 1442695040888963407u;
	return at;
}
