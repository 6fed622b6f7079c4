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
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

#define QUEUE_BYTES_WANTED  (8ull * 1024 * 1024)
#define FILES_WANTED        4096u
#define ROOM_KIB            1024ull

/* --- directories -----------------------------------------------------------------------
 */

/* Rights alone do not tell: a disk may be read-only, or no disk at all. */
static bool can_write(const char *folder)
{
	char probe[RH_DIR_MAX + 24];

	snprintf(probe, sizeof probe, "%s/.rhodes-doctor-XXXXXX", folder);
	return mkdtemp(probe) && rmdir(probe) == 0;
}

/* A folder can be made on a disk that takes no byte more. */
static void check_room(struct rh_doctor *doctor, const char *what, const char *path,
                       const char *there)
{
	struct statvfs     at;
	unsigned long long kib = ROOM_KIB;

	if (statvfs(there, &at) == 0)
		kib = (unsigned long long)at.f_bavail * at.f_frsize / 1024;
	if (kib >= ROOM_KIB)
		rh_doctor_add(doctor, what, RH_FINDING_OK, "%s", path);
	else
		rh_doctor_add(doctor, what, RH_FINDING_FAIL, "the disk of %s has room for %llu"
		    " KiB only: when it is full, changes are refused, roll-outs stand still and"
		    " agents of new resources do not start; make room there", path, kib);
}

/* The folder itself or, when it is not made yet, the first parent that is there. */
static void check_folder(struct rh_doctor *doctor, const char *what, const char *path)
{
	char  there[RH_DIR_MAX];
	char *slash;

	snprintf(there, sizeof there, "%s", path);
	while (access(there, F_OK) < 0 && (slash = strrchr(there, '/')) && slash != there)
		*slash = '\0';
	if (can_write(there))
		check_room(doctor, what, path, there);
	else
		rh_doctor_add(doctor, what, RH_FINDING_FAIL,
		    "%s cannot be used: nothing can be made in %s (%s);"
		    " set RHODES_RUN_DIR and RHODES_STATE_DIR, or XDG_RUNTIME_DIR",
		    path, there, strerror(errno));
}

static void check_folders(struct rh_doctor *doctor)
{
	struct rh_dirs *dirs = &doctor->cli->dirs;
	struct rh_diag  diag = { 0 };
	char            longest[RH_NAME_MAX + 1], path[RH_SOCKET_PATH_MAX + 1];

	if (!dirs->run[0] && rh_dirs_find(NULL, dirs, &diag) < 0) {
		rh_doctor_add(doctor, "directories", RH_FINDING_FAIL, "%s", diag.text);
		return;
	}
	if (rh_dirs_trust(dirs, &diag) < 0)
		rh_doctor_add(doctor, "run", RH_FINDING_FAIL, "%s", diag.text);
	else
		check_folder(doctor, "run", dirs->run);
	check_folder(doctor, "state", dirs->state);
	memset(longest, 'x', RH_NAME_MAX);
	longest[RH_NAME_MAX] = '\0';
	if (rh_dirs_agent(dirs, longest, path, NULL) == RH_OK)
		rh_doctor_add(doctor, "sockets", RH_FINDING_OK, "names of %u bytes fit a socket path",
		    RH_NAME_MAX);
	else if (rh_dirs_socket(dirs, "center.sock", path, &diag) == RH_OK)
		rh_doctor_add(doctor, "sockets", RH_FINDING_WARN, "resource names over %zu bytes do not fit a"
		    " socket path; set RHODES_RUN_DIR to a shorter directory",
		    RH_SOCKET_PATH_MAX - strlen(dirs->run) - strlen("/agent/.sock"));
	else
		rh_doctor_add(doctor, "sockets", RH_FINDING_FAIL, "%s", diag.text);
}

/* --- limits
 * ------------------------------------------------------------------------------ */

static void check_limits(struct rh_doctor *doctor)
{
	struct rlimit files = { 0 }, queues = { 0 };

	getrlimit(RLIMIT_NOFILE, &files);
	if (files.rlim_max >= FILES_WANTED)
		rh_doctor_add(doctor, "descriptors", RH_FINDING_OK, "%llu may be open (hard limit)",
		    (unsigned long long)files.rlim_max);
	else
		rh_doctor_add(doctor, "descriptors", RH_FINDING_WARN, "only %llu may be open; raise the hard"
		    " limit (ulimit -Hn %u) for many callers",
		    (unsigned long long)files.rlim_max, FILES_WANTED);
	getrlimit(RLIMIT_MSGQUEUE, &queues);
	if (geteuid() == 0 || queues.rlim_max >= QUEUE_BYTES_WANTED)
		rh_doctor_add(doctor, "msgqueue", RH_FINDING_OK, "%llu bytes of message queues (root may have"
		    " more)", (unsigned long long)queues.rlim_max);
	else
		rh_doctor_add(doctor, "msgqueue", RH_FINDING_WARN,
		    "%llu bytes of message queues allow few edges"
		    " with the protocol msgqueue; raise RLIMIT_MSGQUEUE"
		    " (/etc/security/limits.conf), or use bind",
		    (unsigned long long)queues.rlim_max);
}

/* --- the kernel
 * ---------------------------------------------------------------------------- */

static void check_memfd(struct rh_doctor *doctor)
{
	int fd = memfd_create("rhodes-doctor", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int is_good =
		fd >= 0 && ftruncate(fd, 4096) == 0 &&
		fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0;

	if (is_good)
		rh_doctor_add(doctor, "memfd", RH_FINDING_OK, "sealed shared memory works");
	else
		rh_doctor_add(doctor, "memfd", RH_FINDING_FAIL,
		    "no sealed shared memory: %s; the kernel must have"
		    " CONFIG_MEMFD_CREATE",
		    strerror(errno));
	if (fd >= 0)
		close(fd);
}

static void check_pidfd(struct rh_doctor *doctor)
{
	int       pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0), peer = -1, fds[2];
	socklen_t len = sizeof peer;

	if (pidfd < 0)
		rh_doctor_add(doctor, "pidfd", RH_FINDING_FAIL,
		    "no pidfd_open: %s; Linux 5.3 or later is needed", strerror(errno));
	else
		rh_doctor_add(doctor, "pidfd", RH_FINDING_OK, "processes are watched by descriptor");
	if (pidfd >= 0)
		close(pidfd);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return;
	if (getsockopt(fds[0], SOL_SOCKET, SO_PEERPIDFD, &peer, &len) == 0)
		rh_doctor_add(doctor, "peerpidfd", RH_FINDING_OK, "peers are identified without a race");
	else
		rh_doctor_add(doctor, "peerpidfd", RH_FINDING_WARN, "no SO_PEERPIDFD (Linux 6.5); peers are"
		    " identified by SO_PEERCRED and checked again");
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
		rh_doctor_add(doctor, "tun", RH_FINDING_OK, "/dev/net/tun opens: the packet path uses a TAP"
		    " device");
	else
		rh_doctor_add(doctor, "tun", RH_FINDING_WARN, "/dev/net/tun: %s; the packet path uses veth"
		    " instead", strerror(errno));
	if (tun >= 0)
		close(tun);
	if (can_unshare_network())
		rh_doctor_add(doctor, "netns", RH_FINDING_OK, "network namespaces can be made");
	else
		rh_doctor_add(doctor, "netns", RH_FINDING_WARN, "no network namespace for this user: run the"
		    " packet path as root");
}

/* --- programs
 * -------------------------------------------------------------------------------- */

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
			rh_doctor_add(doctor, own[i] + strlen("rhodes-"), RH_FINDING_OK, "%s", path);
		else
			rh_doctor_add(doctor, own[i] + strlen("rhodes-"), RH_FINDING_FAIL, "%s", diag.text);
	}
	for (size_t i = 0; i < sizeof compilers / sizeof compilers[0]; i++) {
		if (find_in_path(compilers[i], path, sizeof path)) {
			rh_doctor_add(doctor, "compiler", RH_FINDING_OK, "%s", path);
			return;
		}
	}
	rh_doctor_add(doctor, "compiler", RH_FINDING_WARN, "no C compiler: interfaces built elsewhere still"
	    " work; install gcc to build them here");
}

void rh_doctor_machine(struct rh_doctor *doctor)
{
	fflush(NULL); /* a child must not print it again */
	check_folders(doctor);
	check_limits(doctor);
	check_memfd(doctor);
	check_pidfd(doctor);
	check_network(doctor);
	check_programs(doctor);
}
