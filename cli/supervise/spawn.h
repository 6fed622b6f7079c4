/* spawn - starts a process that ends when its parent does.
 *
 * A service is in a process group of its own (Ctrl-C reaches only the supervisor),
 * reads /dev/null, writes standard output and error into one pipe, and inherits no
 * other descriptor.  A helper stays in the group and at the terminal; its standard
 * output may be captured.  Each gets SIGKILL when the parent dies
 * (PR_SET_PDEATHSIG), and the signal dispositions and mask of a fresh process.
 *
 * Threads     The thread that spawns must live as long as the child: PDEATHSIG
 *             watches the thread. */
#ifndef RH_SUPERVISE_SPAWN_H
#define RH_SUPERVISE_SPAWN_H

#include "../../model/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum rh_spawn_as {
	RH_SPAWN_SERVICE,  /* both outputs into the pipe            */
	RH_SPAWN_HELPER,   /* no pipe                               */
	RH_SPAWN_CAPTURE,  /* a helper; standard output in the pipe */
};

struct rh_spawn {
	char *const       *argv;    /* argv[0] is looked up in PATH without a slash */
	const char *const *env;     /* "NAME=value", or "NAME" to unset; may be NULL */
	enum rh_spawn_as   as;
};

struct rh_spawned {
	pid_t pid;
	int   pidfd;   /* readable when the process has ended     */
	int   output;  /* read end of the pipe, or -1; non-blocking for a service */
};

/* RH_ENOENT  no such program; RH_EACCES it may not be executed; RH_EIO the rest. */
int rh_spawn(const struct rh_spawn *spawn, struct rh_spawned *ret_spawned,
             struct rh_diag *diag);

/* Sends the signal to the process and everything in its group. */
void rh_spawn_signal(const struct rh_spawned *spawned, int signal);

/* Collects the exit status of a process that has ended.
 * RH_EAGAIN  it has not. */
int rh_spawn_wait(const struct rh_spawned *spawned, int *ret_code, int *ret_by_signal);

/* Waits for the end of a helper, closes its pidfd and returns its exit code; 128 and the
 * signal when one ended it. */
int rh_spawn_await(struct rh_spawned *spawned);

/* Runs a helper to its end.  Its standard output is *ret_text, which the caller frees,
 * whatever the exit code, which is returned.
 * RH_ENOMEM, or as rh_spawn; nothing is there to free then. */
int rh_spawn_capture(const char *const *argv, char **ret_text, size_t *ret_len,
                     struct rh_diag *diag);

#endif
