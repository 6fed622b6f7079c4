/* workload - reads blocks of a file in the order of a pattern, through the block cache,
 * and says what that took.  It knows nothing of Rhodes.
 *
 *   workload make FILE PATTERN SLOTS [SEED]   writes a file that is large enough
 *   workload run FILE PATTERN SLOTS [SEED]    one line of JSON
 *   workload rounds FILE PATTERN SLOTS [SEED] the same again and again, with one cache,
 *                                             until its input ends
 *   workload plain FILE PATTERN SLOTS [SEED]  the same with pread(2): the kernel's cache
 *   workload once FILE PATTERN SLOTS [SEED]   ... which is told to forget what was read
 *
 * SLOTS is the size of the cache, in blocks.  Each block holds its number, which is
 * checked, and is summed up, as a program would look at it. */
#include "blockcache.h"
#include "pattern.h"

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { WORDS = BLOCKCACHE_BYTES / 8 };

static uint64_t buffer[WORDS];

static int fail(const char *what)
{
	perror(what);
	return 1;
}

static double seconds(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int make(const char *path, const struct pattern *pattern)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	for (uint64_t block = 0; fd >= 0 && block < pattern_blocks(pattern); block++) {
		for (int i = 0; i < WORDS; i++)
			buffer[i] = block + (uint64_t)i;
		if (write(fd, buffer, sizeof buffer) != sizeof buffer)
			return fail(path);
	}
	return fd < 0 || fsync(fd) < 0 || close(fd) < 0 ? fail(path) : 0;
}

/* What was read of a block is what make wrote there. */
static int look_at(uint64_t block, int n)
{
	uint64_t sum = 0;

	for (int i = 0; i < WORDS; i++)
		sum += buffer[i];
	if (n == (int)sizeof buffer && buffer[0] == block &&
	    sum == WORDS * block + (uint64_t)WORDS * (WORDS - 1) / 2)
		return 0;
	fprintf(stderr, "workload: block %" PRIu64 " has other bytes than were written "
	        "there (%d of them)\n", block, n);
	return -1;
}

static void print(const char *name, const struct pattern *pattern,
                  const struct blockcache_stats *stats, const double *began)
{
	printf("{\"pattern\": \"%s\", \"reads\": %" PRIu64 ", \"misses\": %" PRIu64
	       ", \"blocks\": %" PRIu64 ", \"slots\": %u, \"index\": %" PRIu64
	       ", \"direct\": %s, \"rule\": \"%s\", \"began\": %.6f, \"seconds\": %.6f, "
	       "\"cpu\": %.6f}\n", name,
	       stats->reads, stats->misses, stats->blocks, stats->slots,
	       pattern_index(pattern), stats->is_direct ? "true" : "false", stats->rule,
	       began[0], seconds(CLOCK_MONOTONIC) - began[0],
	       seconds(CLOCK_PROCESS_CPUTIME_ID) - began[1]);
}

/* Reads all of the pattern once, and tells what was different from before. */
static int round_of(struct blockcache *cache, const char *path, const char *name,
                    const struct pattern *pattern, struct blockcache_stats *before)
{
	struct blockcache_stats stats, told;
	double began[] = { seconds(CLOCK_MONOTONIC), seconds(CLOCK_PROCESS_CPUTIME_ID) };

	for (uint64_t i = 0; i < pattern_reads(pattern); i++) {
		uint64_t block = pattern_at(pattern, i);
		int      n = blockcache_read(cache, block, buffer, sizeof buffer);

		if (n < 0)
			return fail(path);
		if (look_at(block, n) < 0)
			return 1;
	}
	if (blockcache_stats(cache, &stats) < 0)
		return fail(path);
	told = stats;
	told.reads -= before->reads;
	told.misses -= before->misses;
	*before = stats;
	print(name, pattern, &told, began);
	return fflush(stdout) == 0 ? 0 : 1;
}

static int has_ended(int fd)
{
	struct pollfd look = { .fd = fd, .events = POLLIN };

	return poll(&look, 1, 0) > 0;
}

static int run(const char *path, const char *name, const struct pattern *pattern,
               uint32_t slots, int is_again)
{
	struct blockcache      *cache = blockcache_open(path, slots);
	struct blockcache_stats before = { .reads = 0 };
	int                     result;

	if (!cache)
		return fail(path);
	do
		result = round_of(cache, path, name, pattern, &before);
	while (result == 0 && is_again && !has_ended(0));
	blockcache_close(cache);
	return result;
}

static int run_plain(const char *path, const char *name, const struct pattern *pattern,
                     uint32_t slots, int is_once)
{
	struct blockcache_stats stats = {
		.reads = pattern_reads(pattern), .blocks = pattern_blocks(pattern),
		.slots = slots, .misses = is_once ? pattern_reads(pattern) : 0,
	};
	double began[] = { seconds(CLOCK_MONOTONIC), seconds(CLOCK_PROCESS_CPUTIME_ID) };
	int    fd = open(path, O_RDONLY | O_CLOEXEC);

	snprintf(stats.rule, sizeof stats.rule, "the kernel's");
	if (fd < 0)
		return fail(path);
	if (is_once)
		posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	for (uint64_t i = 0; i < pattern_reads(pattern); i++) {
		uint64_t block = pattern_at(pattern, i);
		off_t    at = (off_t)(block * sizeof buffer);

		if (look_at(block, (int)pread(fd, buffer, sizeof buffer, at)) < 0)
			return 1;
		if (is_once)
			posix_fadvise(fd, at, sizeof buffer, POSIX_FADV_DONTNEED);
	}
	print(name, pattern, &stats, began);
	close(fd);
	return 0;
}

int main(int argc, char **argv)
{
	uint32_t        slots = argc > 4 ? (uint32_t)strtoul(argv[4], NULL, 10) : 0;
	uint64_t        seed = argc > 5 ? strtoull(argv[5], NULL, 10) : 1;
	struct pattern *pattern = slots ? pattern_create(argv[3], slots, seed) : NULL;
	int             result;

	if (!pattern) {
		fprintf(stderr, "workload make|run|rounds|plain|once FILE PATTERN SLOTS [SEED]; a "
		        "PATTERN is one of dinero, cscope, glimpse, join, zipf, mixed\n");
		return 2;
	}
	if (strcmp(argv[1], "make") == 0)
		result = make(argv[2], pattern);
	else if (strcmp(argv[1], "run") == 0 || strcmp(argv[1], "rounds") == 0)
		result = run(argv[2], argv[3], pattern, slots, strcmp(argv[1], "rounds") == 0);
	else
		result = run_plain(argv[2], argv[3], pattern, slots,
		                   strcmp(argv[1], "once") == 0);
	pattern_destroy(pattern);
	return result;
}
