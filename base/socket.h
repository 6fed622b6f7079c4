/* socket - SOCK_SEQPACKET Unix sockets that carry frames and descriptors.
 *
 * Ownership   The caller owns every descriptor; a received descriptor becomes
 *             the caller's and is close-on-exec.
 * Threads     Any; two threads must not receive on one socket.
 * Errors      RH_EAGAIN a non-blocking socket is full or empty; RH_ELOST the
 *             peer closed; RH_EPROTO the frame is malformed; RH_EIO the rest. */
#ifndef RH_BASE_SOCKET_H
#define RH_BASE_SOCKET_H

#include "../wire/frame.h"
#include "../wire/record.h"

#include "../model/error.h"

#include <sys/types.h>

/* A received frame.  records borrows from the buffer given to receive. */
struct rh_frame {
	uint8_t                 type;
	uint64_t                request;
	struct rh_record_reader records;
	pid_t                   sender; /* by SCM_CREDENTIALS; 0 unknown */
	unsigned                fd_count;
	int                     fds[RH_FRAME_FDS_MAX];
};

/* Listens on path (an old socket file is replaced); non-blocking, mode 0666: who
 * may speak is decided by peer credentials.  Nobody may send descriptors before
 * rh_socket_pass_fds allows it.  Returns the descriptor. */
int rh_socket_listen(const char *path, struct rh_diag *diag);

/* Connects, blocking.  RH_ENOENT when nobody listens there. */
int rh_socket_connect(const char *path, struct rh_diag *diag);

/* A connected pair, blocking unless nonblock. */
int rh_socket_pair(int nonblock, int ret_fds[2]);

/* The same, non-blocking: an end to keep and one to give away, both untouched when it
 * fails. */
int rh_socket_ends(int *ret_near, int *ret_far);

/* Accepts one, non-blocking, with SO_PASSCRED.  RH_EAGAIN when none waits. */
int rh_socket_accept(int listener);

/* Whether descriptors may be sent to this socket, or to what is accepted from it.  One
 * that nobody expects can hold up whoever closes it last for as long as its sender
 * likes (a TCP socket that lingers, a file of a file system that does not answer).
 * Kernels before 6.16 always let them through. */
void rh_socket_pass_fds(int fd, int is_on);

/* Sends one frame; descriptors are borrowed.  writer holds the records and may be
 * NULL.  RH_EMSGSIZE when the writer failed or the frame is over RH_FRAME_MAX. */
int rh_socket_send(int fd, uint8_t type, uint64_t request,
                   const struct rh_record_writer *writer, const int *fds,
                   unsigned fd_count);

/* Receives one frame into buffer (RH_FRAME_MAX bytes).  On failure no descriptor
 * is left open and *ret_frame is untouched. */
int rh_socket_receive(int fd, void *buffer, struct rh_frame *ret_frame);

/* What a frame ERROR says: its code, and its text into diag; RH_EPROTO and otherwise where it
 * says none.  Returns the code. */
int rh_frame_refusal(const struct rh_frame *frame, const char *otherwise,
                     struct rh_diag *diag);

/* Closes the descriptors that came with the frame and were not taken. */
void rh_frame_drop(struct rh_frame *frame);

/* Takes descriptor i out of the frame; -1 when there is none. */
int rh_frame_take_fd(struct rh_frame *frame, unsigned i);

#endif
