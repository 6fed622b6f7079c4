/* Reading and writing: a call that would sleep in the kernel is tried without waiting, and
 * waits here (ready.h).  Where that is not possible it is made as it is. */
#include "monitor.h"
#include "real.h"
#include "ready.h"

#include "fiber.h"
#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

#define DESCRIPTORS 1024
#define WAITS       64 /* in vain; then the kernel knows better */

/* A guess that saves a call: whoever closes past the names below leaves a wrong one, so what
 * was only done in part is looked at again. */
enum kind { UNKNOWN, PLAIN, SOCKET, OTHER };

static _Atomic unsigned char kinds[DESCRIPTORS];

struct io {
	int fd;
	enum rh_ready_way way;
	char *at;
	size_t size, done;
	int flags; /* of a socket */
	void *address;
	void *address_size; /* to read; to write it is the size itself */
};

#define REFUSED (-4096) /* to be made as it is */

static enum kind look(int fd)
{
	struct stat is;

	if (rh_sys4(SYS_fstat, fd, (long)&is, 0, 0) < 0)
		return UNKNOWN;
	if (S_ISSOCK(is.st_mode))
		return SOCKET;
	/* Those of an eventfd and its like have no kind. */
	return S_ISFIFO(is.st_mode) || (is.st_mode & S_IFMT) == 0 ? OTHER : PLAIN;
}

static enum kind kind_of(int fd)
{
	enum kind kind;

	if (fd < 0 || fd >= DESCRIPTORS)
		return PLAIN;
	kind = (enum kind)atomic_load_explicit(&kinds[fd], memory_order_relaxed);
	if (kind == UNKNOWN) {
		kind = look(fd);
		atomic_store_explicit(&kinds[fd], (unsigned char)kind, memory_order_relaxed);
	}
	return kind;
}

static long attempt(const struct io *io, enum kind kind)
{
	struct iovec part = {io->at + io->done, io->size - io->done};
	bool is_in = io->way == RH_READY_IN;

	if (kind == SOCKET)
		return rh_sys6(is_in ? SYS_recvfrom : SYS_sendto, io->fd, (long)part.iov_base,
			       (long)part.iov_len, io->flags | MSG_DONTWAIT,
			       (long)io->address, (long)io->address_size);
	return rh_sys6(is_in ? SYS_preadv2 : SYS_pwritev2, io->fd, (long)&part, 1, -1, -1,
		       RWF_NOWAIT);
}

/* Whether the program wants no waiting, or not for ever. */
static long limited(const struct io *io, enum kind kind)
{
	int name = io->way == RH_READY_IN ? SO_RCVTIMEO : SO_SNDTIMEO;
	struct timeval most = {0};
	socklen_t size = sizeof most;
	long flags = rh_sys4(SYS_fcntl, io->fd, F_GETFL, 0, 0);

	if (flags >= 0 && flags & O_NONBLOCK)
		return -EAGAIN;
	if (kind == SOCKET && (rh_sys6(SYS_getsockopt, io->fd, SOL_SOCKET, name, (long)&most,
				       (long)&size, 0) < 0 || most.tv_sec || most.tv_usec))
		return REFUSED;
	return 0;
}

/* 0: try again. */
static long wait_for(struct rh_fiber *fiber, const struct io *io, enum kind kind)
{
	uint32_t seen = fiber->interrupts;
	long result = limited(io, kind);
	enum rh_ready ready;

	if (result)
		return result;
	if (io->way == RH_READY_OUT && io->address) /* whose room the epoll does not know */
		return REFUSED;
	ready = rh_ready_wait(io->fd, io->way);
	if (ready == RH_READY_SIGNALLED && !io->done)
		rh_real.pthread_testcancel();
	if (ready == RH_READY_SIGNALLED && fiber->interrupts != seen)
		return -EINTR;
	return ready == RH_READY_UNKNOWN ? REFUSED : 0;
}

static bool is_refused(long result)
{
	return result == -EOPNOTSUPP || result == -ENOSYS || result == -ENOTSOCK ||
	       result == -EINVAL || result == -ESPIPE || result == REFUSED;
}

/* Whether so much is all that the call would do. */
static bool is_all(const struct io *io, enum kind kind)
{
	if (io->done == io->size)
		return true;
	if (io->way == RH_READY_OUT)
		return false;
	return kind == SOCKET || io->done == 0 || look(io->fd) != PLAIN;
}

static long transfer_by(struct rh_fiber *fiber, struct io *io, enum kind kind)
{
	long result;

	for (int waits = 0; waits < WAITS; waits++) {
		result = attempt(io, kind);
		if (result == -EAGAIN)
			result = wait_for(fiber, io, kind);
		else if (result >= 0) {
			io->done += (size_t)result;
			if (is_all(io, kind))
				return (long)io->done;
			if (io->way == RH_READY_IN)
				return REFUSED;
		}
		if (result > 0)
			waits = 0;
		if (is_refused(result))
			return REFUSED;
		if (result < 0)
			return io->done ? (long)io->done : result;
	}
	return REFUSED;
}

/* The result; REFUSED: the rest is to be done as it is. */
static long transfer(struct rh_fiber *fiber, struct io *io)
{
	enum kind kind = kind_of(io->fd);
	long result;

	if (kind == PLAIN || kind == UNKNOWN || !io->size)
		return REFUSED;
	rh_real.pthread_testcancel();
	result = transfer_by(fiber, io, kind);
	if (result == REFUSED)
		rh_monitor_call(); /* it may sleep in the kernel */
	return result;
}

/* What was made as it is, after what was done before. */
static ssize_t joined(const struct io *io, ssize_t rest)
{
	if (!io->done)
		return rest;
	return rest < 0 ? (ssize_t)io->done : (ssize_t)io->done + rest;
}

RH_INTERPOSED ssize_t read(int fd, void *at, size_t size)
{
	const struct rh_real *real = rh_real_get();
	struct rh_fiber *fiber = rh_fiber_current();
	struct io io = {.fd = fd, .way = RH_READY_IN, .at = at, .size = size};
	long result = fiber ? transfer(fiber, &io) : REFUSED;

	if (result != REFUSED)
		return rh_real_answer(result);
	return joined(&io, real->read(fd, io.at + io.done, size - io.done));
}

RH_INTERPOSED ssize_t write(int fd, const void *at, size_t size)
{
	const struct rh_real *real = rh_real_get();
	struct rh_fiber *fiber = rh_fiber_current();
	struct io io = {.fd = fd, .way = RH_READY_OUT, .at = (char *)(uintptr_t)at,
			.size = size};
	long result = fiber ? transfer(fiber, &io) : REFUSED;

	if (result != REFUSED)
		return rh_real_answer(result);
	return joined(&io, real->write(fd, io.at + io.done, size - io.done));
}

/* Those of sockets, whose flags say nothing that is done here in another way. */
static long transfer_socket(struct io *io)
{
	const int served = MSG_NOSIGNAL | MSG_PEEK | MSG_TRUNC | MSG_MORE | MSG_EOR;
	struct rh_fiber *fiber = rh_fiber_current();

	if (!fiber || io->flags & ~served || kind_of(io->fd) != SOCKET)
		return REFUSED;
	return transfer(fiber, io);
}

RH_INTERPOSED ssize_t recvfrom(int fd, void *restrict at, size_t size, int flags,
			       __SOCKADDR_ARG from, socklen_t *restrict from_size)
{
	const struct rh_real *real = rh_real_get();
	struct io io = {.fd = fd, .way = RH_READY_IN, .at = at, .size = size, .flags = flags,
			.address = from.__sockaddr__, .address_size = from_size};
	long result = transfer_socket(&io);

	if (result != REFUSED)
		return rh_real_answer(result);
	return joined(&io, real->recvfrom(fd, io.at + io.done, size - io.done, flags, from,
					  from_size));
}

RH_INTERPOSED ssize_t recv(int fd, void *at, size_t size, int flags)
{
	const __SOCKADDR_ARG none = {.__sockaddr__ = NULL};

	return recvfrom(fd, at, size, flags, none, NULL);
}

RH_INTERPOSED ssize_t sendto(int fd, const void *at, size_t size, int flags,
			     __CONST_SOCKADDR_ARG to, socklen_t to_size)
{
	const struct rh_real *real = rh_real_get();
	struct io io = {.fd = fd, .way = RH_READY_OUT, .at = (char *)(uintptr_t)at,
			.size = size, .flags = flags,
			.address = (void *)(uintptr_t)to.__sockaddr__,
			.address_size = (void *)(uintptr_t)to_size};
	long result = transfer_socket(&io);

	if (result != REFUSED)
		return rh_real_answer(result);
	return joined(&io, real->sendto(fd, io.at + io.done, size - io.done, flags, to,
					to_size));
}

RH_INTERPOSED ssize_t send(int fd, const void *at, size_t size, int flags)
{
	const __CONST_SOCKADDR_ARG none = {.__sockaddr__ = NULL};

	return sendto(fd, at, size, flags, none, 0);
}

/* ---- descriptors that become others ---- */

/* Who closes all that there might be gets EBADF for the runtime's. */
static int changed(int fd, int result)
{
	rh_ready_gone(fd);
	return result;
}

static bool forget(int fd)
{
	if (rh_ready_is_own(fd)) {
		errno = EBADF;
		return false;
	}
	if (fd >= 0 && fd < DESCRIPTORS)
		atomic_store_explicit(&kinds[fd], UNKNOWN, memory_order_relaxed);
	return true;
}

RH_INTERPOSED int close(int fd)
{
	const struct rh_real *real = rh_real_get();

	return forget(fd) ? changed(fd, real->close(fd)) : -1;
}

RH_INTERPOSED int dup2(int from, int to)
{
	const struct rh_real *real = rh_real_get();

	return forget(to) ? changed(to, real->dup2(from, to)) : -1;
}

RH_INTERPOSED int dup3(int from, int to, int flags)
{
	const struct rh_real *real = rh_real_get();

	return forget(to) ? changed(to, real->dup3(from, to, flags)) : -1;
}
