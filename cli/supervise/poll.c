#include "poll.h"

#include <stdlib.h>

struct rh_poll {
	uv_poll_t      handle;
	rh_poll_ready *ready;
	void          *user;
};

struct rh_timer {
	uv_timer_t     handle;
	rh_poll_ready *ready;
	void          *user;
};

static void free_handle(uv_handle_t *handle)
{
	free(handle->data);
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
	struct rh_poll *poll = handle->data;

	(void)status; /* reading tells what is wrong */
	(void)events;
	poll->ready(poll->user);
}

struct rh_poll *rh_poll_open(uv_loop_t *loop, int fd, rh_poll_ready *ready, void *user)
{
	struct rh_poll *poll = calloc(1, sizeof *poll);

	if (!poll)
		return NULL;
	poll->ready = ready;
	poll->user = user;
	if (uv_poll_init(loop, &poll->handle, fd) < 0) {
		free(poll);
		return NULL;
	}
	poll->handle.data = poll;
	if (uv_poll_start(&poll->handle, UV_READABLE | UV_DISCONNECT, on_poll) < 0) {
		rh_poll_close(poll);
		return NULL;
	}
	return poll;
}

void rh_poll_close(struct rh_poll *poll)
{
	if (poll)
		uv_close((uv_handle_t *)&poll->handle, free_handle);
}

static void on_timer(uv_timer_t *handle)
{
	struct rh_timer *timer = handle->data;

	timer->ready(timer->user);
}

struct rh_timer *rh_timer_open(uv_loop_t *loop, unsigned after_ms,
                               rh_poll_ready *ready, void *user)
{
	struct rh_timer *timer = calloc(1, sizeof *timer);

	if (!timer)
		return NULL;
	timer->ready = ready;
	timer->user = user;
	uv_timer_init(loop, &timer->handle);
	timer->handle.data = timer;
	uv_timer_start(&timer->handle, on_timer, after_ms, 0);
	return timer;
}

void rh_timer_close(struct rh_timer *timer)
{
	if (timer)
		uv_close((uv_handle_t *)&timer->handle, free_handle);
}
