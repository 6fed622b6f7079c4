#include "counters.h"

#include "../base/clock.h"
#include "../model/check.h"
#include "../model/error.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MAP_BYTES (sizeof(struct rh_counters_head) + \
                   RH_EDGES_PER_AGENT * sizeof(struct rh_counters_edge))
#define ROOM_STEP 6u /* edges that the file grows by: about a page */

static size_t file_bytes(uint32_t edges)
{
	return sizeof(struct rh_counters_head) + edges * sizeof(struct rh_counters_edge);
}

/* Blocks are allocated, not only counted: a hole on a full disk would end the
 * agent by a signal when it is written. */
static int make_room(struct rh_counters *counters, uint32_t edges)
{
	if (edges <= counters->room)
		return RH_OK;
	if (edges > RH_EDGES_PER_AGENT)
		return RH_ENOSPC;
	edges = edges + ROOM_STEP < RH_EDGES_PER_AGENT ? edges + ROOM_STEP
	                                               : RH_EDGES_PER_AGENT;
	if (counters->fd >= 0 &&
	    posix_fallocate(counters->fd, 0, (off_t)file_bytes(edges)) != 0)
		return RH_ENOSPC;
	counters->room = edges;
	return RH_OK;
}

/* A new file with room for no edge, not yet under its name. */
static int create_file(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (fd < 0)
		return -1;
	if (posix_fallocate(fd, 0, (off_t)file_bytes(0)) != 0) {
		close(fd);
		unlink(path);
		return -1;
	}
	return fd;
}

static int map(struct rh_counters *counters)
{
	int   flags = counters->fd >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;
	void *at = mmap(NULL, MAP_BYTES, PROT_READ | PROT_WRITE, flags,
	                counters->fd, 0);

	if (at == MAP_FAILED)
		return RH_ENOMEM;
	counters->head = at;
	counters->edges = (struct rh_counters_edge *)(void *)
		((char *)at + sizeof *counters->head);
	return RH_OK;
}

int rh_counters_open(struct rh_counters *counters, const char *path,
                     const char *resource)
{
	char fresh[PATH_MAX];
	int  r;

	*counters = (struct rh_counters){ .fd = -1 };
	snprintf(fresh, sizeof fresh, "%s.new", path);
	unlink(fresh);
	counters->fd = create_file(fresh);
	if ((r = map(counters)) < 0)
		return r;
	counters->head->magic = RH_COUNTERS_MAGIC;
	counters->head->version = RH_COUNTERS_VERSION;
	counters->head->edge_bytes = sizeof(struct rh_counters_edge);
	counters->head->pid = (uint32_t)getpid();
	counters->head->started = rh_clock_ns();
	snprintf(counters->head->resource, sizeof counters->head->resource, "%s",
	         resource);
	if (counters->fd >= 0 && rename(fresh, path) < 0)
		unlink(fresh);
	return RH_OK;
}

/* Lives as long as the agent, as its edge does. */
static struct rh_counters_edge *unseen(void)
{
	static struct rh_counters_edge shared;
	struct rh_counters_edge       *edge = calloc(1, sizeof *edge);

	return edge ? edge : &shared;
}

struct rh_counters_edge *rh_counters_edge_add(struct rh_counters *counters,
                                              const char *caller,
                                              const char *callee)
{
	uint32_t                 count = counters->head->edge_count;
	struct rh_counters_edge *edge;

	for (uint32_t i = 0; i < count; i++) {
		edge = &counters->edges[i];
		if (strcmp(edge->caller, caller) == 0 &&
		    strcmp(edge->callee, callee) == 0)
			return edge;
	}
	if (make_room(counters, count + 1) < 0)
		return unseen();
	edge = &counters->edges[count];
	snprintf(edge->caller, sizeof edge->caller, "%s", caller);
	snprintf(edge->callee, sizeof edge->callee, "%s", callee);
	atomic_store_explicit(&counters->head->edge_count, count + 1,
	                      memory_order_release);
	return edge;
}

void rh_counters_close(struct rh_counters *counters)
{
	if (!counters->head)
		return;
	munmap(counters->head, MAP_BYTES);
	if (counters->fd >= 0)
		close(counters->fd);
	counters->head = NULL;
	counters->fd = -1;
}

void rh_counter_add(_Atomic uint64_t *counter, uint64_t value)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter,
	                      memory_order_relaxed) + value, memory_order_relaxed);
}

void rh_counters_call(struct rh_counters_edge *edge, int status, uint32_t bytes_in,
                      uint32_t bytes_out, uint64_t took_ns)
{
	unsigned bucket = took_ns ? 63u - (unsigned)__builtin_clzll(took_ns) : 0;

	if (bucket >= RH_LATENCY_BUCKETS)
		bucket = RH_LATENCY_BUCKETS - 1;
	rh_counter_add(&edge->calls, 1);
	rh_counter_add(&edge->bytes_in, bytes_in);
	rh_counter_add(&edge->bytes_out, bytes_out);
	rh_counter_add(&edge->latency[bucket], 1);
	if (status < 0)
		rh_counter_add(&edge->errors, 1);
	if (status == RH_ELOST)
		rh_counter_add(&edge->lost, 1);
}
