#include "threads.h"

#include "../model/error.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static ssize_t read_file(const char *path, char *text, size_t cap)
{
	int     fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, text, cap - 1);
	if (n < 0)
		n = -errno;
	else
		text[n] = '\0';
	close(fd);
	return n;
}

/* "pid (name) S ppid ...": a name may hold anything, also ") ". */
int rh_thread_stat(pid_t pid, pid_t tid, struct rh_thread_stat *ret_stat)
{
	struct rh_thread_stat stat = { .cpu = -1 };
	char                  path[64], text[1024];
	char                 *name, *end;
	unsigned long long    start;

	snprintf(path, sizeof path, "/proc/%d/task/%d/stat", (int)pid, (int)tid);
	if (read_file(path, text, sizeof text) <= 0 || !(name = strchr(text, '(')) ||
	    !(end = strrchr(text, ')')))
		return RH_ENOENT;
	*end = '\0';
	snprintf(stat.name, sizeof stat.name, "%.31s", name + 1);
	if (sscanf(end + 2, "%c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d "
	           "%*d %*d %*d %llu %*u %*d %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u "
	           "%*u %*u %*d %d", &stat.state, &start, &stat.cpu) < 2)
		return RH_ENOENT;
	stat.start = start;
	*ret_stat = stat;
	return RH_OK;
}

int rh_threads(pid_t pid, rh_threads_visit *visit, void *user)
{
	char           path[64];
	struct dirent *entry;
	DIR           *dir;
	int            r = RH_OK;

	snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
	dir = opendir(path);
	if (!dir)
		return RH_ENOENT;
	while (r == RH_OK && (entry = readdir(dir))) {
		if (entry->d_name[0] != '.')
			r = visit(user, (pid_t)strtol(entry->d_name, NULL, 10));
	}
	closedir(dir);
	return r;
}

int rh_thread_children(pid_t pid, pid_t tid, rh_threads_visit *visit, void *user)
{
	char  path[64];
	FILE *file;
	int   child, r = RH_OK;

	snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid, (int)tid);
	file = fopen(path, "re");
	if (!file) {
		snprintf(path, sizeof path, "/proc/%d/task/%d", (int)pid, (int)tid);
		return access(path, F_OK) == 0 ? RH_ENOSYS : RH_ENOENT;
	}
	while (r == RH_OK && fscanf(file, "%d", &child) == 1)
		r = visit(user, (pid_t)child);
	fclose(file);
	return r;
}
