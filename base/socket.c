#include "socket.h"

#include "diag.h"
#include "discard.h"

#include <errno.h>
#include <string.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* As many as the kernel lets through at once (SCM_MAX_FD): it would close the rest
 * itself, and wait for that. */
#define FDS_OF_A_MESSAGE 253

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83 /* missing in the headers of glibc 2.36 */
#endif

void rh_socket_pass_fds(int fd, int is_on)
{
	if (setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &is_on, sizeof is_on) < 0)
		return; /* an older kernel */
}

static int fill_address(const char *path, struct sockaddr_un *address,
                        struct rh_diag *diag)
{
	size_t len = strlen(path);

	memset(address, 0, sizeof *address);
	address->sun_family = AF_UNIX;
	if (len >= sizeof address->sun_path)
		return rh_diag_set(diag, RH_EMSGSIZE, "the socket path %s is too long",
		                   path);
	memcpy(address->sun_path, path, len + 1);
	return RH_OK;
}

/* Binds under a name of its own and moves it into place once it listens, so
 * that whoever sees the file can connect. */
int rh_socket_listen(const char *path, struct rh_diag *diag)
{
	struct sockaddr_un address;
	char               fresh[sizeof address.sun_path + 8];
	int                r, fd, on = 1;

	snprintf(fresh, sizeof fresh, "%s.%d", path, (int)getpid() % 10000);
	if ((r = fill_address(fresh, &address, diag)) < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return rh_diag_set(diag, RH_EIO, "no socket: %s", strerror(errno));
	unlink(fresh);
	rh_socket_pass_fds(fd, 0);
	/* Accepted sockets inherit it: set only after accept, it would miss frames
	 * that a quick client sent in between, which then name no sender. */
	if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) < 0 ||
	    bind(fd, (struct sockaddr *)&address, sizeof address) < 0 ||
	    chmod(fresh, 0666) < 0 || listen(fd, 512) < 0 || rename(fresh, path) < 0) {
		rh_diag_set(diag, RH_EIO, "cannot listen on %s: %s", path,
		            strerror(errno));
		unlink(fresh);
		close(fd);
		return RH_EIO;
	}
	return fd;
}

int rh_socket_connect(const char *path, struct rh_diag *diag)
{
	struct sockaddr_un address;
	int r = fill_address(path, &address, diag);

	if (r < 0)
		return r;

	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return rh_diag_set(diag, RH_EIO, "no socket: %s", strerror(errno));
	do {
		r = connect(fd, (struct sockaddr *)&address, sizeof address);
	} while (r < 0 && errno == EINTR);
	if (r < 0) {
		int code = errno == ENOENT || errno == ECONNREFUSED ? RH_ENOENT :
		           errno == EACCES || errno == EPERM ? RH_EACCES : RH_EIO;

		rh_diag_set(diag, code, "cannot connect to %s: %s", path,
		            strerror(errno));
		close(fd);
		return code;
	}
	return fd;
}

int rh_socket_pair(int nonblock, int ret_fds[2])
{
	int type = SOCK_SEQPACKET | SOCK_CLOEXEC | (nonblock ? SOCK_NONBLOCK : 0);

	return socketpair(AF_UNIX, type, 0, ret_fds) < 0 ? RH_EIO : RH_OK;
}

int rh_socket_ends(int *ret_near, int *ret_far)
{
	int pair[2];
	int r = rh_socket_pair(1, pair);

	if (r < 0)
		return r;
	*ret_near = pair[0];
	*ret_far = pair[1];
	return RH_OK;
}

int rh_socket_accept(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return errno == EAGAIN || errno == EINTR || errno == ECONNABORTED
		       ? RH_EAGAIN : RH_EIO;
	return fd;
}

static int from_errno(void)
{
	switch (errno) {
	case EAGAIN:
	case ENOBUFS:
		return RH_EAGAIN;
	case EPIPE:
	case ECONNRESET:
	case ENOTCONN:
		return RH_ELOST;
	case EMSGSIZE:
		return RH_EMSGSIZE;
	default:
		return RH_EIO;
	}
}

static void put_fds(struct msghdr *message, void *control, const int *fds,
                    unsigned fd_count)
{
	message->msg_control = control;
	message->msg_controllen = CMSG_SPACE(fd_count * sizeof(int));

	struct cmsghdr *head = CMSG_FIRSTHDR(message);
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
	memcpy(CMSG_DATA(head), fds, fd_count * sizeof(int));
}

int rh_socket_send(int fd, uint8_t type, uint64_t request,
                   const struct rh_record_writer *writer, const int *fds,
                   unsigned fd_count)
{
	int len = writer ? rh_record_end(writer) : 0;
	struct rh_frame_head head = {
		.magic = RH_FRAME_MAGIC, .version = RH_WIRE_VERSION, .type = type,
		.head_len = sizeof head, .payload_len = (uint32_t)len,
		.request = request,
	};
	struct iovec parts[2] = {
		{ .iov_base = &head, .iov_len = sizeof head },
		{ .iov_base = writer ? writer->bytes : NULL, .iov_len = (size_t)len },
	};
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = writer ? 2 : 1 };
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(RH_FRAME_FDS_MAX * sizeof(int))];
	ssize_t n;

	if (len < 0 || (size_t)len + sizeof head > RH_FRAME_MAX ||
	    fd_count > RH_FRAME_FDS_MAX)
		return RH_EMSGSIZE;
	memset(control, 0, sizeof control);
	if (fd_count > 0)
		put_fds(&message, control, fds, fd_count);
	do {
		n = sendmsg(fd, &message, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? from_errno() : RH_OK;
}

/* Keeps as many descriptors as a frame may have.  0 when there were more. */
static int take_fds(struct cmsghdr *head, struct rh_frame *frame)
{
	size_t count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);

	for (size_t i = 0; i < count; i++) {
		int fd;

		memcpy(&fd, CMSG_DATA(head) + i * sizeof fd, sizeof fd);
		if (frame->fd_count < RH_FRAME_FDS_MAX)
			frame->fds[frame->fd_count++] = fd;
		else
			rh_discard(fd);
	}
	return count <= RH_FRAME_FDS_MAX;
}

/* Collects descriptors and the sender from the control part.  0 when it was too much. */
static int take_control(struct msghdr *message, struct rh_frame *frame)
{
	struct cmsghdr *head;
	int             fits = (message->msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0;

	for (head = CMSG_FIRSTHDR(message); head; head = CMSG_NXTHDR(message, head)) {
		if (head->cmsg_level != SOL_SOCKET)
			continue;
		if (head->cmsg_type == SCM_CREDENTIALS) {
			struct ucred cred;

			memcpy(&cred, CMSG_DATA(head), sizeof cred);
			frame->sender = cred.pid;
		} else if (head->cmsg_type == SCM_RIGHTS) {
			fits &= take_fds(head, frame);
		}
	}
	return fits;
}

static int check_head(const unsigned char *bytes, size_t len, struct rh_frame *frame)
{
	struct rh_frame_head head;

	if (len < sizeof head)
		return RH_EPROTO;
	memcpy(&head, bytes, sizeof head);
	if (head.magic != RH_FRAME_MAGIC || head.head_len < sizeof head ||
	    head.head_len > len || head.payload_len != len - head.head_len)
		return RH_EPROTO;
	if (head.version != RH_WIRE_VERSION)
		return RH_EVERSION;
	frame->type = head.type;
	frame->request = head.request;
	rh_record_read(&frame->records, bytes + head.head_len, head.payload_len);
	return RH_OK;
}

int rh_socket_receive(int fd, void *buffer, struct rh_frame *ret_frame)
{
	_Alignas(struct cmsghdr) char control[
		CMSG_SPACE(FDS_OF_A_MESSAGE * sizeof(int)) +
		CMSG_SPACE(sizeof(struct ucred))];
	struct iovec  part = { .iov_base = buffer, .iov_len = RH_FRAME_MAX };
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof control,
	};
	struct rh_frame frame = { 0 };
	ssize_t n;

	do {
		n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return from_errno();
	int fits = take_control(&message, &frame);
	if (n == 0) {
		rh_frame_drop(&frame);
		return RH_ELOST;
	}

	int r = fits ? check_head(buffer, (size_t)n, &frame) : RH_EPROTO;
	if (r < 0) {
		rh_frame_drop(&frame);
		return r;
	}
	*ret_frame = frame;
	return RH_OK;
}

int rh_frame_refusal(const struct rh_frame *frame, const char *otherwise,
                     struct rh_diag *diag)
{
	char    text[RH_DIAG_MAX];
	int32_t code = RH_EPROTO;

	snprintf(text, sizeof text, "%s", otherwise);
	rh_record_i32(&frame->records, RH_TAG_CODE, &code);
	rh_record_text(&frame->records, RH_TAG_TEXT, text, sizeof text);
	return rh_diag_set(diag, code < 0 ? code : RH_EPROTO, "%s", text);
}

void rh_frame_drop(struct rh_frame *frame)
{
	for (unsigned i = 0; i < frame->fd_count; i++) {
		rh_discard(frame->fds[i]);
	}
	frame->fd_count = 0;
}

int rh_frame_take_fd(struct rh_frame *frame, unsigned i)
{
	int fd;

	if (i >= frame->fd_count)
		return -1;
	fd = frame->fds[i];
	frame->fds[i] = -1;
	return fd;
}
