#include "scene.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int scene_fds(void)
{
	DIR *directory = opendir("/proc/self/fd");
	int  count = 0;

	if (!directory)
		abort();
	while (readdir(directory))
		count++;
	closedir(directory);
	return count - 3; /* ".", "..", and the directory itself */
}

void scene_dir(char *path)
{
	const char *base = getenv("TMPDIR");

	snprintf(path, SCENE_PATH, "%s/rhodes-test-XXXXXX",
	         base && base[0] == '/' ? base : "/tmp");
	if (!mkdtemp(path)) {
		perror(path);
		abort();
	}
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

int scene_remove(const char *path)
{
	return nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static const int caught[] = { SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS };

pid_t scene_fork(int (*work)(void *user), void *user)
{
	pid_t pid = fork();

	if (pid < 0)
		abort();
	if (pid == 0) {
		for (size_t i = 0; i < sizeof caught / sizeof caught[0]; i++)
			signal(caught[i], SIG_DFL); /* cmocka's handlers */
		_exit(work(user));
	}
	return pid;
}

int scene_wait(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			abort();
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int scene_child(int (*work)(void *user), void *user)
{
	return scene_wait(scene_fork(work, user));
}
