/* failpoint - where a test ends the process, to see what becomes of the rest.
 *
 * In programs that are built for tests (RH_FAILPOINTS) a process that passes the point
 * named by RHODES_FAIL_AT is killed there; in all others a point is nothing. */
#ifndef RH_BASE_FAILPOINT_H
#define RH_BASE_FAILPOINT_H

#ifdef RH_FAILPOINTS

#include <signal.h>
#include <stdlib.h>
#include <string.h>

static inline void rh_failpoint(const char *name)
{
	const char *at = getenv("RHODES_FAIL_AT");

	if (at && strcmp(at, name) == 0)
		raise(SIGKILL);
}

#else
#define rh_failpoint(name) ((void)0)
#endif

#endif
