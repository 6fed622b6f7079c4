/* harness - one caller loop for every transport, so that figures compare.
 *
 * A program lists its transports and calls bench_main.  Every transport does the
 * same work: the caller writes the call's number into word 0 of a private payload
 * and hands the payload over; the server reads the first word of each 64-byte line
 * of what arrived and answers their sum; the caller checks it.  So each transport
 * pays one read of the whole payload at the server, and one that shares memory
 * pays the copy into it as well.
 *
 * A lane is one caller thread and whatever serves it.  Without -j there is one
 * lane and each call is timed (clock pair included); with -j N, N lanes call as
 * fast as they can and only the rate is measured.
 *
 * Output is one JSON object a line on standard output; see bench_report_*.
 *
 * Threads     make, join and end run once, in the caller's process; serve runs in
 *             a forked server process, one thread per lane, and never returns;
 *             call runs in the thread of its lane.
 * Errors      A benchmark that fails says why and exits with 1: there is nobody
 *             to return an error to. */
#ifndef BENCH_HARNESS_H
#define BENCH_HARNESS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BENCH_LANES_MAX 8u
#define BENCH_SIZES_MAX 16u
#define BENCH_PIDS_MAX  32u

/* one: everything on the last CPU.  two: caller on the first, server (and broker)
 * on the last.  free: as the scheduler likes. */
enum bench_place { BENCH_FREE, BENCH_ONE, BENCH_TWO };

struct bench_run {
	const char      *transport;
	enum bench_place place;
	unsigned         lanes;
	int              is_rate;        /* -j was given                          */
	long             calls;          /* timed calls a size, at most           */
	double           seconds;        /* and for at most this long             */
	size_t           sizes[BENCH_SIZES_MAX];
	unsigned         size_count;
	size_t           size_max;       /* the largest of them                   */
	pid_t            pids[BENCH_PIDS_MAX]; /* whose CPU time counts with ours */
	unsigned         pid_count;
};

struct bench_transport {
	const char *name;
	size_t      size_max;            /* larger payloads are left out; 0: any  */
	int         is_spinning;         /* pointless with both sides on one core */
	void      (*make)(struct bench_run *run);
	void      (*serve)(struct bench_run *run, unsigned lane); /* NULL: no fork */
	void      (*join)(struct bench_run *run);
	uint64_t  (*call)(struct bench_run *run, unsigned lane, const void *bytes,
	                  size_t len);
	void      (*end)(struct bench_run *run);
};

/* Runs what the arguments ask for; the list ends with a NULL name. */
int bench_main(int argc, char **argv, const struct bench_transport *list);

void bench_die(const char *what)                     /* with errno    */
	__attribute__((noreturn));
void bench_fail(const char *format, ...)             /* without       */
	__attribute__((noreturn, format(printf, 1, 2)));

/* Counts the CPU time of a process with ours, and places all its threads where
 * servers go. */
void bench_adopt(struct bench_run *run, pid_t pid);

/* The same, but only counts. */
void bench_count(struct bench_run *run, pid_t pid);

/* Memory that parent and children share; zeroed and touched. */
void *bench_shared(size_t bytes);

/* A directory of this run for sockets; made on first use, removed at the end. */
const char *bench_dir(void);

#ifdef __cplusplus
}
#endif
#endif
