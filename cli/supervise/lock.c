#include "lock.h"

#include "../../base/diag.h"
#include "../../base/dirs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct flock whole_file(void)
{
	return (struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_SET };
}

static void path_of(const struct rh_dirs *dirs, char path[RH_DIR_MAX + 16])
{
	snprintf(path, RH_DIR_MAX + 16, "%s/up.pid", dirs->run);
}

/* The pid of who holds the lock, 0 when nobody does. */
static pid_t holder_of(int fd)
{
	struct flock lock = whole_file();

	if (fcntl(fd, F_GETLK, &lock) < 0 || lock.l_type == F_UNLCK)
		return 0;
	return lock.l_pid;
}

/* Who holds it may be called otherwise: the folder is what can be had only once. */
static int refuse_busy(const struct rh_dirs *dirs, pid_t holder, struct rh_diag *diag)
{
	char owner[RH_NAME_MAX + 1];

	if (rh_dirs_owner(dirs, owner) < 0 || strcmp(owner, dirs->system) == 0)
		return rh_diag_set(diag, RH_EBUSY,
		                   "the system \"%s\" is running already, under pid %d;"
		                   " `rhodes down` stops it", dirs->system, (int)holder);
	return rh_diag_set(diag, RH_EBUSY,
	                   "the system \"%s\" is running in %s, under pid %d; \"%s\" needs"
	                   " a folder of its own: set RHODES_RUN_DIR and"
	                   " RHODES_STATE_DIR, or unset them", owner, dirs->run,
	                   (int)holder, dirs->system);
}

int rh_lock_take(const struct rh_dirs *dirs, pid_t *ret_holder, struct rh_diag *diag)
{
	struct flock lock = whole_file();
	char         path[RH_DIR_MAX + 16], text[32];
	int          fd, n;

	path_of(dirs, path);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return rh_diag_set(diag, RH_EIO, "cannot open %s: %s", path,
		                   strerror(errno));
	if (fcntl(fd, F_SETLK, &lock) < 0) {
		*ret_holder = holder_of(fd);
		close(fd);
		return refuse_busy(dirs, *ret_holder, diag);
	}
	n = snprintf(text, sizeof text, "%d\n", (int)getpid());
	if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)n, 0) != n) {
		close(fd);
		return rh_diag_set(diag, RH_EIO, "cannot write %s: %s", path,
		                   strerror(errno));
	}
	return fd;
}

int rh_lock_holder(const struct rh_dirs *dirs, pid_t *ret_holder, struct rh_diag *diag)
{
	char  path[RH_DIR_MAX + 16];
	pid_t pid;
	int   fd, pidfd = -1;

	path_of(dirs, path);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 && (errno == EACCES || errno == EPERM))
		return rh_diag_set(diag, RH_EACCES, "this user may not open %s", path);
	pid = fd < 0 ? 0 : holder_of(fd);
	if (pid > 0)
		pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	/* Still the holder after the descriptor was made: then it is the holder's. */
	if (pidfd >= 0 && holder_of(fd) != pid) {
		close(pidfd);
		pidfd = -1;
	}
	if (fd >= 0)
		close(fd);
	if (pidfd < 0)
		return rh_diag_set(diag, RH_EDOWN, "no system \"%s\" is running here",
		                   dirs->system);
	*ret_holder = pid;
	return pidfd;
}
