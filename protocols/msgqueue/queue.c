#include "queue.h"

#include "../../base/diag.h"

#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LIMIT_WANTED (64ul << 20) /* bytes of queues a user: some 800 channels */

/* A time long past: send and receive return at once even when the other holder of
 * the open file made it blocking. */
static const struct timespec past = { 0, 0 };

int rh_queue_names(const struct rh_channel_config *config,
                   struct rh_queue_names *ret_names, struct rh_diag *diag)
{
	const char *parts[] = { config->system, config->caller, config->callee };

	for (size_t i = 0; i < 3; i++) {
		if (strlen(parts[i]) > RH_NAME_MAX || strchr(parts[i], '/'))
			return rh_diag_set(diag, RH_EINVAL, "%.80s cannot be part of the "
			                   "name of a queue", parts[i]);
	}
	snprintf(ret_names->request, sizeof ret_names->request, "/%s-%s-%s-queue",
	         parts[0], parts[1], parts[2]);
	snprintf(ret_names->reply, sizeof ret_names->reply, "/%s-%s-%s-reply",
	         parts[0], parts[1], parts[2]);
	return RH_OK;
}

void rh_queue_raise_limit(void)
{
	struct rlimit limit, more = { LIMIT_WANTED, LIMIT_WANTED };

	if (getrlimit(RLIMIT_MSGQUEUE, &limit) < 0 || limit.rlim_cur >= LIMIT_WANTED)
		return;
	if (setrlimit(RLIMIT_MSGQUEUE, &more) == 0)
		return; /* CAP_SYS_RESOURCE */
	limit.rlim_cur = limit.rlim_max < LIMIT_WANTED ? limit.rlim_max : LIMIT_WANTED;
	setrlimit(RLIMIT_MSGQUEUE, &limit);
}

/* What errno says about why there is no queue of that name. */
static int explain(const char *name, struct rh_diag *diag)
{
	struct rlimit limit = { 0, 0 };
	int           err = errno;

	switch (err) {
	case EMFILE:
		getrlimit(RLIMIT_MSGQUEUE, &limit);
		return rh_diag_set(diag, RH_ENOSPC, "%s: this user's message queues are "
		                   "used up (RLIMIT_MSGQUEUE, %llu bytes): raise it with "
		                   "ulimit -q or LimitMSGQUEUE=, remove stale ones in "
		                   "/dev/mqueue, or use shm for this edge", name,
		                   (unsigned long long)limit.rlim_cur);
	case ENOSPC:
		return rh_diag_set(diag, RH_ENOSPC, "%s: the system's message queues are "
		                   "used up: raise it with sysctl fs.mqueue.queues_max, or "
		                   "remove stale ones in /dev/mqueue", name);
	case EACCES:
	case EPERM:
	case EEXIST:
		return rh_diag_set(diag, RH_EACCES, "a message queue of that name belongs "
		                   "to another user: %s", name);
	case ENOSYS:
		return rh_diag_set(diag, RH_ENOSYS, "this kernel has no POSIX message "
		                   "queues (CONFIG_POSIX_MQUEUE)");
	case ENOMEM:
		return rh_diag_set(diag, RH_ENOMEM, "no memory for a message queue: %s",
		                   name);
	default:
		return rh_diag_set(diag, RH_EIO, "%s: no message queue %s", strerror(err),
		                   name);
	}
}

static int create_of_depth(const char *name, unsigned depth)
{
	struct mq_attr wanted = {
		.mq_maxmsg = (long)depth, .mq_msgsize = RH_QUEUE_MESSAGE_MAX,
	};

	return (int)mq_open(name, O_CREAT | O_EXCL | O_WRONLY | O_NONBLOCK | O_CLOEXEC,
	                    0600, &wanted);
}

/* The deepest queue that the limits allow, or -1 with errno. */
static int create_deepest(const char *name)
{
	static const unsigned depths[] = {
		RH_QUEUE_DEPTH, RH_QUEUE_DEPTH_DEFAULT, RH_QUEUE_DEPTH_LEAST,
	};
	int fd = -1;

	for (size_t i = 0; i < sizeof depths / sizeof depths[0]; i++) {
		fd = create_of_depth(name, depths[i]);
		/* EINVAL: deeper than fs.mqueue.msg_max; EMFILE: RLIMIT_MSGQUEUE. */
		if (fd >= 0 || (errno != EINVAL && errno != EMFILE))
			return fd;
	}
	return fd;
}

int rh_queue_create(const char *name, int ret_fds[2], struct rh_diag *diag)
{
	int writer, reader;

	if (mq_unlink(name) < 0 && errno != ENOENT)
		return explain(name, diag);
	writer = create_deepest(name);
	if (writer < 0)
		return explain(name, diag);
	reader = (int)mq_open(name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (reader < 0) {
		int r = explain(name, diag);

		rh_queue_unlink(name, writer);
		close(writer);
		return r;
	}
	ret_fds[0] = writer;
	ret_fds[1] = reader;
	return RH_OK;
}

int rh_queue_check(int fd, int access)
{
	struct mq_attr is;
	int            flags = fcntl(fd, F_GETFL);

	if (flags < 0 || (flags & O_ACCMODE) != access)
		return RH_EPROTO;
	if (mq_getattr((mqd_t)fd, &is) < 0 || is.mq_msgsize != RH_QUEUE_MESSAGE_MAX)
		return RH_EPROTO;
	return RH_OK;
}

int rh_queue_send(int fd, const void *bytes, size_t len)
{
	if (mq_timedsend((mqd_t)fd, bytes, len, 0, &past) == 0)
		return RH_OK;
	return errno == EAGAIN || errno == ETIMEDOUT || errno == EINTR ? RH_EAGAIN
	                                                               : RH_EIO;
}

int rh_queue_receive(int fd, void *buffer)
{
	ssize_t n = mq_timedreceive((mqd_t)fd, buffer, RH_QUEUE_MESSAGE_MAX, NULL, &past);

	if (n >= 0)
		return (int)n;
	return errno == EAGAIN || errno == ETIMEDOUT || errno == EINTR ? RH_EAGAIN
	                                                               : RH_EIO;
}

void rh_queue_unlink(const char *name, int fd)
{
	struct stat ours, named;
	int         again = (int)mq_open(name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (again < 0)
		return;
	/* A newer channel of the same pair may have taken the name. */
	if (fstat(fd, &ours) == 0 && fstat(again, &named) == 0 &&
	    ours.st_dev == named.st_dev && ours.st_ino == named.st_ino)
		mq_unlink(name);
	close(again);
}

void rh_queue_level(int fd, long *ret_waiting, long *ret_depth)
{
	struct mq_attr is = { 0 };

	mq_getattr((mqd_t)fd, &is);
	*ret_waiting = is.mq_curmsgs;
	*ret_depth = is.mq_maxmsg;
}
