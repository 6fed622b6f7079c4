/* server - the callee of the benchmarks: answers the sum of the payload. */
#include "../harness/machine.h"

#include "../../sdk/c/rhodes.h"

#include <stdio.h>

static int answer(void *user, unsigned function, const void *args, size_t args_len,
                  void *reply, size_t cap, size_t *ret_len)
{
	uint64_t sum = bench_sum(args, args_len);

	(void)user, (void)function, (void)cap;
	memcpy(reply, &sum, sizeof sum);
	*ret_len = sizeof sum;
	return 0;
}

int main(void)
{
	static const char *const functions[] = { "bench_sum(bytes)u64" };

	if (rh_serve_bytes("bench_bytes", functions, 1, answer, NULL,
	                   BENCH_LANES_MAX) < 0) {
		fprintf(stderr, "bench-server: %s\n", rh_last_error());
		return 1;
	}
	return 0;
}
