#include "identity.h"

#include "../model/error.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define START_FIELD 22 /* of /proc/pid/stat: when the process began */
#define PID_MASK    ((1u << RH_IDENTITY_PID_BITS) - 1)
#define NS_PER_S    1000000000u

/* The field after the command, which may hold anything but ends at the last ')'. */
static int read_field(pid_t pid, int wanted, uint64_t *ret_value)
{
	char     path[32], text[1024];
	ssize_t  len;
	int      fd, field = 2;
	char    *at;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return RH_EIDENT;
	len = read(fd, text, sizeof text - 1);
	close(fd);
	text[len < 0 ? 0 : len] = 0;
	at = strrchr(text, ')');
	while (at && field < wanted && (at = strchr(at + 1, ' ')))
		field++;
	if (!at)
		return RH_EIDENT;
	*ret_value = strtoull(at, NULL, 10);
	return RH_OK;
}

/* Rounded up: whoever had the pid before was given nothing later. */
static int read_start(pid_t pid, uint64_t *ret_start)
{
	uint64_t hz = (uint64_t)sysconf(_SC_CLK_TCK), jiffies;
	int      r = read_field(pid, START_FIELD, &jiffies);

	if (r == RH_OK)
		*ret_start = (jiffies + 1) * (NS_PER_S / hz) / RH_IDENTITY_TICK_NS + 1;
	return r;
}

static uint64_t read_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now); /* the clock of the field */
	return ((uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec) /
	       RH_IDENTITY_TICK_NS;
}

static int has_ended(int pidfd)
{
	struct pollfd look = { .fd = pidfd, .events = POLLIN };

	return poll(&look, 1, 0) > 0;
}

uint64_t rh_identity_choose(pid_t pid, uint64_t start, uint64_t now, uint64_t claimed,
                            uint64_t *last)
{
	uint64_t since = claimed >> RH_IDENTITY_PID_BITS;

	if (now < start)
		now = start;
	if ((claimed & PID_MASK) == (uint64_t)pid && since >= start &&
	    since <= (now > *last ? now : *last))
		return claimed;
	*last = now > *last ? now : *last + 1;
	return *last << RH_IDENTITY_PID_BITS | ((uint64_t)pid & PID_MASK);
}

int rh_identity_of(pid_t pid, int pidfd, uint64_t claimed, uint64_t *last,
                   uint64_t *ret_identity)
{
	uint64_t start = 0;
	int      r = read_start(pid, &start);

	/* The file was the process's own if that still lives. */
	if (r < 0 || has_ended(pidfd))
		return RH_EIDENT;
	*ret_identity = rh_identity_choose(pid, start, read_now(), claimed, last);
	return RH_OK;
}

pid_t rh_identity_pid(uint64_t identity)
{
	return (pid_t)(identity & PID_MASK);
}

int rh_identity_open(uint64_t identity)
{
	pid_t    pid = rh_identity_pid(identity);
	uint64_t start = 0;
	int      pidfd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;

	if (pidfd < 0)
		return RH_EIDENT;
	if (read_start(pid, &start) < 0 || has_ended(pidfd) ||
	    identity >> RH_IDENTITY_PID_BITS < start) {
		close(pidfd);
		return RH_EIDENT;
	}
	return pidfd;
}
