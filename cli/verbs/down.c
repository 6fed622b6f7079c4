#include "../cli.h"
#include "../supervise/lock.h"
#include "../verb.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define STOP_TIMEOUT_S 60

/* Waits until the process has ended. */
static int await(struct rh_cli *cli, int pidfd, pid_t pid, long timeout_s)
{
	struct pollfd end = { .fd = pidfd, .events = POLLIN };
	int           n;

	do {
		n = poll(&end, 1, (int)timeout_s * 1000);
	} while (n < 0 && errno == EINTR);
	if (n == 0)
		return rh_cli_fail(cli, RH_EXIT_REFUSED,
		                   "the system \"%s\" (pid %d) still stops after %ld s;"
		                   " `rhodes logs` tells what it waits for",
		                   cli->dirs.system, (int)pid, timeout_s);
	fprintf(cli->out, "the system \"%s\" is down\n", cli->dirs.system);
	return RH_EXIT_OK;
}

int rh_verb_down(struct rh_cli *cli)
{
	long           timeout_s = STOP_TIMEOUT_S;
	struct rh_diag diag = { 0 };
	pid_t          pid;
	int            pidfd, result;

	if (rh_args_number(&cli->args, "timeout", 1, 3600, &timeout_s, &diag) ==
	    RH_EINVAL)
		return rh_cli_usage(cli, "%s", diag.text);
	pidfd = rh_lock_holder(&cli->dirs, &pid, &diag);
	if (pidfd < 0)
		return rh_cli_fail(cli, rh_cli_exit_of(pidfd), "%s", diag.text);
	if (syscall(SYS_pidfd_send_signal, pidfd, SIGTERM, NULL, 0) < 0 && errno != ESRCH)
		result = rh_cli_fail(cli, RH_EXIT_REFUSED, "cannot stop pid %d: %s",
		                     (int)pid, strerror(errno));
	else
		result = await(cli, pidfd, pid, timeout_s);
	close(pidfd);
	return result;
}
