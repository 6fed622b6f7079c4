#include "peer.h"

#include "diag.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77 /* missing in the headers of glibc 2.36 */
#endif

static int open_pidfd(int socket_fd, pid_t pid)
{
	int       pidfd = -1;
	socklen_t len = sizeof pidfd;

	if (getsockopt(socket_fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &len) == 0)
		return pidfd;
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

static int has_ended(int pidfd)
{
	struct pollfd look = { .fd = pidfd, .events = POLLIN };

	return pidfd >= 0 && poll(&look, 1, 0) > 0;
}

static void read_groups(struct rh_peer *peer, int socket_fd)
{
	socklen_t len = sizeof peer->groups;

	peer->group_count = 0;
	if (getsockopt(socket_fd, SOL_SOCKET, SO_PEERGROUPS, peer->groups, &len) == 0)
		peer->group_count = (int)(len / sizeof peer->groups[0]);
}

/* Which file that is, as far as the kernel knows without asking a file system that
 * might not answer. */
static int identify(const char *path, uint64_t *ret_inode, uint64_t *ret_device)
{
	struct statx st;

	if (statx(AT_FDCWD, path, AT_STATX_DONT_SYNC, STATX_INO, &st) < 0)
		return -1;
	*ret_inode = st.stx_ino;
	*ret_device = (uint64_t)st.stx_dev_major << 32 | st.stx_dev_minor;
	return 0;
}

static void read_exe(struct rh_peer *peer)
{
	char    link[32];
	ssize_t len;

	snprintf(link, sizeof link, "/proc/%d/exe", (int)peer->pid);
	len = readlink(link, peer->exe, sizeof peer->exe - 1);
	peer->exe[len < 0 ? 0 : len] = 0;
	if (identify(link, &peer->exe_inode, &peer->exe_device) < 0)
		peer->exe_inode = peer->exe_device = 0;
}

int rh_peer_init(struct rh_peer *peer, int socket_fd, struct rh_diag *diag)
{
	struct ucred cred;
	socklen_t    len = sizeof cred;

	if (getsockopt(socket_fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return rh_diag_set(diag, RH_EIO, "the socket names no peer: %s",
		                   strerror(errno));
	peer->pid = cred.pid;
	peer->uid = cred.uid;
	peer->gid = cred.gid;
	peer->pidfd = open_pidfd(socket_fd, cred.pid);
	read_groups(peer, socket_fd);
	read_exe(peer);
	if (peer->pidfd < 0 || has_ended(peer->pidfd)) {
		rh_peer_fini(peer);
		return rh_diag_set(diag, RH_EIDENT,
		                   "process %d ended before it could be identified",
		                   (int)cred.pid);
	}
	return RH_OK;
}

void rh_peer_fini(struct rh_peer *peer)
{
	if (!peer || peer->pidfd < 0)
		return;
	close(peer->pidfd);
	peer->pidfd = -1;
}

int rh_peer_runs(const struct rh_peer *peer, const char *path)
{
	char     real[PATH_MAX];
	uint64_t inode, device;

	if (peer->exe[0] == 0)
		return 0;
	if (strcmp(peer->exe, realpath(path, real) ? real : path) != 0)
		return 0;
	return peer->exe_inode == 0 || identify(path, &inode, &device) < 0 ||
	       (inode == peer->exe_inode && device == peer->exe_device);
}
