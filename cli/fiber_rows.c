#include "fiber_rows.h"

#include "../interceptors/fiber/stats.h"
#include "../model/error.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MEMFD "/memfd:rhodes-fibers" /* and " (deleted)" */

static int is_block(const char *path)
{
	char    name[64];
	ssize_t n = readlink(path, name, sizeof name);

	return n >= (ssize_t)(sizeof MEMFD - 1) && memcmp(name, MEMFD, sizeof MEMFD - 1) == 0;
}

/* The block among the descriptors of the process, for reading; or -1. */
static int open_block(pid_t pid)
{
	char           path[64 + 256];
	struct dirent *entry;
	DIR           *dir;
	int            fd = -1;

	snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	while (dir && fd < 0 && (entry = readdir(dir))) {
		snprintf(path, sizeof path, "/proc/%d/fd/%s", (int)pid, entry->d_name);
		if (is_block(path))
			fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	if (dir)
		closedir(dir);
	return fd;
}

static const struct rh_stats *map_block(pid_t pid)
{
	int         fd = open_block(pid);
	struct stat st;
	void       *at = MAP_FAILED;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && st.st_size == (off_t)sizeof(struct rh_stats))
		at = mmap(NULL, sizeof(struct rh_stats), PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	return at == MAP_FAILED ? NULL : at;
}

static uint64_t number(const _Atomic uint64_t *at)
{
	return atomic_load_explicit((_Atomic uint64_t *)(uintptr_t)at, memory_order_relaxed);
}

static uint32_t word(const _Atomic uint32_t *at)
{
	return atomic_load_explicit((_Atomic uint32_t *)(uintptr_t)at, memory_order_relaxed);
}

/* As the letters of /proc, and Q: ready, and another one runs. */
static char letter_of(uint32_t state)
{
	static const char letters[] = {
		[RH_THREAD_NONE] = '?', [RH_THREAD_QUEUED] = 'Q', [RH_THREAD_RUNNING] = 'R',
		[RH_THREAD_WAITING] = 'S', [RH_THREAD_BLOCKED] = 'D', [RH_THREAD_HOME] = 'H',
	};

	return state < sizeof letters ? letters[state] : '?';
}

static void put_line(struct rh_thread_row *row, const struct rh_thread_stats *line)
{
	uint32_t seat = word(&line->seat);

	row->is_fiber = true;
	row->stat.state = letter_of(word(&line->state));
	row->stat.cpu = seat == RH_STATS_NO_SEAT ? -1 : (int)seat;
	row->run_ns = (double)number(&line->run_ns);
	row->wait_ns = (double)number(&line->queued_ns);
	row->switches = (long long)number(&line->runs);
	row->vruntime_ns = (double)number(&line->vruntime);
	row->deadline_ns = (double)number(&line->deadline);
}

int rh_fiber_rows_put(pid_t pid, struct rh_thread_row *rows, size_t count)
{
	const struct rh_stats *stats = map_block(pid);

	if (!stats)
		return RH_ENOENT;
	if (word(&stats->magic) != RH_STATS_MAGIC || word(&stats->version) != RH_STATS_VERSION)
		count = 0;
	for (size_t i = 0; i < count; i++) {
		for (unsigned j = 0; j < RH_STATS_THREADS; j++) {
			const struct rh_thread_stats *line = &stats->threads[j];
			uint32_t                      state = word(&line->state);

			if (word(&line->tid) == (uint32_t)rows[i].tid &&
			    state != RH_THREAD_NONE && state != RH_THREAD_HOME)
				put_line(&rows[i], line);
		}
	}
	munmap((void *)(uintptr_t)stats, sizeof *stats);
	return count ? RH_OK : RH_ENOENT;
}
