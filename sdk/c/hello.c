#include "hello.h"

#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

/* Waits until something changes in the directory of the agent's socket. */
static int wait_for_agent(int watch, uint64_t deadline)
{
	struct pollfd look = { .fd = watch, .events = POLLIN };
	char          events[1024];
	int           left = rh_until_ms(deadline);

	if (left == 0 || poll(&look, 1, left) == 0)
		return RH_ETIMEDOUT;
	if (read(watch, events, sizeof events) < 0 && errno != EINTR)
		return RH_EIO;
	return RH_OK;
}

static int watch_directory(const char *path)
{
	char  directory[256];
	char *slash;
	int   watch = inotify_init1(IN_CLOEXEC);

	snprintf(directory, sizeof directory, "%s", path);
	slash = strrchr(directory, '/');
	if (slash)
		*slash = 0;
	if (watch >= 0 && inotify_add_watch(watch, directory,
	                                    IN_MOVED_TO | IN_CREATE) < 0) {
		close(watch);
		return -1;
	}
	return watch;
}

static int connect_until(const char *path, uint64_t deadline)
{
	struct rh_diag diag;
	int            watch, r;

	r = rh_socket_connect(path, &diag);
	if (r != RH_ENOENT)
		return r < 0 ? rh_fail(r, "%s", diag.text) : r;
	watch = watch_directory(path);
	if (watch < 0) /* no RH_EDETACHED, which is tried again at once */
		return rh_fail(RH_ENOENT, "the system is not up: no directory for %s", path);
	while ((r = rh_socket_connect(path, &diag)) == RH_ENOENT) {
		if ((r = wait_for_agent(watch, deadline)) < 0)
			break;
	}
	close(watch);
	if (r < 0)
		rh_fail(r, "the agent did not come up in time: %s", diag.text);
	return r;
}

/* One frame from a socket that may block, until the deadline. */
static int receive_until(int fd, void *buffer, uint64_t deadline,
                         struct rh_frame *ret_frame)
{
	for (;;) {
		struct pollfd look = { .fd = fd, .events = POLLIN };
		int           left = rh_until_ms(deadline);

		if (left == 0 || poll(&look, 1, left) == 0)
			return rh_fail(RH_ETIMEDOUT, "the agent did not answer in time");
		int r = rh_socket_receive(fd, buffer, ret_frame);
		if (r != RH_EAGAIN)
			return r < 0 ? rh_fail(RH_EDETACHED, "the agent hung up") : r;
	}
}

static int attach(int fd, uint32_t role, uint64_t attachment, uint64_t deadline,
                  void *buffer, struct rh_frame *ret_frame)
{
	unsigned char           bytes[64];
	struct rh_record_writer writer;
	struct rh_frame         frame;
	int                     r;

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u32(&writer, RH_TAG_VERSION, RH_WIRE_VERSION);
	rh_record_put_u32(&writer, RH_TAG_ROLE, role);
	if (attachment != 0) /* the agent was restarted */
		rh_record_put_u64(&writer, RH_TAG_ATTACHMENT, attachment);
	if ((r = rh_socket_send(fd, RH_FRAME_ATTACH, 1, &writer, NULL, 0)) < 0)
		return rh_fail(RH_EDETACHED, "the agent hung up");
	if ((r = receive_until(fd, buffer, deadline, &frame)) < 0)
		return r;
	if (frame.type == RH_FRAME_ERROR)
		r = rh_frame_error(&frame);
	else if (frame.type != RH_FRAME_ATTACHED || frame.fd_count != 1)
		r = rh_fail(RH_EPROTO, "the agent answered something else");
	if (r < 0)
		rh_frame_drop(&frame);
	else
		*ret_frame = frame;
	return r;
}

int rh_hello(uint32_t role, uint64_t attachment, uint64_t deadline, void *buffer,
             int *ret_fd, struct rh_frame *ret_frame)
{
	const char *path = secure_getenv("RHODES_AGENT");
	int         fd, r;

	if (!path || !path[0])
		return rh_fail(RH_EDETACHED, "this process runs as no resource: start it"
		               " with `rhodes run RESOURCE -- PROGRAM`");
	if ((fd = connect_until(path, deadline)) < 0)
		return fd;
	fd = rh_move_up(fd);
	if ((r = attach(fd, role, attachment, deadline, buffer, ret_frame)) < 0) {
		close(fd);
		return r;
	}
	fcntl(fd, F_SETFL, O_NONBLOCK);
	*ret_fd = fd;
	return RH_OK;
}
