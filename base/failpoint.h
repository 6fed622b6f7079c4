/* failpoint - where a test ends the process, to see what becomes of the rest.
 *
 * In programs that are built for tests (RH_FAILPOINTS) a process that passes the point
 * named by RHODES_FAIL_AT is killed there.  When there is a file RHODES_FAIL_FILE, it says
 * which point, and at which passing: "committed 2".  Then the file is gone first, and who
 * is started in the place of the killed one goes on.  In all other programs a point is
 * nothing. */
#ifndef RH_BASE_FAILPOINT_H
#define RH_BASE_FAILPOINT_H

#ifdef RH_FAILPOINTS

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* 1 when the file says that it is this time. */
static inline int rh_failpoint_is_armed(const char *path, const char *name)
{
	char     text[80] = "", armed[64];
	unsigned left;
	int      fd = open(path, O_RDWR | O_CLOEXEC), is_now = 0;

	if (fd < 0)
		return 0;
	flock(fd, LOCK_EX); /* several count at once */
	if (read(fd, text, sizeof text - 1) > 0 &&
	    sscanf(text, "%63s %u", armed, &left) == 2 && strcmp(armed, name) == 0) {
		int len = snprintf(text, sizeof text, "%s %u\n", name, left - 1);

		is_now = left == 1 ? unlink(path) == 0
		                   : pwrite(fd, text, (size_t)len, 0) < 0;
	}
	close(fd);
	return is_now;
}

static inline void rh_failpoint(const char *name)
{
	const char *at = getenv("RHODES_FAIL_AT"), *path = getenv("RHODES_FAIL_FILE");

	if ((at && strcmp(at, name) == 0) || (path && rh_failpoint_is_armed(path, name)))
		raise(SIGKILL);
}

#else
#define rh_failpoint(name) ((void)0)
#endif

#endif
