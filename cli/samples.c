#include "samples.h"

#include "../base/clock.h"
#include "../model/error.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define EDGES_OFF sizeof(struct rh_counters_head)

static uint64_t load(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit((_Atomic uint64_t *)(uintptr_t)counter,
	                            memory_order_relaxed);
}

/* A name of the file, with its NUL made sure of. */
static void copy_name(char *to, size_t cap, const char *from)
{
	snprintf(to, cap, "%.*s", (int)(cap - 1), from);
}

static struct rh_edge_sample *add(struct rh_samples *samples)
{
	struct rh_edge_sample *edges;

	/* Doubles at every power of two. */
	if ((samples->count & (samples->count - 1)) == 0) {
		edges = realloc(samples->edges,
		                (samples->count ? samples->count * 2 : 1) *
		                        sizeof *edges);
		if (!edges)
			return NULL;
		samples->edges = edges;
	}
	return &samples->edges[samples->count++];
}

static int copy_edge(struct rh_samples *samples, const struct rh_counters_edge *edge,
                     uint64_t started)
{
	struct rh_edge_sample *to = add(samples);

	if (!to)
		return RH_ENOMEM;
	*to = (struct rh_edge_sample){
		.started = started, .calls = load(&edge->calls),
		.errors = load(&edge->errors), .lost = load(&edge->lost),
		.bytes_in = load(&edge->bytes_in), .bytes_out = load(&edge->bytes_out),
		.events = load(&edge->events), .refused = load(&edge->refused),
	};
	copy_name(to->caller, sizeof to->caller, edge->caller);
	copy_name(to->callee, sizeof to->callee, edge->callee);
	copy_name(to->protocol, sizeof to->protocol, edge->protocol);
	for (size_t i = 0; i < RH_LATENCY_BUCKETS; i++)
		to->latency[i] = load(&edge->latency[i]);
	return RH_OK;
}

static bool is_alive(uint32_t pid)
{
	return pid > 1 && pid <= INT32_MAX &&
	       (kill((pid_t)pid, 0) == 0 || errno == EPERM);
}

static int read_mapped(struct rh_samples *samples, const void *at, size_t bytes)
{
	const struct rh_counters_head *head = at;
	const struct rh_counters_edge *edges =
		(const void *)((const char *)at + EDGES_OFF);
	uint32_t count;
	int      r = RH_OK;

	if (head->magic != RH_COUNTERS_MAGIC || head->version != RH_COUNTERS_VERSION ||
	    head->edge_bytes != sizeof *edges || !is_alive(head->pid))
		return RH_OK;
	count = atomic_load_explicit((_Atomic uint32_t *)(uintptr_t)&head->edge_count,
	                             memory_order_acquire);
	samples->agents++;
	for (uint32_t i = 0; i < count && r == RH_OK; i++) {
		if (EDGES_OFF + (i + 1) * sizeof *edges > bytes)
			break; /* grown since it was mapped: the next look has it */
		r = copy_edge(samples, &edges[i], head->started);
	}
	return r;
}

static int read_file(struct rh_samples *samples, int folder, const char *name)
{
	int         fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;
	void       *at = MAP_FAILED;
	int         r = RH_OK;

	if (fd < 0)
		return RH_OK;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size >= (off_t)EDGES_OFF)
		at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (at != MAP_FAILED) {
		r = read_mapped(samples, at, (size_t)st.st_size);
		munmap(at, (size_t)st.st_size);
	}
	close(fd);
	return r;
}

static int by_names(const void *a, const void *b)
{
	const struct rh_edge_sample *x = a, *y = b;
	int order = strcmp(x->caller, y->caller);

	return order ? order : strcmp(x->callee, y->callee);
}

int rh_samples_read(const char *run_dir, struct rh_samples *ret_samples)
{
	struct rh_samples samples = { .time_ns = rh_clock_ns() };
	struct dirent    *entry;
	char              path[512];
	DIR              *folder;
	int               r = RH_OK;

	snprintf(path, sizeof path, "%s/agent", run_dir);
	folder = opendir(path);
	if (!folder)
		return RH_EDOWN;
	while (r == RH_OK && (entry = readdir(folder))) {
		const char *dot = strrchr(entry->d_name, '.');

		if (dot && strcmp(dot, ".counters") == 0)
			r = read_file(&samples, dirfd(folder), entry->d_name);
	}
	closedir(folder);
	if (r == RH_OK && samples.agents == 0)
		r = RH_EDOWN;
	if (r < 0) {
		rh_samples_free(&samples);
		return r;
	}
	if (samples.count)
		qsort(samples.edges, samples.count, sizeof *samples.edges, by_names);
	*ret_samples = samples;
	return RH_OK;
}

void rh_samples_free(struct rh_samples *samples)
{
	free(samples->edges);
	*samples = (struct rh_samples){ .count = 0 };
}

/* --- differences -------------------------------------------------------------------- */

/* A counter of a hostile or torn file may fall; then nothing was counted. */
static uint64_t minus(uint64_t now, uint64_t before)
{
	return now > before ? now - before : 0;
}

static void subtract(struct rh_edge_sample *now, const struct rh_edge_sample *before)
{
	now->calls = minus(now->calls, before->calls);
	now->errors = minus(now->errors, before->errors);
	now->lost = minus(now->lost, before->lost);
	now->bytes_in = minus(now->bytes_in, before->bytes_in);
	now->bytes_out = minus(now->bytes_out, before->bytes_out);
	now->events = minus(now->events, before->events);
	now->refused = minus(now->refused, before->refused);
	for (size_t i = 0; i < RH_LATENCY_BUCKETS; i++)
		now->latency[i] = minus(now->latency[i], before->latency[i]);
}

int rh_samples_between(const struct rh_samples *before, const struct rh_samples *now,
                       struct rh_samples *ret_samples)
{
	struct rh_samples result = *now;

	result.edges = calloc(now->count ? now->count : 1, sizeof *result.edges);
	if (!result.edges)
		return RH_ENOMEM;
	for (size_t i = 0; i < now->count; i++) {
		const struct rh_edge_sample *old = NULL;

		result.edges[i] = now->edges[i];
		if (before->count)
			old = bsearch(&now->edges[i], before->edges, before->count,
			              sizeof *before->edges, by_names);
		if (old && old->started == now->edges[i].started)
			subtract(&result.edges[i], old);
	}
	*ret_samples = result;
	return RH_OK;
}

double rh_sample_latency(const struct rh_edge_sample *edge, double share)
{
	double total = 0, below = 0;

	for (size_t i = 0; i < RH_LATENCY_BUCKETS; i++)
		total += (double)edge->latency[i];
	for (size_t i = 0; total > 0 && i < RH_LATENCY_BUCKETS; i++) {
		double here = (double)edge->latency[i];

		/* Spread evenly over the bucket, [2^i, 2^(i+1)). */
		if (here > 0 && below + here >= share * total)
			return (double)((uint64_t)1 << i) *
			       (1 + (share * total - below) / here);
		below += here;
	}
	return 0;
}
