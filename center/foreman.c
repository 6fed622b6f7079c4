#include "foreman.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FOREMAN_MAX_MS   5000u
#define FOREMAN_FIRST_MS 50u

/* What it waits for: a child that ended, and its center. */
static sigset_t awaited;

/* Whom a builder left behind is a child of the foreman's by now. */
static void end_orphans(void)
{
	char path[64];
	int  pid, ended = 1;

	snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
	while (ended) {
		FILE *file = fopen(path, "re");

		ended = 0;
		while (file && fscanf(file, "%d", &pid) == 1) {
			kill(pid, SIGKILL);
			while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
				;
			ended = 1; /* and may have left others */
		}
		if (file)
			fclose(file);
	}
}

_Noreturn static void end(pid_t builder, int status)
{
	if (builder > 0) {
		kill(builder, SIGKILL);
		while (waitpid(builder, NULL, 0) < 0 && errno == EINTR)
			;
	}
	end_orphans();
	_exit(status);
}

static pid_t start(rh_foreman_builder *builder, struct rh_foreman_board *board,
                   const char *state)
{
	pid_t parent = getpid(), child = fork();

	if (child != 0)
		return child;
	sigprocmask(SIG_UNBLOCK, &awaited, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "rhodes-builder");
	_exit(getppid() == parent ? builder(board, state) : 1);
}

/* Returns how it ended; or ends, because the center did. */
static int await(pid_t builder)
{
	int   status;
	pid_t pid;

	for (;;) {
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0) { /* others were left to it */
			if (pid == builder)
				return status;
		}
		if (sigwaitinfo(&awaited, NULL) == RH_FOREMAN_END)
			end(builder, 0);
	}
}

static void rest(unsigned ms)
{
	struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };
	sigset_t        ended;

	sigemptyset(&ended);
	sigaddset(&ended, RH_FOREMAN_END);
	if (sigtimedwait(&ended, NULL, &time) == RH_FOREMAN_END)
		end(0, 0);
}

static void become(int parent)
{
	sigemptyset(&awaited);
	sigaddset(&awaited, SIGCHLD);
	sigaddset(&awaited, RH_FOREMAN_END);
	sigprocmask(SIG_BLOCK, &awaited, NULL);
	prctl(PR_SET_PDEATHSIG, RH_FOREMAN_END);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	prctl(PR_SET_NAME, "rhodes-foreman");
	if (getppid() != parent)
		_exit(1);
}

_Noreturn void rh_foreman_run(int parent, rh_foreman_builder *builder, void (*died)(void),
                              const char *state)
{
	struct rh_foreman_board *board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE,
	                                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned long            built = 0;
	unsigned                 ms = 0;

	become(parent);
	while (board != MAP_FAILED) {
		pid_t child = start(builder, board, state);
		int   status = child > 0 ? await(child) : -1;

		if (status == 0)
			end(0, 0); /* no orders come any more */
		end_orphans();
		died();
		if (board->built != built)
			ms = 0;
		built = board->built;
		rest(ms);
		ms = ms == 0 ? FOREMAN_FIRST_MS : ms * 2 < FOREMAN_MAX_MS ? ms * 2 : FOREMAN_MAX_MS;
	}
	_exit(1);
}
