#include "measure.h"
#include "machine.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct span {
	uint64_t wall;
	uint64_t cpu;
	uint64_t busy;
};

const char *bench_place_name(enum bench_place place)
{
	static const char *const names[] = {
		[BENCH_FREE] = "free", [BENCH_ONE] = "one", [BENCH_TWO] = "two",
	};

	return names[place];
}

static struct span mark(const struct bench_run *run)
{
	return (struct span){ bench_now(), bench_cpu(run), bench_busy() };
}

static void print_head(const struct bench_run *run, const char *what, size_t size)
{
	printf("{\"what\":\"%s\",\"transport\":\"%s\",\"place\":\"%s\",\"size\":%zu,", what,
	       run->transport, bench_place_name(run->place), size);
}

/* The part both lines share, from the spans around count calls. */
static void print_tail(struct span from, struct span to, double count)
{
	double wall = (double)(to.wall - from.wall);
	double own = (double)(to.cpu - from.cpu);
	double other = ((double)(to.busy - from.busy) - own) / (wall * bench_cpus());

	printf("\"rate\":%.1f,\"cpu\":%.3f,\"other\":%.1f}\n", count / (wall / 1e9),
	       own / count / 1e3, other > 0 ? other * 100 : 0);
	fflush(stdout);
}

static uint64_t checked_call(struct bench_run *run,
                             const struct bench_transport *transport,
                             unsigned char *payload, size_t size, uint64_t want)
{
	uint64_t before = bench_now();
	uint64_t sum = transport->call(run, 0, payload, size);
	uint64_t after = bench_now();

	if (sum != want)
		bench_fail("%s: wrong answer at %zu bytes", run->transport, size);
	return after - before;
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static double quantile(const uint32_t *sorted, long count, double q)
{
	return sorted[(long)(q * (double)(count - 1))] / 1e3;
}

/* Makes calls until count or the time is reached; returns how many. */
static long call_many(struct bench_run *run, const struct bench_transport *transport,
                      size_t size, long count, uint32_t *times)
{
	static uint64_t sequence;
	unsigned char  *payload = bench_payload(size);
	uint64_t        until = bench_now() + (uint64_t)(run->seconds * 1e9);
	uint64_t        base, zero = 0;
	long            i;

	memcpy(payload, &zero, sizeof zero);
	base = bench_sum(payload, size);
	for (i = 0; i < count; i++) {
		uint64_t spent;

		sequence++;
		memcpy(payload, &sequence, sizeof sequence);
		spent = checked_call(run, transport, payload, size, base + sequence);
		times[i] = spent > UINT32_MAX ? UINT32_MAX : (uint32_t)spent;
		if ((i & 15) == 15 && bench_now() > until)
			break;
	}
	free(payload);
	return i < count ? i + 1 : count;
}

void bench_latency(struct bench_run *run, const struct bench_transport *transport,
                   size_t size)
{
	uint32_t   *times = calloc((size_t)run->calls, sizeof *times);
	struct span from, to;
	long        count;

	if (times == NULL)
		bench_die("samples");
	memset(times, 1, (size_t)run->calls * sizeof *times); /* no faults later */
	call_many(run, transport, size, run->calls / 10 + 1, times);
	from = mark(run);
	count = call_many(run, transport, size, run->calls, times);
	to = mark(run);
	qsort(times, (size_t)count, sizeof *times, by_value);
	print_head(run, "latency", size);
	printf("\"calls\":%ld,\"p50\":%.3f,\"p99\":%.3f,\"p999\":%.3f,\"max\":%.3f,", count,
	       quantile(times, count, .5), quantile(times, count, .99),
	       quantile(times, count, .999), times[count - 1] / 1e3);
	print_tail(from, to, (double)count);
	free(times);
}

enum phase { WARM, TIMED, OVER };

struct lane {
	_Alignas(64) uint64_t         count;
	struct bench_run             *run;
	const struct bench_transport *transport;
	_Atomic int                  *phase;
	size_t                        size;
	unsigned                      index;
	pthread_t                     thread;
};

static void *lane_main(void *arg)
{
	struct lane   *lane = arg;
	unsigned char *payload = bench_payload(lane->size);
	uint64_t       want = bench_sum(payload, lane->size);
	int            phase;

	while ((phase = atomic_load_explicit(lane->phase, memory_order_relaxed)) != OVER) {
		if (lane->transport->call(lane->run, lane->index, payload,
		                          lane->size) != want)
			bench_fail("%s: wrong answer", lane->run->transport);
		lane->count += phase == TIMED;
	}
	free(payload);
	return NULL;
}

static void pause_for(double seconds)
{
	struct timespec time = { (time_t)seconds,
	                         (long)((seconds - (double)(time_t)seconds) * 1e9) };

	nanosleep(&time, NULL);
}

void bench_rate(struct bench_run *run, const struct bench_transport *transport,
                size_t size)
{
	static struct lane lanes[BENCH_LANES_MAX];
	_Atomic int        phase = WARM;
	struct span        from, to;
	double             count = 0;

	for (unsigned i = 0; i < run->lanes; i++) {
		lanes[i] = (struct lane){ .run = run, .transport = transport,
		                          .phase = &phase, .size = size, .index = i };
		if (pthread_create(&lanes[i].thread, NULL, lane_main, &lanes[i]))
			bench_fail("no thread for lane %u", i);
	}
	pause_for(run->seconds / 5);
	from = mark(run);
	atomic_store(&phase, TIMED);
	pause_for(run->seconds);
	atomic_store(&phase, OVER);
	to = mark(run);
	for (unsigned i = 0; i < run->lanes; i++) {
		pthread_join(lanes[i].thread, NULL);
		count += (double)lanes[i].count;
	}
	print_head(run, "rate", size);
	printf("\"lanes\":%u,", run->lanes);
	print_tail(from, to, count);
}
