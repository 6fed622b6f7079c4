/* keeper - the parent of a supervisor, which ends what that leaves behind.
 *
 *   rhodes up (keeper) --- rhodes up (supervisor) --- center, agents, instances
 *                                                           \--- children of theirs
 *
 * What the supervisor starts gets SIGKILL from the kernel when the supervisor dies;
 * children that a program of the user made do not.  Both processes are subreapers: what
 * loses its parent becomes a child of the nearer one that lives.  So the supervisor
 * ends such strays when it is done, and the keeper ends everything when the supervisor
 * was killed.  When the keeper is killed the supervisor is asked to stop (SIGTERM).
 *
 * Signals     The keeper passes SIGINT, SIGTERM and SIGHUP on, but those of the
 *             terminal, which reach both.
 * Threads     One, the main thread (spawn.h).
 * Limits      When both are killed at the same moment, children of children go on. */
#ifndef RH_SUPERVISE_KEEPER_H
#define RH_SUPERVISE_KEEPER_H

#include "../../model/error.h"

#include <stdbool.h>
#include <sys/types.h>

struct rh_keeper {
	const char *run_dir;  /* its log tells when the supervisor was killed, or NULL */
	int         notify;   /* not the keeper's: closed there; -1 none.  With it the
	                         keeper leaves the terminal                            */
};

/* Forks: 0 in the child, which is to become the supervisor; 1 in the keeper when the
 * child and all that it left are gone, with the exit code that is due (enum rh_exit).
 * RH_EIO  no process can be made. */
int rh_keeper_fork(const struct rh_keeper *keeper, int *ret_exit, struct rh_diag *diag);

/* Makes this process the new parent of descendants that lose theirs. */
void rh_keeper_adopt(void);

/* Collects those that ended; is_known tells of which somebody else will. */
void rh_keeper_reap(bool (*is_known)(const void *user, pid_t pid), const void *user);

/* Ends every child and what those leave, until there is none. */
void rh_keeper_end_children(void);

#endif
