#include "broker.h"
#include "../harness/machine.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void log_path(char path[128])
{
	snprintf(path, 128, "%s/broker.log", bench_dir());
}

static _Noreturn void be_broker(char *const argv[], const char *path)
{
	int log = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (log < 0 || dup2(log, STDOUT_FILENO) < 0 || dup2(log, STDERR_FILENO) < 0)
		_exit(126);
	execvp(argv[0], argv);
	_exit(127);
}

static int file_holds(const char *path, const char *word)
{
	char    text[4096];
	int     fd = open(path, O_RDONLY);
	ssize_t len = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;

	if (fd >= 0)
		close(fd);
	if (len < 0)
		return 0;
	text[len] = 0;
	return strstr(text, word) != NULL;
}

pid_t bench_broker_start(struct bench_run *run, char *const argv[], const char *ready)
{
	uint64_t until = bench_now() + 10000000000u;
	char     path[128];
	pid_t    pid;

	log_path(path);
	if ((pid = fork()) < 0)
		bench_die("fork");
	if (pid == 0)
		be_broker(argv, path);
	while (!file_holds(path, ready)) {
		struct timespec moment = { .tv_nsec = 5000000 };

		if (waitpid(pid, NULL, WNOHANG) == pid || bench_now() > until)
			bench_fail("%s did not start", argv[0]);
		nanosleep(&moment, NULL);
	}
	bench_adopt(run, pid);
	return pid;
}

void bench_broker_stop(pid_t pid)
{
	char path[128];

	log_path(path);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	unlink(path);
}
