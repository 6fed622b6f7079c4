/* queue - one POSIX message queue: its name, making it within the limits of the
 * system, and sending and receiving without ever sleeping.
 *
 *   /<system>-<caller>-<callee>-queue   caller -> callee
 *   /<system>-<caller>-<callee>-reply   back
 *
 * A resource's name has no '-', so two edges never share a queue.  Queues outlive
 * the processes that made them: whoever makes one replaces what a killed
 * predecessor left, and whoever closes removes the name if it is still his; what agents
 * that were killed left is removed by `rhodes up` (cli/supervise/queues.h).
 *
 * Ownership   The user closes descriptors; they are plain file descriptors and
 *             can be polled and sent to another process.
 * Limits      Messages of RH_QUEUE_MESSAGE_MAX bytes; RH_QUEUE_DEPTH of them where
 *             allowed, else RH_QUEUE_DEPTH_DEFAULT, else RH_QUEUE_DEPTH_LEAST. */
#ifndef RH_MSGQUEUE_QUEUE_H
#define RH_MSGQUEUE_QUEUE_H

#include "../protocol.h"

#define RH_QUEUE_NAME_MAX      210u
#define RH_QUEUE_DEPTH         64u
#define RH_QUEUE_DEPTH_DEFAULT 10u /* fs.mqueue.msg_max unless someone raised it */
#define RH_QUEUE_DEPTH_LEAST   2u

struct rh_queue_names {
	char request[RH_QUEUE_NAME_MAX];
	char reply[RH_QUEUE_NAME_MAX];
};

/* RH_EINVAL when a name is longer than RH_NAME_MAX or has a '/'. */
int rh_queue_names(const struct rh_channel_config *config,
                   struct rh_queue_names *ret_names, struct rh_diag *diag);

/* Raises RLIMIT_MSGQUEUE as far as this process may. */
void rh_queue_raise_limit(void);

/* Makes the queue, replacing an old one, and opens it twice: ret_fds[0] to write,
 * ret_fds[1] to read; both non-blocking.
 * RH_ENOSPC  the user's or the system's queues are used up; diag says what to do.
 * RH_EACCES  a queue of that name is another user's.
 * RH_ENOSYS  the kernel has no queues.  RH_ENOMEM, RH_EIO. */
int rh_queue_create(const char *name, int ret_fds[2], struct rh_diag *diag);

/* RH_EPROTO unless fd is a queue of our message size open in that way (O_RDONLY or
 * O_WRONLY). */
int rh_queue_check(int fd, int access);

/* RH_EAGAIN when it is full. */
int rh_queue_send(int fd, const void *bytes, size_t len);

/* The length of the next message; buffer has RH_QUEUE_MESSAGE_MAX bytes.
 * RH_EAGAIN when there is none. */
int rh_queue_receive(int fd, void *buffer);

/* Removes the name if it still names the queue of that descriptor. */
void rh_queue_unlink(const char *name, int fd);

/* How many messages wait in it and how many fit; 0 when that is unknown. */
void rh_queue_level(int fd, long *ret_waiting, long *ret_depth);

#endif
