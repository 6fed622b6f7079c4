#include "fiber_block.h"

#include "clock.h"

#include "../model/error.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MEMFD "/memfd:" RH_STATS_MEMFD /* and " (deleted)" */
#define HIGH  32 /* descriptors that are looked at, from RH_STATS_FD on */
#define LOW   64 /* and from 0 on, of programs that may not have as many */

/* ---- finding it ------------------------------------------------------------- */

static ssize_t read_text(int dir, const char *name, char *text, size_t cap)
{
	int     fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, cap - 1);

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	return n;
}

/* On which mount the file of a descriptor lies; -1: there is no such descriptor. */
static long mount_of(pid_t pid, int number)
{
	char        path[64], text[256];
	const char *at;

	snprintf(path, sizeof path, "/proc/%d/fdinfo/%d", (int)pid, number);
	if (read_text(AT_FDCWD, path, text, sizeof text) <= 0 ||
	    !(at = strstr(text, "mnt_id:")))
		return -1;
	return strtol(at + sizeof "mnt_id:" - 1, NULL, 10);
}

/* That of all memory that was made by memfd_create, which nothing else is on: a file
 * system that somebody mounted may have any name in it, and may never answer. */
static long mount_of_memory(void)
{
	static long mount = -1;
	int         fd;

	if (mount >= 0)
		return mount;
	fd = memfd_create("rhodes", MFD_CLOEXEC);
	if (fd < 0)
		return -1;
	mount = mount_of(getpid(), fd);
	close(fd);
	return mount;
}

static int is_named(int dir, const char *number)
{
	char    name[64];
	ssize_t n = readlinkat(dir, number, name, sizeof name);

	return n >= (ssize_t)(sizeof MEMFD - 1) && memcmp(name, MEMFD, sizeof MEMFD - 1) == 0;
}

/* A child of fork has its parent's block among its descriptors, too. */
static int is_of(int fd, pid_t pid)
{
	uint32_t pid_in_it = 0;

	return pread(fd, &pid_in_it, sizeof pid_in_it, offsetof(struct rh_stats, pid)) ==
	       (ssize_t)sizeof pid_in_it && pid_in_it == (uint32_t)pid;
}

static int open_at(int dir, pid_t pid, int number, int flags)
{
	char name[16];
	int  fd;

	snprintf(name, sizeof name, "%d", number);
	if (!is_named(dir, name) || mount_of_memory() < 0 ||
	    mount_of(pid, number) != mount_of_memory())
		return -1;
	fd = openat(dir, name, flags | O_CLOEXEC | O_NONBLOCK);
	if (fd >= 0 && !is_of(fd, pid)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static int check(int fd)
{
	uint32_t head[2];

	if (pread(fd, head, sizeof head, 0) != (ssize_t)sizeof head ||
	    head[0] != RH_STATS_MAGIC)
		return RH_ENOENT; /* it is being made */
	return head[1] == RH_STATS_VERSION ? RH_OK : RH_ENOSYS;
}

int rh_fiber_block_open(pid_t pid, int is_to_ask, struct rh_fiber_block *ret_block)
{
	int  flags = is_to_ask ? O_RDWR : O_RDONLY, dir, fd = -1, r;
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return errno == EACCES || errno == EPERM ? RH_EACCES : RH_ENOENT;
	for (int i = 0; fd < 0 && i < HIGH; i++)
		fd = open_at(dir, pid, RH_STATS_FD + i, flags);
	for (int i = 0; fd < 0 && i < LOW; i++)
		fd = open_at(dir, pid, i, flags);
	close(dir);
	if (fd < 0)
		return RH_ENOENT;
	r = check(fd);
	if (r < 0)
		close(fd);
	else
		*ret_block = (struct rh_fiber_block){ .fd = fd, .pid = pid };
	return r;
}

void rh_fiber_block_close(struct rh_fiber_block *block)
{
	close(block->fd);
	block->fd = -1;
}

int rh_fiber_block_is_same(const struct rh_fiber_block *a, const struct rh_fiber_block *b)
{
	struct stat one, other;

	return fstat(a->fd, &one) == 0 && fstat(b->fd, &other) == 0 &&
	       one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

/* ---- reading it ------------------------------------------------------------- */

static int read_at(const struct rh_fiber_block *block, void *to, size_t len, size_t from)
{
	return pread(block->fd, to, len, (off_t)from) == (ssize_t)len ? RH_OK : RH_ELOST;
}

static int write_at(const struct rh_fiber_block *block, const void *what, size_t len,
                    size_t to)
{
	return pwrite(block->fd, what, len, (off_t)to) == (ssize_t)len ? RH_OK : RH_ELOST;
}

/* Of what a program says of itself. */
static void make_text(char why[RH_STATS_WHY])
{
	why[RH_STATS_WHY - 1] = '\0';
	for (char *at = why; *at; at++) {
		if (*at < ' ' || *at > '~')
			*at = '?';
	}
}

int rh_fiber_block_read(const struct rh_fiber_block *block, struct rh_stats *ret_stats)
{
	int r = read_at(block, ret_stats, sizeof *ret_stats, 0);

	if (r < 0)
		return r;
	ret_stats->policy[RH_STATS_NAME - 1] = '\0';
	ret_stats->control.now.policy[RH_STATS_NAME - 1] = '\0';
	for (unsigned i = 0; i < RH_STATS_REASONS; i++)
		make_text(ret_stats->reasons[i]);
	return RH_OK;
}

/* ---- asking ----------------------------------------------------------------- */

/* A set of signals in what the kernel tells of a thread. */
static int has_signal(const char *status, const char *set)
{
	const char *at = strstr(status, set);

	return at && (strtoull(at + strlen(set), NULL, 16) >> (RH_STATS_SIGNAL - 1) & 1);
}

int rh_fiber_block_is_hidden(pid_t pid)
{
	char path[64], text[4096];

	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	return read_text(AT_FDCWD, path, text, sizeof text) > 0 &&
	       has_signal(text, "\nSigCgt:");
}

/* Signals of this kind queue up, and a program that was stopped would get all of them at
 * once: one at a time.  Without a handler it would end by it. */
static void wake(pid_t pid, uint32_t tid)
{
	char path[64], text[4096];

	if (tid == 0 || tid > INT32_MAX || tid == (uint32_t)pid)
		return; /* not yet, or never: the first thread is the program's */
	snprintf(path, sizeof path, "/proc/%d/task/%u/status", (int)pid, (unsigned)tid);
	if (read_text(AT_FDCWD, path, text, sizeof text) > 0 &&
	    has_signal(text, "\nSigCgt:") && !has_signal(text, "\nSigPnd:"))
		syscall(SYS_tgkill, pid, (pid_t)tid, RH_STATS_SIGNAL);
}

static int is_same(const struct rh_stats_ask *a, const struct rh_stats_ask *b)
{
	return memcmp(a, b, sizeof *a) == 0;
}

/* Who obeys sees all of what is asked once it sees that it is. */
static int write_ask(const struct rh_fiber_block *block, const struct rh_stats_ask *ask,
                     uint32_t wanted)
{
	int r = write_at(block, ask, sizeof *ask, offsetof(struct rh_stats, control.asked));

	return r < 0 ? r : write_at(block, &wanted, sizeof wanted,
	                            offsetof(struct rh_stats, control.wanted));
}

int rh_fiber_block_ask(const struct rh_fiber_block *block, const struct rh_stats_ask *ask)
{
	struct rh_stats_control control;
	int r = read_at(block, &control, sizeof control, offsetof(struct rh_stats, control));
	uint32_t wanted = atomic_load(&control.wanted);
	int      is_answered = wanted == atomic_load(&control.done);

	if (r < 0)
		return r;
	if (is_answered && is_same(&control.now, ask))
		return RH_OK;
	if (is_answered && wanted && is_same(&control.asked, ask) &&
	    atomic_load(&control.result) < 0)
		return RH_EINVAL;
	if (is_answered || !is_same(&control.asked, ask))
		r = write_ask(block, ask, wanted + 1);
	wake(block->pid, atomic_load(&control.monitor_tid));
	return r < 0 ? r : RH_EAGAIN;
}

int rh_fiber_block_hosted(const struct rh_fiber_block *block, char why[RH_STATS_WHY])
{
	struct rh_stats_control control;
	int r = read_at(block, &control, sizeof control, offsetof(struct rh_stats, control));
	uint32_t hosted = atomic_load(&control.hosted);

	if (r < 0)
		return r;
	memcpy(why, control.why, RH_STATS_WHY);
	if (atomic_load(&control.has_why) != 2)
		why[0] = '\0';
	make_text(why);
	return hosted > INT32_MAX ? 0 : (int)hosted;
}

int rh_fiber_block_homes(const struct rh_fiber_block *block,
                         pid_t ret_tids[RH_FIBER_BLOCK_HOMES])
{
	struct rh_stats *stats = malloc(sizeof *stats);
	int              r = stats ? rh_fiber_block_read(block, stats) : RH_ENOMEM, count = 0;

	for (unsigned i = 0; r == RH_OK && i < RH_STATS_THREADS; i++) {
		if (atomic_load(&stats->threads[i].state) == RH_THREAD_HOME)
			ret_tids[count++] = (pid_t)atomic_load(&stats->threads[i].tid);
	}
	for (unsigned i = 0; r == RH_OK && i < RH_STATS_OTHERS; i++) {
		uint64_t other = atomic_load(&stats->others[i]);

		if (other >> 32) /* one of the runtime has no reason */
			ret_tids[count++] = (pid_t)(uint32_t)other;
	}
	free(stats);
	return r < 0 ? r : count;
}

/* ---- what happens ----------------------------------------------------------- */

int rh_fiber_block_trace(const struct rh_fiber_block *block, uint64_t until_ns)
{
	struct rh_stats_control control;
	int r = read_at(block, &control, sizeof control, offsetof(struct rh_stats, control));

	if (r == RH_OK)
		r = write_at(block, &until_ns, sizeof until_ns,
		             offsetof(struct rh_stats, control.trace_until));
	/* While it is on it looks by itself. */
	if (r == RH_OK && (until_ns == 0 || atomic_load(&control.trace_until) < rh_clock_ns()))
		wake(block->pid, atomic_load(&control.monitor_tid));
	return r;
}

int rh_fiber_block_is_traced(const struct rh_fiber_block *block)
{
	uint32_t is_traced = 0;

	return read_at(block, &is_traced, sizeof is_traced,
	               offsetof(struct rh_stats, control.is_traced)) == RH_OK && is_traced;
}

static int read_written(const struct rh_fiber_block *block, uint64_t *ret_written)
{
	return read_at(block, ret_written, sizeof *ret_written,
	               sizeof(struct rh_stats) + offsetof(struct rh_stats_ring, written));
}

/* One that is written just now is not whole; who reads comes back for it. */
static int read_event(const struct rh_fiber_block *block, uint64_t number,
                      struct rh_stats_event *ret_event)
{
	size_t at = sizeof(struct rh_stats) + offsetof(struct rh_stats_ring, at) +
	            (number - 1) % RH_STATS_EVENTS * sizeof *ret_event;
	int    r = read_at(block, ret_event, sizeof *ret_event, at);

	if (r < 0)
		return r;
	return atomic_load(&ret_event->number) == number &&
	       atomic_load(&ret_event->again) == number ? 1 : 0;
}

/* The oldest that is still there, with some room for those that are written meanwhile. */
static void skip_lost(uint64_t written, uint64_t *next, uint64_t *lost)
{
	uint64_t kept = RH_STATS_EVENTS - RH_STATS_SEATS;

	if (written < kept || *next > written - kept)
		return;
	*lost += written - kept + 1 - *next;
	*next = written - kept + 1;
}

int rh_fiber_block_events(const struct rh_fiber_block *block, uint64_t *next,
                          struct rh_stats_event *ret_events, unsigned cap, uint64_t *lost)
{
	uint64_t written, again;
	unsigned count = 0;
	int      r = read_written(block, &written);

	if (r < 0)
		return r;
	if (*next == 0 || *next > written + 1)
		*next = written + 1;
	skip_lost(written, next, lost);
	while (count < cap && *next <= written) {
		r = read_event(block, *next, &ret_events[count]);
		if (r == 0 && read_written(block, &again) == RH_OK &&
		    again - *next < RH_STATS_EVENTS - RH_STATS_SEATS)
			break;
		if (r < 0)
			return r;
		*lost += r == 0;
		count += r == 1;
		(*next)++;
	}
	return (int)count;
}
