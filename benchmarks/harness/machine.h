/* machine - clocks, placement, CPU time and payloads of the benchmarks. */
#ifndef BENCH_MACHINE_H
#define BENCH_MACHINE_H

#include "harness.h"

#include <string.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

static inline uint64_t bench_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* What every server computes: the sum of the first word of each line. */
static inline uint64_t bench_sum(const void *bytes, size_t len)
{
	const unsigned char *at = (const unsigned char *)bytes;
	uint64_t sum = 0;

	for (size_t i = 0; i + 8 <= len; i += 64) {
		uint64_t word;

		memcpy(&word, at + i, sizeof word);
		sum += word;
	}
	return sum;
}

static inline void bench_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/* A payload with known content; page aligned, never freed. */
unsigned char *bench_payload(size_t size);

/* Places this thread (and the threads it will start). */
void bench_place(enum bench_place place, int is_server);

/* Places every thread a process has now. */
void bench_place_process(pid_t pid, enum bench_place place, int is_server);

/* User and system time of this process and the counted ones, in ns. */
uint64_t bench_cpu(const struct bench_run *run);

/* Time during which the machine's CPUs were neither idle nor stolen, in ns. */
uint64_t bench_busy(void);

/* How many CPUs this process may use. */
unsigned bench_cpus(void);

#ifdef __cplusplus
}
#endif
#endif
