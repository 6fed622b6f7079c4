#include "spawn.h"

#include "../../base/diag.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void set_environment(const char *const *env)
{
	for (; env && *env; env++) {
		/* putenv keeps the pointer; the process becomes another one anyway. */
		if (strchr(*env, '='))
			putenv((char *)(uintptr_t)*env);
		else
			unsetenv(*env);
	}
}

static void reset_signals(void)
{
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Becomes the program, or tells errno through the pipe. */
static _Noreturn void become(const struct rh_spawn *spawn, pid_t parent, int output,
                             int trouble)
{
	int err_no, null;

	if (spawn->as == RH_SPAWN_SERVICE)
		setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent) /* it died before we asked */
		_exit(127);
	reset_signals();
	if (spawn->as == RH_SPAWN_SERVICE) {
		null = open("/dev/null", O_RDONLY | O_CLOEXEC);
		if (null >= 0)
			dup2(null, STDIN_FILENO);
		dup2(output, STDERR_FILENO);
		/* What whoever started us left open is no business of a service. */
		close_range(STDERR_FILENO + 1, ~0u, CLOSE_RANGE_CLOEXEC);
	}
	if (spawn->as != RH_SPAWN_HELPER)
		dup2(output, STDOUT_FILENO);
	set_environment(spawn->env);
	execvp(spawn->argv[0], spawn->argv);
	err_no = errno;
	if (write(trouble, &err_no, sizeof err_no) < 0)
		_exit(127);
	_exit(127);
}

/* Waits for exec: 0, or what it failed with. */
static int trouble_of(int fd)
{
	int     err_no = 0;
	ssize_t n;

	do {
		n = read(fd, &err_no, sizeof err_no);
	} while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof err_no ? err_no : 0;
}

static int refuse(const struct rh_spawn *spawn, int err_no, struct rh_diag *diag)
{
	int code = err_no == ENOENT ? RH_ENOENT : err_no == EACCES ? RH_EACCES : RH_EIO;

	return rh_diag_set(diag, code, "cannot start %.160s: %s", spawn->argv[0],
	                   strerror(err_no));
}

static void close_pair(const int *fds)
{
	if (fds[0] >= 0)
		close(fds[0]);
	if (fds[1] >= 0)
		close(fds[1]);
}

/* Both pipes are open; takes the read end of output on success. */
static int start(const struct rh_spawn *spawn, const int *output, int *trouble,
                 struct rh_spawned *ret_spawned, struct rh_diag *diag)
{
	pid_t parent = getpid(), pid = fork();
	int   err_no, pidfd;

	if (pid < 0)
		return refuse(spawn, errno, diag);
	if (pid == 0)
		become(spawn, parent, output[1], trouble[1]);
	close(trouble[1]);
	trouble[1] = -1;
	err_no = trouble_of(trouble[0]);
	pidfd = err_no ? -1 : (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0) {
		err_no = err_no ? err_no : errno;
		kill(pid, SIGKILL);
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
		return refuse(spawn, err_no, diag);
	}
	*ret_spawned = (struct rh_spawned){ .pid = pid, .pidfd = pidfd,
	                                    .output = output[0] };
	return RH_OK;
}

int rh_spawn(const struct rh_spawn *spawn, struct rh_spawned *ret_spawned,
             struct rh_diag *diag)
{
	int output[2] = { -1, -1 }, trouble[2] = { -1, -1 };
	int r;

	if (pipe2(trouble, O_CLOEXEC) < 0)
		return refuse(spawn, errno, diag);
	if (spawn->as != RH_SPAWN_HELPER && pipe2(output, O_CLOEXEC) < 0) {
		r = refuse(spawn, errno, diag);
		close_pair(trouble);
		return r;
	}
	r = start(spawn, output, trouble, ret_spawned, diag);
	close_pair(trouble);
	if (r == RH_OK && output[0] >= 0) {
		if (spawn->as == RH_SPAWN_SERVICE)
			fcntl(output[0], F_SETFL, O_NONBLOCK);
		output[0] = -1;
	}
	close_pair(output);
	return r;
}

void rh_spawn_signal(const struct rh_spawned *spawned, int signal)
{
	/* Not collected yet, so pid and group are still its own. */
	if (kill(-spawned->pid, signal) < 0)
		kill(spawned->pid, signal);
}

int rh_spawn_wait(const struct rh_spawned *spawned, int *ret_code, int *ret_by_signal)
{
	int   status;
	pid_t pid;

	do {
		pid = waitpid(spawned->pid, &status, WNOHANG);
	} while (pid < 0 && errno == EINTR);
	if (pid == 0)
		return RH_EAGAIN;
	if (pid < 0) { /* somebody else collected it: nothing is known */
		*ret_code = 255;
		*ret_by_signal = 0;
		return RH_OK;
	}
	*ret_by_signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	*ret_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + *ret_by_signal;
	return RH_OK;
}

int rh_spawn_await(struct rh_spawned *spawned)
{
	struct pollfd end = { .fd = spawned->pidfd, .events = POLLIN };
	int           code, by_signal;

	while (rh_spawn_wait(spawned, &code, &by_signal) == RH_EAGAIN)
		poll(&end, 1, -1);
	close(spawned->pidfd);
	return code;
}

int rh_spawn_capture(const char *const *argv, char **ret_text, size_t *ret_len,
                     struct rh_diag *diag)
{
	struct rh_spawn   order = { .argv = (char *const *)(uintptr_t)argv,
		                    .as = RH_SPAWN_CAPTURE };
	struct rh_spawned spawned;
	char              bytes[16384], *text = NULL;
	size_t            len = 0;
	ssize_t           n;
	FILE             *memory = open_memstream(&text, &len);
	int               r = memory ? rh_spawn(&order, &spawned, diag)
	                             : rh_diag_set(diag, RH_ENOMEM, "out of memory");

	while (r == RH_OK && (n = read(spawned.output, bytes, sizeof bytes)) > 0)
		fwrite(bytes, 1, (size_t)n, memory);
	if (r == RH_OK) {
		close(spawned.output);
		r = rh_spawn_await(&spawned);
	}
	if (memory && fclose(memory) != 0 && r >= 0)
		r = rh_diag_set(diag, RH_ENOMEM, "out of memory");
	if (r < 0) {
		free(text);
		return r;
	}
	*ret_text = text;
	*ret_len = len;
	return r;
}
