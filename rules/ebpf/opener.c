#include "opener.h"

#include "confine.h"

#include "../../base/diag.h"
#include "../../base/log.h"
#include "../../model/error.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- messages with a descriptor ---- */

union room {
	struct cmsghdr align;
	char           bytes[CMSG_SPACE(sizeof(int))];
};

static int send_with(int socket, const void *bytes, size_t len, int fd)
{
	union room     room = { .bytes = { 0 } };
	struct iovec   part = { .iov_base = (void *)(uintptr_t)bytes, .iov_len = len };
	struct msghdr  message = { .msg_iov = &part, .msg_iovlen = 1 };

	if (fd >= 0) {
		message.msg_control = room.bytes;
		message.msg_controllen = sizeof room.bytes;
		struct cmsghdr *head = CMSG_FIRSTHDR(&message);
		*head = (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS,
			.cmsg_len = CMSG_LEN(sizeof fd) };
		memcpy(CMSG_DATA(head), &fd, sizeof fd);
	}
	ssize_t n;
	do {
		n = sendmsg(socket, &message, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n == (ssize_t)len ? 0 : -1;
}

/* How many bytes came, and the descriptor or -1. */
static ssize_t receive_with(int socket, void *bytes, size_t len, int *ret_fd)
{
	union room     room;
	struct iovec   part = { .iov_base = bytes, .iov_len = len };
	struct msghdr  message = { .msg_iov = &part, .msg_iovlen = 1,
		.msg_control = room.bytes, .msg_controllen = sizeof room.bytes };
	ssize_t n;

	*ret_fd = -1;
	do {
		n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	struct cmsghdr *head = n < 0 ? NULL : CMSG_FIRSTHDR(&message);
	if (head && head->cmsg_type == SCM_RIGHTS && head->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(ret_fd, CMSG_DATA(head), sizeof *ret_fd);
	return n;
}

/* ---- the process ---- */

struct types {
	uint32_t uprobe, kprobe;
};

/* Only what a rule is attached to: things that happen, and clocks. */
static int is_allowed(const struct types *types, const struct rh_bpf_event *event)
{
	int is_probe = event->type != 0 &&
	               (event->type == types->uprobe || event->type == types->kprobe);

	if (!memchr(event->name, '\0', sizeof event->name) || event->cpu < 0)
		return 0;
	if (event->type == PERF_TYPE_SOFTWARE || event->type == PERF_TYPE_HARDWARE)
		return !event->name[0] && event->is_freq && event->period <= RH_BPF_HZ_MAX;
	return event->type == PERF_TYPE_TRACEPOINT ? !event->name[0]
	                                           : is_probe && event->name[0];
}

static void serve_one(const struct types *types, const struct rh_bpf_event *event,
                      int reply)
{
	int fd = is_allowed(types, event) ? rh_bpf_event_open(event) : -EINVAL;
	int err_no = fd < 0 ? -fd : 0;

	send_with(reply, &err_no, sizeof err_no, fd);
	if (fd >= 0)
		close(fd);
}

static _Noreturn void serve(int socket, const struct types *types)
{
	static struct rh_bpf_event event;
	ssize_t                    n;
	int                        reply;

	while ((n = receive_with(socket, &event, sizeof event, &reply)) > 0) {
		if (reply >= 0 && n == (ssize_t)sizeof event)
			serve_one(types, &event, reply);
		if (reply >= 0)
			close(reply);
	}
	_exit(0);
}

static _Noreturn void be_opener(int socket)
{
	uint64_t     none;
	struct types types = { .uprobe = rh_bpf_event_type("uprobe", 0, &none),
	                       .kprobe = rh_bpf_event_type("kprobe", 0, &none) };
	struct rh_diag diag = { 0 };
	int            err;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (socket > STDERR_FILENO + 1)
		syscall(SYS_close_range, STDERR_FILENO + 1, (unsigned)socket - 1, 0);
	syscall(SYS_close_range, (unsigned)socket + 1, ~0u, 0);
	err = rh_bpf_confine_opener(&diag);
	if (err)
		rh_error("what opens events cannot work: %s", diag.text);
	send_with(socket, &err, sizeof err, -1);
	if (err)
		_exit(1);
	serve(socket, &types);
}

int rh_bpf_opener_start(struct rh_diag *diag)
{
	int pair[2], err = RH_EIO, none;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return rh_diag_set(diag, RH_EIO, "no descriptors are left");
	pid_t pid = fork();
	if (pid == 0) {
		close(pair[0]);
		be_opener(pair[1]);
	}
	close(pair[1]);
	if (pid > 0 && receive_with(pair[0], &err, sizeof err, &none) == sizeof err && !err)
		return pair[0];
	close(pair[0]);
	return rh_diag_set(diag, err ? err : RH_EIO, "the process that opens events of perf "
	                   "did not start");
}

/* ---- who asks ---- */

int rh_bpf_opener_ask(int opener, const struct rh_bpf_event *event)
{
	int pair[2], fd = -1, err_no = EPIPE;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	int sent = send_with(opener, event, sizeof *event, pair[1]);
	close(pair[1]); /* so that its end is heard */
	if (sent == 0 && receive_with(pair[0], &err_no, sizeof err_no, &fd) != sizeof err_no)
		err_no = EPIPE;
	close(pair[0]);
	return fd >= 0 ? fd : -(err_no ? err_no : EPIPE);
}
