#include "pollfd.h"

#include "../base/log.h"
#include "../model/error.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/uio.h>

struct rh_pollfd {
	uv_poll_t        poll;
	int              events;
	rh_pollfd_ready *ready;
	void            *user;
	const char      *who;      /* opened it, for the log        */
	int              event;    /* the eventfd, or -1            */
	int              has_edge; /* each write wakes, unread      */
};

/* Takes what an eventfd counts without ever sleeping, also when a peer that
 * shares it made it blocking. */
static void drain(int fd)
{
	uint64_t     count;
	struct iovec part = { .iov_base = &count, .iov_len = sizeof count };

	if (preadv2(fd, &part, 1, -1, RWF_NOWAIT) < 0)
		return; /* nothing there */
}

/* An eventfd that is watched for edges wakes at every write and need not be read: a
 * quarter of a microsecond less a wake-up, and a call by the agents has two in each.
 * libuv has registered the descriptor by the time it first reports it, and registers
 * it again only when other events are wanted; a failure leaves it as it was. */
static void take_event(struct rh_pollfd *pollfd)
{
	struct epoll_event edge = {
		.events = EPOLLIN | EPOLLET, .data.fd = pollfd->event,
	};

	if (pollfd->event < 0 || pollfd->has_edge)
		return;
	drain(pollfd->event);
	pollfd->has_edge = epoll_ctl(uv_backend_fd(pollfd->poll.loop), EPOLL_CTL_MOD,
	                             pollfd->event, &edge) == 0;
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
	struct rh_pollfd *pollfd = poll->data;

	rh_log_as(pollfd->who);
	take_event(pollfd);
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
	pollfd->who = rh_log_as(NULL);
	pollfd->event = -1;
	rh_pollfd_want(pollfd, events);
	*ret_pollfd = pollfd;
	return RH_OK;
}

int rh_pollfd_open_event(uv_loop_t *loop, int fd, rh_pollfd_ready *ready, void *user,
                         struct rh_pollfd **ret_pollfd)
{
	int r = rh_pollfd_open(loop, fd, UV_READABLE, ready, user, ret_pollfd);

	if (r == RH_OK)
		(*ret_pollfd)->event = fd;
	return r;
}

void rh_pollfd_want(struct rh_pollfd *pollfd, int events)
{
	if (!pollfd || pollfd->events == events)
		return;
	pollfd->events = events;
	pollfd->has_edge = 0;
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
