/* Calls that sleep in the kernel as they are: the monitor is told before, so that it looks at
 * carriers from then on, also while all of them computed until now. */
#include "fiber.h"
#include "monitor.h"
#include "real.h"

#define TOLD(type, name, parameters, arguments) \
	RH_INTERPOSED type name parameters \
	{ \
		const struct rh_real *real = rh_real_get(); \
\
		if (rh_fiber_current()) \
			rh_monitor_call(); \
		return real->name arguments; \
	}

/* clang-format off */
TOLD(int, accept, (int fd, __SOCKADDR_ARG from, socklen_t *restrict size), (fd, from, size))
TOLD(int, accept4, (int fd, __SOCKADDR_ARG from, socklen_t *restrict size, int flags),
     (fd, from, size, flags))
TOLD(int, connect, (int fd, __CONST_SOCKADDR_ARG to, socklen_t size), (fd, to, size))
TOLD(ssize_t, recvmsg, (int fd, struct msghdr *message, int flags), (fd, message, flags))
TOLD(ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags),
     (fd, message, flags))
TOLD(ssize_t, readv, (int fd, const struct iovec *parts, int count), (fd, parts, count))
TOLD(ssize_t, writev, (int fd, const struct iovec *parts, int count), (fd, parts, count))
TOLD(int, flock, (int fd, int how), (fd, how))
TOLD(int, fsync, (int fd), (fd))
TOLD(int, fdatasync, (int fd), (fd))
TOLD(pid_t, waitpid, (pid_t pid, int *status, int options), (pid, status, options))
TOLD(pid_t, wait4, (pid_t pid, int *status, int options, struct rusage *usage),
     (pid, status, options, usage))
TOLD(int, waitid, (idtype_t kind, id_t id, siginfo_t *info, int options),
     (kind, id, info, options))
/* clang-format on */
