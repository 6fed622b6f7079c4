#include "stats.h"

#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct shared {
	struct rh_stats stats;
	struct rh_stats_ring ring;
};

static struct shared private_block;
struct rh_stats *rh_stats = &private_block.stats;
struct rh_stats_ring *rh_stats_ring = &private_block.ring;

struct rh_thread_stats *rh_stats_of(uint32_t i)
{
	return &rh_stats->threads[i];
}

void rh_stats_clear(struct rh_thread_stats *line)
{
	memset(line, 0, sizeof *line);
}

/* A child's, and that of a program it executes, stands beside its parent's: each is made
 * under a name of its process's own, and whoever is first has the other name too. */
static bool own_name(const char *wanted, char path[PATH_MAX])
{
	int len = snprintf(path, PATH_MAX, "%s.%d", wanted, rh_sys_pid());

	return len > 0 && len < PATH_MAX;
}

static int open_file(const char *wanted)
{
	char path[PATH_MAX];

	if (!own_name(wanted, path))
		return -1;
	unlink(path);
	return open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
}

/* Whether a process that lives has its block there. */
static bool is_taken(int fd)
{
	uint32_t head[3] = {0};

	return pread(fd, head, sizeof head, 0) == (ssize_t)sizeof head &&
	       head[0] == RH_STATS_MAGIC && (int)head[2] != rh_sys_pid() &&
	       kill((pid_t)head[2], 0) == 0;
}

/* Of those that find what a dead process left one takes it away; false: somebody else's is
 * there. */
static bool make_free(const char *wanted)
{
	struct stat there, at;
	int fd = open(wanted, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	bool taken = fd < 0 ? errno != ENOENT : flock(fd, LOCK_EX) || is_taken(fd);

	if (fd >= 0 && !taken && !fstat(fd, &there) && !stat(wanted, &at) &&
	    at.st_ino == there.st_ino)
		unlink(wanted);
	if (fd >= 0)
		close(fd);
	return !taken;
}

static void take_name(const char *wanted)
{
	char path[PATH_MAX];

	while (own_name(wanted, path) && link(path, wanted)) {
		if (errno != EEXIST || !make_free(wanted))
			return;
	}
	unlink(path);
}

static const char *file_name(void)
{
	const char *path = getenv("RHODES_SCHED_STATS");

	return path && *path ? path : NULL;
}

void rh_stats_name(const char *policy)
{
	memset(rh_stats->policy, 0, sizeof rh_stats->policy);
	strncpy(rh_stats->policy, policy, sizeof rh_stats->policy - 1);
}

int rh_stats_high_fd(int fd)
{
	return fcntl(fd, F_DUPFD_CLOEXEC, RH_STATS_FD);
}

static int open_block(void)
{
	int fd, high;

	if (file_name())
		return open_file(file_name());
	fd = memfd_create(RH_STATS_MEMFD, MFD_CLOEXEC);
	if (fd < 0)
		return fd;
	high = rh_stats_high_fd(fd);
	if (high < 0)
		return fd;
	close(fd);
	return high;
}

static void use(struct shared *block)
{
	rh_stats = &block->stats;
	rh_stats_ring = &block->ring;
}

static _Atomic uint64_t *put_other(struct rh_stats *stats, uint64_t said)
{
	for (uint32_t i = 0; i < RH_STATS_OTHERS; i++) {
		uint64_t none = 0;

		if (atomic_compare_exchange_strong(&stats->others[i], &none, said))
			return &stats->others[i];
	}
	return NULL;
}

/* Those that a rule began while it was loaded may come before the block is shared: both sides
 * say first and look then. */
_Atomic uint64_t *rh_stats_take_other(uint32_t why)
{
	uint64_t said = (uint64_t)why << 32 | (uint32_t)rh_sys_tid();
	struct rh_stats *stats;
	_Atomic uint64_t *at;

	do {
		stats = rh_stats;
		at = put_other(stats, said);
	} while (rh_stats != stats);
	return at;
}

void rh_stats_give_other(_Atomic uint64_t *at)
{
	if (at)
		atomic_store(at, 0);
}

static void take_over_others(struct rh_stats *from)
{
	atomic_thread_fence(memory_order_seq_cst);
	for (uint32_t i = 0; i < RH_STATS_OTHERS && rh_stats != from; i++) {
		uint64_t said = atomic_exchange(&from->others[i], 0);

		if (said)
			put_other(rh_stats, said);
	}
}

void rh_stats_forget(void)
{
	use(&private_block);
	memset(&private_block.stats, 0, sizeof private_block.stats);
}

void rh_stats_open(const char *policy, uint32_t seats)
{
	int fd = open_block();
	void *at = MAP_FAILED;

	if (fd >= 0 && !ftruncate(fd, sizeof private_block))
		at = mmap(NULL, sizeof private_block, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	use(at == MAP_FAILED ? &private_block : at);
	take_over_others(&private_block.stats);
	rh_stats_name(policy);
	rh_stats->pid = (uint32_t)rh_sys_pid();
	rh_stats->seats = seats;
	rh_stats->threads_max = RH_STATS_THREADS;
	rh_stats->version = RH_STATS_VERSION;
	rh_stats->magic = RH_STATS_MAGIC;
	if (file_name() && at != MAP_FAILED)
		take_name(file_name());
	if (file_name() && fd >= 0)
		close(fd); /* it is found by its name, and the number is the program's */
}
