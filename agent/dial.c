#include "dial.h"

#include "admit.h"
#include "agent.h"

#include "../base/diag.h"
#include "../base/peer.h"
#include "../base/socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int connect_now(int fd, const char *path, struct rh_diag *diag)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t             len = strlen(path);
	int                on = 1, r, code;

	if (len >= sizeof address.sun_path)
		return rh_diag_set(diag, RH_EMSGSIZE, "the socket path %s is too long",
		                   path);
	memcpy(address.sun_path, path, len + 1);
	do {
		r = connect(fd, (struct sockaddr *)&address, sizeof address);
	} while (r < 0 && errno == EINTR);
	if (r == 0 && setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == 0)
		return RH_OK;
	code = errno == ENOENT || errno == ECONNREFUSED ? RH_ENOENT :
	       errno == EAGAIN ? RH_EAGAIN : RH_EIO;
	return rh_diag_set(diag, code, "cannot connect to %s: %s", path,
	                   strerror(errno));
}

static int check_user(int fd, const char *path, uid_t uid, struct rh_diag *diag)
{
	struct ucred cred;
	socklen_t    len = sizeof cred;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return rh_diag_set(diag, RH_EIO, "%s names no peer", path);
	if (cred.uid != uid && cred.uid != 0)
		return rh_diag_set(diag, RH_EIDENT, "process %d of uid %u listens on %s",
		                   (int)cred.pid, (unsigned)cred.uid, path);
	return RH_OK;
}

int rh_dial(const char *path, uid_t uid, struct rh_diag *diag)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r;

	if (fd < 0)
		return rh_diag_set(diag, RH_EIO, "no socket: %s", strerror(errno));
	if ((r = connect_now(fd, path, diag)) < 0 ||
	    (r = check_user(fd, path, uid, diag)) < 0) {
		close(fd);
		return r;
	}
	return fd;
}

int rh_dial_agent(struct rh_agent *agent, const char *resource,
                  struct rh_diag *diag)
{
	struct rh_peer peer = { .pidfd = -1 };
	char           path[PATH_MAX];
	int            fd, r;

	if ((r = rh_agent_path(agent, resource, "sock", path, sizeof path)) < 0)
		return rh_diag_set(diag, r, "the socket path of the agent of %s is too "
		                   "long", resource);
	fd = rh_dial(path, agent->home->uid, diag);
	if (fd < 0)
		return fd;
	r = rh_peer_init(&peer, fd, diag);
	if (r == RH_OK)
		r = rh_admit_agent(agent->home, &peer, resource, diag);
	rh_peer_fini(&peer);
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}
