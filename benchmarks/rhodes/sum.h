/* sum - an ordinary library that knows nothing of Rhodes. */
#ifndef BENCH_SUM_H
#define BENCH_SUM_H

#include <stddef.h>
#include <stdint.h>

/* The sum of the first word of each 64-byte line. */
uint64_t bench_library_sum(const void *bytes, size_t len);

#endif
