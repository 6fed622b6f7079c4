/* conn - a socket that carries frames, within the loop.
 *
 * Sending never blocks: what the peer does not take now waits in a bounded queue,
 * and a peer that lets it overflow is disconnected.  Every frame is offered to
 * ops->frame; a negative answer from it, a malformed frame or a hang-up ends the
 * connection: ops->lost is called once and the owner then closes it.
 *
 * Ownership   Heap; rh_conn_close closes the socket and frees it later.
 * Threads     The loop's.
 * Invariants  C1  ops->lost is called at most once, and never after close.
 *             C2  frames leave in the order of rh_conn_send.
 * Limits      RH_CONN_QUEUE_FRAMES frames, RH_CONN_QUEUE_BYTES bytes and
 *             RH_CONN_QUEUE_FDS descriptors wait: more than an instance gets when
 *             all of its pages are taken away at once, and than a process that gets
 *             all of its pages at once.  Whoever has more to give looks whether the
 *             queue is empty, and gives the rest when it is again. */
#ifndef RH_AGENT_CONN_H
#define RH_AGENT_CONN_H

#include "list.h"
#include "pollfd.h"
#include "task.h"

#include "../base/socket.h"

#define RH_CONN_QUEUE_FRAMES 4096u
#define RH_CONN_QUEUE_FDS    4096u
#define RH_CONN_QUEUE_BYTES  (1u << 20)

struct rh_agent;
struct rh_conn;

struct rh_conn_ops {
	/* RH_OK, or a negative code to end the connection. */
	int (*frame)(void *user, struct rh_frame *frame);
	/* why: RH_ELOST hung up, RH_EPROTO malformed, RH_EVERSION, RH_EAGAIN it
	 * does not read, or what frame returned. */
	void (*lost)(void *user, int why);
	/* The queue is empty again; may be NULL. */
	void (*flushed)(void *user);
};

struct rh_conn {
	struct rh_agent          *agent;
	const struct rh_conn_ops *ops;
	void                     *user;
	int                       fd;
	pid_t                     pid;         /* the sender every frame must have;
	                                          0: not checked                 */
	struct rh_pollfd         *poll;
	struct rh_list            queue;
	unsigned                  queue_frames;
	unsigned                  queue_fds;
	size_t                    queue_bytes;
	int                       why;
	uint8_t                   is_lost;
	uint8_t                   is_closed;
	struct rh_task            task;
};

/* Takes the socket, also on failure. */
int rh_conn_open(struct rh_agent *agent, int fd, const struct rh_conn_ops *ops,
                 void *user, struct rh_conn **ret_conn);

/* The first frame is handled by others than the rest. */
void rh_conn_hand_over(struct rh_conn *conn, const struct rh_conn_ops *ops,
                       void *user);

/* Sends or queues; descriptors are borrowed.  RH_EMSGSIZE as rh_socket_send;
 * RH_ELOST the connection is ending; RH_ENOMEM. */
int rh_conn_send(struct rh_conn *conn, uint8_t type, uint64_t request,
                 const struct rh_record_writer *writer, const int *fds,
                 unsigned fd_count);

/* Sends an ERROR frame.  Returns RH_OK when it went, so that a handler can end
 * with it. */
int rh_conn_error(struct rh_conn *conn, uint64_t request, int code,
                  const char *format, ...) __attribute__((format(printf, 4, 5)));

/* 1 while nothing waits to be sent: what is sent now is with the peer at once. */
int rh_conn_is_flushed(const struct rh_conn *conn);

/* Handles the frames that have arrived, now instead of in the loop's turn. */
void rh_conn_drain(struct rh_conn *conn);

/* Stops or resumes reading (a hang-up is noticed in both). */
void rh_conn_pause(struct rh_conn *conn, int is_paused);

/* NULL is fine. */
void rh_conn_close(struct rh_conn *conn);

#endif
