#include "doctor.h"

#include "../tool.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

#define QUEUE_BYTES_WANTED  (8ull * 1024 * 1024)
#define FILES_WANTED        4096u

/* --- limits -------------------------------------------------------------------------
 */

static void check_limits(struct rh_doctor *doctor)
{
	struct rlimit files = { 0 }, queues = { 0 };

	getrlimit(RLIMIT_NOFILE, &files);
	if (files.rlim_max >= FILES_WANTED)
		rh_doctor_ok(doctor, "descriptors",
		             "%llu may be open (hard limit)",
		             (unsigned long long)files.rlim_max);
	else
		rh_doctor_warn(doctor, "descriptors",
		               "only %llu may be open; raise the hard limit (ulimit "
		               "-Hn %u) for many callers",
		               (unsigned long long)files.rlim_max, FILES_WANTED);
	getrlimit(RLIMIT_MSGQUEUE, &queues);
	if (geteuid() == 0 || queues.rlim_max >= QUEUE_BYTES_WANTED)
		rh_doctor_ok(doctor, "msgqueue",
		             "%llu bytes of message queues (root may have more)",
		             (unsigned long long)queues.rlim_max);
	else
		rh_doctor_warn(doctor, "msgqueue",
		               "%llu bytes of message queues allow few edges with the "
		               "protocol msgqueue; raise RLIMIT_MSGQUEUE "
		               "(/etc/security/limits.conf), or use bind",
		               (unsigned long long)queues.rlim_max);
}

/* --- the kernel ---------------------------------------------------------------------
 */

static void check_memfd(struct rh_doctor *doctor)
{
	int fd = memfd_create("rhodes-doctor", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int is_good =
		fd >= 0 && ftruncate(fd, 4096) == 0 &&
		fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0;

	if (is_good)
		rh_doctor_ok(doctor, "memfd", "sealed shared memory works");
	else
		rh_doctor_fail(doctor, "memfd",
		               "no sealed shared memory: %s; the kernel must have "
		               "CONFIG_MEMFD_CREATE",
		               strerror(errno));
	if (fd >= 0)
		close(fd);
}

static void check_pidfd(struct rh_doctor *doctor)
{
	int       pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0), peer = -1, fds[2];
	socklen_t len = sizeof peer;

	if (pidfd < 0)
		rh_doctor_fail(doctor, "pidfd",
		               "no pidfd_open: %s; Linux 5.3 or later is needed",
		               strerror(errno));
	else
		rh_doctor_ok(doctor, "pidfd", "processes are watched by descriptor");
	if (pidfd >= 0)
		close(pidfd);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return;
	if (getsockopt(fds[0], SOL_SOCKET, SO_PEERPIDFD, &peer, &len) == 0)
		rh_doctor_ok(doctor, "peerpidfd", "peers are identified without a race");
	else
		rh_doctor_warn(doctor, "peerpidfd",
		               "no SO_PEERPIDFD (Linux 6.5); peers are identified by "
		               "SO_PEERCRED and checked again");
	if (peer >= 0)
		close(peer);
	close(fds[0]);
	close(fds[1]);
}

/* In a child, so that this process stays where it is. */
static bool can_unshare_network(void)
{
	int   status = 1;
	pid_t child = fork();

	if (child == 0) {
		/* Without rights of its own a process gets them in a user namespace. */
		bool is_there = unshare(CLONE_NEWNET) == 0 ||
		                unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0;
		_exit(is_there ? 0 : 1);
	}
	return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

static void check_network(struct rh_doctor *doctor)
{
	int tun = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	if (tun >= 0)
		rh_doctor_ok(doctor, "tun",
		             "/dev/net/tun opens: the packet path uses a TAP device");
	else
		rh_doctor_warn(doctor, "tun",
		               "/dev/net/tun: %s; the packet path uses veth instead",
		               strerror(errno));
	if (tun >= 0)
		close(tun);
	if (can_unshare_network())
		rh_doctor_ok(doctor, "netns", "network namespaces can be made");
	else
		rh_doctor_warn(doctor, "netns",
		               "no network namespace for this user: run the packet "
		               "path as root");
}

/* --- programs -----------------------------------------------------------------------
 */

static bool find_in_path(const char *name, char *found, size_t cap)
{
	const char *path = getenv("PATH");

	for (; path && *path; path += strcspn(path, ":"), path += *path == ':') {
		snprintf(found, cap, "%.*s/%s", (int)strcspn(path, ":"), path, name);
		if (access(found, X_OK) == 0)
			return true;
	}
	return false;
}

static void check_programs(struct rh_doctor *doctor)
{
	static const char *const own[] = {
		"rhodes-center", "rhodes-agent", "rhodes-worker", "rhodes-interface",
	};
	static const char *const compilers[] = { "cc", "gcc", "clang" };
	char           path[PATH_MAX];
	struct rh_diag diag = { 0 };

	for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
		if (rh_tool_find(own[i], path, &diag) == RH_OK)
			rh_doctor_ok(doctor, own[i] + strlen("rhodes-"), "%s", path);
		else
			rh_doctor_fail(doctor, own[i] + strlen("rhodes-"),
			               "%s",
			               diag.text);
	}
	for (size_t i = 0; i < sizeof compilers / sizeof compilers[0]; i++) {
		if (find_in_path(compilers[i], path, sizeof path)) {
			rh_doctor_ok(doctor, "compiler", "%s", path);
			return;
		}
	}
	rh_doctor_warn(doctor, "compiler",
	               "no C compiler: interfaces built elsewhere still work; install "
	               "gcc to build them here");
}

void rh_doctor_machine(struct rh_doctor *doctor)
{
	fflush(NULL); /* a child must not print it again */
	rh_doctor_folders(doctor);
	check_limits(doctor);
	check_memfd(doctor);
	check_pidfd(doctor);
	check_network(doctor);
	check_programs(doctor);
}
