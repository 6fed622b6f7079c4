#include "sum.h"

#include "../harness/machine.h"

uint64_t bench_library_sum(const void *bytes, size_t len)
{
	return bench_sum(bytes, len);
}
