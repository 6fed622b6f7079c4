#include "pollfd.h"

#include "../model/error.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/uio.h>

struct rh_pollfd {
	uv_poll_t        poll;
	int              events;
	rh_pollfd_ready *ready;
	void            *user;
};

static void on_ready(uv_poll_t *poll, int status, int events)
{
	struct rh_pollfd *pollfd = poll->data;

	if (pollfd->ready)
		pollfd->ready(pollfd->user, status < 0 ? pollfd->events : events);
}

int rh_pollfd_open(uv_loop_t *loop, int fd, int events, rh_pollfd_ready *ready,
                   void *user, struct rh_pollfd **ret_pollfd)
{
	struct rh_pollfd *pollfd = calloc(1, sizeof *pollfd);

	if (!pollfd)
		return RH_ENOMEM;
	if (uv_poll_init(loop, &pollfd->poll, fd) < 0) {
		free(pollfd); /* the loop does not know it yet */
		return RH_EIO;
	}
	pollfd->poll.data = pollfd;
	pollfd->ready = ready;
	pollfd->user = user;
	rh_pollfd_want(pollfd, events);
	*ret_pollfd = pollfd;
	return RH_OK;
}

void rh_pollfd_want(struct rh_pollfd *pollfd, int events)
{
	if (!pollfd || pollfd->events == events)
		return;
	pollfd->events = events;
	if (events)
		uv_poll_start(&pollfd->poll, events, on_ready);
	else
		uv_poll_stop(&pollfd->poll);
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void rh_pollfd_close(struct rh_pollfd *pollfd)
{
	if (!pollfd)
		return;
	pollfd->ready = NULL;
	uv_close((uv_handle_t *)&pollfd->poll, on_closed);
}

int rh_event_create(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	return fd < 0 ? RH_ENOMEM : fd;
}

void rh_event_drain(int fd)
{
	uint64_t     count;
	struct iovec part = { .iov_base = &count, .iov_len = sizeof count };

	if (preadv2(fd, &part, 1, -1, RWF_NOWAIT) < 0)
		return; /* nothing there */
}
