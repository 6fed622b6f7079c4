/* measure - the two caller loops and the lines they print.
 *
 *   {"what":"latency","transport":..,"place":..,"size":..,"calls":..,"p50":..,
 *    "p99":..,"p999":..,"max":.., "rate":.., "cpu":.., "other":..}
 *   {"what":"rate","transport":..,"place":..,"size":..,"lanes":..,"rate":..,
 *    "cpu":.., "other":..}
 *
 * Times are microseconds; rate is calls a second; cpu is microseconds a call over
 * all processes; other is what everything else used of the machine, in percent. */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include "harness.h"

void bench_latency(struct bench_run *run, const struct bench_transport *transport,
                   size_t size);

void bench_rate(struct bench_run *run, const struct bench_transport *transport,
                size_t size);

const char *bench_place_name(enum bench_place place);

#endif
