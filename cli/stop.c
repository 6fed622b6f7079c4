#include "stop.h"

#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <unistd.h>

int rh_stop_open(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static int writer;

static void on_stop(int number)
{
	char byte = (char)number;

	if (write(writer, &byte, 1) < 0)
		return; /* it was asked to stop before */
}

int rh_stop_open_unblocked(void)
{
	struct sigaction action = { .sa_handler = on_stop };
	int              ends[2];

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return -1;
	writer = ends[1];
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	return ends[0];
}
