/* figure - clocks, and what is told of many measurements. */
#ifndef BENCH_RULES_FIGURE_H
#define BENCH_RULES_FIGURE_H

#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS_MAX 1000

static inline uint64_t clock_of(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static inline double percentile10(double *values, int count)
{
	qsort(values, (size_t)count, sizeof *values, compare);
	return values[count / 10];
}

#endif
