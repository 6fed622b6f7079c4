/* recording - whole calls of an edge, heard from the agent of the caller and written
 * down as inputs of a rule (rule_inputs.h).
 *
 * Each call becomes a line of rh_filter_before, its reply one of rh_filter_after, in the
 * order in which the agent saw them.  What was written is whole lines, whatever ends it.
 *
 * Ownership   The caller owns fd.
 * Threads     One; blocks. */
#ifndef RH_CLI_RECORDING_H
#define RH_CLI_RECORDING_H

#include "../model/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rh_dirs;

struct rh_recording {
	const char *caller, *callee;
	uint32_t    wanted; /* calls */
	int         fd;

	uint32_t calls, replies;
	uint64_t left_out;   /* calls that the agent left out: we were too slow */
	bool     is_stopped; /* by Ctrl-C */
	bool     is_full;    /* the file took no more */
};

/* RH_OK       there were enough, or Ctrl-C.
 * RH_EDETACHED  the agent of the caller does not run; RH_ELOST it is gone.
 * RH_EPERM, RH_EACCES, RH_ENOSPC  it does not let this user, or no more observers.
 * RH_EIO      the file takes no more: is_full. */
int rh_recording_run(struct rh_recording *recording, const struct rh_dirs *dirs,
                     struct rh_diag *diag);

/* --- for tests: the line of one call or reply ------------------------------------- */

struct rh_recorded {
	uint32_t       step; /* 3 a call, 10 its reply */
	uint64_t       time_ns, function, attachment, len;
	int32_t        status;
	unsigned char *bytes; /* those that were seen */
	size_t         visible;
};

/* Returns false when the file took not all of it; what it took is cut off again. */
bool rh_recorded_write(const struct rh_recorded *recorded, int fd);

#endif
