#include "tool.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void drain(int fd, char *text, size_t cap)
{
	size_t used = 0;
	char   rest[4096];

	for (;;) {
		bool    keep = text && used + 1 < cap;
		ssize_t len = keep ? read(fd, text + used, cap - used - 1)
		                   : read(fd, rest, sizeof rest);

		if (len < 0 && errno == EINTR)
			continue;
		if (len <= 0)
			break;
		if (keep)
			used += (size_t)len;
	}
	if (text && cap)
		text[used] = '\0';
}

static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return RH_EIO;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? RH_OK : RH_EIO;
}

static int start(const char *const *argv, bool with_errors, int out, pid_t *ret)
{
	posix_spawn_file_actions_t actions;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, out, 1);
	if (with_errors)
		posix_spawn_file_actions_adddup2(&actions, out, 2);
	else
		posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	int code = posix_spawnp(ret, argv[0], &actions, NULL,
	                        (char *const *)(uintptr_t)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (code == 0)
		return RH_OK;
	return code == ENOENT ? RH_ENOENT : RH_EIO;
}

int rh_tool_run(const char *const *argv, bool with_errors, char *text, size_t cap)
{
	int   ends[2];
	pid_t pid;

	if (text && cap)
		text[0] = '\0';
	if (pipe2(ends, O_CLOEXEC) < 0)
		return RH_EIO;
	int result = start(argv, with_errors, ends[1], &pid);
	close(ends[1]);
	if (result >= 0) {
		drain(ends[0], text, cap);
		result = wait_for(pid);
	}
	close(ends[0]);
	return result;
}
