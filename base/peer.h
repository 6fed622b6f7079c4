/* peer - who is at the other end of a Unix socket.
 *
 * The process is pinned by its descriptor (SO_PEERPIDFD, Linux 6.5; pidfd_open of
 * SO_PEERCRED's pid before that) while its executable is read, so that a pid that
 * was given to somebody else in between is noticed.
 *
 * Ownership   rh_peer_fini closes the pidfd. */
#ifndef RH_BASE_PEER_H
#define RH_BASE_PEER_H

#include "../model/error.h"

#include <limits.h>
#include <stdint.h>
#include <sys/types.h>

#define RH_PEER_GROUPS_MAX 64

struct rh_peer {
	pid_t pid;
	uid_t uid;
	gid_t gid;
	int   pidfd;               /* readable when the process has ended; or -1 */
	int   group_count;
	gid_t groups[RH_PEER_GROUPS_MAX];
	char  exe[PATH_MAX];       /* "" when it may not be read */
	uint64_t exe_inode;        /* and its device: which file that is for us; */
	uint64_t exe_device;       /* both 0 when they may not be read           */
};

/* RH_EIDENT  the process ended before it could be identified.
 * RH_EIO     the socket has no credentials. */
int rh_peer_init(struct rh_peer *peer, int socket_fd, struct rh_diag *diag);

void rh_peer_fini(struct rh_peer *peer);

/* 1 when the executable is the file at path, symbolic links resolved: by its name, and
 * by what it is, for a process may have mounted something else under that name where
 * only it sees it. */
int rh_peer_runs(const struct rh_peer *peer, const char *path);

#endif
