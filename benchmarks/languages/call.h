/* call - how every program of this folder times a call; those in other languages do the
 * same.
 *
 *   <program> WHAT CALLS
 *
 * makes CALLS / 10 calls of ts_add, untimed, then CALLS, each of them timed, then as many
 * in batches of 64, and prints a line of JSON: p50 and p99 of one call, with the clock, and
 * the median over the batches of what a call takes, all in ns. */
#ifndef BENCH_LANGUAGES_CALL_H
#define BENCH_LANGUAGES_CALL_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define BATCH 64

typedef int32_t add_function(int32_t a, int32_t b);

static inline uint64_t call_now(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return (uint64_t)at.tv_sec * 1000000000u + (uint64_t)at.tv_nsec;
}

static inline int call_compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Ends the process where a sum is wrong. */
static inline void call_add(add_function *add, int32_t i)
{
	if (add(i, 1) == i + 1)
		return;
	fprintf(stderr, "ts_add(%d, 1) is not %d\n", i, i + 1);
	exit(1);
}

static inline int call_measure(add_function *add, int32_t calls)
{
	int32_t   batches = calls / BATCH;
	uint64_t *took = calloc((size_t)calls, sizeof *took);
	uint64_t  p50, p99;

	if (!took || batches == 0)
		return 1;
	for (int32_t i = 0; i < calls / 10; i++)
		call_add(add, i);
	for (int32_t i = 0; i < calls; i++) {
		uint64_t began = call_now();

		call_add(add, i);
		took[i] = call_now() - began;
	}
	qsort(took, (size_t)calls, sizeof *took, call_compare);
	p50 = took[calls / 2];
	p99 = took[calls / 100 * 99];
	for (int32_t i = 0; i < batches; i++) {
		uint64_t began = call_now();

		for (int32_t j = 0; j < BATCH; j++)
			call_add(add, j);
		took[i] = call_now() - began;
	}
	qsort(took, (size_t)batches, sizeof *took, call_compare);
	printf("{\"p50\": %llu, \"p99\": %llu, \"batch\": %.2f}\n", (unsigned long long)p50,
	       (unsigned long long)p99, (double)took[batches / 2] / BATCH);
	free(took);
	return 0;
}

#endif
