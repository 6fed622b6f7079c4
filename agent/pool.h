/* pool - many agents in one process and one loop.
 *
 * A file names the resources, one a line; blank lines and those that begin with # say
 * nothing.  Whoever changes it puts another one in its place (rename).  For each name
 * there is an agent as in a process of its own: its socket, its connection to the
 * center, its cursor, its cache, its counters.  A name that goes makes its agent leave,
 * one that comes opens one; the others do not notice.
 *
 *            +-- failed --> WAITING --again--+
 *            |                               v
 *   name --> OPENING ----- open ---------> OPEN --name gone--> LEAVING --> (freed, or
 *                                                               opened again)
 *
 * An agent that cannot be opened (its socket's path is taken, another process has its
 * lock) is tried again, later and later.
 *
 * Ownership   The pool owns its agents.
 * Threads     The loop's.
 * Limits      RH_POOL_AGENTS names; RH_POOL_FILE_BYTES of the file.  They share the
 *             descriptors and the memory of a process: what ends it ends all. */
#ifndef RH_AGENT_POOL_H
#define RH_AGENT_POOL_H

#include "agent.h"

#define RH_POOL_AGENTS     4096u
#define RH_POOL_FILE_BYTES (1u << 20) /* 1 MiB, as a message says */

struct rh_pool {
	struct rh_place place;
	const char     *file;
	char            dir[PATH_MAX];
	const char     *base;      /* of the file, within file              */
	struct rh_list  members;   /* sorted by name                        */
	uv_fs_event_t   watch;
	uv_timer_t      retry;
	unsigned        backoff_ms;
};

/* Opens an agent for each name; everything borrowed.
 * RH_EIO      the file cannot be read, or not be watched.
 * RH_EPROTO   there is something in it that is no name.
 * RH_ENOSPC   too many names. */
int rh_pool_open(struct rh_pool *pool, const struct rh_place *place, const char *file,
                 struct rh_diag *diag);

/* At the end of the process. */
void rh_pool_close(struct rh_pool *pool);

#endif
