/* caller - the caller's side of a call by Rhodes, started by `rhodes run`.
 *
 *   bind, msgqueue, shm, semaphore   rh_call to server.c; which protocol carries the
 *                                    calls is the rule of the edge, so the name here
 *                                    only says which one that is
 *   library                          an ordinary call of libbench-sum.so, whose
 *                                    shadow library carries it: an unmodified
 *                                    program and an unmodified library
 *
 * BENCH_PIDS lists the processes of the system, whose CPU time counts and which are
 * placed like servers. */
#include "../harness/machine.h"

#include "sum.h"

#include "../../sdk/c/rhodes.h"

#include <stdlib.h>

static struct rh_callee *callee;
static uint64_t          function;

static void adopt_system(struct bench_run *run)
{
	const char *list = getenv("BENCH_PIDS");
	char       *end;

	while (list && *list) {
		pid_t pid = (pid_t)strtol(list, &end, 10);

		if (end == list)
			bench_fail("BENCH_PIDS: %s", list);
		bench_adopt(run, pid);
		list = *end ? end + 1 : end;
	}
}

static void make(struct bench_run *run)
{
	adopt_system(run);
	function = rh_function_id("bench_sum(bytes)u64");
	if (rh_open("bench_bytes", 0, &callee) < 0)
		bench_fail("%s", rh_last_error());
}

static uint64_t call(struct bench_run *run, unsigned lane, const void *bytes, size_t len)
{
	uint64_t sum;
	size_t   got;

	(void)run, (void)lane;
	if (rh_call(callee, function, bytes, len, &sum, sizeof sum, &got, 0) < 0 ||
	    got != sizeof sum)
		bench_fail("%s", rh_last_error());
	return sum;
}

static uint64_t library_call(struct bench_run *run, unsigned lane, const void *bytes,
                             size_t len)
{
	(void)run, (void)lane;
	return bench_library_sum(bytes, len);
}

int main(int argc, char **argv)
{
	static const struct bench_transport list[] = {
		{ .name = "bind", .make = make, .call = call },
		{ .name = "msgqueue", .make = make, .call = call },
		{ .name = "shm", .make = make, .call = call },
		{ .name = "semaphore", .make = make, .call = call },
		{ .name = "library", .make = adopt_system, .call = library_call },
		{ 0 },
	};

	return bench_main(argc, argv, list);
}
