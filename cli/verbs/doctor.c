#include "../cli.h"
#include "../output.h"
#include "../text.h"
#include "../tool.h"
#include "../verb.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

#define QUEUE_BYTES_WANTED  (8ull * 1024 * 1024)
#define FILES_WANTED        4096u

enum outcome { OK, WARN, FAIL };

struct report {
	struct rh_cli *cli;
	json_t        *items;     /* with -o; else NULL */
	unsigned       failures;
};

static void add(struct report *report, const char *what, enum outcome outcome,
                const char *format, ...) __attribute__((format(printf, 4, 5)));

static void add(struct report *report, const char *what, enum outcome outcome,
                const char *format, ...)
{
	static const char *const words[] = { "ok", "warn", "fail" };
	static const enum rh_style styles[] = { RH_GOOD, RH_BOLD, RH_BAD };
	char    text[600];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	report->failures += outcome == FAIL;
	if (report->items) {
		json_array_append_new(report->items,
			json_pack("{s:s, s:s, s:s}", "check", what, "result",
			          words[outcome], "text", text));
		return;
	}
	rh_text_print(report->cli->out, words[outcome], styles[outcome],
	              report->cli->has_color);
	fprintf(report->cli->out, "%*s %-12s ", 4 - (int)strlen(words[outcome]), "",
	        what);
	rh_text_print(report->cli->out, text, RH_PLAIN, 0);
	fputc('\n', report->cli->out);
}

/* --- directories -----------------------------------------------------------------------
 */

/* Rights alone do not tell: a disk may be read-only, or no disk at all. */
static bool can_write(const char *folder)
{
	char probe[RH_DIR_MAX + 24];

	snprintf(probe, sizeof probe, "%s/.rhodes-doctor-XXXXXX", folder);
	return mkdtemp(probe) && rmdir(probe) == 0;
}

/* The folder itself or, when it is not made yet, the first parent that is there. */
static void check_folder(struct report *report, const char *what, const char *path)
{
	char  there[RH_DIR_MAX];
	char *slash;

	snprintf(there, sizeof there, "%s", path);
	while (access(there, F_OK) < 0 && (slash = strrchr(there, '/')) && slash != there)
		*slash = '\0';
	if (can_write(there))
		add(report, what, OK, "%s", path);
	else
		add(report, what, FAIL,
		    "%s cannot be used: nothing can be made in %s (%s);"
		    " set RHODES_RUN_DIR and RHODES_STATE_DIR, or XDG_RUNTIME_DIR",
		    path, there, strerror(errno));
}

static void check_folders(struct report *report)
{
	struct rh_dirs *dirs = &report->cli->dirs;
	struct rh_diag  diag = { 0 };
	char            longest[RH_NAME_MAX + 1], path[RH_SOCKET_PATH_MAX + 1];

	if (!dirs->run[0] && rh_dirs_find(NULL, dirs, &diag) < 0) {
		add(report, "directories", FAIL, "%s", diag.text);
		return;
	}
	if (rh_dirs_trust(dirs, &diag) < 0)
		add(report, "run", FAIL, "%s", diag.text);
	else
		check_folder(report, "run", dirs->run);
	check_folder(report, "state", dirs->state);
	memset(longest, 'x', RH_NAME_MAX);
	longest[RH_NAME_MAX] = '\0';
	if (rh_dirs_agent(dirs, longest, path, NULL) == RH_OK)
		add(report, "sockets", OK, "names of %u bytes fit a socket path",
		    RH_NAME_MAX);
	else if (rh_dirs_socket(dirs, "center.sock", path, &diag) == RH_OK)
		add(report, "sockets", WARN, "resource names over %zu bytes do not fit a"
		    " socket path; set RHODES_RUN_DIR to a shorter directory",
		    RH_SOCKET_PATH_MAX - strlen(dirs->run) - strlen("/agent/.sock"));
	else
		add(report, "sockets", FAIL, "%s", diag.text);
}

/* --- limits
 * ------------------------------------------------------------------------------ */

static void check_limits(struct report *report)
{
	struct rlimit files = { 0 }, queues = { 0 };

	getrlimit(RLIMIT_NOFILE, &files);
	if (files.rlim_max >= FILES_WANTED)
		add(report, "descriptors", OK, "%llu may be open (hard limit)",
		    (unsigned long long)files.rlim_max);
	else
		add(report, "descriptors", WARN, "only %llu may be open; raise the hard"
		    " limit (ulimit -Hn %u) for many callers",
		    (unsigned long long)files.rlim_max, FILES_WANTED);
	getrlimit(RLIMIT_MSGQUEUE, &queues);
	if (geteuid() == 0 || queues.rlim_max >= QUEUE_BYTES_WANTED)
		add(report, "msgqueue", OK, "%llu bytes of message queues (root may have"
		    " more)", (unsigned long long)queues.rlim_max);
	else
		add(report, "msgqueue", WARN,
		    "%llu bytes of message queues allow few edges"
		    " with the protocol msgqueue; raise RLIMIT_MSGQUEUE"
		    " (/etc/security/limits.conf), or use bind",
		    (unsigned long long)queues.rlim_max);
}

/* --- the kernel
 * ---------------------------------------------------------------------------- */

static void check_memfd(struct report *report)
{
	int fd = memfd_create("rhodes-doctor", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int is_good =
		fd >= 0 && ftruncate(fd, 4096) == 0 &&
		fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0;

	if (is_good)
		add(report, "memfd", OK, "sealed shared memory works");
	else
		add(report, "memfd", FAIL,
		    "no sealed shared memory: %s; the kernel must have"
		    " CONFIG_MEMFD_CREATE",
		    strerror(errno));
	if (fd >= 0)
		close(fd);
}

static void check_pidfd(struct report *report)
{
	int       pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0), peer = -1, fds[2];
	socklen_t len = sizeof peer;

	if (pidfd < 0)
		add(report, "pidfd", FAIL,
		    "no pidfd_open: %s; Linux 5.3 or later is needed", strerror(errno));
	else
		add(report, "pidfd", OK, "processes are watched by descriptor");
	if (pidfd >= 0)
		close(pidfd);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return;
	if (getsockopt(fds[0], SOL_SOCKET, SO_PEERPIDFD, &peer, &len) == 0)
		add(report, "peerpidfd", OK, "peers are identified without a race");
	else
		add(report, "peerpidfd", WARN, "no SO_PEERPIDFD (Linux 6.5); peers are"
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

static void check_network(struct report *report)
{
	int tun = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	if (tun >= 0)
		add(report, "tun", OK, "/dev/net/tun opens: the packet path uses a TAP"
		    " device");
	else
		add(report, "tun", WARN, "/dev/net/tun: %s; the packet path uses veth"
		    " instead", strerror(errno));
	if (tun >= 0)
		close(tun);
	if (can_unshare_network())
		add(report, "netns", OK, "network namespaces can be made");
	else
		add(report, "netns", WARN, "no network namespace for this user: run the"
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

static void check_programs(struct report *report)
{
	static const char *const own[] = {
		"rhodes-center", "rhodes-agent", "rhodes-worker", "rhodes-interface",
	};
	static const char *const compilers[] = { "cc", "gcc", "clang" };
	char           path[PATH_MAX];
	struct rh_diag diag = { 0 };

	for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
		if (rh_tool_find(own[i], path, &diag) == RH_OK)
			add(report, own[i] + strlen("rhodes-"), OK, "%s", path);
		else
			add(report, own[i] + strlen("rhodes-"), FAIL, "%s", diag.text);
	}
	for (size_t i = 0; i < sizeof compilers / sizeof compilers[0]; i++) {
		if (find_in_path(compilers[i], path, sizeof path)) {
			add(report, "compiler", OK, "%s", path);
			return;
		}
	}
	add(report, "compiler", WARN, "no C compiler: interfaces built elsewhere still"
	    " work; install gcc to build them here");
}

int rh_verb_doctor(struct rh_cli *cli)
{
	struct report  report = { .cli = cli };
	enum rh_format format;
	int            result = RH_EXIT_OK;

	if (rh_output_format(cli, &format) < 0)
		return RH_EXIT_USAGE;
	if (format == RH_FORMAT_JSON || format == RH_FORMAT_YAML)
		report.items = json_array();
	fflush(NULL);
	check_folders(&report);
	check_limits(&report);
	check_memfd(&report);
	check_pidfd(&report);
	check_network(&report);
	check_programs(&report);
	if (report.items)
		result = rh_output_value(cli, format, report.items);
	json_decref(report.items);
	return report.failures ? RH_EXIT_REFUSED : result;
}
