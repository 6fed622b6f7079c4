/* dirs - where a system keeps its sockets and its state.
 *
 * run    RHODES_RUN_DIR, or /run/rhodes/<system> as root, or
 *        $XDG_RUNTIME_DIR/rhodes/<system>, or /tmp/rhodes-<uid>/<system>.
 * state  RHODES_STATE_DIR, or /var/lib/rhodes/<system> as root, or
 *        $XDG_STATE_HOME/rhodes/<system>, or ~/.local/state/rhodes/<system>.
 *
 * Limits  A socket path fits sockaddr_un, with room for the suffix it has while
 *         it is made: RH_SOCKET_PATH_MAX bytes. */
#ifndef RH_BASE_DIRS_H
#define RH_BASE_DIRS_H

#include "../model/error.h"
#include "../wire/limits.h"

#define RH_DIR_MAX         256
#define RH_SOCKET_PATH_MAX 101
#define RH_SYSTEM_DEFAULT  "rhodes"

struct rh_dirs {
	char system[RH_NAME_MAX + 1];
	char run[RH_DIR_MAX];
	char state[RH_DIR_MAX];
};

/* Fills *ret_dirs for the system; NULL means RHODES_SYSTEM or the default.
 * Makes nothing.
 * RH_EINVAL    the system's name breaks the grammar, or no home is known.
 * RH_EMSGSIZE  a path is too long. */
int rh_dirs_find(const char *system, struct rh_dirs *ret_dirs, struct rh_diag *diag);

/* Whether what stands in the run directory is of this user or root: in /tmp somebody else
 * may have made /tmp/rhodes-<uid> first.  To be asked before anything there is believed;
 * rh_dirs_make asks as well.  RH_EACCES with the reason. */
int rh_dirs_trust(const struct rh_dirs *dirs, struct rh_diag *diag);

/* Makes the directories (0755 run as root, else 0700; state 0700) and checks that
 * they belong to this user or root and nobody else may write there.
 * RH_EACCES  a directory is another user's or writable by others.
 * RH_EIO     it cannot be made. */
int rh_dirs_make(const struct rh_dirs *dirs, struct rh_diag *diag);

/* The name of the system that runs in the run directory, or ran there last, is written
 * there by who holds it: the directory need not be called like the system.
 * RH_EIO  it cannot be written. */
int rh_dirs_sign(const struct rh_dirs *dirs, struct rh_diag *diag);

/* Reads it.  RH_ENOENT  nobody wrote one, or it is none; *ret_system is untouched. */
int rh_dirs_owner(const struct rh_dirs *dirs, char ret_system[RH_NAME_MAX + 1]);

/* Writes "<run>/<name>"; RH_EMSGSIZE when it would not fit a socket address. */
int rh_dirs_socket(const struct rh_dirs *dirs, const char *name, char *path,
                   struct rh_diag *diag);

/* The same for the socket of a resource's agent: "<run>/agent/<name>.sock". */
int rh_dirs_agent(const struct rh_dirs *dirs, const char *resource, char *path,
                  struct rh_diag *diag);

#endif
