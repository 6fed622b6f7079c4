#include "jail.h"

#include "../../base/clock.h"
#include "../../base/diag.h"
#include "jail_rights.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define FILES_MAX  256
#define EXIT_EXEC  124 /* the program could not be run */
#define EXIT_JAIL  125 /* it could not be confined */

/* ---- the child, between fork and exec: only system calls ---- */

#define LIMIT(what, most) setrlimit(what, &(struct rlimit){ most, most })

static void set_limits(const struct rh_jail *jail)
{
	/* The signal of the hard limit is that of whoever kills it. */
	setrlimit(RLIMIT_CPU, &(struct rlimit){ jail->cpu_seconds, jail->cpu_seconds + 1 });
	LIMIT(RLIMIT_AS, jail->memory_bytes);
	LIMIT(RLIMIT_FSIZE, jail->file_bytes);
	LIMIT(RLIMIT_NOFILE, FILES_MAX);
	LIMIT(RLIMIT_CORE, 0);
}

static int redirect(void)
{
	int nothing = open("/dev/null", O_RDONLY);
	int output = open("output", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (nothing < 0 || output < 0 || dup2(nothing, 0) < 0 || dup2(output, 1) < 0 ||
	    dup2(output, 2) < 0)
		return -1;
	return (int)syscall(SYS_close_range, 3, ~0u, 0);
}

_Noreturn static void become(const struct rh_jail *jail, const char *const argv[],
                             int missing_fd)
{
	static char  path[] = "PATH=/usr/bin:/bin", locale[] = "LC_ALL=C", home[] = "TMPDIR=.";
	char *const  environment[] = { path, locale, home, NULL };
	unsigned     missing = 0;
	sigset_t     none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	if (chdir(jail->folder) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		_exit(EXIT_JAIL);
	set_limits(jail);
	if (rh_jail_rights(jail->folder, &missing) < 0 ||
	    write(missing_fd, &missing, sizeof missing) != sizeof missing || redirect() < 0)
		_exit(EXIT_JAIL);
	execve(argv[0], (char *const *)(uintptr_t)argv, environment);
	_exit(EXIT_EXEC);
}

/* ---- the parent ---- */

/* Waits until the child ended or its time is over.  0 or RH_ETIMEDOUT. */
static int await(pid_t child, uint32_t wall_ms)
{
	uint64_t end = rh_clock_ns() + wall_ms * RH_NS_PER_MS;
	int      fd = (int)syscall(SYS_pidfd_open, child, 0);
	int      ready = 0;

	while (fd >= 0 && ready <= 0) {
		uint64_t      now = rh_clock_ns();
		struct pollfd ended = { .fd = fd, .events = POLLIN };

		if (now >= end)
			break;
		ready = poll(&ended, 1, (int)((end - now) / RH_NS_PER_MS) + 1);
	}
	if (fd >= 0)
		close(fd);
	return ready > 0 ? RH_OK : RH_ETIMEDOUT;
}

static const char *base_name(const char *path)
{
	return strrchr(path, '/') + 1;
}

static int verdict(const struct rh_jail *jail, const char *program, int status,
                   struct rh_diag *diag)
{
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU)
		return rh_diag_set(diag, RH_ETIMEDOUT, "%s used more than %u s of processor time",
		                   program, jail->cpu_seconds);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		return rh_diag_set(diag, RH_EIO, "%s was killed from outside", program);
	if (WIFSIGNALED(status))
		return rh_diag_set(diag, RH_EINVAL, "%s was ended by signal %d (%s)", program,
		                   WTERMSIG(status), strsignal(WTERMSIG(status)));
	if (WEXITSTATUS(status) == EXIT_EXEC)
		return rh_diag_set(diag, RH_ENOENT, "%s cannot be run; install it", program);
	if (WEXITSTATUS(status) == EXIT_JAIL)
		return rh_diag_set(diag, RH_ENOMEM, "%s could not be confined to %s", program,
		                   jail->folder);
	if (WEXITSTATUS(status))
		return rh_diag_set(diag, RH_EINVAL, "%s ended with status %d", program,
		                   WEXITSTATUS(status));
	return RH_OK;
}

int rh_jail_run(const struct rh_jail *jail, const char *const argv[],
                unsigned *ret_missing, struct rh_diag *diag)
{
	const char *program = base_name(argv[0]);
	int         pair[2], status = 0, err;
	pid_t       child;

	if (access(argv[0], X_OK) < 0)
		return rh_diag_set(diag, RH_ENOENT, "%s is not installed, and a module cannot be "
		                   "built without it", argv[0]);
	if (pipe2(pair, O_CLOEXEC) < 0)
		return rh_diag_set(diag, RH_ENOMEM, "%s: %s", program, strerror(errno));
	child = fork();
	if (child == 0) {
		setpgid(0, 0);
		become(jail, argv, pair[1]);
	}
	close(pair[1]);
	if (child < 0) {
		close(pair[0]);
		return rh_diag_set(diag, RH_ENOMEM, "%s: %s", program, strerror(errno));
	}
	setpgid(child, child); /* whoever is first */
	err = await(child, jail->wall_ms);
	kill(-child, SIGKILL); /* and what it left behind */
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (read(pair[0], ret_missing, sizeof *ret_missing) != sizeof *ret_missing)
		*ret_missing = 0;
	close(pair[0]);
	if (err < 0)
		return rh_diag_set(diag, err, "%s did not end in %u ms", program, jail->wall_ms);
	return verdict(jail, program, status, diag);
}
