#include "conn.h"

#include "agent.h"

#include "../base/discard.h"
#include "../base/log.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FRAMES_PER_TURN  64
#define FRAMES_PER_DRAIN 4096

struct queued {
	struct rh_list link;
	uint8_t        type;
	uint64_t       request;
	unsigned       fd_count;
	int            fds[RH_FRAME_FDS_MAX];
	size_t         len;
	unsigned char  bytes[];
};

static void drop_queued(struct rh_conn *conn, struct queued *queued)
{
	rh_list_remove(&queued->link);
	conn->queue_frames--;
	conn->queue_bytes -= queued->len;
	conn->queue_fds -= queued->fd_count;
	for (unsigned i = 0; i < queued->fd_count; i++)
		rh_discard(queued->fds[i]);
	free(queued);
}

static void say_lost(struct rh_task *task)
{
	struct rh_conn *conn = RH_CONTAINER(task, struct rh_conn, task);

	conn->ops->lost(conn->user, conn->why);
}

/* Tells the owner from the loop, never from inside a call of its own.  C1 */
static void lose(struct rh_conn *conn, int why)
{
	if (conn->is_lost || conn->is_closed)
		return;
	conn->is_lost = 1;
	conn->why = why;
	rh_pollfd_want(conn->poll, 0);
	rh_task_post(&conn->agent->tasks, &conn->task, say_lost);
}

static int events_wanted(const struct rh_conn *conn)
{
	return UV_READABLE | UV_DISCONNECT |
	       (rh_list_empty(&conn->queue) ? 0 : UV_WRITABLE);
}

static int send_queued(struct rh_conn *conn, struct queued *queued)
{
	struct rh_record_writer writer = {
		.bytes = queued->bytes, .cap = queued->len, .used = queued->len,
	};

	return rh_socket_send(conn->fd, queued->type, queued->request, &writer,
	                      queued->fds, queued->fd_count);
}

static void flush(struct rh_conn *conn)
{
	while (!rh_list_empty(&conn->queue)) {
		struct queued *queued = RH_CONTAINER(conn->queue.next, struct queued,
		                                     link);
		int r = send_queued(conn, queued);

		if (r == RH_EAGAIN)
			return;
		if (r < 0) {
			lose(conn, r);
			return;
		}
		drop_queued(conn, queued);
	}
	rh_pollfd_want(conn->poll, events_wanted(conn));
	if (conn->ops->flushed)
		conn->ops->flushed(conn->user);
}

/* A frame of another process on this socket answers to nobody: a forked child
 * that uses what it inherited.  The owner's requests are not disturbed, for
 * request 0 answers none of them. */
static int check_sender(struct rh_conn *conn, struct rh_frame *frame)
{
	if (conn->pid == 0 || frame->sender == conn->pid)
		return 1;
	rh_warn_often("a frame from process %d on the socket of process %d was ignored",
	        (int)frame->sender, (int)conn->pid);
	rh_counter_add(&conn->agent->counters.head->refused, 1);
	rh_conn_error(conn, 0, RH_EIDENT, "process %d may not use the attachment of "
	              "process %d: attach afresh", (int)frame->sender, (int)conn->pid);
	return 0;
}

/* 1 when a frame was handled, 0 when there is none or the connection ends. */
static int receive_one(struct rh_conn *conn)
{
	struct rh_frame frame;
	int r;

	if (conn->is_lost || conn->is_closed)
		return 0;
	r = rh_socket_receive(conn->fd, rh_agent_buffer(), &frame);
	if (r == RH_EAGAIN)
		return 0;
	if (r == RH_EVERSION)
		rh_conn_error(conn, 0, r, "this agent speaks version %u of the frames",
		              RH_WIRE_VERSION);
	if (r < 0) {
		lose(conn, r);
		return 0;
	}
	r = check_sender(conn, &frame) ? conn->ops->frame(conn->user, &frame) : RH_OK;
	rh_frame_drop(&frame);
	if (r < 0)
		lose(conn, r);
	return 1;
}

static void on_ready(void *user, int events)
{
	struct rh_conn *conn = user;

	if ((events & UV_WRITABLE) && !conn->is_lost)
		flush(conn);
	/* One that is paused has no turn, whatever its peer does. */
	for (int i = 0; (events & UV_READABLE) && i < FRAMES_PER_TURN; i++) {
		if (!receive_one(conn))
			break;
	}
	/* A peer that hung up while nobody reads what it sent before. */
	if ((events & UV_DISCONNECT) && !(events & UV_READABLE))
		lose(conn, RH_ELOST);
}

int rh_conn_open(struct rh_agent *agent, int fd, const struct rh_conn_ops *ops,
                 void *user, struct rh_conn **ret_conn)
{
	struct rh_conn *conn = calloc(1, sizeof *conn);
	int             r = RH_ENOMEM;

	if (conn) {
		conn->agent = agent;
		conn->ops = ops;
		conn->user = user;
		conn->fd = fd;
		rh_list_init(&conn->queue);
		rh_task_init(&conn->task);
		r = rh_pollfd_open(agent->loop, fd, UV_READABLE | UV_DISCONNECT,
		                   on_ready, conn, &conn->poll);
	}
	if (r < 0) {
		rh_discard_socket(fd);
		free(conn);
		return r;
	}
	*ret_conn = conn;
	return RH_OK;
}

void rh_conn_hand_over(struct rh_conn *conn, const struct rh_conn_ops *ops,
                       void *user)
{
	conn->ops = ops;
	conn->user = user;
}

static int queue_frame(struct rh_conn *conn, struct queued *queued, const int *fds,
                       unsigned fd_count)
{
	for (; queued->fd_count < fd_count; queued->fd_count++) {
		int fd = fcntl(fds[queued->fd_count], F_DUPFD_CLOEXEC, 0);

		if (fd < 0)
			return RH_ENOMEM;
		queued->fds[queued->fd_count] = fd;
		conn->queue_fds++;
	}
	if (conn->queue_frames > RH_CONN_QUEUE_FRAMES ||
	    conn->queue_fds > RH_CONN_QUEUE_FDS ||
	    conn->queue_bytes > RH_CONN_QUEUE_BYTES) {
		lose(conn, RH_EAGAIN);
		return RH_ELOST;
	}
	return RH_OK;
}

static int enqueue(struct rh_conn *conn, uint8_t type, uint64_t request,
                   const struct rh_record_writer *writer, const int *fds,
                   unsigned fd_count)
{
	size_t         len = writer ? writer->used : 0;
	struct queued *queued = malloc(sizeof *queued + len);
	int            r;

	if (!queued)
		return RH_ENOMEM;
	queued->type = type;
	queued->request = request;
	queued->fd_count = 0;
	queued->len = len;
	if (len > 0)
		memcpy(queued->bytes, writer->bytes, len);
	rh_list_add(&conn->queue, &queued->link);
	conn->queue_frames++;
	conn->queue_bytes += len;
	if ((r = queue_frame(conn, queued, fds, fd_count)) < 0)
		drop_queued(conn, queued);
	rh_pollfd_want(conn->poll, conn->is_lost ? 0 : events_wanted(conn));
	return r;
}

int rh_conn_send(struct rh_conn *conn, uint8_t type, uint64_t request,
                 const struct rh_record_writer *writer, const int *fds,
                 unsigned fd_count)
{
	int r = RH_EAGAIN;

	if (conn->is_lost || conn->is_closed)
		return RH_ELOST;
	if (writer && rh_record_end(writer) < 0)
		return RH_EMSGSIZE;
	if (rh_list_empty(&conn->queue)) /* C2 */
		r = rh_socket_send(conn->fd, type, request, writer, fds, fd_count);
	if (r == RH_EAGAIN)
		return enqueue(conn, type, request, writer, fds, fd_count);
	if (r < 0 && r != RH_EMSGSIZE)
		lose(conn, r);
	return r;
}

int rh_conn_error(struct rh_conn *conn, uint64_t request, int code,
                  const char *format, ...)
{
	unsigned char           bytes[RH_DIAG_MAX + 64];
	char                    text[RH_DIAG_MAX];
	struct rh_record_writer writer;
	va_list                 args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_i32(&writer, RH_TAG_CODE, code);
	rh_record_put_text(&writer, RH_TAG_TEXT, text);
	return rh_conn_send(conn, RH_FRAME_ERROR, request, &writer, NULL, 0);
}

int rh_conn_is_flushed(const struct rh_conn *conn)
{
	return rh_list_empty(&conn->queue);
}

void rh_conn_drain(struct rh_conn *conn)
{
	for (int i = 0; i < FRAMES_PER_DRAIN && receive_one(conn); i++)
		;
}

void rh_conn_pause(struct rh_conn *conn, int is_paused)
{
	if (!conn->is_lost)
		rh_pollfd_want(conn->poll, is_paused ? UV_DISCONNECT
		                                     : events_wanted(conn));
}

static void end(struct rh_task *task)
{
	free(RH_CONTAINER(task, struct rh_conn, task));
}

void rh_conn_close(struct rh_conn *conn)
{
	if (!conn || conn->is_closed)
		return;
	conn->is_closed = 1;
	rh_pollfd_close(conn->poll);
	RH_LIST_EACH(node, &conn->queue)
		drop_queued(conn, RH_CONTAINER(node, struct queued, link));
	rh_discard_socket(conn->fd);
	rh_task_cancel(&conn->task);
	rh_task_retire(&conn->agent->tasks, &conn->task, end);
}
