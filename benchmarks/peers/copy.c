/* copy - what moving bytes costs on this machine: one process, two buffers.
 *
 * "memcpy" copies between two private buffers; "memcpy+read" copies into shared
 * memory and then reads the first word of each line, as every transport's caller
 * and server do between them.  Timed like a call; nothing is sent anywhere. */
#include "../harness/machine.h"

static unsigned char *target;

static void make_private(struct bench_run *run)
{
	target = bench_payload(run->size_max);
}

static void make_shared(struct bench_run *run)
{
	target = bench_shared(run->size_max);
}

/* The answer costs no read: the sum of the payload is that of the first word and
 * of a rest that never changes. */
static uint64_t copy(struct bench_run *run, unsigned lane, const void *bytes, size_t len)
{
	static size_t   known;
	static uint64_t rest;
	uint64_t        first;

	(void)run, (void)lane;
	memcpy(&first, bytes, sizeof first);
	if (known != len) {
		known = len;
		rest = bench_sum(bytes, len) - first;
	}
	memcpy(target, bytes, len);
	__asm__ volatile("" ::: "memory");
	return rest + first;
}

static uint64_t copy_and_read(struct bench_run *run, unsigned lane, const void *bytes,
                              size_t len)
{
	(void)run, (void)lane;
	memcpy(target, bytes, len);
	__asm__ volatile("" ::: "memory");
	return bench_sum(target, len);
}

int main(int argc, char **argv)
{
	static const struct bench_transport list[] = {
		{ .name = "memcpy", .make = make_private, .call = copy },
		{ .name = "memcpy+read", .make = make_shared, .call = copy_and_read },
		{ 0 },
	};

	return bench_main(argc, argv, list);
}
