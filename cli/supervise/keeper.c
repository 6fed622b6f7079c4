#include "keeper.h"

#include "journal.h"
#include "queues.h"
#include "terminal.h"

#include "../cli.h"

#include "../../base/diag.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

void rh_keeper_adopt(void)
{
	prctl(PR_SET_CHILD_SUBREAPER, 1);
}

/* --- ending what is left ---------------------------------------------------------- */

/* The parent stands behind the name in parentheses, which may hold anything. */
static pid_t parent_of(const char *pid)
{
	char    path[32], text[512];
	char   *end;
	int     fd, parent = 0;
	ssize_t n;

	snprintf(path, sizeof path, "/proc/%.12s/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof text - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	end = strrchr(text, ')');
	return end && sscanf(end, ") %*c %d", &parent) == 1 ? parent : 0;
}

static void kill_children(void)
{
	DIR           *proc = opendir("/proc");
	struct dirent *entry;

	while (proc && (entry = readdir(proc))) {
		if (isdigit((unsigned char)entry->d_name[0]) &&
		    parent_of(entry->d_name) == getpid())
			kill((pid_t)strtol(entry->d_name, NULL, 10), SIGKILL);
	}
	if (proc)
		closedir(proc);
}

/* A child that ends leaves its own to us before it can be collected, so that there is
 * always one to kill while one is left. */
void rh_keeper_end_children(void)
{
	do {
		kill_children();
	} while (waitpid(-1, NULL, 0) >= 0 || errno == EINTR);
}

void rh_keeper_reap(bool (*is_known)(const void *user, pid_t pid), const void *user)
{
	for (;;) {
		siginfo_t info = { .si_pid = 0 };

		/* Only looked at: those that are known have a pidfd that tells. */
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 ||
		    info.si_pid == 0 || is_known(user, info.si_pid))
			return;
		waitpid(info.si_pid, NULL, WNOHANG);
	}
}

/* --- the keeper -------------------------------------------------------------------- */

static void block(sigset_t *set, sigset_t *before)
{
	static const int numbers[] = { SIGCHLD, SIGINT, SIGTERM, SIGHUP };

	sigemptyset(set);
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
		sigaddset(set, numbers[i]);
	sigprocmask(SIG_BLOCK, set, before);
}

static bool has_ended(pid_t child, int *ret_status)
{
	int   status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != child)
			continue;
		*ret_status = status;
		return true;
	}
	return false;
}

/* Until the supervisor has ended. */
static int keep(pid_t child, const sigset_t *set)
{
	int status = 0;

	while (!has_ended(child, &status)) {
		siginfo_t info = { .si_signo = 0 };
		int       signal = sigwaitinfo(set, &info);

		if (signal > 0 && signal != SIGCHLD && info.si_code != SI_KERNEL)
			kill(child, signal);
	}
	return status;
}

static void tell(const struct rh_keeper *keeper, int signal)
{
	struct rh_journal journal;
	int               screen = keeper->notify < 0 ? STDERR_FILENO : -1;

	if (rh_journal_init(&journal, keeper->run_dir, screen, NULL) < 0)
		return;
	rh_journal_tell(&journal, "the supervisor was killed by signal %d, %s: what it"
	                " had started was ended", signal, strsignal(signal));
	rh_journal_fini(&journal);
}

static int be_keeper(const struct rh_keeper *keeper, pid_t child, const sigset_t *set)
{
	int status;

	if (keeper->notify >= 0) {
		close(keeper->notify);
		rh_terminal_leave();
	}
	status = keep(child, set);
	rh_keeper_end_children();
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	tell(keeper, WTERMSIG(status));
	if (keeper->run_dir)
		rh_queues_sweep(keeper->run_dir);
	return RH_EXIT_REFUSED;
}

int rh_keeper_fork(const struct rh_keeper *keeper, int *ret_exit, struct rh_diag *diag)
{
	pid_t    self = getpid(), child;
	sigset_t set, before;

	rh_keeper_adopt();
	block(&set, &before);
	fflush(NULL);
	child = fork();
	if (child > 0) {
		*ret_exit = be_keeper(keeper, child, &set);
		sigprocmask(SIG_SETMASK, &before, NULL);
		return 1;
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (child < 0)
		return rh_diag_set(diag, RH_EIO, "cannot fork: %s", strerror(errno));
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != self) /* it died before we asked */
		raise(SIGTERM);
	return 0;
}
